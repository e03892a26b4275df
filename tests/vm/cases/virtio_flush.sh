#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fsync on virtio-pmem asks the host to flush; bios with flush and FUA, too.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 300
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

export FS=ext4
start_fs 512M

# Each flush is a request to the host; its answer is an interrupt of the device.
VIRTIO=$(readlink -f "$ND/devices/$REGION" | grep -o 'virtio[0-9]*')
flushes() {
	awk -v dev="$VIRTIO" '$NF ~ "^" dev "(-|$)" { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' \
		/proc/interrupts
}
[ "$(flushes)" -gt 0 ] || fail "no interrupts of $VIRTIO: $(cat /proc/interrupts)"

# flushed NUMBER WHAT COMMAND...: the host was asked at least so often
flushed() {
	local least=$1 what=$2 before
	shift 2
	before=$(flushes)
	"$@"
	[ $(($(flushes) - before)) -ge "$least" ] || fail "$what: the host was not asked to flush: $before, $(flushes)"
	printf '%s: %s flushes\n' "$what" $(($(flushes) - before))
}

flushed 1 "fsync of a written file" dd if=/dev/zero of="$MNT/file" bs=4k count=16 conv=fsync status=none
flushed 1 "O_SYNC" dd if=/dev/zero of="$MNT/file" bs=4k count=4 oflag=sync conv=notrunc status=none
pf fill "$MNT/file" 4M 12
pf touch "$MNT/file" 0 4K 1024
flushed 1 "fsync of a mapped file" sync "$MNT/file"
pf verify "$MNT/file" 4M 12 map
umount "$MNT"
# Each write is one with FUA, and has a flush behind it.
flushed 8 "O_DSYNC to the disk" dd if=/dev/zero of="$DEV" bs=4k count=4 oflag=direct,dsync seek=1024 status=none
flushed 1 "fsync of the disk" dd if=/dev/zero of="$DEV" bs=4k count=4 conv=fsync seek=1024 status=none
