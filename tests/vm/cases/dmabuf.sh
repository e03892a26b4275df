#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Ranges of DAX files as dma-bufs: importers follow moves, lose what is taken away, and are refused where they cannot.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: move
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

# A kernel of our own has no graphics: the importer of the kernel's own is for Debian's.
stock=(vgem)
case $PINFOLD_KVER in
*-debug-*) stock=() ;;
esac
modprobe -a dax_dmabuf pf_importer "${stock[@]}"
retry 10 test -c /dev/pinfold-dmabuf -a -c /dev/pf_importer || fail "no devices"
[ ${#stock[@]} -eq 0 ] || retry 10 test -c /dev/dri/card0 || fail "no vgem"
start_fs 4G
PF_PIN_SCALE=$(budget 1)
export PF_PIN_SCALE
for t in bad fd follow pinning ends keep gap "${stock[@]}"; do
	pf dmabuf $t "$MNT/file"
done
expect_klog 'pinner dma-buf: revoke took longer than 1000 ms'
pf dmabuf late "$MNT/file"
umount "$MNT"
case $FS in
ext4) e2fsck -fn "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
[ ${#stock[@]} -eq 0 ] || rmmod "${stock[@]}"
retry 20 rmmod pf_importer dax_dmabuf || fail "the modules do not go"
