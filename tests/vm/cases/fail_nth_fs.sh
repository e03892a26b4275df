#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of ours in a first touch, in the worker behind it, and in a trim, a move and a dma-buf on a mounted
# file system fails once: no signal, no byte lost, nothing left behind, and the next try works.
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

# Dma-bufs of the file, for an importer that follows moves (1), and for one that cannot (3)
modprobe -a dax_dmabuf pf_importer
retry 10 test -e /dev/pinfold-dmabuf -a -e /dev/pf_importer || fail "no devices"
EXPORTS=/sys/class/misc/pinfold-dmabuf/exports
no_exports() {
	local nr
	read -r nr <$EXPORTS
	[ "$nr" = 0 ] && [ -z "$(</sys/kernel/debug/pin_registry/pins)" ]
}
export_check() {
	[ "$CODE" = 0 ] || refused_by "$VERB" $ENOMEM $EFAULT
	retry 10 no_exports || fail "$VERB leaves $(<$EXPORTS) exports, pins: $(</sys/kernel/debug/pin_registry/pins)"
	[ "$CODE" = 0 ] || do_now "$VERB" "$MNT/file" 16K "$FLAGS"
}
fault_only dax_dmabuf
for FLAGS in 1 3; do
	for VERB in export import; do
		in_turn "$VERB $FLAGS" export_check "$VERB" "$MNT/file" 16K "$FLAGS"
	done
done
follow_check() {
	move_check
	retry 10 no_exports || fail "a move leaves $(<$EXPORTS) exports"
}
fault_only nd_pinfold
in_turn "move under an importer" follow_check follow "$MNT/file" 16K "$DEV" $RELOCATE "$SPOT"
retry 10 no_exports || fail "exports are left"
rmmod pf_importer dax_dmabuf

pf verify "$MNT/file" 8M 1 map
fault_end
assert_no_leaks
