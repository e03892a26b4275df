#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad blocks: read is EIO, a mapped touch SIGBUS, and a write as on stock.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 600
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need ndctl
export FS=ext4
KO=$PINFOLD_TOP/build/$PINFOLD_KVER/tests/modules/pf_badrange.ko
[ -e "$KO" ] || fail "no $KO: make guest-modules"
use_region 256M
trap 'umount $MNT 2>/dev/null; ndctl destroy-namespace -f "$NS" >/dev/null 2>&1' EXIT
START=$(($(cat "$ND/devices/$NS/resource")))
SIZE=$(cat "$ND/devices/$NS/size")
# 32 bad pages in the last quarter, where neither file system metadata nor info blocks are.
BAD=$((START + SIZE * 3 / 4))

# outcome NAME: what reading, writing and mapping of a file over the bad range does
outcome() {
	local first first_bad
	mount_fs
	fallocate -l 160M "$MNT/file"
	# Which part of the file is bad is the file system's and the namespace's business.
	cat "/sys/block/$DISK/badblocks" >/tmp/case.bb
	[ -s /tmp/case.bb ] || fail "$1: no bad blocks"
	awk '{ n += $2 } END { print "bad sectors: " n }' /tmp/case.bb
	read -r first _ </tmp/case.bb
	# One extent, hopefully; its place on the disk in blocks of 4 KiB.
	first_bad=$(filefrag -v "$MNT/file" | awk -v b=$((first / 8)) '
		$1 ~ /^[0-9]+:$/ { gsub(/[.:]/, " "); if (b >= $4 && b <= $5) print $2 + b - $4 }')
	[ -n "$first_bad" ] || fail "$1: the file does not cover the bad blocks"
	pf badfile "$MNT/file" "$first_bad" "$DEV" $((first / 8))
	umount "$MNT"
}

# Stock first. Bad ranges are for ever, so it sees the same ones.
ndctl create-namespace -f -e "$NS" -m fsdax -M mem >/tmp/case.ndctl 2>&1 || fail "ndctl: $(cat /tmp/case.ndctl)"
insmod "$KO" disk="$DEV" start=$BAD length=$((32 * 4096))
rmmod pf_badrange
ndctl disable-namespace "$NS" >/dev/null 2>&1
ndctl enable-namespace "$NS" >/dev/null 2>&1
udevadm settle
make_fs
outcome stock >/tmp/case.stock || { cat /tmp/case.stock; exit 1; }
ndctl destroy-namespace -f "$NS" >/dev/null 2>&1

pinfold_create 256M
make_fs
outcome pinfold >/tmp/case.ours || { cat /tmp/case.ours; exit 1; }
cat /tmp/case.stock
diff /tmp/case.stock /tmp/case.ours || fail "pinfold (>) differs from stock (<)"
grep -q "read of the file: .*Input/output error" /tmp/case.ours || fail "read is not EIO"
grep -q "mapped read: signal 7" /tmp/case.ours || fail "mapping is not SIGBUS"
