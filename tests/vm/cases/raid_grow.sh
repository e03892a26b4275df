#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Arrays grow under a file system, into what legs have and into legs that became larger; what does not fit is refused.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 400
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

raid_legs 5
expect_klog "pfn_raid: |device-mapper: (table|ioctl)|I/O error, dev dm-|Buffer I/O error on dev dm-"

# grown SIZE WHAT: the array has SIZE bytes, and the reference gets as many
grown() {
	assert_eq "$(raid_size)" "$1" "size: $2"
	truncate -s "$1" "$REF"
	raid_verify "$2"
}

for level in raid1:2:1 raid5:4:3 raid6:5:3 raid10:3:3; do
	IFS=: read -r level nr data <<<"$level"
	echo "== $level"
	raid_create "$level" "$nr" --size 1M --chunk 64K
	before=$(raid_size)
	raid_write 1 100
	tool raid grow --size 4M "$ARRAY"
	grown $((before * 4)) "$level: to 4M of each leg"
	raid_write 2 100
	raid_scrub "$level: grown"
	run_expect_fail pinfold raid grow --size 2M "$ARRAY"
	grep -q "does not become smaller" <<<"$ERR" || fail "$level: smaller: $ERR"
	run_expect_fail pinfold raid grow --size 1G "$ARRAY"
	grep -q "smaller than the size" <<<"$ERR" || fail "$level: too large: $ERR"
	run_expect_fail pinfold raid grow --size 4M "$ARRAY"
	raid_verify "$level: after what was refused"
	# What is new is redundant as well.
	tool raid fail "$ARRAY" 1
	raid_verify "$level: grown, a leg lost"
	tool raid remove "$ARRAY" 1
	tool raid grow --size 6M "$ARRAY"
	grown $((before * 6)) "$level: degraded"
	tool raid add --force "$ARRAY" 1 "${LEG[1]}"
	raid_write 3 60
	raid_settle
	raid_verify "$level: rebuilt"
	raid_scrub "$level: rebuilt"
	raid_stop
	tool raid assemble "$ARRAY" "${LEG[@]:0:$nr}"
	raid_verify "$level: assembled again, $data"
	raid_stop
done

echo "== a leg begins to be rebuilt when the table is loaded already: it does not grow"
raid_create raid1 2 --size 32M
dd if=/dev/urandom of="$R" bs=1M oflag=direct status=none || true
dd if="$R" of="$REF" bs=1M iflag=direct conv=notrunc status=none
FORMER=$(dmsetup table "$ARRAY")
dmsetup load "$ARRAY" --table "0 98304 pfn_raid raid1 2 ${LEG[0]} ${LEG[1]} 2 grow 98304"
dmsetup message "$ARRAY" 0 remove 1
dmsetup message "$ARRAY" 0 add 1 "${LEG[1]}" force
dmsetup suspend "$ARRAY"
dmesg_mark
dmsetup resume "$ARRAY"
assert_dmesg "has not grown" "resumed while a leg was rebuilt"
pf blkverify "$R" "$REF" 33554432 || fail "what there is of it"
run_expect_fail dd if="$R" of=/dev/null bs=4k count=1 skip=8192 iflag=direct
dmsetup load "$ARRAY" --table "$FORMER"
dmsetup suspend "$ARRAY"
dmsetup resume "$ARRAY"
raid_settle
grown 33554432 "the former table"
raid_scrub "the former table"
raid_stop

echo "== a table of the administrator"
raid_create raid1 2 --size 1M
raid_write 1 30
FORMER=$(dmsetup table "$ARRAY")
dmsetup load "$ARRAY" --table "0 4096 pfn_raid raid1 2 ${LEG[0]} ${LEG[1]} 2 grow 4096"
dmsetup suspend "$ARRAY"
dmsetup resume "$ARRAY"
grown $((4096 * 512)) "a table of the administrator"
dmsetup load "$ARRAY" --table "$FORMER" && fail "a table of the former size was loaded"
raid_stop

echo "== legs that became larger, a file system"
lin() { dmsetup "$1" "lin$2" --table "0 $((${3} * 2048)) linear ${LEG[$2]} 0"; }
for i in 0 1 2; do lin create $i 40; done
LEGS=(/dev/mapper/lin0 /dev/mapper/lin1 /dev/mapper/lin2)
tool raid create "$ARRAY" --level raid5 --force "${LEGS[@]}"
before=$(raid_size)
mkfs.ext4 -q "$R"
mkdir -p "$MNT"
mount "$R" "$MNT"
dd if=/dev/urandom of="$MNT/file" bs=1M count=8 conv=fsync status=none
SUM=$(sha256sum <"$MNT/file")
run_expect_fail pinfold raid grow "$ARRAY"
for i in 0 1 2; do
	lin load $i 80
	dmsetup suspend "lin$i"
	dmsetup resume "lin$i"
done
tool raid grow "$ARRAY"
[ "$(raid_size)" -ge $((before + 2 * 39 * 1048576)) ] || fail "grown from $before to $(raid_size)"
resize2fs "$R" >/tmp/case.resize 2>&1 || fail "$(cat /tmp/case.resize)"
dd if=/dev/urandom of="$MNT/more" bs=1M count=64 conv=fsync status=none
assert_eq "$(sha256sum <"$MNT/file")" "$SUM" "what was there"
umount "$MNT"
e2fsck -fn "$R" >/tmp/case.fsck 2>&1 || fail "$(cat /tmp/case.fsck)"
raid_scrub "a file system"
raid_stop
for i in 0 1 2; do dmsetup remove "lin$i"; done
