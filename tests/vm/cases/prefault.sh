#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prefault gives a file or a range its struct pages before the first touch.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf fill "$MNT/file" 64M 1
assert_populated "$BASE" "written file"

tool prefault "$MNT/file"
AFTER=$(populated)
[ "$AFTER" -ge $((BASE + (64 << 20))) ] || fail "prefault of 64 MiB populated $((AFTER - BASE))"
EVENTS=$(stat_of populate_events)
pf touch "$MNT/file" 0 4K 16384
assert_populated "$AFTER" "touching a prefaulted file"
assert_eq "$(stat_of populate_events)" "$EVENTS" "populate_events after prefault"
pf verify "$MNT/file" 64M 1 map
printf 'file of 64 MiB: populated %s, events %s, spans %s\n' "$AFTER" "$EVENTS" "$(stat_of spans)"

# A range of the namespace, far away from everything else; once more changes nothing.
tool prefault --range 3G:32M "$NS"
RANGE=$(populated)
# Spans are powers of two, aligned to themselves.
assert_between $((RANGE - AFTER)) $((32 << 20)) $((64 << 20)) "range of the namespace"
tool prefault --range 3G:32M "$NS"
assert_populated "$RANGE" "the same range again"

# Part of a file.
pf fill "$MNT/second" 64M 2
tool trim "$NS"
BEFORE=$(populated)
tool prefault --range 8M:4M "$MNT/second"
GREW=$(($(populated) - BEFORE))
assert_between "$GREW" $((4 << 20)) $((16 << 20)) "4 MiB of a file"

# Beyond its end, without DAX, not on pinfold.
run_expect_fail pinfold prefault --range 1T:1M "$NS"
echo "$ERR" | grep -q "behind the end" || fail "beyond the end: $ERR"
run_expect_fail pinfold prefault /etc/passwd
echo "$ERR" | grep -q "not on a pinfold namespace" || fail "another file system: $ERR"
run_expect_fail pinfold prefault "$MNT"
