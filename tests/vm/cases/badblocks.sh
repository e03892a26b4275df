#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad blocks: read is EIO, a mapped touch SIGBUS, and a write as on stock.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 600
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need ndctl
export FS=ext4
KO=$PINFOLD_TOP/build/$PINFOLD_KVER/tests/modules/pf_badrange.ko
[ -e "$KO" ] || fail "no $KO: make guest-modules"
PEER=
trap 'umount "$MNT" 2>/dev/null || true; ndctl destroy-namespace -f "$PEER" >/dev/null 2>&1 || true' EXIT

# A file over the later half of $DEV, written while all is well. Then the middle of it goes bad: $BAD, in sectors of
# the disk. Data on the media stays where it is, so this must come before the namespace is bound anew.
prepare() {
	local physical
	make_fs
	mount_fs
	pf fill "$MNT/file" 160M 18
	umount "$MNT"
	physical=$(($(cat "$ND/devices/$NS/resource") + $(cat "$ND/devices/$NS/size") / 8 * 5))
	insmod "$KO" disk="$DEV" start=$physical length=$((32 * 4096))
	rmmod pf_badrange
}

# What using the bad part of the file does
outcome() {
	local first page
	mount_fs
	read -r first _ <"/sys/block/$DISK/badblocks"
	awk '{ n += $2 } END { print "bad sectors: " n }' "/sys/block/$DISK/badblocks"
	page=$(filefrag -v "$MNT/file" | awk -v b=$((first / 8)) '
		$1 ~ /^[0-9]+:$/ { gsub(/[.:]/, " "); if (b >= $4 && b <= $5) print $2 + b - $4 }')
	[ -n "$page" ] || fail "the file does not cover the bad blocks"
	pf badfile "$MNT/file" "$page" "$DEV" $((first / 8))
	umount "$MNT"
}

use_region 256M
PEER=$NS
ndctl create-namespace -f -e "$NS" -m fsdax -M mem >/tmp/case.ndctl 2>&1 || fail "ndctl: $(cat /tmp/case.ndctl)"
udevadm settle
prepare
ndctl disable-namespace "$NS" >/dev/null 2>&1
ndctl enable-namespace "$NS" >/dev/null 2>&1
udevadm settle
[ -s "/sys/block/$DISK/badblocks" ] || fail "stock knows no bad blocks"
outcome >/tmp/case.stock || fail "stock: $(cat /tmp/case.stock)"

pinfold_create 288M
prepare
tool detach "$NS"
tool attach "$NS"
retry 20 test -b "$DEV"
[ -s "/sys/block/$DISK/badblocks" ] || fail "pinfold knows no bad blocks"
outcome >/tmp/case.ours || fail "pinfold: $(cat /tmp/case.ours)"

cat /tmp/case.stock
diff /tmp/case.stock /tmp/case.ours || fail "pinfold (>) differs from stock (<)"
grep -q "^read of the file: .*Input/output error" /tmp/case.ours || fail "read of the file is not EIO"
grep -q "^read of the device: .*Input/output error" /tmp/case.ours || fail "read of the device is not EIO"
grep -q "^mapped read: signal 7" /tmp/case.ours || fail "mapping is not SIGBUS"
