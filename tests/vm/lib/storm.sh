# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Cases that touch pages for the first time while the machine is disturbed:
# . "$PINFOLD_TOP/tests/vm/lib/storm.sh"

STORM_PIDS=()
STORM_OUT=/tmp/case.storm

# storm_fs SIZE FS DIR: a pinfold namespace with FS, mounted at DIR
storm_fs() {
	pinfold_create "$1"
	make_fs "$2"
	mount_fs "$2" "$DEV" "$3"
}

# Any child, remembered by name: storm_add NAME CMD...
storm_add() {
	local name=$1
	shift
	mkdir -p "$STORM_OUT"
	"$@" >"$STORM_OUT/$name" 2>&1 &
	STORM_PIDS+=("$!:$name")
}

# A trim that goes on and on, until storm_end
storm_trim() {
	storm_add "trim-${1##*/}" "$PF" trimloop "$1"
}

# storm_end: waits for those that end by themselves, then stops the trims. Shows what they said; a part that this
# machine cannot do (77) is no failure.
storm_end() {
	local job name pid rc failed=
	for job in "${STORM_PIDS[@]}"; do
		pid=${job%%:*} name=${job#*:} rc=0
		[ "${name#trim-}" = "$name" ] || kill -TERM "$pid" || true
		wait "$pid" || rc=$?
		grep -v '^ready$' "$STORM_OUT/$name" || true
		[ $rc -eq 0 ] || [ $rc -eq 77 ] || failed="$failed $name (status $rc)"
	done
	STORM_PIDS=()
	[ -z "$failed" ] || fail "failed:$failed"
}

# In a cgroup whose memory masks can change: storm_cgroup NAME, then $STORM_CGROUP
storm_cgroup() {
	STORM_CGROUP=/sys/fs/cgroup/$1
	echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
	mkdir -p "$STORM_CGROUP"
}

in_cgroup() {
	echo $BASHPID >"$STORM_CGROUP/cgroup.procs"
	exec "$PF" "$@"
}

# Files that ext4 lets go although they have names: done by reclaim. Counted in a trace of its own.
EVICTED=/sys/kernel/tracing/instances/evicted
evicted_begin() {
	mkdir -p "$EVICTED"
	echo 16 >"$EVICTED/buffer_size_kb"
	echo 'nlink > 0' >"$EVICTED/events/ext4/ext4_evict_inode/filter"
	echo 1 >"$EVICTED/events/ext4/ext4_evict_inode/enable"
}

evicted_ext4() {
	awk '/^(entries|overrun):/ { n += $2 } END { print n + 0 }' "$EVICTED"/per_cpu/cpu*/stats
}

# Inodes that XFS has freed, by reclaim or because they were unlinked
reclaimed_xfs() {
	awk '$1 == "ig" { print $7 }' /sys/fs/xfs/stats/stats
}

vmstat() {
	awk -v n="$1" '$1 == n { print $2 }' /proc/vmstat
}

# Until 6.6 XFS collects what is to be logged from the CPUs that are on line, and misses one that is going: its items
# come later than the space reserved for them, the log overruns, and XFS shuts itself down (xlog_cil_push_pcp_aggregate()
# and for_each_online_cpu() in fs/xfs/xfs_log_cil.c), on any device.
xfs_loses_log() {
	case $(uname -r) in
	6.[0-5].*) return 0 ;;
	*) return 1 ;;
	esac
}
