#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each level bears the loss of a leg, refuses it when it comes back stale, and rebuilds it; without a struct page.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 600
# soak: yes
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

raid_legs 5
FIRST=0
expect_klog "pfn_raid: "

# level_case LEVEL LEGS [OPTION...]
level_case() {
	local level=$1 nr=$2 leg left n
	echo "== $*"
	raid_create "$@" --size 1M
	raid_verify "$level: never written is zero"
	raid_write 1 100
	raid_verify "$level: healthy"
	raid_scrub "$level: healthy"
	# Which leg differs from level to level; all of them if there is time.
	for ((n = 0; n < nr && n < $(budget 1); n++)); do
		leg=$(((FIRST + n) % nr))
		tool raid fail "$ARRAY" $leg
		raid_verify "$level: leg $leg lost"
		raid_write 2$leg 20
		raid_verify "$level: written without leg $leg"
		if [ $n = 0 ]; then
			raid_stop
			run_expect_fail pinfold raid assemble "$ARRAY" "${LEG[@]:0:$nr}"
			grep -q "stale" <<<"$ERR" || fail "$level: stale leg: $ERR"
			left=("${LEG[@]:0:$nr}")
			unset "left[$leg]"
			tool raid assemble "$ARRAY" "${left[@]}"
		else
			tool raid remove "$ARRAY" $leg
		fi
		tool raid add --force "$ARRAY" $leg "${LEG[leg]}"
		raid_write 3$leg 20
		raid_settle
		raid_health "$(printf 'A%.0s' $(seq "$nr"))" "$level: leg $leg rebuilt"
		raid_verify "$level: leg $leg rebuilt"
	done
	FIRST=$((FIRST + 1))
	raid_scrub "$level: all legs rebuilt"
	raid_stop
	mapfile -t left < <(printf '%s\n' "${LEG[@]:0:$nr}" | tac)
	tool raid assemble "$ARRAY" "${left[@]}"
	raid_verify "$level: assembled again"
	raid_no_pages
	raid_stop
}

level_case raid1 2
level_case raid10 3
level_case raid4 3
level_case raid5 4
level_case raid6 5 --chunk 4K
