#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# First touches scattered over a large device: each populates its own 2 MiB, all come back, and the cost is told.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 900
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

COUNT=4096
STRIDE=120M

pinfold_use 512G
# XFS allocates as much at a go as it has; ext4 would fill a bitmap for each 128 MiB.
make_fs xfs
mount_fs xfs
fallocate -l $((COUNT * $(bytes $STRIDE))) "$MNT/file"
EVENTS=$(stat_of populate_events)
FAILED=$(stat_of populate_failures)
EXPIRED=$(stat_of wait_timeouts)
pf islands "$MNT/file" $STRIDE $COUNT
EVENTS=$(($(stat_of populate_events) - EVENTS))
printf '%s populates of %s MiB, memmap %s MiB\n' $EVENTS $(($(populated) >> 20)) $(($(stat_of memmap_bytes) >> 20))
echo "tried $EVENTS scattered populates"
assert_between "$EVENTS" $((COUNT * 9 / 10)) $((COUNT * 11 / 10)) "populates"
# Neighbours cannot be the evidence for larger spans.
assert_between "$(populated)" $((COUNT * CHUNK)) $((2 * COUNT * CHUNK)) "populated_bytes"
assert_eq "$(stat_of populate_failures)" "$FAILED" "failed populates"
assert_eq "$(stat_of wait_timeouts)" "$EXPIRED" "expired waits"
tool trim "$NS"
assert_populated "$KEPT" "after trim"
pf islands_verify "$MNT/file" $STRIDE $COUNT
umount "$MNT"
