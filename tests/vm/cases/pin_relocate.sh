#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages of DAX files move on the media under devices that keep writing to them; the pins follow.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: move
# soak: yes

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
start_fs 4G
PF_PIN_SCALE=$(budget 1)
export PF_PIN_SCALE
pf pin relocate "$MNT/file"
umount "$MNT"
case $FS in
ext4) e2fsck -fn "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
pins_end
