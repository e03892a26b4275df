#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of ours in a first touch, in the worker behind it, and in a trim and a move on a mounted file
# system fails once: no signal, no byte lost, nothing left behind, and the next try works.
# vm: --mem 2G --nvdimm 1G --no-udev --append kmemleak=on
# kernel: debug
# fs: ext4 xfs
# timeout: 1200
# group: faults

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"
# shellcheck source=tests/vm/lib/failnth.sh
. "$PINFOLD_TOP/tests/vm/lib/failnth.sh"

fault_setup
start_fs 1G
pf fill "$MNT/file" 8M 1
sync
tool trim "$NS"
assert_populated "$KEPT" "before"


# A fault in user mode is tried again: nothing of this is seen by the program.
touch_check() {
	assert_eq "$CODE" 0 "touch"
	read -r NOW <"/sys/block/$DISK/pinfold/populated_bytes"
	[ "$NOW" -gt "$KEPT" ] || fail "touched, but not populated"
	do_now trim "$DEV"
	still_populated "$KEPT" "touch and trim"
}
fault_only dax_backing
in_turn touch touch_check touch "$MNT/file" 4M

# What the worker could not get is counted, and told to nobody.
FAILURES=$(stat_of populate_failures)
in_turn populate touch_check wtouch "$MNT/file" 4M
[ "${PF_FAULT_STRIDE:-1}" -gt 1 ] || [ "$(stat_of populate_failures)" -gt "$FAILURES" ] || fail "no populate failed"

# A trim that lacks memory gives back less, or says so; the entries and the data stay.
trim_check() {
	[ "$CODE" = 0 ] || refused_by trim $ENOMEM $EFAULT
	do_now trim "$DEV"
	still_populated "$KEPT" "trimmed"
	do_now touch "$MNT/file" 0
	do_now touch "$MNT/file" 4M
}
do_now touch "$MNT/file" 0
do_now touch "$MNT/file" 4M
in_turn trim trim_check trim "$DEV"

# Pages that the file system has mapped move, or stay where they are.
SPOT=$(filefrag -v "$MNT/file" | awk '$1 == "0:" { gsub(/[.:]/, " "); print $4 * 4096 }')
move_check() {
	[ "$CODE" = 0 ] || refused_by move $ENOMEM $EFAULT
	do_now move "$DEV" $RESTORE "$SPOT" 16K
	do_now touch "$MNT/file" 0
}
fault_only nd_pinfold
do_now touch "$MNT/file" 0
in_turn move move_check move "$DEV" $RELOCATE "$SPOT" 16K
pf verify "$MNT/file" 8M 1 map
fault_end
assert_no_leaks
