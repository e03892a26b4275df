#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A file system on a raid5 under I/O: a leg is replaced while another one is lost, and that one rebuilt.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need fio
raid_legs 5
expect_klog "pfn_raid: "
raid_create raid5 4
make_fs "$FS" "$R"
mkdir -p "$MNT"
mount "$R" "$MNT"
fio_run() {
	fio --name=job --directory="$MNT" --size=12M --rw=randwrite --bsrange=512-64k --direct=1 --fsync=32 \
		--ioengine=psync --numjobs=2 --group_reporting --output=/tmp/case.fio --verify=crc32c --do_verify="$1" \
		--randseed=11 "${@:2}"
}
fio_run 0 --io_size=12M &
FIO=$!
sleep 1
tool raid replace --force "$ARRAY" 1 "${LEG[4]}"
raid_health AAAA "a leg is being replaced"
tool raid fail "$ARRAY" 2
wait "$FIO" || fail "fio: $(cat /tmp/case.fio)"
raid_settle
raid_health AADA "a leg failed, another one was replaced"
FORMER=$(cat "/sys/class/block/${LEG[1]##*/}/dev") NEW=$(cat "/sys/class/block/${LEG[4]##*/}/dev")
dmsetup table "$ARRAY" | grep -q "pfn_raid raid5 4 [0-9:]* $NEW " || fail "not replaced: $(dmsetup table "$ARRAY")"
tool raid remove "$ARRAY" 2
tool raid add --force "$ARRAY" 2 "${LEG[2]}"
fio_run 1 || fail "fio verify: $(cat /tmp/case.fio)"
raid_settle
raid_health AAAA "rebuilt"
umount "$MNT"
raid_scrub "after fio"
# With the suspend of the removal the former leg was let go of.
dmsetup deps "$ARRAY" | grep -q "(${FORMER/:/, })" && fail "the former leg is held: $(dmsetup deps "$ARRAY")"
tool raid fail "$ARRAY" 3
case $FS in
ext4) e2fsck -fn "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)" ;;
xfs) xfs_repair -n "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)" ;;
esac
mount "$R" "$MNT"
umount "$MNT"
raid_no_pages
raid_stop
# Of the two devices that have a role's superblock, the former leg is left out.
unset "LEG[3]"
OUT=$(pinfold raid assemble "$ARRAY" "${LEG[@]}" 2>&1) || fail "assemble: $OUT"
grep -q "is left out" <<<"$OUT" || fail "the former leg: $OUT"
mount "$R" "$MNT"
umount "$MNT"
raid_stop
