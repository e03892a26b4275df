#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# First touches from many threads on ext4 and XFS deadlock with nothing: CPUs and memory going off and on line, memory
# masks changing, reclaim, journal commits, truncate, punch, unlink, trim. What is in the files is checked.
# vm: --mem 1280M --nodes 2 --nvdimm 2G --nvdimm 1G --disk 512M --append movablecore=640M
# timeout: 600
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"
# shellcheck source=tests/vm/lib/storm.sh
. "$PINFOLD_TOP/tests/vm/lib/storm.sh"

SEED=$(seed 0x570a1)
SECS=$(budget 40)
echo "seed $SEED, $SECS s"

# Much longer than a fault of user code waits; the debug kernel is slow.
[ -e /proc/lockdep ] && HUNG=180 || HUNG=60
echo "$HUNG" >/proc/sys/kernel/hung_task_timeout_secs
echo 5 >/proc/sys/kernel/hung_task_check_interval_secs
echo 1 >/proc/sys/kernel/hung_task_panic
# Then with the stacks of all tasks: who is in the way need not hang itself.
echo 1 >/proc/sys/kernel/panic_print
# Offlining a block of memory gives up on a page that is in use at the moment, and says which.
allow_klog "page +dumped because: "
# And for want of a page to move one to, with a stack. Warnings and bugs have other lines, too.
allow_klog "page allocation failure: order:0, .*GFP_HIGHUSER_MOVABLE"
allow_klog "Call Trace:"
# When reclaim is not fast enough, who takes the memory is killed, and nobody else: the others' status is looked at.
allow_klog "invoked oom-killer"
allow_klog "Out of memory: Killed process .* \\(pf\\) .*oom_score_adj:1000"

mkfs.ext4 -q -F /dev/vda
mkdir -p /mnt/disk
mount /dev/vda /mnt/disk
storm_cgroup storm
evicted_begin
XFS_RECLAIMED=0
# For its statistics
modprobe xfs

# storm_of SECONDS DISTURBERS FS:SIZE...: all of it at once, on these file systems
storm_of() {
	local secs=$1 disturbers=$2 n=0 disks=() fs type before what
	shift 2
	for fs; do
		type=${fs%:*}
		storm_fs "${fs#*:}" "$type" "/mnt/$type"
		disks+=("$DISK")
		mkdir "/mnt/$type/idle"
		storm_add "files-$DISK" in_cgroup storm "/mnt/$type" 4 "$secs" $((SEED + n))
		storm_add "inodes-$DISK" "$PF" disturb inodes "/mnt/$type/idle" "$secs" "$SEED"
		storm_add "commit-$DISK" "$PF" disturb commit "/mnt/$type" "$secs" "$SEED"
		n=$((n + 1))
	done
	before=$(reclaimed_xfs)
	storm_add pressure "$PF" disturb pressure /mnt/disk "$secs" "$SEED"
	for what in $disturbers; do
		storm_add "$what" "$PF" disturb "$what" - "$secs" "$SEED"
	done
	storm_add cpuset "$PF" disturb cpuset "$STORM_CGROUP" "$secs" "$SEED"
	for DISK in "${disks[@]}"; do
		storm_trim "/dev/$DISK"
	done
	storm_end
	XFS_RECLAIMED=$((XFS_RECLAIMED + $(reclaimed_xfs) - before))
	grep -h '^storm: ' "$STORM_OUT"/files-* | grep -v 'sigbus 0,' && fail "SIGBUS"
	for DISK in "${disks[@]}"; do
		storm_check "$secs"
	done
	for fs; do
		umount "/mnt/${fs%:*}"
	done
	for DISK in "${disks[@]}"; do
		storm_fsck
	done
}

# storm_check SECONDS: was there a storm on $DISK, and were waits that expired rare?
storm_check() {
	local populates expired

	populates=$(stat_of populate_events)
	expired=$(stat_of wait_timeouts)
	printf '%s: %s populates, %s failed, %s waits expired, %s MiB trimmed\n' "$DISK" "$populates" \
		"$(stat_of populate_failures)" "$expired" $(($(stat_of trimmed_bytes) >> 20))
	echo "tried $populates populates in a storm"
	[ "$populates" -ge $(($1 / 4)) ] || fail "$DISK: only $populates populates"
	# Four threads are there for all that time, a wait is a second: half of it at most was in vain.
	[ "$expired" -le $((2 * $1)) ] || fail "$DISK: $expired waits expired in $1 s"
}

storm_fsck() {
	case $(blkid -o value -s TYPE "/dev/$DISK") in
	ext4) e2fsck -fn "/dev/$DISK" ;;
	xfs) xfs_repair -n "/dev/$DISK" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
	*) fail "no file system on $DISK" ;;
	esac
}

if xfs_loses_log; then
	storm_of "$((3 * SECS / 4))" "cpus memory" ext4:2G
	storm_of "$((3 * SECS / 4))" memory xfs:1G
else
	storm_of "$SECS" "cpus memory" ext4:2G xfs:1G
fi
umount /mnt/disk
printf 'reclaim: %s pages directly, %s by kswapd, %s ext4 inodes, %s XFS inodes freed\n' "$(vmstat pgscan_direct)" \
	"$(vmstat pgscan_kswapd)" "$(evicted_ext4)" "$XFS_RECLAIMED"
[ "$(vmstat pgscan_direct)" -gt 0 ] || fail "memory was never short"
[ "$(evicted_ext4)" -gt 0 ] || fail "reclaim did not reach ext4"
