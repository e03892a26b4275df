#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A spare takes the place of a leg that fails, once, by itself and told by uevents; a write-mostly leg is not read.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 300
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need udevadm
raid_legs 5
expect_klog "pfn_raid: |device-mapper: (table|ioctl)"
EVENTS=/tmp/case.events

devno() { cat "/sys/class/block/${1##*/}/dev"; }

# leg_of ROLE: the device that has it
leg_of() { dmsetup table "$ARRAY" | awk -v n="$((6 + $1))" '{ print $n }'; }

# spares: as the status line has them
spares() { raid_field 16; }

told() { grep -q "^PFN_RAID_EVENT=$1\$" "$EVENTS"; }

udevadm monitor --kernel --property --subsystem-match=block >"$EVENTS" &
MONITOR=$!
sleep 1

# --- write-mostly
raid_create raid1 2 --size 4M --write-mostly 1
assert_eq "$(raid_field 15)" -w "write-mostly by create"
raid_write 1 60
tool raid write-mostly "$ARRAY" 0
assert_eq "$(raid_field 15)" ww "write-mostly by message"
tool raid write-mostly --off "$ARRAY" 0
raid_verify "write-mostly"
tool raid stop "$ARRAY"
tool raid assemble "$ARRAY" "${LEG[@]:0:2}"
assert_eq "$(raid_field 15)" -w "write-mostly after assembly"
tool raid fail "$ARRAY" 0
raid_verify "only the write-mostly leg is left"
raid_stop

# --- spares: two for two
raid_create raid5 3 --size 4M
run_expect_fail pinfold raid write-mostly "$ARRAY" 0
raid_write 2 60
tool raid add --force "$ARRAY" "${LEG[3]}"
tool raid add --force "$ARRAY" "${LEG[4]}"
assert_eq "$(spares)" "$(devno "${LEG[3]}"),$(devno "${LEG[4]}")" "two spares"
run_expect_fail pinfold raid add --force "$ARRAY" "${LEG[4]}"
tool raid remove "$ARRAY" "${LEG[4]}"
assert_eq "$(spares)" "$(devno "${LEG[3]}")" "one was removed"
dmsetup deps "$ARRAY" | grep -q "($(devno "${LEG[4]}" | sed 's/:/, /'))" && fail "a spare that was removed is held"
tool raid add --force "$ARRAY" "${LEG[4]}"

# A table with the spares can take over, and assembly finds them.
TABLE=$(dmsetup table "$ARRAY")
grep -q " 4 spare " <<<"$TABLE" || fail "table: $TABLE"
dmsetup reload "$ARRAY" --table "$TABLE"
dmsetup suspend "$ARRAY"
dmsetup resume "$ARRAY"
raid_verify "table with spares"
raid_stop
tool raid assemble "$ARRAY" "${LEG[4]}" "${LEG[0]}" "${LEG[3]}" "${LEG[2]}" "${LEG[1]}"
[[ $(spares) == *,* ]] || fail "assembled with spares: $(spares)"
raid_stop
run_expect_fail dmsetup create "$ARRAY" --table "0 $(awk '{ print $2 }' <<<"$TABLE") pfn_raid raid5 3 ${LEG[*]:0:2} ${LEG[3]}"
tool raid assemble "$ARRAY" "${LEG[@]}"

raid_write 3 20
tool raid fail "$ARRAY" 1
raid_write 4 40
retry 20 raid_is_idle || true
raid_settle
raid_health AAA "a spare has taken the place of leg 1"
[[ $(spares) != *,* && $(spares) != - ]] || fail "one spare is left: $(spares)"
raid_verify "after the first spare"
FIRST=$(leg_of 1)
[ "$FIRST" != "$(devno "${LEG[1]}")" ] || fail "leg 1 has its device still"

# Two at once with one spare: it is taken once.
dmsetup message "$ARRAY" 0 fail 2
raid_settle
raid_health AAA "a spare has taken the place of leg 2"
assert_eq "$(spares)" - "no spare is left"
tool raid fail "$ARRAY" 0
raid_settle
raid_health DAA "nothing can take the place of leg 0"
[ "$(leg_of 1)" = "$FIRST" ] || fail "leg 1 changed"
raid_write 5 40
# A spare for an array that waits for one; what failed is a leg's device until it is removed.
run_expect_fail pinfold raid add --force "$ARRAY" "${LEG[0]}"
tool raid remove "$ARRAY" 0
tool raid add --force "$ARRAY" "${LEG[0]}"
raid_settle
raid_health AAA "a spare was taken as soon as it was there"
raid_verify "after all spares"
raid_scrub "after all spares"
raid_stop

sleep 1
kill $MONITOR
for event in leg_failed spare_taken rebuild_done scrub_done; do
	told $event || fail "no event $event: $(grep PFN_RAID "$EVENTS")"
done
grep -q "^PFN_RAID_NAME=$ARRAY\$" "$EVENTS" || fail "no name: $(grep PFN_RAID "$EVENTS")"
grep -q "^PFN_RAID_DEVICE=$FIRST\$" "$EVENTS" || fail "no device: $(grep PFN_RAID "$EVENTS")"
