#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Partitions of the disk, and device-mapper on top of it, carry DAX; a holder that cannot be asked keeps its pages.
# 6.1 adds a partition that reaches past the end of the disk: what is behind the end is an error.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need addpart dmsetup
export FS=ext4
pinfold_use 4G
addpart "$DEV" 1 4096 524288
addpart "$DEV" 2 $((1 << 21)) 524288
retry 20 test -b "${DEV}p2" || fail "no ${DEV}p2"
trap 'umount /mnt/1 /mnt/2 2>/dev/null || true; dmsetup remove pf 2>/dev/null || true; delpart "$DEV" 1; delpart "$DEV" 2' EXIT

for n in 1 2; do
	make_fs ext4 "${DEV}p$n"
	mount_fs ext4 "${DEV}p$n" "/mnt/$n"
	pf fill "/mnt/$n/file" 16M "2$n"
done
assert_populated "$BASE" "file systems on partitions"
assert_holder known "holder: two partitions"
for n in 1 2; do
	pf touch "/mnt/$n/file" 0 4K 4096
	pf verify "/mnt/$n/file" 16M "2$n" map
done
[ "$(populated)" -ge $((BASE + (32 << 20))) ] || fail "populated $(populated)"
tool prefault "/mnt/2/file"
tool trim "$NS"
assert_populated "$BASE" "trimmed below partitions"
for n in 1 2; do
	pf verify "/mnt/$n/file" 16M "2$n" map
done
umount /mnt/1 /mnt/2
tool trim "$NS"
assert_populated "$BASE" "trimmed after umount"

# One partition's claim is device-mapper's.
modprobe dm_mod
echo "0 524288 linear ${DEV}p2 0" | dmsetup create pf
mount_fs ext4 "${DEV}p1" /mnt/1
mount_fs ext4 /dev/mapper/pf /mnt/2
assert_holder unknown "holder with device-mapper"
pf verify /mnt/2/file 16M 22 map
pf mmap /mnt/2/dm
FULL=$(populated)
[ "$FULL" -gt "$BASE" ] || fail "mapping through device-mapper populated nothing"
pinfold trim "$NS" | tee /tmp/case.trim
grep -q '"trimmed":0' /tmp/case.trim || fail "trim below device-mapper"
pinfold trim --mapped "$NS" | grep -q '"trimmed":0' || fail "trim --mapped below device-mapper"
assert_populated "$FULL" "trim below device-mapper"
run_expect_fail pinfold detach "$NS"
umount /mnt/1 /mnt/2
dmsetup remove pf
assert_holder none "holder after dmsetup remove"
tool trim "$NS"
assert_populated "$BASE" "trimmed after device-mapper"

# A megabyte before the end of the disk, and three behind it
SECTORS=$(blockdev --getsz "$DEV")
if addpart "$DEV" 3 $((SECTORS - 2048)) 8192 2>/dev/null; then
	retry 20 test -b "${DEV}p3" || fail "no ${DEV}p3"
	dd if=/dev/urandom of=/tmp/case.data bs=1M count=1 status=none
	dd if=/tmp/case.data of="${DEV}p3" bs=1M count=1 oflag=direct status=none
	dd if="${DEV}p3" bs=1M count=1 iflag=direct status=none | cmp - /tmp/case.data || fail "before the end of the disk"
	for skip in 2048 2055 4096 8184; do
		for flag in '' direct; do
			run_expect_fail dd if="${DEV}p3" of=/dev/null bs=512 count=8 skip=$skip ${flag:+iflag=$flag}
			run_expect_fail dd if=/dev/zero of="${DEV}p3" bs=512 count=8 seek=$skip conv=fsync ${flag:+oflag=$flag}
		done
	done
	run_expect_fail dd if=/dev/zero of="${DEV}p3" bs=64K count=1 seek=1020K oflag=direct,seek_bytes
	run_expect_fail blkdiscard -z -o 1M -l 1M "${DEV}p3"
	echo 3 >/proc/sys/vm/drop_caches
	dd if="${DEV}p3" of=/tmp/case.back bs=1M count=1 iflag=direct status=none
	cmp -n $((1020 << 10)) /tmp/case.back /tmp/case.data ||
		fail "before the end of the disk, after requests behind it"
	delpart "$DEV" 3
	echo "a partition past the end: every request behind the end failed"
else
	echo "a partition past the end is refused by the kernel"
fi
