#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# First touches scattered over a large device: each populates its own 2 MiB, all come back, and the cost is told.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 900
# group: media
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

# With less than 128 MiB between them, neighbours would be evidence for larger spans.
COUNT=$(budget 1024)
[ "$COUNT" -le 3840 ] || COUNT=3840
STRIDE=$((480 * 1024 / COUNT))M

# What it cost is shown, and decides nothing.
step() {
	local start=$EPOCHREALTIME
	"$@"
	printf '%s: %d ms\n' "$1 $2" $(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
}


pinfold_use 512G
# XFS allocates as much at a go as it has; ext4 would fill a bitmap for each 128 MiB.
make_fs xfs
mount_fs xfs
step fallocate -l $((COUNT * $(bytes $STRIDE))) "$MNT/file"
EVENTS=$(stat_of populate_events)
FAILED=$(stat_of populate_failures)
EXPIRED=$(stat_of wait_timeouts)
step pf islands "$MNT/file" $STRIDE $COUNT
EVENTS=$(($(stat_of populate_events) - EVENTS))
printf '%s populates of %s MiB, memmap %s MiB\n' $EVENTS $(($(populated) >> 20)) $(($(stat_of memmap_bytes) >> 20))
echo "tried $EVENTS scattered populates"
assert_between "$EVENTS" $((COUNT * 9 / 10)) $((COUNT * 11 / 10)) "populates"
assert_between "$(populated)" $((COUNT * CHUNK)) $((2 * COUNT * CHUNK)) "populated_bytes"
assert_eq "$(stat_of populate_failures)" "$FAILED" "failed populates"
assert_eq "$(stat_of wait_timeouts)" "$EXPIRED" "expired waits"
step tool trim "$NS"
assert_populated "$KEPT" "after trim"
step pf islands_verify "$MNT/file" $STRIDE $COUNT
umount "$MNT"
