#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Several namespaces in a labelled region, and those that btt, pfn or dax claim.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 900
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need ndctl
export FS=ext4
use_region 1G
LABELLED=$REGION

ndctl_do() {
	ndctl "$@" >/tmp/case.ndctl 2>&1 || fail "ndctl $*: $(cat /tmp/case.ndctl)"
}

# ns_new ARGS: the new namespace's name
ns_new() {
	ndctl_do create-namespace -r "$LABELLED" "$@"
	sed -n 's/.*"dev":"\(namespace[0-9.]*\)".*/\1/p' /tmp/case.ndctl | head -1
}

DIMM=$(sed 's/,.*//' "$ND/devices/$LABELLED/mapping0")
ndctl_do disable-region "$LABELLED"
ndctl_do init-labels -f "$DIMM"
ndctl_do enable-region "$LABELLED"

A=$(ns_new -m raw -s 128M -n first)
B=$(ns_new -m raw -s 128M -n second)
C=$(ns_new -m raw -s 128M -n third)
printf 'namespaces: %s %s %s\n' "$A" "$B" "$C"
n=0
for NS in $A $B $C; do
	n=$((n + 1))
	use_namespace "$NS"
	tool create --force "$NS"
	pinfold_ready
	make_fs
	mount_fs "$FS" "$DEV" "/mnt/$n"
	pf fill "/mnt/$n/file" 8M "$n"
	pf verify "/mnt/$n/file" 8M "$n" map
	assert_ne "$(pf_uuid=$(cat "/sys/block/$DISK/pinfold_media/uuid"); echo "$pf_uuid")" "" "uuid"
done
umount /mnt/1 /mnt/2 /mnt/3
tool detach all
for NS in $A $B $C; do
	assert_eq "$(driver_of "$NS")" none "driver after detach all"
done
tool attach all
n=0
for NS in $A $B $C; do
	n=$((n + 1))
	use_namespace "$NS"
	pinfold_ready
	mount_fs "$FS" "$DEV" "/mnt/$n"
	pf verify "/mnt/$n/file" 8M "$n" map
done
ndctl list -N | grep -q "\"blockdev\":\"$DISK\"" || fail "ndctl list does not show $DISK"

# Not twice, and not while it is mounted.
run_expect_fail pinfold create --force "$C"
echo "$ERR" | grep -q "attached pinfold namespace already" || fail "create again: $ERR"
run_expect_fail pinfold destroy --force "$C"
echo "$ERR" | grep -q "is mounted at /mnt/3" || fail "destroy while mounted: $ERR"
run_expect_fail pinfold detach "$C"
echo "$ERR" | grep -q "is mounted at /mnt/3" || fail "detach while mounted: $ERR"
umount /mnt/1 /mnt/2 /mnt/3

# An info block copied to another namespace is not taken.
tool detach "$A"
tool detach "$B"
ns_raw "$A"
dd if="$DEV" of=/tmp/case.info bs=1M count=2 status=none
ns_raw "$B"
dd if=/tmp/case.info of="$DEV" bs=1M conv=notrunc,fsync status=none
ns_unbind "$B"
echo 0 >"$ND/devices/$B/force_raw"
dmesg_mark
! ns_bind "$B" nd_pinfold || fail "attached with another namespace's info block"
assert_dmesg "$B: not attached: .*copied from namespace .* run: pinfold check $B" "copied info block"
for NS in $A $B; do
	ns_unbind "$NS"
	ndctl_do destroy-namespace -f "$NS"
done
use_namespace "$C"
mount_fs
pf verify "$MNT/file" 8M 3 map
umount "$MNT"
tool destroy --force "$C"
ndctl_do destroy-namespace -f "$C"

# Claimed by somebody else: refused, and nothing is harmed.
for mode in sector fsdax devdax; do
	NS=$(ns_new -m $mode -s 64M)
	run_expect_fail pinfold create --force "$NS"
	printf '%s: %s\n' "$mode" "$ERR"
	echo "$ERR" | grep -q "$NS" || fail "$mode: the message does not name $NS"
	ndctl list -N | grep -q "\"mode\":\"$mode\"" || fail "$mode namespace is gone"
	run_expect_fail pinfold attach "$NS"
	echo "$ERR" | grep -q "$NS" || fail "attach of $mode: $ERR"
	ndctl_do disable-namespace "$NS"
	run_expect_fail pinfold create --force "$NS"
	ndctl_do destroy-namespace -f "$NS"
done

# Too small.
NS=$(ns_new -m raw -s 16M)
if pinfold create --force "$NS" >/tmp/case.small 2>&1; then
	tool destroy --force "$NS"
	echo "16 MiB is enough"
else
	cat /tmp/case.small
	grep -q "too small" /tmp/case.small || fail "16 MiB namespace: $(cat /tmp/case.small)"
fi
truncate -s 8M /tmp/case.image
run_expect_fail pinfold create --force /tmp/case.image
echo "$ERR" | grep -q "too small" || fail "8 MiB image: $ERR"
ndctl_do destroy-namespace -f "$NS"
