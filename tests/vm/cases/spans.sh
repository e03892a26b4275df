#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A sequential touch makes few spans, a scattered one chunks of 2 MiB.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
fallocate -l 1G "$MNT/file"

# One page in each of 512 chunks, in order: spans grow up to 128 MiB.
pf touch "$MNT/file" 0 2M 512
SPANS=$(stat_of spans)
SIZE=$((($(populated) - BASE) >> 20))
printf 'sequential: 512 chunks touched, %s MiB populated, %s spans\n' "$SIZE" "$SPANS"
assert_between "$SIZE" 1024 1300 "MiB populated by a sequential touch"
[ "$SPANS" -le 80 ] || fail "sequential touch made $SPANS spans"

tool trim "$NS"
assert_populated "$BASE" "trimmed"

# One in each 128 MiB: nothing suggests more than a chunk.
pf touch "$MNT/file" 64M 128M 8
SPANS=$(stat_of spans)
printf 'scattered: 8 touches, %s MiB populated, %s spans\n' $((($(populated) - BASE) >> 20)) "$SPANS"
assert_populated $((BASE + 8 * CHUNK)) "scattered touch"
assert_eq "$SPANS" 10 "spans of a scattered touch"
