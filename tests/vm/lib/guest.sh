# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a test case in a guest starts with: . "$PINFOLD_TOP/tests/vm/lib/guest.sh"

set -eu -o pipefail

fail() {
	printf 'FAIL: %s\n' "$*"
	exit 1
}

# A skip is counted and its reason shown: the last line of the output.
skip() {
	printf '%s\n' "$*"
	exit 77
}

need() {
	local cmd
	for cmd; do
		command -v "$cmd" >/dev/null || skip "no $cmd on this machine"
	done
}

assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-assert_eq}: '$1' is not '$2'"
}

assert_ne() {
	[ "$1" != "$2" ] || fail "${3:-assert_ne}: both are '$1'"
}

# The command must fail, by an exit status and not by a signal; what it said is in $ERR.
run_expect_fail() {
	local rc=0
	# shellcheck disable=SC2034
	ERR=$("$@" 2>&1 >/dev/null) || rc=$?
	[ "$rc" -ne 0 ] || fail "succeeded, but must not: $*"
	[ "$rc" -lt 128 ] || fail "died with status $rc: $*"
}

# A line of the kernel log that looks bad but is what the case wants to see.
expect_klog() {
	printf '%s\n' "$1" >>/run/vm-expect
}

# The same for a line that comes or does not.
allow_klog() {
	printf '?%s\n' "$1" >>/run/vm-expect
}

# retry SECONDS CMD...: until it succeeds.
retry() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# What kmemleak finds by now fails the case, with the stacks; on a kernel that was booted with kmemleak=on.
assert_no_leaks() {
	local leaks=/sys/kernel/debug/kmemleak

	[ -e "$leaks" ] && grep -qw kmemleak=on /proc/cmdline || return 0
	# An object is reported if it is five seconds old and the same in two scans.
	sleep 5
	echo scan >"$leaks"
	echo scan >"$leaks"
	[ -z "$(head -c 1 "$leaks")" ] || fail "leaks: $(<"$leaks")"
}

# budget NUMBER: rounds of what gets better with more of them; make soak multiplies it.
budget() {
	echo $(($1 * ${PINFOLD_BUDGET:-1}))
}

# seed NUMBER: of random choices; make soak gives another one each time.
seed() {
	echo $((${PINFOLD_SEED:-$1}))
}

hmp() {
	"$PINFOLD_TOP/tests/vm/lib/hmp" "$@"
}

# Brings a shared guest back to where the next case can start; run after each case, whatever its verdict.
guest_reset() {
	local dev dir failed=0

	cd /
	# Deepest first; what the harness itself mounted is not below these.
	while read -r dir; do
		umount "$dir" || failed=1
	done < <(awk '$2 ~ "^/(mnt|tmp)/" || $2 == "/mnt" { print $2 }' /proc/mounts | grep -Fvx "$PINFOLD_TOP" | tac)
	if command -v dmsetup >/dev/null && [ -e /sys/module/dm_mod ]; then
		dmsetup remove_all --retry || failed=1
	fi
	if declare -F guest_reset_pinfold >/dev/null; then
		guest_reset_pinfold || failed=1
	fi
	for dev in /dev/pmem*; do
		[ -b "$dev" ] && wipefs -qa "$dev"
	done
	rm -rf /tmp/case.*
	return $failed
}

# Detaching pinfold namespaces, unloading its modules and so on is told there.
if [ -e "$PINFOLD_TOP/tests/vm/lib/pinfold.sh" ]; then
	# shellcheck source=/dev/null
	. "$PINFOLD_TOP/tests/vm/lib/pinfold.sh"
fi
