#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Trim against stores, faults, truncate, unlink, mount and umount; everything is verified.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 900
# group: data
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
dmesg_mark

trimloop() {
	coproc TRIM { exec "$PF" trimloop "$DEV"; }
	TRIM_PROC=$TRIM_PID
	read -r line <&"${TRIM[0]}"
	assert_eq "$line" ready "trimloop"
	exec {TRIM_OUT}<&"${TRIM[0]}"
}

trimloop_end() {
	kill -TERM "$TRIM_PROC"
	cat <&"$TRIM_OUT" | tee /tmp/case.trimloop
	exec {TRIM_OUT}<&-
	wait "$TRIM_PROC" || fail "trimloop: status $?"
	grep -q "trimloop: [1-9][0-9]* trims gave back [1-9]" /tmp/case.trimloop || fail "trim did nothing"
}

trimloop
pf fill "$MNT/stored" 8M 0
pf store "$MNT/stored" 8M "$(budget 12)"
pf stress "$MNT" "$(budget 5)" "$(seed 0x5eed)"

for ((i = 1; i <= $(budget 2); i++)); do
	pf fill "$MNT/round" 8M "$i"
	pf touch "$MNT/round" 0 4K 2048
	umount "$MNT"
	mount_fs
	pf verify "$MNT/round" 8M "$i" map
done
trimloop_end
# A wait for a span on its way out may well end after a second, on a slow machine; none may last.
if dmesg_since | grep -E "no struct pages after [0-9]{5} ms"; then
	fail "a fault waited for nothing: wait_timeouts is $(stat_of wait_timeouts)"
fi
umount "$MNT"
case $FS in
ext4) e2fsck -fn "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac
