#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest is killed in the middle of moves, again and again, each time another kernel's: the next one attaches what it
# left, and finds no page lost or torn; the tool finds nothing that it cannot mend.  kill.sh [-k KERNEL]... [-n KILLS]

set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/host/kill-lib.sh
. "$here/kill-lib.sh"
options 5 "$@"
# shellcheck disable=SC2034  # for kill-lib.sh
NAME=kill GUEST=kill-guest READY=moving MACHINE=(--no-udev --nvdimm "512M,file=$dir/ext4" --nvdimm "640M,file=$dir/xfs")
echo 0 >"$dir/halfway"

# A change that was cut off is all that check may find, and repair mends it: tried on a copy, for the driver does it too.
left_behind() {
	local fs
	for fs in ext4 xfs; do
		"$pinfold" check "$dir/$fs" >"$dir/check" 2>&1 && continue
		echo $(($(<"$dir/halfway") + 1)) >"$dir/halfway"
		cp --sparse=always "$dir/$fs" "$dir/copy"
		if ! "$pinfold" check --repair --force "$dir/copy" >>"$dir/check" 2>&1 ||
			! "$pinfold" check "$dir/copy" >>"$dir/check" 2>&1; then
			printf 'pinfold check, %s: %s' $fs "$(<"$dir/check")"
		fi
		rm "$dir/copy"
	done
}

left_intact() {
	local fs
	for fs in ext4 xfs; do
		"$pinfold" check "$dir/$fs" >>"$dir/out" 2>&1 || echo "check of $fs"
	done
}

for fs in ext4:512M xfs:640M; do
	truncate -s "${fs#*:}" "$dir/${fs%:*}"
	"$pinfold" create --spare 2M "$dir/${fs%:*}" >/dev/null || exit 1
done
all_kills create again
printf 'tried %d kills in the middle of moves\n' "$kills"
printf '%d of the tables were in the middle of a change\n' "$(<"$dir/halfway")"
summary
