#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unbinding while mounted and mapped harms nobody, and after umount the data is back.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf fill "$MNT/file" 16M 16
sync
hold "$MNT/file" 4M

# The tool and the module loader refuse.
run_expect_fail pinfold detach "$NS"
echo "$ERR" | grep -q "is mounted at $MNT" || fail "detach: $ERR"
run_expect_fail pinfold destroy --force "$NS"
run_expect_fail rmmod nd_pinfold
run_expect_fail rmmod dax_backing
if command -v ndctl >/dev/null; then
	! ndctl disable-namespace "$NS" 2>/tmp/case.ndctl || fail "ndctl disabled a mounted namespace"
	cat /tmp/case.ndctl
fi
[ -e "/sys/block/$DISK/pinfold" ] || fail "the disk is gone"

# The kernel obeys: what that means is the file system's business, as with any disk.
case $FS in
ext4) expect_klog "EXT4-fs (error|\(.*shut ?down)|EXT4-fs" ;;
xfs) expect_klog "XFS \(.*([Ss]hut ?down|[Cc]orrupt)" ;;
esac
echo "$NS" >"$ND/devices/$NS/driver/unbind"
assert_eq "$(driver_of "$NS")" none "driver after unbind"
hold_end
printf 'the mapping after unbind: %s\n' "$HELD"
case $HELD in
"signal 7" | kept) ;;
*) fail "process that had it mapped: $HELD" ;;
esac

# Not again before that file system is gone.
dmesg_mark
run_expect_fail pinfold attach "$NS"
assert_dmesg "$NS: not attached: .* is in use, perhaps by a file system mounted before" "attach while mounted"
umount "$MNT"
retry 20 pinfold attach "$NS" >/dev/null 2>&1 || fail "attach after umount: $(pinfold attach "$NS" 2>&1)"
pinfold_ready
assert_populated "$KEPT" "attached again"
mount_fs
pf verify "$MNT/file" 16M 16 read
pf verify "$MNT/file" 16M 16 map
umount "$MNT"
case $FS in
ext4) e2fsck -fp "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
