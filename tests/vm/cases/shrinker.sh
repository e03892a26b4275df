#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Reclaim takes the struct pages of idle chunks.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf fill "$MNT/file" 128M 3
tool prefault "$MNT/file"
BEFORE=$(populated)
[ "$BEFORE" -ge $((BASE + (128 << 20))) ] || fail "prefault"

less() {
	echo 2 >/proc/sys/vm/drop_caches
	[ "$(populated)" -lt $((BEFORE / 2)) ]
}
retry 60 less || fail "drop_caches gave back only $((BEFORE - $(populated))) of $BEFORE"
printf 'populated: %s -> %s\n' "$BEFORE" "$(populated)"
[ "$(stat_of trims)" -gt 0 ] || fail "trims is 0"
pf verify "$MNT/file" 128M 3 map
