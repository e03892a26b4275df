#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of ours in making, starting, extending and ending an array fails once: a clear error, the array is what
# it was, and the next try works.
# vm: --mem 2G --nvdimm 1G --no-udev --append kmemleak=on
# kernel: debug
# timeout: 1200
# group: faults

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"
# shellcheck source=tests/vm/lib/failnth.sh
. "$PINFOLD_TOP/tests/vm/lib/failnth.sh"

need dmsetup addpart
fault_setup
pinfold_use 1G
modprobe dm_pfn_raid
for n in 1 2 3; do
	addpart "$DEV" $n $((n * 65536)) 32768
	LEG+=("${DEV}p$n")
done
retry 20 test -b "${LEG[2]}" || fail "no ${LEG[2]}"
trap 'dmsetup remove "$ARRAY" 2>/dev/null || true; for n in 1 2 3; do delpart "$DEV" $n; done' EXIT
expect_klog "pfn_raid: |device-mapper: (table|ioctl)"

SECTORS=2048
TABLE=raid1,2,${LEG[0]},${LEG[1]}
tool raid create "$ARRAY" --level raid1 --size 1M --force --no-start "${LEG[@]:0:2}"
dmsetup create --notable --noudevrules --noudevsync "$ARRAY"

no_target() {
	local refs
	read -r refs </sys/module/dm_pfn_raid/refcnt
	[ "$refs" = 0 ]
}

table_check() {
	if [ "$CODE" != 0 ]; then
		refused_by table $ENOMEM
		no_target || fail "a table that failed holds the module"
		do_now dmload "$ARRAY" $SECTORS pfn_raid "$TABLE"
	fi
	do_now dmclear "$ARRAY"
	no_target || fail "a table that is gone holds the module"
}
fault_only dm_pfn_raid
in_turn table table_check dmload "$ARRAY" $SECTORS pfn_raid "$TABLE"

# The table that was in use hands over to the next one.
resume_check() {
	if [ "$CODE" != 0 ]; then
		refused_by resume $ENOMEM
		do_now dmresume "$ARRAY"
	fi
	raid_health AA "resumed"
	do_now dmload "$ARRAY" $SECTORS pfn_raid "$TABLE"
}
do_now dmload "$ARRAY" $SECTORS pfn_raid "$TABLE"
in_turn resume resume_check dmresume "$ARRAY"
do_now dmclear "$ARRAY"

dd if=/bin/bash of="$R" bs=64K count=8 oflag=direct conv=notrunc status=none
contents() {
	dd if="$R" bs=64K count=8 iflag=direct status=none | md5sum
}
CONTENTS=$(contents)

# A leg that is missing comes, or is missing still.
leg_goes() {
	do_now dmmessage "$ARRAY" fail,1
	do_now dmmessage "$ARRAY" remove,1
	raid_health A- "leg 1 removed"
}
add_check() {
	if [ "$CODE" != 0 ]; then
		refused_by add $ENOMEM
		raid_health A- "add that failed"
		do_now dmmessage "$ARRAY" "add,1,${LEG[1]},force"
	fi
	raid_settle
	raid_health AA "added"
	leg_goes
}
leg_goes
in_turn add add_check dmmessage "$ARRAY" "add,1,${LEG[1]},force"
do_now dmmessage "$ARRAY" "add,1,${LEG[1]},force"
raid_settle

# One that is there is given up for a device that can take its place, and for no other.
replace_check() {
	if [ "$CODE" != 0 ]; then
		refused_by replace $ENOMEM
		raid_health AA "replace that failed"
	else
		raid_settle
		do_now dmmessage "$ARRAY" "replace,1,${LEG[1]},force"
	fi
	raid_settle
	raid_health AA "replaced"
}
in_turn replace replace_check dmmessage "$ARRAY" "replace,1,${LEG[2]},force"
assert_eq "$(contents)" "$CONTENTS" "contents of the array"
raid_scrub "after all faults"
dmsetup remove --noudevrules --noudevsync "$ARRAY"
no_target || fail "an array that is gone holds the module"
fault_end
assert_no_leaks
