#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh map-mem|show|devices: what the demo does in its guests. Lines "= KEY VALUE" are figures for tests/demo/demo, the
# others are for whoever watches.

set -eu -o pipefail

raw_dev=namespace0.0
mnt=/mnt/pmem

say() {
	printf '%s\n' "$*"
}

die() {
	say "FAILED: $*"
	exit 1
}

# figure KEY VALUE
figure() {
	say "= $1 $2"
}

now_us() {
	printf '%s' "${EPOCHREALTIME/[.,]/}"
}

# timed KEY COMMAND...: the figure is in microseconds
timed() {
	local key=$1 start end
	shift
	start=$(now_us)
	"$@" || die "$*"
	end=$(now_us)
	figure "$key" $((end - start))
}

human() {
	numfmt --to=iec-i --suffix=B --format=%.1f "$1"
}

meminfo() {
	awk -v what="$1:" '$1 == what { print $2 }' /proc/meminfo
}

# RAM that is neither free nor given back on request, in bytes. Pages on the processors' free lists are free.
used_ram() {
	local lists
	udevadm settle
	sleep 2
	sync
	echo 3 >/proc/sys/vm/drop_caches
	lists=$(awk '$1 == "count:" { n += $2 } END { print 4 * n }' /proc/zoneinfo)
	echo $((($(meminfo MemTotal) - $(meminfo MemFree) - lists) * 1024))
}

disk_size() {
	echo $(($(cat /sys/block/pmem0/size) * 512))
}

machine() {
	figure kernel "$(uname -r)"
	figure ram $(($(meminfo MemTotal) * 1024))
	figure media "$(cat /sys/bus/nd/devices/$raw_dev/size)"
}

quiet() {
	"$@" >/dev/null
}

# Everything has to be said before: nothing may come back.
map_mem() {
	machine
	figure began 1
	ndctl create-namespace -f -e $raw_dev -m fsdax -M mem || {
		figure refused 1
		exit 0
	}
	figure ram_map_mem "$(disk_size)"
}

map_dev() {
	local before
	say "stock: ndctl create-namespace -m fsdax -M dev"
	before=$(used_ram)
	timed stock_us quiet ndctl create-namespace -f -e $raw_dev -m fsdax -M dev
	figure stock_ram $(($(used_ram) - before))
	figure stock_media $(($(cat /sys/bus/nd/devices/$raw_dev/size) - $(disk_size)))
	quiet ndctl destroy-namespace -f $raw_dev
}

attach() {
	local before
	say "pinfold: pinfold create $raw_dev; then detached, as after a boot"
	timed create_us quiet pinfold create --force $raw_dev
	quiet pinfold detach $raw_dev
	say "pinfold: pinfold attach $raw_dev"
	before=$(used_ram)
	timed attach_us quiet pinfold attach $raw_dev
	figure pinfold_ram $(($(used_ram) - before))
	figure pinfold_media $(($(cat /sys/bus/nd/devices/$raw_dev/size) - $(disk_size)))
}

mounted() {
	say "pinfold: mkfs.ext4, mount -o dax=always"
	timed mkfs_us mkfs.ext4 -q -F -b 4096 -m 0 -T largefile4 -J size=64 /dev/pmem0
	mkdir -p $mnt
	timed mount_us mount -t ext4 -o dax=always /dev/pmem0 $mnt
	grep " $mnt " /proc/mounts
}

populated() {
	cat /sys/block/pmem0/pinfold/populated_bytes
}

mapped() {
	say "libpmem: a file of 256 GiB, mapped as a whole, 64 MiB written in it and a byte every 4 GiB"
	fallocate -l 256G $mnt/large
	/run/app map $mnt/large || die "map"
}

pmdk() {
	say "PMDK: a libpmemobj program, 1000 transactions in a pool of 2 GiB"
	/run/app pmemobj $mnt/pool 2147483648 1000 || die "libpmemobj program"
	pmempool check $mnt/pool || die "pmempool check"
}

run_fio() {
	local engine=$1
	shift
	say "fio: 32 MiB of random writes by the $engine engine, read back and verified"
	fio --name="$engine" --filename="$mnt/fio.$engine" --ioengine="$engine" --rw=randwrite --bs=4k --size=32m \
		--verify=crc32c --verify_fatal=1 --thread "$@" >/run/fio.log 2>&1 ||
		{ cat /run/fio.log; die "fio $engine"; }
	grep -E '^ *(WRITE|READ):' /run/fio.log || :
}

media() {
	cat "/sys/block/pmem0/pinfold_media/$1"
}

# FILE...: there and back again, until what it is for is over. What is in use just then is passed over.
move_until_over() {
	local file
	while [ ! -e /run/over ]; do
		for file; do
			[ -e "$file" ] || continue
			pinfold relocate "$file" >/dev/null 2>&1 || :
			pinfold restore "$file" >/dev/null 2>&1 || :
		done
	done
}

# The page of a file that the machine reports errors of, all corrected so far.
failing_page() {
	local inject=/sys/kernel/debug/mce-inject i
	local at
	at=$(filefrag -b4096 -v "$1" | awk '$1 == "0:" { print $4 + 0 }')
	at=$(($(cat /sys/bus/nd/devices/$raw_dev/resource) + $(media data_offset) + at * 4096))
	# What the harness would take for trouble.
	printf '?%s\n' "Hardware Error" "mce: " >>/run/vm-expect
	modprobe mce-inject
	for ((i = 0; i < 16; i++)); do
		echo sw >$inject/flags
		# Valid, with an address; a corrected error of a memory read.
		echo 0x9c0000000008009f >$inject/status
		echo $at >$inject/addr
		echo 0x8c >$inject/misc
		echo 0 >$inject/cpu
		echo 4 >$inject/bank
	done
	for ((i = 0; i < 100; i++)); do
		[ "$(media retired)" = 0 ] || return 0
		sleep 0.1
	done
	die "the failing page was not retired"
}

evacuated() {
	local mover moves
	moves=$(media moves)
	say "pinfold: the pages of the pool and of a file move, while the libpmemobj program and fio use them"
	fallocate -l 32M $mnt/fio.mmap
	rm -f /run/over
	move_until_over $mnt/fio.mmap $mnt/pool.moved &
	mover=$!
	/run/app pmemobj $mnt/pool.moved 67108864 1000 || die "libpmemobj program"
	run_fio mmap
	touch /run/over
	wait $mover
	pmempool check $mnt/pool.moved || die "pmempool check"
	[ "$(media moves)" -gt "$moves" ] || die "nothing moved"
	figure moves $(($(media moves) - moves))
	say "pinfold: $(($(media moves) - moves)) pages moved meanwhile; nothing lost"
	say "pinfold: errors in a page of the file, corrected so far: it is retired"
	sha256sum $mnt/fio.mmap >/run/sum
	failing_page $mnt/fio.mmap
	sha256sum -c --quiet /run/sum || die "contents of the file"
	figure retired "$(media retired)"
}

finish() {
	figure populated "$(populated)"
	figure memmap "$(cat /sys/block/pmem0/pinfold/memmap_bytes)"
	say "pinfold: $(human "$(populated)") of $(human "$(cat /sys/block/pmem0/pinfold/attached_bytes)") have struct pages"
	say "pinfold: umount, pinfold trim"
	umount $mnt
	quiet pinfold trim $raw_dev
	figure after_trim "$(populated)"
}

show() {
	machine
	map_dev
	attach
	mounted
	figure populated_mounted "$(populated)"
	pmdk
	run_fio libpmem --direct=1
	run_fio mmap
	mapped
	evacuated
	finish
}

# Five small NVDIMMs: a RAID5 that loses a leg while fio writes, and gets it back.
raid_health() {
	dmsetup status demo | awk '{ print $6 }'
}

raid_settled() {
	local i
	for ((i = 0; i < 300; i++)); do
		[[ $(raid_health) = AAAAA && $(dmsetup status demo | awk '{ print $8 }') = idle ]] && return
		sleep 0.2
	done
	die "the array does not settle: $(dmsetup status demo)"
}

fio_raid() {
	fio --name=raid --directory=/mnt/raid --size=16m --rw=randwrite --bsrange=4k-64k --direct=1 --fsync=32 \
		--ioengine=psync --numjobs=2 --verify=crc32c --verify_fatal=1 --randseed=7 "$@" >/run/fio.log 2>&1 ||
		{ cat /run/fio.log; die "fio on the array"; }
}

raid() {
	local i writer legs=()
	for i in 0 1 2 3 4; do
		quiet pinfold create --force namespace$i.0
		legs+=("/dev/pmem$i")
	done
	say "pinfold: pinfold raid create demo --level raid5 ${legs[*]}; mkfs.ext4, mount"
	printf '?%s\n' "pfn_raid: " >>/run/vm-expect
	modprobe dm_pfn_raid
	quiet pinfold raid create demo --level raid5 --force "${legs[@]}"
	mkfs.ext4 -q -F /dev/mapper/demo
	mkdir -p /mnt/raid
	mount /dev/mapper/demo /mnt/raid
	say "fio: random writes by two jobs; meanwhile leg 2 fails"
	fio_raid --do_verify=0 &
	writer=$!
	sleep 2
	quiet pinfold raid fail demo 2
	pinfold raid status demo
	wait $writer || die "fio while a leg failed"
	say "fio: what it wrote is read from the four legs that are left, and verified"
	fio_raid --verify_only
	say "pinfold: pinfold raid remove demo 2; pinfold raid add demo 2 ${legs[2]}: rebuilt"
	quiet pinfold raid remove demo 2
	quiet pinfold raid add --force demo 2 "${legs[2]}"
	raid_settled
	fio_raid --verify_only
	umount /mnt/raid
	say "pinfold: pinfold raid scrub demo"
	quiet pinfold raid scrub demo
	raid_settled
	pinfold raid status demo
	[ "$(dmsetup status demo | awk '{ print $9 }')" = 0 ] || die "the scrub found mismatches"
	e2fsck -fn /dev/mapper/demo >/run/fsck.log 2>&1 || { cat /run/fsck.log; die "e2fsck"; }
	# Two chunks of each leg have struct pages from the start.
	figure raid_pages $(($(cat /sys/block/pmem[0-4]/pinfold/populated_bytes | paste -sd+) - 5 * 2 * (2 << 20)))
	quiet pinfold raid stop demo
}

# A PCI device copies one half of a mapped DAX file to the other, for ever; the file's pages move below it.
stream() {
	local told
	raw_dev=namespace5.0
	say "pinfold: a PCI device keeps DMA running in a DAX file, through a dma-buf, while the file's pages move"
	quiet pinfold create --force --spare 16M $raw_dev
	mkfs.ext4 -q -F -b 4096 /dev/pmem5
	mkdir -p $mnt
	mount -t ext4 -o dax=always /dev/pmem5 $mnt
	modprobe -a dax_dmabuf edu
	told=$(PF_DISK=pmem5 "$PINFOLD_TOP/build/guest/pf" edu stream dmabuf $mnt/stream) || die "stream: $told"
	say "$told"
	figure stream_moves "$(sed -nE 's/^edu, dmabuf: ([0-9]+) moves.*/\1/p' <<<"$told")"
	figure stream_transfers "$(sed -nE 's/.* moves, ([0-9]+) transfers.*/\1/p' <<<"$told")"
	umount $mnt
}

devices() {
	figure kernel "$(uname -r)"
	raid
	stream
}

[ "$1" = devices ] || cp "$PINFOLD_TOP/build/demo/app" /run/app
case $1 in
map-mem) map_mem ;;
show) modprobe nd_pinfold; show ;;
devices) modprobe nd_pinfold; devices ;;
*) die "$1?" ;;
esac
