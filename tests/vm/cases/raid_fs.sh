#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A file system on a raid5: a leg is lost and rebuilt under I/O, power of checks intact.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need fio
raid_legs 5
expect_klog "pfn_raid: "
raid_create raid5 5
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
tool raid fail "$ARRAY" 2
wait "$FIO" || fail "fio: $(cat /tmp/case.fio)"
raid_health AADAA "a leg failed"
tool raid remove "$ARRAY" 2
tool raid add --force "$ARRAY" 2 "${LEG[2]}"
fio_run 1 || fail "fio verify: $(cat /tmp/case.fio)"
raid_settle
raid_health AAAAA "rebuilt"
umount "$MNT"
raid_scrub "after fio"
tool raid fail "$ARRAY" 4
case $FS in
ext4) e2fsck -fn "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)" ;;
xfs) xfs_repair -n "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)" ;;
esac
mount "$R" "$MNT"
umount "$MNT"
raid_no_pages
raid_stop
