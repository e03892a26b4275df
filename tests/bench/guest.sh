#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh GROUP WHAT...: measurements of a group, in an instruction-counting guest. For tests/bench/bench it prints
# "@ WHAT SIDE RUN ELAPSED BUSY OPS", see measure.c (RUN counts its runs); other lines are for the reader.
#
# Peer and pinfold use the same NVDIMM one after the other, because even the physical address matters: for each page
# that is mapped the kernel walks its list of I/O memory. The file systems are made and mounted with the same options,
# faults are of 4 KiB on both sides, and no udev looks at the devices meanwhile.

set -eu -o pipefail

group=$1
shift
what=" $* "
file=data
mkfs_options="-q -F -b 4096 -N 1024 -m 0 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard"
mount_options="dax=always,noatime"

say() {
	printf '%s\n' "$*"
}

die() {
	say "bench: $*"
	exit 1
}

# Is one of these to be measured?
wanted() {
	local name
	for name; do
		[[ $what == *" $name "* ]] && return 0
	done
	return 1
}

# timed COMMAND...: a run of measure, into $result
timed() {
	result=$("$m" "$@") || die "measure $* failed"
	run=$((run + 1))
}

# report NAME SIDE RESULT: what is not the peer is pinfold; nothing if nobody wants it
report() {
	local side=pinfold
	wanted "$1" || return 0
	[ "$2" != peer ] || side=peer
	say "@ $1 $side $run $3"
}

# measured NAME SIDE COMMAND...
measured() {
	local name=$1 side=$2
	shift 2
	wanted "$name" || return 0
	timed "$@"
	report "$name" "$side" "$result"
}

# --- the two sides: driver, device on the nd bus, disk, mount point -----------

declare -A driver device disk mnt

disk_of() {
	basename /sys/bus/nd/devices/"$1"/block/*
}

# peer_setup mem|dev
peer_setup() {
	ndctl create-namespace -f -e namespace0.0 -m fsdax -M "$1" -a 2M >/dev/null || die "no stock fsdax namespace"
	driver[peer]=nd_pmem
	device[peer]=$(basename /sys/bus/nd/drivers/nd_pmem/pfn0.*)
	disk[peer]=$(disk_of "${device[peer]}")
	mnt[peer]=/mnt/peer
}

peer_destroy() {
	ndctl destroy-namespace -f namespace0.0 >/dev/null || die "cannot destroy the stock namespace"
}

# pinfold_setup SIDE NAMESPACE
pinfold_setup() {
	pinfold create --force "$2" >/dev/null || die "no pinfold namespace on $2"
	driver[$1]=nd_pinfold
	device[$1]=$2
	disk[$1]=$(disk_of "$2")
	mnt[$1]=/mnt/$1
}

# Struct pages may go in the background; the range stays reserved that long. Sleeping costs nothing: the clock jumps.
vacant() {
	local i
	for ((i = 0; i < 100; i++)); do
		grep -q ": ${device[$1]}\$" /proc/iomem || return 0
		sleep 0.5
	done
	die "$1: ${device[$1]} still has its range 50 s after it was unbound"
}

# bound NAME SIDE and unbound NAME SIDE measure what they do; NAME may be -
bound() {
	timed bind "${driver[$2]}" "${device[$2]}"
	report "$1" "$2" "$result"
}

unbound() {
	timed unbind "${driver[$2]}" "${device[$2]}"
	report "$1" "$2" "$result"
	vacant "$2"
}

mounted() {
	mount -t ext4 -o "$mount_options" "/dev/${disk[$1]}" "${mnt[$1]}"
}

# formatted SIDE fill|dot SIZE
formatted() {
	say "$1: ext4 on /dev/${disk[$1]} (${device[$1]}), file of $3"
	# shellcheck disable=SC2086
	mkfs.ext4 $mkfs_options "/dev/${disk[$1]}"
	mkdir -p "${mnt[$1]}"
	mounted "$1"
	"$m" "$2" "${mnt[$1]}/$file" "$3"
	umount "${mnt[$1]}"
}

# As after a boot: no DAX entry, no page table, and on pinfold's side no struct page.
afresh() {
	umount "${mnt[$1]}"
	unbound - "$1"
	bound - "$1"
	mounted "$1"
}

# --- small: faults and I/O, 1 GiB -------------------------------------------

small_faults() {
	local side=$1 path=${mnt[$1]}/$file

	if wanted fault_first_seq fault_again; then
		afresh "$side"
		measured fault_first_seq "$side" fault "$path" 1g seq load
		measured fault_again "$side" fault "$path" 1g seq load again
	fi
	if wanted fault_first_rand; then
		afresh "$side"
		measured fault_first_rand "$side" fault "$path" 1g rand load
	fi
	if wanted fault_first_store; then
		afresh "$side"
		measured fault_first_store "$side" fault "$path" 1g seq store
	fi
}

small_io() {
	local side=$1 path=$2 prefix=$3
	shift 3

	measured "${prefix}write_4k" "$side" rw "$path" write 4k 64m 16384 "$@"
	measured "${prefix}read_4k" "$side" rw "$path" read 4k 64m 16384 "$@"
	measured "${prefix}write_1m" "$side" rw "$path" write 1m 64m 128 "$@"
	measured "${prefix}read_1m" "$side" rw "$path" read 1m 64m 128 "$@"
}

small_side() {
	local side=$1

	formatted "$side" fill 1g
	mounted "$side"
	for _ in 1 2; do
		small_faults "$side"
		small_io "$side" "${mnt[$side]}/$file" ""
	done
	umount "${mnt[$side]}"
	for _ in 1 2 3; do
		small_io "$side" "/dev/${disk[$side]}" bio_ direct
	done
}

group_small() {
	peer_setup mem
	small_side peer
	peer_destroy
	pinfold_setup pinfold namespace0.0
	small_side pinfold
}

# --- attach: 64 and 512 GiB -----------------------------------------------

# In bytes. Pages on the processor's free lists are not in MemFree, but free.
memory() {
	echo $(($(awk -v what="$1:" '
		FNR == NR && $1 == what { kb += $2 }
		FNR != NR && $1 == "count:" { kb += 4 * $2 }
		END { print kb }' /proc/meminfo /proc/zoneinfo) * 1024))
}

settle() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1		# costs nothing: the clock jumps
}

# The RAM that a bound namespace holds; the caches are empty before and after.
attach_ram() {
	local side=$1 free available

	settle
	free=$(memory MemFree) available=$(memory MemAvailable)
	bound - "$side"
	settle
	free=$((free - $(memory MemFree))) available=$((available - $(memory MemAvailable)))
	report ram_free pinfold "$free $free 1"
	report ram_available pinfold "$available $available 1"
	unbound - "$side"
}

# A lone chunk in each of 32 memory sections, then 8 GiB of whole sections, then 1 GiB back.
attach_populate() {
	local dev=/dev/${disk[p64]}

	bound - p64
	echo 0 >"/sys/block/${disk[p64]}/pinfold/budget_bytes"
	measured populate_2m pinfold prefault "$dev" 1g 2m 256m 32
	measured populate_128m pinfold prefault "$dev" 32g 8g 8g 1
	timed trim "$dev" 0
	timed prefault "$dev" 1g 1g 1g 1
	measured trim_1g pinfold trim "$dev" 1000m
	unbound - p64
}

group_attach() {
	local side

	peer_setup dev
	unbound - peer
	for _ in 1 2 3; do
		wanted enable_64G || break
		bound enable_64G peer
		unbound - peer
	done
	peer_destroy
	pinfold_setup p64 namespace0.0
	pinfold_setup p512 namespace1.0
	for side in p64 p512; do
		unbound - $side
	done
	for _ in 1 2 3; do
		for side in p64 p512; do
			bound attach_${side#p}G $side
			unbound detach_${side#p}G $side
		done
		if wanted ram_free ram_available; then
			attach_ram p512
		fi
		if wanted populate_2m populate_128m trim_1g; then
			attach_populate
		fi
	done
}

# --- sparse: one page per 2 MiB of 64 GiB ------------------------------------

sparse_side() {
	local side=$1

	formatted "$side" dot 64g
	unbound - "$side"
	for _ in 1 2; do
		measured fault_first_sparse "$side" sparse "${driver[$side]}" "${device[$side]}" "${disk[$side]}" \
			"${mnt[$side]}" "${mnt[$side]}/$file" 64g
		umount "${mnt[$side]}"
		unbound - "$side"
	done
}

group_sparse() {
	peer_setup mem
	sparse_side peer
	peer_destroy
	pinfold_setup pinfold namespace0.0
	sparse_side pinfold
}

# --- pins: the registry -----------------------------------------------------

# pinned NAME SIZE COUNT [KINDS [huge]]: user memory, both sides the same
pinned() {
	wanted "$1" || return 0
	timed pin "${4:-peer,registry}" "$2" "$3" ${5:+"$5"}
	report "$1" peer "${result%%$'\n'*}"
	run=$((run + 1))
	report "$1" pinfold "${result#*$'\n'}"
}

group_pins() {
	modprobe pf_pinbench
	for _ in 1 2 3; do
		pinned pin_4k 4k 16384
		pinned pin_4k_sleeping 4k 16384 peer,sleeping
		pinned pin_2m 2m 512
		pinned pin_2m_huge 2m 2048 peer,registry huge
		pinned dma_pin_2m 2m 512 dma-peer,dma
	done
	for _ in 1 2; do
		measured pin_lookup_1k pinfold lookup 1000 100000
		measured pin_lookup_1m pinfold lookup 1000000 100000
	done
}

# --- moves: kernel pages, by compaction --------------------------------------

group_moves() {
	modprobe pf_pinbench
	# Compaction does not find the holes that are on a processor's list of free pages.
	echo 1000000 >/proc/sys/vm/percpu_pagelist_high_fraction
	for _ in 1 2 3; do
		measured move_dram_4k peer move peer 32768
		measured move_dram_4k pinfold move registry 32768
		measured move_dram_4k_unpinned peer move peer 32768
		measured move_dram_4k_unpinned pinfold move unpinned 32768
	done
}

# --- reloc: pages on the media -----------------------------------------------

# As many pages as are spare.
RELOC=64m

# out_and_home hidden|mapped FILE: from home and back, whichever of these is to be measured
out_and_home() {
	local dev=/dev/${disk[pinfold]} mapped=()

	[ "$1" = hidden ] || mapped=(mapped)
	wanted "move_4k_$1" "restore_4k_$1" "fault_again_remapped" || return 0
	timed relocate "$2" "$dev" $RELOC relocate "${mapped[@]}"
	report "move_4k_$1" pinfold "$result"
	[ "$1" = hidden ] || measured fault_again_remapped pinfold fault "$2" $RELOC seq load again
	timed relocate "$2" "$dev" $RELOC restore "${mapped[@]}"
	report "restore_4k_$1" pinfold "$result"
}

group_reloc() {
	local path

	peer_setup mem
	formatted peer fill 1g
	mounted peer
	path=${mnt[peer]}/$file
	for _ in 1 2 3; do
		measured fault_again_remapped peer fault "$path" $RELOC seq load again
		measured copy_4k peer copy "$path" $RELOC
		measured migrate_4k peer migrate $RELOC
	done
	umount "${mnt[peer]}"
	peer_destroy

	driver[pinfold]=nd_pinfold device[pinfold]=namespace0.0 mnt[pinfold]=/mnt/pinfold
	pinfold create --force --spare 128M namespace0.0 >/dev/null || die "no pinfold namespace"
	disk[pinfold]=$(disk_of namespace0.0)
	formatted pinfold fill 1g
	mounted pinfold
	path=${mnt[pinfold]}/$file
	for _ in 1 2 3; do
		out_and_home hidden "$path"
	done
	for _ in 1 2 3; do
		out_and_home mapped "$path"
	done
	if wanted dma_move_4k dma_move_512k; then
		modprobe pf_pinbench
	fi
	for _ in 1 2 3; do
		measured dma_move_4k pinfold pause "$path" "/dev/${disk[pinfold]}" 2m 4k
		measured dma_move_512k pinfold pause "$path" "/dev/${disk[pinfold]}" 8m 512k
	done
	for _ in 1 2 3; do
		measured store_stall_p50 pinfold stall "$path" "/dev/${disk[pinfold]}" 4m 500
		measured store_stall_p99 pinfold stall "$path" "/dev/${disk[pinfold]}" 4m 990
		measured store_stall_max pinfold stall "$path" "/dev/${disk[pinfold]}" 4m 1000
	done
	umount "${mnt[pinfold]}"
}

# --- raid --------------------------------------------------------------------

# shellcheck source=tests/bench/raid.sh
. "$PINFOLD_TOP/tests/bench/raid.sh"

m=/run/measure
run=0
result=
cp "$PINFOLD_TOP/build/bench/measure" $m
[[ $group == pins || $group == moves ]] || modprobe -a nd_pmem ext4 nd_pinfold
"group_$group"
[ -z "${PROFILE:-}" ] || cp /proc/kallsyms "$PINFOLD_TOP/build/bench/kallsyms"
say "$group: done"
