#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 512 GiB in a guest of 2 GiB: attach, mkfs, mount, map 64 MiB, and the RAM is still there.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# fs: ext4
# timeout: 900
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

free_bytes() {
	sync
	# Page cache only: 2 would run our shrinker, too.
	echo 1 >/proc/sys/vm/drop_caches
	awk '/^MemFree:/ { print $2 * 1024 }' /proc/meminfo
}

FREE=$(free_bytes)
pinfold_create 512G
ATTACHED=$(stat_of attached_bytes)
[ "$ATTACHED" -gt $((510 << 30)) ] || fail "attached_bytes $ATTACHED"
assert_eq "$BASE" "$KEPT" "populated by attach"
printf 'attach: %s MiB of RAM\n' $(((FREE - $(free_bytes)) >> 20))
mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$DEV"
mount_fs
assert_populated "$BASE" "mkfs and mount"
fallocate -l 64M "$MNT/file"
pf touch "$MNT/file" 0 4K 16384 | tee /tmp/case.touch
grep -q "sigbus 0" /tmp/case.touch || fail "SIGBUS"
POPULATED=$(populated)
LOST=$((FREE - $(free_bytes)))
printf 'mapped 64 MiB: populated %s MiB, memmap %s KiB, RAM lost %s MiB\n' $((POPULATED >> 20)) \
	$(($(stat_of memmap_bytes) >> 10)) $((LOST >> 20))
[ "$POPULATED" -le $((BASE + (128 << 20))) ] || fail "populated $POPULATED"
[ "$LOST" -lt $((64 << 20)) ] || fail "$LOST bytes of RAM are gone"
pinfold status "$NS" | tee /tmp/case.status
grep -q '"full_memmap_bytes":85[0-9]*' /tmp/case.status || fail "full_memmap_bytes"
umount "$MNT"
