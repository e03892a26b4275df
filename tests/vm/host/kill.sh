#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest is killed in the middle of moves, again and again, each time another kernel's: the next one attaches what it
# left, and finds no page lost or torn; the tool finds nothing that it cannot mend.  kill.sh [-k KERNEL]... [-n KILLS]

set -u
here=$(cd "$(dirname "$0")" && pwd)
pinfold=$here/../../../build/tools/pinfold
kernels=() kills=$((5 * ${PINFOLD_BUDGET:-1}))
while [ $# -gt 0 ]; do
	case $1 in
	-k) kernels+=("$2"); shift 2 ;;
	-n) kills=$2; shift 2 ;;
	*) sed -n 's/^# //p' "$0" | tail -n +2 >&2; exit 2 ;;
	esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=(6.1 6.12)

dir=$(mktemp -d "${TMPDIR:-/var/tmp}/pinfold-kill.XXXXXX") || exit 1
guest=
trap '[ -z "$guest" ] || kill -KILL "$guest"; rm -rf "$dir"' EXIT
passed=0 failed=0 halfway=0
RANDOM=${PINFOLD_SEED:-1}

# start STEP N: a guest in the background
start() {
	kernel=${kernels[$2 % ${#kernels[@]}]}
	began=$SECONDS
	: >"$dir/log"
	"$here/../vm" run -k "$kernel" --no-udev --mem 1G --timeout 300 --log "$dir/log" \
		--nvdimm "512M,file=$dir/ext4" --nvdimm "640M,file=$dir/xfs" -- \
		bash "$here/kill-guest" "$1" "$2" >"$dir/out" 2>&1 &
	guest=$!
}

# result STEP N WHY: WHY is empty if all is well
result() {
	local verdict=ok
	if [ -z "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		verdict="not ok"
	fi
	printf '%s %d - %s/kill/%s-%d (%d s)%s\n' "$verdict" $((passed + failed)) "${kernel##*/}" "$1" "$2" \
		$((SECONDS - began)) "${3:+ # $3}"
	sed 's/^/#   /' "$dir/out"
	[ -z "$3" ] || tail -n 40 "$dir/log" | sed 's/^/# klog: /'
}

# What the kernel said until it was killed.
bad_lines() {
	python3 -B - "$here/../lib" "$dir/log" <<-'PY'
	import sys
	sys.path.insert(0, sys.argv[1])
	import klog
	with open(sys.argv[2], encoding="utf-8", errors="replace") as f:
	    print("; ".join(klog.scan(f.read().splitlines())[0][:5]), end="")
	PY
}

# A change that was cut off is all that check may find, and repair mends it: tried on a copy, for the driver does it too.
check_media() {
	local fs
	for fs in ext4 xfs; do
		"$pinfold" check "$dir/$fs" >"$dir/check" 2>&1 && continue
		halfway=$((halfway + 1))
		cp --sparse=always "$dir/$fs" "$dir/copy"
		if ! "$pinfold" check --repair --force "$dir/copy" >>"$dir/check" 2>&1 ||
			! "$pinfold" check "$dir/copy" >>"$dir/check" 2>&1; then
			printf 'pinfold check, %s: %s' $fs "$(<"$dir/check")"
		fi
		rm "$dir/copy"
	done
}

# pull_plug STEP N: once pages move, and somewhere in the second after that
pull_plug() {
	local qemu why=
	start "$1" "$2"
	until grep -q '^moving$' "$dir/out"; do
		kill -0 "$guest" 2>/dev/null || { why="ended before pages moved"; break; }
		sleep 0.1
	done
	qemu=$(pgrep -P "$guest")
	sleep "0.$((RANDOM % 900 + 100))"
	# QEMU goes with its parent, as if the power had failed. The next one must not meet it.
	kill -KILL "$guest" 2>/dev/null
	wait "$guest" 2>/dev/null
	guest=
	while [ -n "$qemu" ] && kill -0 "$qemu" 2>/dev/null; do
		sleep 0.05
	done
	why=${why:-$(bad_lines)}
	why=${why:-$(check_media)}
	result "$1" "$2" "$why"
}

for fs in ext4:512M xfs:640M; do
	truncate -s "${fs#*:}" "$dir/${fs%:*}"
	"$pinfold" create --spare 2M "$dir/${fs%:*}" >/dev/null || exit 1
done
pull_plug create 0
for ((n = 1; n < kills && !failed; n++)); do
	pull_plug again $n
done
if [ $failed -eq 0 ]; then
	start end "$kills"
	wait "$guest"
	rc=$?
	guest=
	why=
	[ $rc -eq 0 ] || why="exit status $rc"
	for fs in ext4 xfs; do
		"$pinfold" check "$dir/$fs" >>"$dir/out" 2>&1 || why=${why:-check of $fs}
	done
	result end "$kills" "$why"
	printf 'tried %d kills in the middle of moves\n' "$kills"
	printf '%d of the tables were in the middle of a change\n' "$halfway"
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
