#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Legs that do not belong are refused, by the kernel and by the tool, with a reason.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 300
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

raid_legs 5
expect_klog "pfn_raid: |device-mapper: (table|ioctl)"

# refused REGEX TABLE...: what follows the level and the number of legs
refused() {
	dmesg_mark
	run_expect_fail dmsetup create "$ARRAY" --table "0 $SECTORS pfn_raid ${*:2}"
	assert_dmesg "$1" "table ${*:2}"
	[ ! -e "$R" ] || fail "there is a device after ${*:2}"
}

# An earlier case may have left superblocks.
for leg in "${LEG[@]:3}"; do
	dd if=/dev/zero of="$leg" bs=1M count=1 oflag=direct conv=notrunc status=none
done
raid_create raid5 3 --size 4M
SECTORS=$(blockdev --getsz "$R")
raid_write 1 50
raid_stop
A=${LEG[0]} B=${LEG[1]} C=${LEG[2]}

refused "leg 0 .*has another role" raid5 3 "$B" "$A" "$C"
refused "is a raid5, not a raid4" raid4 3 "$A" "$B" "$C"
refused "another number of legs" raid5 4 "$A" "$B" "$C" -
refused "too few legs" raid5 3 "$A" - -
refused "no leg of an array" raid5 3 - - -
refused "no superblock" raid5 3 "$A" "$B" "${LEG[3]}"
refused "it is a leg already" raid5 3 "$A" "$B" "$A"
refused "Surplus arguments" raid5 3 "$A" "$B" "$C" 0 x
refused "Invalid role to rebuild" raid5 3 "$A" "$B" "$C" 2 rebuild 7
refused "Level:" raid7 3 "$A" "$B" "$C"
refused "Invalid number of legs" raid5 33 "$A" "$B" "$C"
RIGHT=$SECTORS SECTORS=$((SECTORS + 8))
refused "has $RIGHT sectors" raid5 3 "$A" "$B" "$C"
SECTORS=$RIGHT

# In use already
tool raid assemble "$ARRAY" "$A" "$B" "$C"
dmesg_mark
run_expect_fail dmsetup create twice --table "0 $SECTORS pfn_raid raid5 3 $A $B $C"
assert_dmesg "in use already" "the same legs twice"
# A table of the same device may take over: suspend, load, resume.
dmsetup reload "$ARRAY" --table "0 $SECTORS pfn_raid raid5 3 $A $B $C"
dmsetup suspend "$ARRAY"
run_expect_fail dmsetup message "$ARRAY" 0 fail 0
dmsetup resume "$ARRAY"
raid_verify "table reloaded"
raid_stop

# One copy of a superblock is enough; of another array's there may be as many.
dd if=/dev/urandom of="$B" bs=4096 seek=1 count=1 oflag=direct conv=notrunc status=none
tool raid assemble "$ARRAY" "$A" "$B" "$C"
raid_verify "one superblock damaged"
raid_stop
tool raid create other --level raid1 --force --size 4M --no-start "${LEG[3]}" "${LEG[4]}"
refused "belongs to another array" raid5 3 "$A" "$B" "${LEG[3]}"
run_expect_fail pinfold raid assemble "$ARRAY" "$A" "$B" "${LEG[3]}"
# Without one of them the tool asks for --degraded, which makes it stale.
run_expect_fail pinfold raid assemble "$ARRAY" "$A" "$B"
grep -q -- --degraded <<<"$ERR" || fail "degraded: $ERR"
tool raid assemble --degraded "$ARRAY" "$A" "$B"
raid_write 2 10
raid_stop
refused "leg 2 .*is stale" raid5 3 "$A" "$B" "$C"
refused "leg 2 .*is stale" raid5 3 "$A" - "$C"
dmsetup create "$ARRAY" --table "0 $SECTORS pfn_raid raid5 3 $A $B $C 2 rebuild 2"
raid_settle
raid_verify "rebuilt by the table line"

# Messages
run_expect_fail dmsetup message "$ARRAY" 0 fail 3
run_expect_fail dmsetup message "$ARRAY" 0 add 0 "${LEG[3]}"
run_expect_fail dmsetup message "$ARRAY" 0 scrub most
run_expect_fail dmsetup message "$ARRAY" 0 dance
# A device that cannot be used costs no redundancy, and nothing is written to it.
run_expect_fail dmsetup message "$ARRAY" 0 replace 1 "$A"
run_expect_fail dmsetup message "$ARRAY" 0 replace 1 "${LEG[3]}"
run_expect_fail dmsetup message "$ARRAY" 0 replace 1 /dev/null
raid_health AAA "devices that cannot be used"
run_expect_fail dmsetup message "$ARRAY" 0 replace 1 -
# A replacement that is ended costs nothing; nor does one that was faster, and is undone.
dmsetup message "$ARRAY" 0 replace 1 "${LEG[4]}" force
if ! dmsetup message "$ARRAY" 0 replace 1 -; then
	raid_settle
	raid_verify "replaced"
	dmsetup message "$ARRAY" 0 replace 1 "$B"
	raid_settle
fi
raid_health AAA "a replacement that was ended"
raid_verify "a replacement that was ended"
raid_scrub "a replacement that was ended"
dmsetup message "$ARRAY" 0 fail 0
run_expect_fail dmsetup message "$ARRAY" 0 fail 1
run_expect_fail dmsetup message "$ARRAY" 0 add 0 "${LEG[3]}"
raid_verify "after refused messages"
# With "force", a leg of another array can.
tool raid replace --force "$ARRAY" 0 "${LEG[3]}"
raid_settle
raid_verify "replaced"
raid_health AAA "replaced"
raid_stop

# Two histories
raid_create raid1 2 --size 4M
SECTORS=$(blockdev --getsz "$R")
raid_stop
tool raid assemble --degraded "$ARRAY" "$A"
raid_stop
tool raid assemble --degraded "$ARRAY" "$B"
raid_stop
refused "used without each other" raid1 2 "$A" "$B"
