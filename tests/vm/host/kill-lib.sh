# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What host scripts share that kill guests: . "$here/kill-lib.sh"  They set $NAME (of their results), $GUEST (the
# guests' part, which says $READY when the plug may be pulled), $MACHINE (arguments of vm), and look at what is left in
# $dir by left_behind(), which says what is wrong with it.

pinfold=$here/../../../build/tools/pinfold
kernels=() kills=
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/pinfold-kill.XXXXXX") || exit 1
guest=
trap '[ -z "$guest" ] || kill -KILL "$guest"; rm -rf "$dir"' EXIT
passed=0 failed=0
RANDOM=${PINFOLD_SEED:-1}

# options DEFAULT_KILLS [ARG...]
options() {
	kills=$(($1 * ${PINFOLD_BUDGET:-1}))
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		-k) kernels+=("$2"); shift 2 ;;
		-n) kills=$2; shift 2 ;;
		*) sed -n 's/^# //p' "$0" | tail -n +2 >&2; exit 2 ;;
		esac
	done
	[ ${#kernels[@]} -gt 0 ] || kernels=(6.1 6.12)
}

# start STEP N: a guest in the background
start() {
	kernel=${kernels[$2 % ${#kernels[@]}]}
	began=$SECONDS
	: >"$dir/log"
	"$here/../vm" run -k "$kernel" --mem 1G --timeout 300 --log "$dir/log" "${MACHINE[@]}" -- \
		bash "$here/$GUEST" "$1" "$2" >"$dir/out" 2>&1 &
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
	printf '%s %d - %s/%s/%s-%d (%d s)%s\n' "$verdict" $((passed + failed)) "${kernel##*/}" "$NAME" "$1" "$2" \
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

# pull_plug STEP N: once the guest is $READY, and somewhere in the second after that
pull_plug() {
	local qemu why=
	start "$1" "$2"
	until grep -q "^$READY\$" "$dir/out"; do
		kill -0 "$guest" 2>/dev/null || { why="ended before it was $READY"; break; }
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
	why=${why:-$(left_behind)}
	result "$1" "$2" "$why"
}

# end N: a guest that lives to its end
end() {
	local rc why=

	start end "$1"
	wait "$guest"
	rc=$?
	guest=
	[ $rc -eq 0 ] || why="exit status $rc"
	result end "$1" "${why:-$(left_intact)}"
}

# all_kills STEP...: the first of them once, the second again and again, then the end
all_kills() {
	local n

	pull_plug "$1" 0
	for ((n = 1; n < kills && !failed; n++)); do
		pull_plug "$2" $n
	done
	[ $failed -ne 0 ] || end "$kills"
}

# summary: the last line, and the exit status
summary() {
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
}
