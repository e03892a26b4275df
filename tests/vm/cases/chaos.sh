#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Any ioctl with any argument and any value in any attribute, during I/O, attach and detach, leaves a disk that works
# and the data on it.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 300
# group: data
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"
# shellcheck source=tests/vm/lib/storm.sh
. "$PINFOLD_TOP/tests/vm/lib/storm.sh"

SEED=$(seed 0xc4a05)
SECS=$(budget 20)
echo "seed $SEED, $SECS s"

# An ioctl that is in the header is in the program's table.
CALLS=$(pf chaos list - 0 0)
for cmd in $(sed -n 's/^#define \(PINFOLD_IOC_[A-Z0-9_]*\)\t_IO.*/\1/p' "$PINFOLD_TOP/include/uapi/linux/pinfold.h"); do
	grep -qx "$cmd" <<<"$CALLS" || fail "$cmd is not called: a row in calls[] of chaos.c is missing"
done

PERCENT=$(cat /sys/module/dax_backing/parameters/budget_percent 2>/dev/null || echo 12)
# What may be changed, as it was
calm() {
	echo "$PERCENT" >/sys/module/dax_backing/parameters/budget_percent
	echo "$BUDGET" >"/sys/block/$1/pinfold/budget_bytes"
	echo 1 >"/sys/block/$1/dax/write_cache"
}

# Attach and detach, by the driver core's own means: with the disk open, with I/O in flight.
come_and_go() {
	local end=$((SECONDS + $2)) n=0 bound=0
	while [ $SECONDS -lt $end ]; do
		ns_unbind "$1" 2>/dev/null || true
		n=$((n + 1))
		sleep 0.0$((RANDOM % 10))
		! ns_bind "$1" nd_pinfold || bound=$((bound + 1))
		sleep 0.$((RANDOM % 10))
	done
	[ "$(driver_of "$1")" = nd_pinfold ] || retry 20 ns_bind "$1" nd_pinfold || fail "cannot attach $1"
	printf 'detached %d times, attached %d times\n' $n $bound
	[ $bound -gt 0 ]
}

pinfold_create 1G
SCRATCH=$DISK SCRATCH_NS=$NS
start_fs
BUDGET=$(stat_of budget_bytes)
# A budget of nothing is one of the values: SIGBUS is expected, and the kernel says why.
storm_add "files-$DISK" "$PF" storm "$MNT" 3 "$SECS" "$SEED"
storm_add "chaos-$DISK" "$PF" chaos "$DISK" gentle "$SECS" "$SEED"
storm_add "chaos2-$DISK" "$PF" chaos "$DISK" gentle "$SECS" $((SEED + 1))
storm_add "rawio-$SCRATCH" "$PF" rawio "/dev/$SCRATCH" 16M "$SECS" "$SEED"
retry 60 grep -qs ready "$STORM_OUT/rawio-$SCRATCH" || fail "rawio: $(cat "$STORM_OUT/rawio-$SCRATCH")"
storm_add "chaos-$SCRATCH" "$PF" chaos "$SCRATCH" rough "$SECS" $((SEED + 2))
storm_add "come_and_go" come_and_go "$SCRATCH_NS" $((SECS - 2))
storm_end
awk '/^chaos/ { for (i = 1; i <= NF; i++) if ($i ~ /^ioctls/) n += $(i - 1) } END { print "tried " n " random ioctls" }' \
	"$STORM_OUT"/chaos*

# Everything still works.
calm "$DISK"
calm "$SCRATCH"
tool trim "$NS"
pf fill "$MNT/after" 8M 5
pf verify "$MNT/after" 8M 5 map
umount "$MNT"
case $FS in
ext4) e2fsck -fn "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
# Some of its pages live elsewhere now.
tool destroy --force "$NS"
use_namespace "$SCRATCH_NS"
tool detach "$NS"
retry 20 pinfold attach "$NS" >/dev/null 2>&1 || fail "attach: $(pinfold attach "$NS" 2>&1)"
pinfold_ready
make_fs
mount_fs
pf fill "$MNT/after" 8M 6
pf verify "$MNT/after" 8M 6 map
umount "$MNT"
tool destroy --force "$NS"
