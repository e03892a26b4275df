#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# XFS as mkfs.xfs makes it, with reflink: works, and trim waits for umount.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

export FS=xfs-reflink
start_fs
assert_holder xfs-reflink "holder"
pf mmap "$MNT/file"
pf alias "$MNT/alias"
pf fill "$MNT/file" 16M 6
pf touch "$MNT/file" 0 4K 4096
# Mapping what two files share warns once in dax_insert_entry() of 6.1, with stock nd_pmem too.
case $(uname -r) in
6.1.*) expect_klog 'WARNING: .* dax_insert_entry|Call Trace:' ;;
esac
cp --reflink=always "$MNT/file" "$MNT/clone"
pf fill "$MNT/other" 16M 7
pf verify "$MNT/clone" 16M 6 map
pf touch "$MNT/clone" 0 4K 4096
dd if="$MNT/other" of="$MNT/clone" bs=1M seek=4 count=4 conv=notrunc status=none
pf verify "$MNT/file" 16M 6 map

FULL=$(populated)
pinfold trim "$NS" >/tmp/case.trim
cat /tmp/case.trim
assert_populated "$FULL" "trim of a mounted XFS with reflink"
grep -q '"trimmed":0' /tmp/case.trim || fail "trimmed"
grep -q "\"busy\":$FULL" /tmp/case.trim || fail "busy"
umount "$MNT"
tool trim "$NS"
assert_populated "$BASE" "trim after umount"
mount_fs
pf verify "$MNT/file" 16M 6 map
umount "$MNT"
xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)"

# Pages that moved while nobody had the disk. XFS's copying and unsharing ask for addresses without looking at how far
# they go: past the end of what is in one piece they would find other pages, so they must fail instead, or be right.
mount_fs
pf fill "$MNT/moved" 1M 21
AT=$(pf extent "$MNT/moved" 101)
# Shared and mapped by two files, then by none: 6.1 leaves a mark on the pages, which is no reason to stay.
pf fill "$MNT/marked" 64K 23
cp --reflink=always "$MNT/marked" "$MNT/twin"
pf verify "$MNT/twin" 64K 23 map
pf verify "$MNT/marked" 64K 23 map
MARKED=$(pf extent "$MNT/marked" 3)
umount "$MNT"
for at in "$AT" "$MARKED"; do
	pf move "$DEV" relocate "$at" 4096 | tee /tmp/case.moved
	grep -q "moved 1" /tmp/case.moved || fail "nothing moved"
done
mount_fs
# The page's old place has something else from now on.
pf fill /tmp/case.model 1M 21
pf fill /tmp/case.new 1M 22
dd if=/tmp/case.new of=/tmp/case.model bs=4K skip=101 seek=101 count=1 conv=notrunc status=none
dd if=/tmp/case.new of="$MNT/moved" bs=4K skip=101 seek=101 count=1 conv=notrunc status=none
cp --reflink=always "$MNT/moved" "$MNT/unshared"
cp --reflink=always "$MNT/moved" "$MNT/written"
# same FILE MODEL: page by page, which needs nothing in one piece
same() {
	dd if="$1" bs=4K status=none | cmp - "$2" || fail "$1 has data of other pages"
}
xfs_io -c "funshare 0 1m" "$MNT/unshared" || echo "unsharing refused"
same "$MNT/unshared" /tmp/case.model
# From the middle of a page to the middle of the one that moved.
if dd if=/tmp/case.new of="$MNT/written" bs=12K count=1 oflag=seek_bytes seek=$((98 * 4096 + 2048)) conv=notrunc status=none; then
	cp /tmp/case.model /tmp/case.written
	dd if=/tmp/case.new of=/tmp/case.written bs=12K count=1 oflag=seek_bytes seek=$((98 * 4096 + 2048)) conv=notrunc status=none
	same "$MNT/written" /tmp/case.written
else
	echo "writing over a shared part refused"
	same "$MNT/written" /tmp/case.model
fi
same "$MNT/moved" /tmp/case.model
umount "$MNT"
xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)"
tool restore "$NS"
