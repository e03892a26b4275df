#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A PCI device keeps DMA running in both directions on DAX files whose pages move, go, and lose their device and namespace.
# vm: --mem 2G --nvdimm 1G --edu 2
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# soak: yes

# shellcheck source=tests/vm/lib/edu.sh
. "$PINFOLD_TOP/tests/vm/lib/edu.sh"

# hold HOW EDU: streams until it is stopped from outside
stream() {
	local line

	coproc STREAM { PF_EDU=$2 exec "$PF" edu hold "$1" "$MNT/hold-$1"; }
	STREAM_PROC=$STREAM_PID
	read -r line <&"${STREAM[0]}" || fail "no stream"
	assert_eq "$line" ready "stream"
	exec {STREAM_OUT}<&"${STREAM[0]}"
}

# stream_ended TEXT
stream_ended() {
	local line

	read -r line <&"$STREAM_OUT" || fail "the stream said nothing"
	exec {STREAM_OUT}<&-
	wait "$STREAM_PROC" || fail "stream: $line"
	assert_eq "$line" "$1" "end of the stream"
}

edu_load stable=1
pf edu unstable pin none
edu_load
pinfold_create 1G --spare 4M
make_fs
mount_fs
both bad
both stream
both taken

# The device is unbound, while its user has it open.
for how in pin dmabuf; do
	stream $how /dev/edu0
	pci=$(basename "$(readlink /sys/class/misc/edu0/device)")
	echo "$pci" >/sys/bus/pci/drivers/edu/unbind
	stream_ended "edu, $how: unbound"
	echo "$pci" >/sys/bus/pci/drivers/edu/bind
	retry 10 test -c /dev/edu0 || fail "not bound again"
done

# The namespace goes, with a file system on it; the device has stopped before.
for how in pin dmabuf; do
	case $FS in
	ext4) allow_klog "EXT4-fs (error|\(.*shut ?down)|EXT4-fs" ;;
	xfs) allow_klog "XFS \(.*([Ss]hut ?down|[Cc]orrupt)" ;;
	esac
	stream $how /dev/edu1
	echo "$NS" >"$ND/devices/$NS/driver/unbind"
	stream_ended "edu, $how: taken away"
	umount "$MNT"
	retry 20 pinfold attach "$NS" >/dev/null 2>&1 || fail "attach: $(pinfold attach "$NS" 2>&1)"
	pinfold_ready
	mount_fs
done

# Memory of the NVDIMM is above 4 GiB: by the registry there is a bounce buffer.
edu_load dma_bits=32
pf edu evacuate pin "$MNT/pin"
pf edu far dmabuf "$MNT/dmabuf"
umount "$MNT"
case $FS in
ext4) e2fsck -fp "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
edu_unload
