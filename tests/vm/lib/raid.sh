# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What cases about arrays share. The machine has five NVDIMMs of 128M; the array is $R.

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

ARRAY=raidtest
R=/dev/mapper/$ARRAY
REF=/tmp/case.ref
LEG=() LEG_NS=()

# raid_legs NUMBER: so many pinfold namespaces, in LEG (devices) and LEG_NS
raid_legs() {
	local dev ns
	need dmsetup
	modprobe dm_pfn_raid
	for dev in "$ND"/devices/namespace*.0; do
		[ ${#LEG[@]} -lt "$1" ] || break
		ns=${dev##*/}
		[ "$(cat "$dev/size")" != 0 ] || continue
		use_namespace "$ns"
		[ "$(driver_of "$ns")" = nd_pinfold ] || tool create --force "$ns"
		retry 20 test -b "$DEV" || fail "no $DEV"
		LEG+=("$DEV")
		LEG_NS+=("$ns")
	done
	assert_eq "${#LEG[@]}" "$1" "number of legs"
}

# raid_create LEVEL LEGS [OPTION...]
raid_create() {
	local level=$1 nr=$2
	shift 2
	tool raid create "$ARRAY" --level "$level" --force "$@" "${LEG[@]:0:$nr}"
	retry 20 test -b "$R" || fail "no $R"
	truncate -s 0 "$REF"
	truncate -s "$(blockdev --getsize64 "$R")" "$REF"
}

raid_stop() {
	tool raid stop "$ARRAY"
}

raid_size() {
	blockdev --getsize64 "$R"
}

# raid_write SEED COUNT: random writes, into the reference, too
raid_write() {
	pf blkwrite "$R" "$REF" "$(raid_size)" "$1" "$2"
}

raid_verify() {
	pf blkverify "$R" "$REF" "$(raid_size)" || fail "$1"
}

# raid_field N: a word of the status line: 4 level, 6 health, 8 action, 9 mismatches, 10 repaired, 11 bad, 12 lost
raid_field() {
	dmsetup status "$ARRAY" | awk -v n="$1" '{ print $n }'
}

raid_is_idle() {
	[ "$(raid_field 8)" = idle ] && [[ $(raid_field 6) != *a* ]]
}

raid_settle() {
	retry 120 raid_is_idle || fail "not idle: $(dmsetup status "$ARRAY")"
}

# A scrub finds nothing.
raid_scrub() {
	dmsetup message "$ARRAY" 0 scrub check
	raid_settle
	assert_eq "$(raid_field 9)" 0 "mismatches of the scrub: $1"
}

raid_health() {
	assert_eq "$(raid_field 6)" "$1" "health: $2"
}

# No I/O of the array made a struct page on a leg.
raid_no_pages() {
	local leg
	for leg in "${LEG[@]}"; do
		assert_eq "$(populated "${leg##*/}")" "$KEPT" "struct pages of $leg"
	done
}
