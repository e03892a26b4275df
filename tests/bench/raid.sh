# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Arrays against md on the same legs; guest.sh reads this. Both are filled first, so that no page was never written.

leg_data=32m
leg_pages=8192
declare -a legs

# The number of data legs, and of all legs, of a level
data_legs() {
	case $1 in
	raid1) echo 1 ;;
	raid10) echo 2 ;;
	*) echo 4 ;;
	esac
}

all_legs() {
	case $1 in
	raid1) echo 2 ;;
	raid10) echo 4 ;;
	raid5) echo 5 ;;
	raid6) echo 6 ;;
	esac
}

# md's speed limits are out of the way: what counts is the work.
md_create() {
	local level=$1 nr chunk=()
	nr=$(all_legs "$level")
	[ "$level" = raid1 ] || chunk=(--chunk=64)
	mdadm --create /dev/md9 --run --assume-clean --bitmap=none --metadata=1.2 --level="${level#raid}" \
		--raid-devices="$nr" --size=$((leg_pages * 4)) "${chunk[@]}" "${legs[@]:0:$nr}" >/dev/null 2>&1 ||
		die "no md $level"
	echo 2000000 >/proc/sys/dev/raid/speed_limit_max
	echo 2000000 >/proc/sys/dev/raid/speed_limit_min
	array=/dev/md9
}

md_destroy() {
	mdadm --stop /dev/md9 >/dev/null 2>&1 || die "cannot stop md"
	mdadm --zero-superblock "${legs[@]:0:$(all_legs "$1")}" >/dev/null 2>&1 || true
}

ours_create() {
	pinfold raid create bench --level "$1" --force --size $leg_data "${legs[@]:0:$(all_legs "$1")}" >/dev/null ||
		die "no $1"
	# No udev, so no name in /dev/mapper.
	array=/dev/$(dmsetup info -c --noheadings -o blkdevname bench)
}

ours_destroy() {
	pinfold raid stop bench || die "cannot stop $1"
}

# The scripts that are measured: they end when the work is done.
wait_md='while read -r a </sys/block/md9/md/sync_action && read -r d </sys/block/md9/md/degraded &&
	[ "$a $d" != "idle 0" ]; do mdadm --wait /dev/md9 || sleep 0.05; done'
wait_ours='while e=$(dmsetup info -c --noheadings -o events bench) && ! dmsetup status bench | grep -q " idle "; do
	dmsetup wait bench $e; done'

scrubbed() {
	if [ "$2" = peer ]; then
		measured "scrub_$1" peer run $leg_pages "echo check >/sys/block/md9/md/sync_action; $wait_md"
	else
		measured "scrub_$1" pinfold run $leg_pages "dmsetup message bench 0 scrub check; $wait_ours"
	fi
}

# rebuilt NAME SIDE: leg 1 goes and comes back, as another
rebuilt() {
	if [ "$2" = peer ]; then
		mdadm /dev/md9 --fail "${legs[1]}" >/dev/null 2>&1 || die "md: fail"
		until mdadm /dev/md9 --remove "${legs[1]}" >/dev/null 2>&1; do sleep 0.1; done
		mdadm --zero-superblock "${legs[1]}"
		measured "$1" peer run $leg_pages "mdadm /dev/md9 --add ${legs[1]} 2>/dev/null; $wait_md"
	else
		pinfold raid remove bench 1 >/dev/null
		measured "$1" pinfold run $leg_pages "dmsetup message bench 0 add 1 ${legs[1]}; $wait_ours"
	fi
}

# moved NAME KIB: bytes that an operation of the last measurement moved, its own data included
moved() {
	local before=$1 name=$2 own=$3 ops=$4 after
	after=$(traffic)
	report "$name" pinfold "$((after - before + own * ops)) $((after - before + own * ops)) $ops"
}

traffic() {
	dmsetup message bench 0 traffic | awk '{ print $2 + $4 + $6 }'
}

written() {
	local name=$1 side=$2 before=0
	shift 2
	wanted "$name" "bytes_moved_$name" || return 0
	[ "$side" = peer ] || before=$(traffic)
	timed rw "$array" "$@"
	report "$name" "$side" "$result"
	[ "$side" = peer ] || moved "$before" "bytes_moved_$name" "$(numfmt --from=iec "${2^^}")" "$4"
}

raid_side() {
	local level=$1 side=$2 size
	size=$(($(data_legs "$level") * 32))m

	"${side_cmd[$side]}_create" "$level"
	say "$side: $level on $array"
	timed rw "$array" write 1m "$size" "${size%m}" direct
	for _ in 1 2; do
		case $level in
		raid1)
			written raid1_write_4k "$side" write 4k 32m 8192 direct
			measured raid1_read_4k "$side" rw "$array" read 4k 32m 8192 direct
			wanted raid1_resync_4k && rebuilt raid1_resync_4k "$side"
			;;
		raid10)
			wanted raid10_resync_4k && rebuilt raid10_resync_4k "$side"
			;;
		raid5)
			written raid5_write_4k_rand "$side" write 4k "$size" 4096 direct rand
			written raid5_write_full_stripe "$side" write 256k "$size" 256 direct
			;;&
		raid6)
			written raid6_write_4k_rand "$side" write 4k "$size" 4096 direct rand
			;;&
		raid5|raid6)
			wanted "${level}_rebuild_4k" && rebuilt "${level}_rebuild_4k" "$side"
			wanted "scrub_$level" && scrubbed "$level" "$side"
			;;
		esac
	done
	"${side_cmd[$side]}_destroy" "$level"
}

group_raid() {
	local ns level side
	declare -gA side_cmd=([peer]=md [pinfold]=ours)

	export MDADM_NO_UDEV=1
	modprobe -a dm_pfn_raid raid1 raid10 raid456
	for ns in /sys/bus/nd/devices/namespace?.0; do
		pinfold create --force "${ns##*/}" >/dev/null || die "no pinfold namespace on $ns"
		legs+=("/dev/$(disk_of "${ns##*/}")")
	done
	for level in raid1 raid10 raid5 raid6; do
		[[ $what == *$level* ]] || continue
		for side in peer pinfold; do
			raid_side "$level" "$side"
		done
	done
}
