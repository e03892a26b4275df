#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# trim gives back what nobody maps, and never loses a byte.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 900
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
assert_holder known "holder of a mounted $FS"
pf fill "$MNT/file" 32M 4
pf fill "$MNT/other" 32M 5
pf touch "$MNT/file" 0 4K 8192
FULL=$(populated)
[ "$FULL" -ge $((BASE + (32 << 20))) ] || fail "populated $FULL"

# munmap, exit, sync and drop_caches=1 change nothing: the entries stay.
sync
echo 1 >/proc/sys/vm/drop_caches
assert_populated "$FULL" "after exit"
TRIMS=$(stat_of trims)
tool trim "$NS"
assert_populated "$BASE" "trimmed"
assert_eq "$(stat_of spans)" 2 "spans after trim"
assert_eq "$(stat_of trims)" $((TRIMS + 1)) "trims"
pf verify "$MNT/file" 32M 4 read
assert_populated "$BASE" "read of a trimmed file"
pf verify "$MNT/file" 32M 4 map
pf verify "$MNT/other" 32M 5 map

# Mapped by somebody: stays, while the other file's pages go.
tool trim "$NS"
hold "$MNT/file" 16M
HELD_BYTES=$(populated)
pf touch "$MNT/other" 0 4K 8192
tool trim "$NS"
AFTER=$(populated)
[ "$AFTER" -ge $((BASE + (16 << 20))) ] || fail "trim took mapped pages: $AFTER left"
[ "$AFTER" -le $((HELD_BYTES + 2 * CHUNK)) ] || fail "trim left unmapped pages: $AFTER of $HELD_BYTES"
# With --mapped it goes too, and the holder just faults again.
tool trim --mapped "$NS"
[ "$(populated)" -lt "$AFTER" ] || fail "trim --mapped gave nothing back"
hold_end
assert_eq "$HELD" kept "mapping after trim --mapped"
pf verify "$MNT/file" 32M 4 read

# What a pipe refers to stays, and the file system can wait for it. Truncating what nobody maps does not wait,
# and the kernel warns once of the reference.
allow_klog "WARNING: .* (dax_disassociate_entry|__dax_invalidate_entry)\\+"
allow_klog "Call Trace:"
tool trim "$NS"
pf piped "$MNT/piped" "$DEV"

# Nor is one lost sight of that comes in the middle of a trim.
modprobe pf_grab
pf grabbed "$MNT/grabbed" "$DEV"
rmmod pf_grab

# --bytes stops early.
tool trim "$NS"
pf touch "$MNT/other" 0 4K 8192
BEFORE=$(populated)
tool trim --bytes 4M "$NS"
GONE=$((BEFORE - $(populated)))
assert_between "$GONE" $((4 << 20)) $((BEFORE - BASE - 1)) "given back by --bytes 4M"

# After umount nobody is left to be asked.
pf touch "$MNT/file" 0 4K 8192
umount "$MNT"
assert_holder none "holder after umount"
tool trim "$NS"
assert_populated "$BASE" "trimmed after umount"
mount_fs
pf verify "$MNT/file" 32M 4 map
