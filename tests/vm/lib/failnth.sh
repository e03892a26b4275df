# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Cases that make each allocation of an action fail in turn: . "$PINFOLD_TOP/tests/vm/lib/failnth.sh"

FAIL=/sys/kernel/debug
# shellcheck disable=SC2034  # for the cases
ENOMEM=12 EFAULT=14 EBUSY=16 EINVAL=22
# shellcheck disable=SC2034  # enum pinfold_move_op
RELOCATE=1 RESTORE=2 EVACUATE=3 RETIRE=4

# fault_spare FUNCTION [ATTR...]: of the kernel; what it calls for does not fail. One at a time for each of failslab and
# fail_page_alloc.
fault_spare() {
	local attr start end attrs=("${@:2}")

	read -r start end < <(awk -v name="$1" '$3 == name { start = $1; next } start && $1 != start { print start, $1; exit }' \
		/proc/kallsyms)
	[ -n "$end" ] || fail "no $1 in /proc/kallsyms"
	[ ${#attrs[@]} -gt 0 ] || attrs=(failslab fail_page_alloc)
	for attr in "${attrs[@]}"; do
		echo "0x$start" >"$FAIL/$attr/reject-start"
		echo "0x$end" >"$FAIL/$attr/reject-end"
	done
}

# Every allocation may fail, not only those that cannot wait.  One place of the kernel is spared: x86 extends
# the direct map with page-table pages whose allocation it does not check, and crashes without.
fault_setup() {
	local attr

	[ -e "$FAIL/failslab" ] || fail "this kernel has no fault injection"
	fault_spare alloc_low_pages
	fault_anywhere
	echo 0 >"$FAIL/fail_usercopy/verbose"
	for attr in failslab fail_page_alloc; do
		echo N >"$FAIL/$attr/ignore-gfp-wait"
		echo 0 >"$FAIL/$attr/verbose"
		echo 32 >"$FAIL/$attr/stacktrace-depth"
	done
	echo N >"$FAIL/fail_page_alloc/ignore-gfp-highmem"
	echo 0 >"$FAIL/fail_page_alloc/min-order"

	# The kernel's own remarks, once each, when it fails to make struct pages, or the events of a module: eventfs
	# puts a reference too many then.
	allow_klog "WARNING: .* add_pages\\+0x"
	allow_klog "WARNING: .* event_(define_fields|file_put)\\+0x"
	allow_klog "Call Trace:"

	coproc NTH { exec "$PF" failnth; }
	NTH_IN=${NTH[1]}
	exec {NTH_OUT}<&"${NTH[0]}"
	FAULTS=0
	SEED=$(seed 0)
	[ "${PF_FAULT_STRIDE:-1}" = 1 ] || echo "seed $SEED: one in $PF_FAULT_STRIDE faults"
}

# fault_only MODULE: faults only in what functions of the module call
fault_only() {
	local attr start size

	read -r start size < <(awk -v name="$1" '$1 == name { print $6, $2 }' /proc/modules)
	[ -n "$size" ] || fail "$1 is not loaded"
	for attr in failslab fail_page_alloc fail_usercopy; do
		echo "$start" >"$FAIL/$attr/require-start"
		printf '0x%x\n' $((start + size)) >"$FAIL/$attr/require-end"
	done
}

# As it is without fault_only; an earlier case may have left something else.
fault_anywhere() {
	local attr

	for attr in failslab fail_page_alloc fail_usercopy; do
		echo 0 >"$FAIL/$attr/require-start"
		echo 0xffffffffffffffff >"$FAIL/$attr/require-end"
	done
}

# inject N WORDS...: see pf failnth.  Sets $FIRED, $CODE, $TOLD.
inject() {
	printf '%s\n' "$*" >&"$NTH_IN"
	read -r FIRED CODE TOLD <&"$NTH_OUT" || fail "pf failnth $*: died"
	case $FIRED in fired | quiet) ;; *) fail "pf failnth $*: $FIRED $CODE $TOLD" ;; esac
}

# do_now WORDS...: without a fault, and it must work
do_now() {
	inject 0 "$@"
	assert_eq "$CODE" 0 "pf failnth $*"
}

# in_turn WHAT CHECK WORDS...: the first fails, then the second, and so on until there are no more; with
# PF_FAULT_STRIDE only the first four, and then each so many-th; which ones depends on the seed.  CHECK is called
# after each try and brings everything back to where it was.
in_turn() {
	local what=$1 check=$2 n fired code refused=0 tried=0 start=$SECONDS stride=${PF_FAULT_STRIDE:-1}
	shift 2

	for ((n = 1; ; n += n < 4 ? 1 : n == 4 ? 1 + SEED % stride : stride)); do
		inject "$n" "$@"
		fired=$FIRED code=$CODE
		[ "$code" = 0 ] || refused=$((refused + 1))
		"$check" || fail "$what: after fault $n"
		[ "$fired" = fired ] || break
		tried=$((tried + 1))
	done
	[ "$code" = 0 ] || fail "$what: code $code without a fault"
	[ $tried -gt 0 ] || fail "$what: nothing there that could fail"
	FAULTS=$((FAULTS + tried))
	echo "$what: $tried faults up to the ${n}th, $refused made it fail, $((SECONDS - start)) s"
}

# As assert_populated, without a process for each of thousands of tries.
still_populated() {
	local now

	read -r now <"/sys/block/$DISK/pinfold/populated_bytes"
	assert_eq "$now" "$1" "$2: populated_bytes"
}

# refused_by WHAT CODE...: the last try failed in one of these ways
refused_by() {
	local what=$1 code
	shift

	for code; do
		[ "$CODE" != "$code" ] || return 0
	done
	fail "$what: unclear code $CODE"
}

fault_end() {
	echo "tried $FAULTS faults"
}

# fault_device SIZE: a pinfold namespace to attach and detach; in a guest without udev, so that nobody else opens it
fault_device() {
	pinfold_create "$1"
	tool detach "$NS"
}

attached() {
	[ -e "$ND/drivers/nd_pinfold/$NS" ]
}

# A device that is gone has no range, no disk, and holds no module.
nothing_left() {
	! attached || fail "$1: attached"
	[ ! -e "/sys/block/$DISK" ] || fail "$1: the disk is there"
	IFS= read -rd '' IOMEM </proc/iomem || true
	[[ $IOMEM != *" : $NS"$'\n'* ]] || fail "$1: the range is reserved: $IOMEM"
	retry 10 modules_unused || fail "$1: $(grep . /sys/module/{nd_pinfold,dax_backing}/refcnt)"
}

modules_unused() {
	local driver backing

	read -r driver </sys/module/nd_pinfold/refcnt
	read -r backing </sys/module/dax_backing/refcnt
	[ "$driver $backing" = "0 1" ]
}

complete() {
	attached || fail "$1: not attached"
	still_populated "$KEPT" "$1"
}

attach() {
	do_now write "$ND/drivers/nd_pinfold/bind" "$NS"
}

detach() {
	do_now write "$ND/drivers/nd_pinfold/unbind" "$NS"
}
