# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the cases of the pin registry share.

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

PINS=/sys/kernel/debug/pin_registry

pins_start() {
	modprobe -a pf_pindev pf_pinstore
	retry 10 test -e /dev/pf_pindev -a -e /dev/pf_pinstore || fail "no devices"
	dmesg_mark
}

# Where each step costs several times as much, and each allocation has red zones, a stack, and a quarantine.
debug_kernel() {
	[ -e /proc/self/fail-nth ]
}

nothing_pinned() {
	[ -z "$(cat "$PINS/pins" "$PINS/statistics")" ]
}

# Nothing is left: no pin, no pinner, and the modules can go. Closed stores are emptied in the background.
pins_end() {
	retry 20 nothing_pinned || fail "left: $(cat "$PINS/pins" "$PINS/statistics")"
	rmmod pf_pinstore pf_pindev
}

offline_memory() {
	grep -lx offline /sys/devices/system/memory/memory*/state | sort -V
}

# A page that somebody looks at just now keeps a block of memory on line.
tell() {
	echo "$1" 2>/dev/null >"$2"
}

# dimm STATE: of all memory that was added to node 1 after boot, and of no use else. Its first block is $DIMM_FIRST.
# The debug kernel does not add it by itself.
dimm() {
	local block
	[ -e /run/vm-dimm ] || offline_memory >/run/vm-dimm || { modprobe pf_dimm && offline_memory >/run/vm-dimm; }
	[ -s /run/vm-dimm ] || fail "no memory was added after boot"
	while read -r block; do
		[ "$(cat "$block")" = "$1" ] || retry 10 tell "$1" "$block"
	done </run/vm-dimm
	# shellcheck disable=SC2034
	DIMM_FIRST=$(sed -n '1s/.*memory\([0-9]*\)\/state/\1/p' /run/vm-dimm)
}

# blamed NUMBER REGEX: how often the log has it since pins_start
blamed() {
	assert_eq "$(dmesg_since | grep -Ec "$2")" "$1" "lines in the log like '$2'"
}

TRACE=/sys/kernel/tracing/instances/pins

trace_start() {
	mkdir -p "$TRACE"
	echo 1 >"$TRACE/events/pin_registry/enable"
}

# traced EVENT...: each of these came since trace_start
traced() {
	local event
	echo 0 >"$TRACE/events/pin_registry/enable"
	for event; do
		grep -q ": $event: " "$TRACE/trace" || fail "no $event was traced: $(tail -n 20 "$TRACE/trace")"
	done
	rmdir "$TRACE"
}
