#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of detaching, prefaulting, trimming, moving, configuring and loading fails once: a clear error or none,
# nothing left behind, and the next try works.
# vm: --mem 2G --nvdimm 1G --no-udev --append kmemleak=on
# kernel: debug
# timeout: 2400
# group: faults

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"
# shellcheck source=tests/vm/lib/failnth.sh
. "$PINFOLD_TOP/tests/vm/lib/failnth.sh"

fault_setup
fault_device 1G
REGISTRY=$(modinfo -n pin_registry)
BACKING=$(modinfo -n dax_backing)
DRIVER=$(modinfo -n nd_pinfold)

# Detaching cannot fail, once begun.
detach_check() {
	if attached; then
		refused_by detach $ENOMEM $EFAULT
		complete detach
	else
		assert_eq "$CODE" 0 "detach"
		nothing_left detach
		attach
	fi
}
attach
in_turn detach detach_check write "$ND/drivers/nd_pinfold/unbind" "$NS"
attached || attach

# One chunk: all or nothing.  Three: what there is no memory for together is tried one by one.
prefault_check() {
	[ "$CODE" = 0 ] || refused_by prefault $ENOMEM $EFAULT
	[ "$CODE" != $ENOMEM ] || still_populated "$KEPT" "prefault that failed"
	do_now trim "$DEV"
	still_populated "$KEPT" "prefault and trim"
}
in_turn "prefault of a chunk" prefault_check prefault "$DEV" 128M 2M
prefault_check3() {
	[ "$CODE" = 0 ] || refused_by prefault $ENOMEM $EFAULT
	do_now trim "$DEV"
	still_populated "$KEPT" "prefault of three and trim"
}
in_turn "prefault of three chunks" prefault_check3 prefault "$DEV" 128M 6M

trim_check() {
	[ "$CODE" = 0 ] || refused_by trim $ENOMEM $EFAULT
	do_now trim "$DEV"
	still_populated "$KEPT" "trim"
	do_now prefault "$DEV" 128M 6M
}
do_now prefault "$DEV" 128M 6M
in_turn trim trim_check trim "$DEV"
do_now trim "$DEV"

# The first move takes the remap table into use. A page moves or stays, and says the same.
contents() {
	dd if="$DEV" bs=4K skip=16384 count=4 iflag=direct status=none | md5sum
}
move_check() {
	[ "$CODE" = 0 ] || refused_by move $ENOMEM $EFAULT
	do_now move "$DEV" $RESTORE 64M 16K
}
dd if="$DRIVER" of="$DEV" bs=4K seek=16384 count=4 oflag=direct conv=notrunc status=none
CONTENTS=$(contents)
in_turn move move_check move "$DEV" $RELOCATE 64M 16K
in_turn evacuate move_check move "$DEV" $EVACUATE 64M 16K
# Another place each time, and no way back.
retire_check() {
	[ "$CODE" = 0 ] || refused_by retire $ENOMEM $EFAULT
}
in_turn retire retire_check move "$DEV" $RETIRE 64M 4K
assert_eq "$(contents)" "$CONTENTS" "contents of the pages that moved"

BUDGET=/sys/block/$DISK/pinfold/budget_bytes
budget_check() {
	[ "$CODE" = 0 ] || refused_by budget_bytes $ENOMEM $EFAULT
	if [ "$CODE" = 0 ]; then
		assert_eq "$(<"$BUDGET")" 8388608 "budget_bytes"
	else
		assert_eq "$(<"$BUDGET")" 4194304 "budget_bytes after a write that failed"
	fi
	echo 4194304 >"$BUDGET"
}
echo 4194304 >"$BUDGET"
in_turn budget_bytes budget_check write "$BUDGET" 8388608

CACHE=/sys/block/$DISK/dax/write_cache
cache_check() {
	[ "$CODE" = 0 ] || refused_by write_cache $ENOMEM $EFAULT
	[ "$CODE" = 0 ] || assert_eq "$(<"$CACHE")" 1 "write_cache after a write that failed"
	echo 1 >"$CACHE"
}
echo 1 >"$CACHE"
in_turn write_cache cache_check write "$CACHE" 0

parameter_check() {
	if [ "$CODE" = 0 ]; then
		assert_eq "$(<"$PARAMETER")" "$OTHER" "$PARAMETER"
		do_now write "$PARAMETER" "$BEFORE"
	else
		refused_by "$PARAMETER" $ENOMEM $EFAULT
	fi
	assert_eq "$(<"$PARAMETER")" "$BEFORE" "$PARAMETER"
}
for parameter in dax_backing:budget_percent:7 nd_pinfold:retire_threshold:9 nd_pinfold:salvage:N; do
	IFS=: read -r module name OTHER <<<"$parameter"
	PARAMETER=/sys/module/$module/parameters/$name
	BEFORE=$(<"$PARAMETER")
	assert_ne "$BEFORE" "$OTHER" "$PARAMETER"
	in_turn "$name" parameter_check write "$PARAMETER" "$OTHER"
done
detach

# The modules themselves.
loaded() {
	[ -e "/sys/module/$1" ]
}
# The driver core calls it EINVAL that there was no memory for a directory.
no_driver_dir() {
	[ "$CODE" = $EINVAL ] &&
		dmesg | tail -n 4 | grep -q "bus_add_driver: failed to create module links for $MODULE"
}
load_check() {
	if [ "$CODE" = 0 ]; then
		do_now unload "$MODULE"
	elif no_driver_dir; then
		refused_by "load $MODULE" $EINVAL
	else
		refused_by "load $MODULE" $ENOMEM $EFAULT
	fi
	! loaded "$MODULE" || fail "$MODULE is there"
}
load_in_turn() {
	MODULE=$1
	in_turn "load $MODULE" load_check load "$(modinfo -n "$MODULE")"
}
pinfold_unload || fail "modules stay"
# It makes slab caches, and the kernel leaks a cache's name when its directory in sysfs cannot be made.
fault_spare sysfs_slab_add
load_in_turn pin_registry
fault_spare alloc_low_pages

# Without the modules whose symbols they need, the others fail with ENOENT, fault or no fault.
do_now load "$REGISTRY"
load_in_turn dax_backing
load_in_turn dax_dmabuf
modprobe -a dm_mod raid6_pq xor
load_in_turn dm_pfn_raid

# Without a namespace to attach: fail_nth_attach is about that.
echo 1 >"$ND/devices/$NS/force_raw"
do_now load "$BACKING"
load_in_turn nd_pinfold
fault_end
assert_no_leaks
