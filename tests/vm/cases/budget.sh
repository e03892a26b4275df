#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A used-up budget is SIGBUS and an explanation; trim or a larger budget help.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
OLD=$(stat_of budget_bytes)
trap 'echo "$OLD" >"/sys/block/$DISK/pinfold/budget_bytes"' EXIT
[ "$OLD" -gt 0 ] || fail "no budget by default"
RAM=$(awk '/^MemTotal:/ { print $2 * 1024 }' /proc/meminfo)
[ "$OLD" -lt $((RAM / 4)) ] || fail "budget $OLD of $RAM"
fallocate -l 512M "$MNT/file"
fallocate -l 16M "$MNT/other"

# 32 chunks of 32 KiB each. Used ones are trimmed to make room, even mapped ones, so nothing fails ...
tool set-budget "$NS" 1M
assert_eq "$(stat_of budget_bytes)" $((1 << 20)) "budget_bytes"
assert_eq "$(pf touch "$MNT/other" 0 2M 8)" "touched 8 sigbus 0" "within the budget"

# ... until all of them are pinned.
dmesg_mark
pf pinned "$MNT/file" 2M 128 >/tmp/case.touch
cat /tmp/case.touch
read -r _ TOUCHED _ BUS </tmp/case.touch
[ "$BUS" -gt 0 ] || fail "no SIGBUS beyond the budget"
[ "$TOUCHED" -ge 16 ] || fail "only $TOUCHED chunks before the first SIGBUS"
assert_eq $((TOUCHED + BUS)) 128 "touches"
[ "$(stat_of memmap_bytes)" -le $((1 << 20)) ] || fail "memmap_bytes $(stat_of memmap_bytes) above the budget"
[ "$(stat_of populate_failures)" -gt 0 ] || fail "no populate_failures"
assert_dmesg "budget .* used up.*(trim|raise).*budget_bytes" "explanation"
run_expect_fail pinfold prefault "$MNT/file"
echo "$ERR" | grep -q "budget is used up" || fail "prefault: $ERR"

# The process is gone, so its chunks may go: the next one only has to wait for the background trim.
again() {
	[ "$(pf touch "$MNT/other" 0 2M 1)" = "touched 1 sigbus 0" ]
}
retry 30 again || fail "still SIGBUS: nothing was trimmed"

tool set-budget "$NS" 64M
pf touch "$MNT/file" 0 2M 128 | tee /tmp/case.touch
grep -q "touched 128 sigbus 0" /tmp/case.touch || fail "SIGBUS within the budget"
tool set-budget "$NS" unlimited
assert_eq "$(stat_of budget_bytes)" 0 "unlimited"
run_expect_fail pinfold set-budget "$NS" many
