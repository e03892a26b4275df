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
