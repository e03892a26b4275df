#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Remap tables: an empty one attaches, damage in one mirror is mended, and what cannot be followed is refused and why.
# vm: --mem 2G --nvdimm 288M --no-udev --append memmap=384M!1G
# timeout: 900

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

export FS=ext4
KO=$PINFOLD_TOP/build/$PINFOLD_KVER/tests/modules/pf_badrange.ko
[ -e "$KO" ] || fail "no $KO: make guest-modules"
[ -e /sys/module/nd_e820 ] || modprobe nd_e820

remap() {
	"$PINFOLD_TOP/tests/tool/remap.py" "$PMEM" "$@"
}

# start REGION: a namespace with 512 spare pages and a file, raw, its table in use
start() {
	pinfold_create "$1" --spare 2M
	make_fs
	mount_fs
	pf fill "$MNT/file" 4M 17
	umount "$MNT"
	OURS=$NS
	CHECK="run: pinfold check $OURS"
	ns_raw "$OURS"
	PMEM=$DEV
	remap activate
	dd if="$PMEM" of=/tmp/case.good bs=1M count=3 status=none
}

bind() {
	ns_unbind "$OURS"
	echo 0 >"$ND/devices/$OURS/force_raw"
	dmesg_mark
	ns_bind "$OURS" nd_pinfold
}

# try WHAT attached|declined LOG-REGEX TAMPERING...: each of these is a command of remap.py
try() {
	local what=$1 want=$2 regex=$3 got=declined
	shift 3
	ns_raw "$OURS"
	dd if=/tmp/case.good of="$PMEM" bs=1M conv=notrunc,fsync status=none
	for step; do
		# shellcheck disable=SC2086
		remap $step
	done
	if bind; then
		got=attached
	fi
	assert_eq "$got" "$want" "$what"
	if [ -n "$regex" ]; then
		assert_dmesg "$OURS: $regex" "$what"
	elif dmesg_since | grep -E "not attached|remap table"; then
		fail "$what: something in the log"
	fi
	printf 'ok: %s: %s\n' "$what" "$got"
	dmesg_since | grep -E "$OURS: " | sed 's/^\[[^]]*\]/	/' || true
}

# What the driver mended is what the tool finds good.
mended() {
	retry 20 test -b "$PMEM"
	mount_fs ext4 "$PMEM"
	pf verify "$MNT/file" 4M 17 map
	umount "$MNT"
	tool detach "$OURS"
	tool check "$OURS"
}

start 384M
try "no entry" attached ""
try "a retired spare page" attached "" "set both 7 slot-retired"
MENDED="remap table: one mirror was damaged or behind, and is rewritten"
try "mirror 0 damaged" attached "$MENDED" "bytes 0 100 ff"
mended
try "mirror 1 damaged" attached "$MENDED" "bytes 1 100 ff"
mended
try "an entry of mirror 1 behind" attached "$MENDED" "set 1 100 3 claimed"
mended

try "both mirrors damaged" declined "not attached: 1 entries of its remap table are lost, the first is that of spare page 100; $CHECK" \
	"bytes both 100 ff"
run_expect_fail pinfold check "$OURS"
echo "$ERR" | grep -q "pinfold check --repair --give-up $OURS" || fail "check: $ERR"
try "two claims" declined "not attached: two entries of its remap table claim page 3; $CHECK" \
	"set both 100 3 claimed" "set both 101 3 claimed gen=5"
# Neither was mended on the way.
ns_raw "$OURS"
assert_eq "$(remap dump 1 | tr '\n' ,)" "100 0x10000000003 sealed,101 0x290000000003 sealed," "table of a refused namespace"
try "as it was" attached ""
# The page is where the table says, with what is there; homes of pages are not looked at.
try "a remapped page" attached "" "set both 100 3 claimed"
assert_eq "$(dd if="$PMEM" bs=4K skip=3 count=1 status=none | tr -d '\0' | wc -c)" 0 "bytes of a page that lives in an empty slot"

# A bad block in a mirror: read around, and written anew where the platform can clear it.
bad_mirror() {
	local physical
	start "$1"
	physical=$(($(cat "$ND/devices/$OURS/resource") + (2 << 20) + $2 * 4096))
	insmod "$KO" disk="$PMEM" start=$physical length=512
	rmmod pf_badrange
	bind || fail "bad block in mirror $2: not attached: $(dmesg_since)"
	assert_dmesg "$OURS: $3" "bad block in mirror $2"
	retry 20 test -b "$PMEM"
	mount_fs ext4 "$PMEM"
	pf verify "$MNT/file" 4M 17 map
	umount "$MNT"
	printf 'ok: bad block in mirror %s\n' "$2"
	dmesg_since | grep -E "$OURS: " | sed 's/^\[[^]]*\]/	/'
}

# Nothing to clear it with: QEMU's NVDIMMs.
bad_mirror 288M 0 "remap table: one mirror is damaged, and cannot be rewritten; run: pinfold check"
# memmap= claims that all is cleared.
bad_mirror 384M 1 "$MENDED"
