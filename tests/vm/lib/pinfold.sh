# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What test cases say about pinfold; guest.sh reads this.

PF=$PINFOLD_TOP/build/guest/pf
MNT=/mnt/pf
ND=/sys/bus/nd

pf() {
	[ -x "$PF" ] || fail "no $PF: run make -C tests/guest"
	"$PF" "$@"
}

bytes() {
	numfmt --from=iec "$1"
}

# use_region SIZE: the namespace that fills the region of that size becomes $NS, its disk $DISK, $DEV.
use_region() {
	local want r size
	want=$(bytes "$1")
	for r in "$ND"/devices/region*; do
		read -r size <"$r/size"
		# A label area makes a region larger than its device was said to be.
		if [ "$size" -ge "$want" ] && [ "$size" -lt $((want + (16 << 20))) ]; then
			REGION=${r##*/}
			use_namespace "namespace${REGION#region}.0"
			return
		fi
	done
	fail "no region of $1: $(grep -H . "$ND"/devices/region*/size)"
}

# use_namespace NAME: so will be the disk's name, as nd_pmem would call it.
use_namespace() {
	NS=$1
	DISK=pmem${1#namespace}
	DISK=${DISK%.0}
	DEV=/dev/$DISK
	export PF_DISK=$DISK
}

# stat NAME [DISK]: a number (or word) of /sys/block/DISK/pinfold/
stat_of() {
	local value
	read -r value <"/sys/block/${2:-$DISK}/pinfold/$1"
	printf '%s\n' "$value"
}

populated() {
	stat_of populated_bytes "$@"
}

# assert_populated BYTES WHAT
assert_populated() {
	assert_eq "$(populated)" "$1" "$2: populated_bytes"
}

# assert_between NUMBER LEAST MOST WHAT
assert_between() {
	if [ "$1" -lt "$2" ] || [ "$1" -gt "$3" ]; then
		fail "$4: $1 is not between $2 and $3"
	fi
}

# assert_holder NAME WHAT: who has the disk; a trim looks.
assert_holder() {
	tool trim "$NS"
	assert_eq "$(stat_of holder)" "$1" "$2"
}

driver_of() {
	local link
	link=$(readlink "$ND/devices/$1/driver") || link=none
	printf '%s\n' "${link##*/}"
}

# The tool's answer is shown if it fails only.
tool() {
	local out
	out=$(pinfold "$@" 2>&1) || fail "pinfold $*: $out"
}

# pinfold_create SIZE [OPTION...]: a new, attached pinfold namespace in the region of SIZE
pinfold_create() {
	use_region "$1"
	shift
	if [ "$(driver_of "$NS")" = nd_pinfold ]; then
		tool destroy --force "$NS"
	fi
	tool create --force "$@" "$NS"
	pinfold_ready
}

# What has struct pages when nothing is mapped: a chunk at each end of the device.
CHUNK=$((2 << 20))
KEPT=$((2 * CHUNK))

pinfold_ready() {
	assert_eq "$(driver_of "$NS")" nd_pinfold "driver of $NS"
	retry 20 test -b "$DEV" || fail "no $DEV"
	BASE=$(populated)
}

# pinfold_use SIZE: the same, or what an earlier case left attached, if it left it clean
pinfold_use() {
	use_region "$1"
	if [ "$(driver_of "$NS")" != nd_pinfold ] || [ "$(populated)" != "$KEPT" ]; then
		pinfold_create "$1"
	fi
	pinfold_ready
	assert_eq "$BASE" "$KEPT" "pages of an unused namespace"
}

# make_fs [ext4|xfs|xfs-reflink] [DEVICE]
make_fs() {
	case ${1:-$FS} in
	ext4) mkfs.ext4 -q -F -b 4096 -E nodiscard "${2:-$DEV}" ;;
	ext4-huge) mkfs.ext4 -q -F -b 4096 -E nodiscard,stride=512,stripe_width=512 "${2:-$DEV}" ;;
	xfs) mkfs.xfs -q -f -K -m reflink=0 "${2:-$DEV}" ;;
	xfs-huge) mkfs.xfs -q -f -K -m reflink=0 -d su=2m,sw=1 "${2:-$DEV}" ;;
	xfs-reflink) mkfs.xfs -q -f -K -m reflink=1 "${2:-$DEV}" ;;
	esac
}

# mount_fs [FS] [DEVICE] [DIR]
mount_fs() {
	local type=${1:-$FS}
	mkdir -p "${3:-$MNT}"
	mount -t "${type%-*}" -o dax=always "${2:-$DEV}" "${3:-$MNT}"
}

# The usual start: a namespace, a file system, mounted.
start_fs() {
	pinfold_use "${1:-4G}"
	make_fs "${2:-$FS}"
	mount_fs "${2:-$FS}"
}

# hold FILE SIZE: a process that keeps FILE mapped, until hold_end; its last word is in $HELD.
hold() {
	local line
	coproc HOLD { exec "$PF" hold "$@"; }
	# shellcheck disable=SC2034
	HOLD_PROC=$HOLD_PID
	read -r line <&"${HOLD[0]}" || fail "hold died"
	assert_eq "$line" ready "hold $*"
}

hold_end() {
	local in=${HOLD[1]} out
	exec {out}<&"${HOLD[0]}"
	exec {in}>&-
	# shellcheck disable=SC2034
	read -r HELD <&"$out" || HELD="no answer"
	exec {out}<&-
	wait "$HOLD_PROC" || true
}

# moveloop, moveloop_end: pages of the files in $MNT, and others, move all the time
moveloop() {
	coproc MOVE { exec "$PF" moveloop "$DEV" "$MNT" "$(seed 0x1eaf)"; }
	MOVE_PROC=$MOVE_PID
	local line
	read -r line <&"${MOVE[0]}"
	assert_eq "$line" ready "moveloop"
	exec {MOVE_OUT}<&"${MOVE[0]}"
}

moveloop_end() {
	kill -TERM "$MOVE_PROC"
	cat <&"$MOVE_OUT" | tee /tmp/case.moveloop
	exec {MOVE_OUT}<&-
	wait "$MOVE_PROC" || fail "moveloop: status $?"
	grep -q "moveloop: [1-9][0-9]* pages moved" /tmp/case.moveloop || fail "nothing moved"
}

ns_unbind() {
	[ "$(driver_of "$1")" = none ] || echo "$1" >"$ND/devices/$1/driver/unbind"
}

# ns_bind NAMESPACE DRIVER: as the kernel's own bind; fails if it does
ns_bind() {
	echo "$1" 2>/dev/null >"$ND/drivers/$2/bind"
}

# ns_raw NAMESPACE: nd_pmem shows all of it, info block included
ns_raw() {
	ns_unbind "$1"
	echo 1 >"$ND/devices/$1/force_raw"
	[ -e "$ND/drivers/nd_pmem" ] || modprobe nd_pmem
	# Loading the driver may have bound it. Who looks at the disk of the other one, as udev does, keeps its range.
	[ "$(driver_of "$1")" = nd_pmem ] || retry 10 ns_bind "$1" nd_pmem || fail "cannot bind $1 to nd_pmem"
	use_namespace "$1"
	retry 20 test -b "$DEV" || fail "no $DEV for raw $1"
}

# What the kernel log said since dmesg_mark; the harness reads all of it, from the serial line.
dmesg_mark() {
	dmesg --clear
}

dmesg_since() {
	dmesg
}

# assert_dmesg REGEX WHAT
assert_dmesg() {
	grep -Eq "$1" <<<"$(dmesg_since)" || fail "$2: nothing like '$1' in the log: $(dmesg_since | tail -5)"
}

# Every namespace raw and blank, modules unloaded.
pinfold_blank() {
	local dev ns size
	for dev in "$ND"/devices/namespace*; do
		ns=${dev##*/}
		read -r size <"$dev/size"
		[ "$size" != 0 ] || continue
		[ "$(driver_of "$ns")" = nd_pinfold ] || continue
		ns_raw "$ns" || return 1
		dd if=/dev/zero of="$DEV" bs=1M count=3 conv=notrunc,fsync status=none || return 1
	done
	pinfold_unload
}

# The last pages may be on their way out: dax_backing looks once a second.
pinfold_unload() {
	[ ! -e /sys/module/nd_pinfold ] || retry 10 rmmod nd_pinfold || return 1
	[ ! -e /sys/module/dax_backing ] || retry 10 rmmod dax_backing || return 1
	[ ! -e /sys/module/pin_registry ] || rmmod pin_registry
}

# Called after each case. Creating a namespace takes seconds under emulation, so one that was not tampered with
# stays attached; but nothing may be left of what the case did to it.
guest_reset_pinfold() {
	local stats disk failed=0
	for stats in /sys/block/pmem*/pinfold; do
		[ -e "$stats" ] || continue
		disk=${stats%/pinfold}
		disk=${disk##*/}
		tool trim "/dev/$disk"
		if [ "$(populated "$disk")" != "$KEPT" ]; then
			grep -H . "$stats"/*
			failed=1
		fi
	done
	return $failed
}
