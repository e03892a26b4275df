#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest is killed while arrays are written, scrubbed and rebuilt, again and again, each time another kernel's: the next
# one assembles them, and every byte that was synced is there, by whichever legs it is read.  raid-kill.sh [-k KERNEL]... [-n KILLS]

set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/host/kill-lib.sh
. "$here/kill-lib.sh"
options 3 "$@"
# shellcheck disable=SC2034  # for kill-lib.sh
NAME=raid-kill GUEST=raid-kill-guest READY=writing MACHINE=()

# The legs themselves: what is in them is for the guests to find out.
left_behind() {
	local leg
	for leg in "$dir"/leg*; do
		"$pinfold" check "$leg" >"$dir/check" 2>&1 || echo "pinfold check, ${leg##*/}: $(<"$dir/check")"
	done
}

left_intact() {
	left_behind
}

for n in 0 1 2 3 4 5 6 7 8; do
	truncate -s 192M "$dir/leg$n"
	"$pinfold" create "$dir/leg$n" >/dev/null || exit 1
	MACHINE+=(--nvdimm "192M,file=$dir/leg$n")
done
all_kills create again
printf 'tried %d kills of arrays that were being written\n' "$kills"
summary
