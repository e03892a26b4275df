#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Files used by read and write, and the file system itself, populate nothing; one mapped byte one chunk.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

pinfold_use 4G
EVENTS=$(stat_of populate_events)

# assert_hidden WHAT: nothing happened so far
assert_hidden() {
	assert_populated "$BASE" "$1"
	assert_eq "$(stat_of populate_events)" "$EVENTS" "$1: populate_events"
}

make_fs
assert_hidden mkfs
mount_fs
assert_hidden mount
mkdir "$MNT/tree"
cp -r "$PINFOLD_TOP/tests/vm" "$PINFOLD_TOP/fs" "$MNT/tree/"
diff -r "$PINFOLD_TOP/tests/vm" "$MNT/tree/vm"
assert_hidden "cp -r and diff"
dd if=/dev/urandom of="$MNT/random" bs=1M count=16 status=none
dd if="$MNT/random" of="$MNT/direct" bs=1M oflag=direct status=none
cmp "$MNT/random" "$MNT/direct"
dd if="$MNT/direct" of=/dev/null bs=64k iflag=direct status=none
pf fill "$MNT/file" 16M 7
pf verify "$MNT/file" 16M 7 read
assert_hidden "dd, also O_DIRECT"
truncate -s 1M "$MNT/file"
truncate -s 16M "$MNT/file"
rm -r "$MNT/tree"
sync
echo 3 >/proc/sys/vm/drop_caches
assert_hidden "truncate, rm, sync, drop_caches"
umount "$MNT"
assert_hidden umount
case $FS in
ext4) e2fsck -fp "$DEV" ;;
xfs) xfs_repair "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
assert_hidden fsck
dd if="$DEV" of=/dev/null bs=1M count=64 status=none
assert_hidden "read of the block device"

mount_fs
pf touch "$MNT/random" 5M 4K 1
assert_populated $((BASE + CHUNK)) "one byte of a mapping"
assert_eq "$(stat_of populate_events)" $((EVENTS + 1)) "populate_events"
assert_eq "$(stat_of memmap_bytes)" $(((KEPT + CHUNK) / 64)) "memmap_bytes"
pf touch "$MNT/random" 5M 0 100
assert_populated $((BASE + CHUNK)) "the same byte again"
cmp "$MNT/random" "$MNT/direct"
printf 'one mapped byte: %s -> %s bytes populated\n' "$BASE" "$(populated)"
