#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Discarded and zeroed regions are zero, cost no scrub, and are written again under trim and I/O of a file system.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# fs: ext4@6.12 xfs@6.1
# timeout: 600
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need fio blkdiscard fstrim
raid_legs 5
expect_klog "pfn_raid: "
QUEUE=/sys/class/block

# bytes_read: from the legs, so far
bytes_read() { dmsetup message "$ARRAY" 0 traffic | awk '{ print $2 }'; }

ref_zero() { dd if=/dev/zero of="$REF" bs=4k seek=$(($1 / 4096)) count=$(($2 / 4096)) conv=notrunc status=none; }

for level in raid1:2 raid5:4 raid6:5; do
	nr=${level#*:} level=${level%:*}
	echo "== $level"
	raid_create "$level" "$nr" --size 8M
	SIZE=$(raid_size)
	DM=$(basename "$(readlink -f "$R")")
	[ "$(cat "$QUEUE/$DM/queue/discard_max_bytes")" -gt 0 ] || fail "$level: no discard"
	[ "$(cat "$QUEUE/$DM/queue/discard_granularity")" -ge 65536 ] || fail "$level: granularity"
	raid_write 1 200
	blkdiscard "$R"
	ref_zero 0 "$SIZE"
	raid_verify "$level: all discarded"
	before=$(bytes_read)
	raid_scrub "$level: all discarded"
	assert_eq "$(bytes_read)" "$before" "$level: read by the scrub of what was discarded"
	raid_write 2 200
	# Odd ends are written, the rest is forgotten.
	blkdiscard -z -o 20480 -l $((SIZE / 2)) "$R"
	ref_zero 20480 $((SIZE / 2))
	raid_verify "$level: half of it zeroed"
	raid_write 3 60
	raid_scrub "$level: written again"
	# A leg that is rebuilt meanwhile
	tool raid remove "$ARRAY" 1
	blkdiscard -z -o $((SIZE / 4)) -l $((SIZE / 2)) "$R"
	ref_zero $((SIZE / 4)) $((SIZE / 2))
	raid_write 4 40
	tool raid add --force "$ARRAY" 1 "${LEG[1]}"
	blkdiscard -z -o 0 -l $((SIZE / 4)) "$R"
	ref_zero 0 $((SIZE / 4))
	raid_write 5 40
	raid_settle
	raid_verify "$level: rebuilt while it was zeroed"
	raid_scrub "$level: rebuilt while it was zeroed"
	raid_stop
	tool raid assemble "$ARRAY" "${LEG[@]:0:$nr}"
	raid_verify "$level: assembled again"
	raid_stop
done

echo "== a file system"
raid_create raid5 4
make_fs "$FS" "$R"
mkdir -p "$MNT"
mount -o discard "$R" "$MNT"
fio_run() {
	fio --name=job --directory="$MNT" --size=8M --rw=randwrite --bsrange=512-64k --direct=1 --fsync=32 \
		--ioengine=psync --numjobs=2 --group_reporting --output=/tmp/case.fio --verify=crc32c --do_verify="$1" \
		--randseed=7 "${@:2}"
}
fio_run 0 --io_size=8M &
FIO=$!
while kill -0 $FIO 2>/dev/null; do
	dd if=/dev/urandom of="$MNT/gone" bs=256k count=8 conv=fsync status=none
	rm "$MNT/gone"
	fstrim "$MNT"
done
wait "$FIO" || fail "fio: $(cat /tmp/case.fio)"
tool raid fail "$ARRAY" 2
fio_run 1 || fail "fio verify: $(cat /tmp/case.fio)"
umount "$MNT"
raid_scrub "after trims"
raid_stop
unset "LEG[2]"
tool raid assemble "$ARRAY" "${LEG[@]:0:3}"
case $FS in
ext4) e2fsck -fn "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)" ;;
xfs) xfs_repair -n "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)" ;;
esac
raid_stop
