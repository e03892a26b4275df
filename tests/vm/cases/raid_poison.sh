#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Poison in data and metadata of a leg is mended from redundancy, in place; no leg fails for it. Legs are partitions.
# vm: --mem 2G --append memmap=384M!1G
# timeout: 600

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need dmsetup addpart
KO=$PINFOLD_TOP/build/$PINFOLD_KVER/tests/modules/pf_badrange.ko
[ -e "$KO" ] || fail "no $KO: make guest-modules"
expect_klog "pfn_raid: "
modprobe dm_pfn_raid

modprobe nd_e820
there() { grep -qsx $((384 << 20)) "$ND"/devices/namespace*/size; }
retry 20 there || fail "no namespace"
use_region 384M
tool create --force "$NS"
retry 20 test -b "$DEV"
BASE=$(($(cat "$ND/devices/$NS/resource") + $(cat "$ND/devices/$NS/size") - $(blockdev --getsize64 "$DEV")))
# What is not data is in front of it, but for the end of the last chunk.
DATA=$(pinfold list -v -N "$NS" | grep -o '"data_offset": *[0-9]*' | grep -o '[0-9]*$')
[ -z "$DATA" ] || BASE=$(($(cat "$ND/devices/$NS/resource") + DATA))

PART=$((64 << 20))
parts() {
	local i
	LEG=()
	for i in 1 2 3 4 5; do
		addpart "$DEV" $i $(((i - 1) * PART / 512 + 4096)) $((PART / 512))
		LEG+=("${DEV}p$i")
	done
	retry 20 test -b "${DEV}p5" || fail "no partitions"
}

# poison LEG OFFSET...: pages of a leg, known at the next attach
poison() {
	local leg=$1 offset at=
	shift
	for offset; do
		at+=,$((BASE + leg * PART + (4096 * 512) + offset))
	done
	insmod "$KO" disk="$DEV" start=${at#,} length=4096
	rmmod pf_badrange
}

reattach() {
	local i
	for i in 1 2 3 4 5; do delpart "$DEV" $i; done
	tool detach "$NS"
	tool attach "$NS"
	retry 20 test -b "$DEV"
	[ -s "/sys/block/$DISK/badblocks" ] || fail "$1: no bad blocks"
	parts
}

# bad_data LEGS: sectors of their data that are known as bad
bad_data() {
	awk -v nr="$1" -v leg=$((PART / 512)) -v data=$((AT / 512)) '
		{ at = $1 - 4096; if (at < nr * leg && at % leg >= data) n += $2 } END { print n + 0 }' \
		"/sys/block/$DISK/badblocks"
}

parts
AT=$((4 << 20)) # start of data on a leg
for level in raid1:2 raid10:3 raid5:4 raid6:5; do
	nr=${level#*:} level=${level%:*}
	echo "== $level"
	raid_create "$level" "$nr" --size 4M
	raid_write 7 200
	dd if="$REF" of="$R" bs=64k oflag=direct status=none
	for leg in 0 $((nr - 1)); do
		raid_stop
		# Data: three pages, of groups of their own, since libnvdimm forgets no bad range of this kind of
		# memory: at each attach all of them are back. Metadata: a superblock, the list, the log, payload,
		# the bitmap, in the end on all legs.
		first=$((AT + leg * 160 * 4096))
		poison $leg $first $((first + 5 * 4096)) $((first + 300 * 4096)) 4096 131072 262144 1048576 2097152
		reattach "$level"
		tool raid assemble "$ARRAY" "${LEG[@]:0:$nr}"
		raid_verify "$level: leg $leg poisoned"
		raid_write 8$leg 20
		raid_verify "$level: written after poison"
		raid_scrub "$level: mended"
		[ "$(raid_field 10)" -gt 0 ] || fail "$level: nothing was repaired: $(dmsetup status "$ARRAY")"
		raid_health "$(printf 'A%.0s' $(seq "$nr"))" "$level: leg $leg poisoned"
		assert_eq "$(raid_field 11)" 0 "$level: pages on the list"
		assert_eq "$(bad_data "$nr")" 0 "$level: sectors of data that are still bad"
	done
	raid_stop
done
for i in 1 2 3 4 5; do delpart "$DEV" $i; done
