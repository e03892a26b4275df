#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Corrupt, torn, foreign and newer info blocks: the good copy is used, or the namespace left alone and why.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 900
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

export FS=ext4
[ -e /sys/module/nd_e820 ] || modprobe nd_e820
pinfold_create 384M --spare 2M
make_fs
mount_fs
pf fill "$MNT/file" 4M 13
umount "$MNT"
tool detach "$NS"
OURS=$NS
PMEM=$DEV
ns_raw "$OURS"
dd if="$PMEM" of=/tmp/case.good bs=1M count=2 status=none
assert_eq "$(pf info "$PMEM" 0 show version_major)" 1 "version on the media"
SIZE=$(pf info "$PMEM" 0 show ns_size)

# try WHAT attached|declined LOG-REGEX TAMPERING...: each of these is "COPY FIELD VALUE"
try() {
	local what=$1 want=$2 regex=$3 got=declined
	shift 3
	ns_raw "$OURS"
	dd if=/tmp/case.good of="$PMEM" bs=1M conv=notrunc,fsync status=none
	for step; do
		# shellcheck disable=SC2086
		pf info "$PMEM" $step
	done
	ns_unbind "$OURS"
	echo 0 >"$ND/devices/$OURS/force_raw"
	dmesg_mark
	if ns_bind "$OURS" nd_pinfold; then
		got=attached
	fi
	assert_eq "$got" "$want" "$what"
	if [ -n "$regex" ]; then
		assert_dmesg "$OURS: $regex" "$what"
	elif dmesg_since | grep -E "not attached|declined|info block"; then
		fail "$what: something in the log"
	fi
	printf 'ok: %s: %s\n' "$what" "$got"
	dmesg_since | grep -E "$OURS: " | sed 's/^\[[^]]*\]/	/' || true
}

CHECK="run: pinfold check $OURS"
try "as it was" attached ""
try "copy 0 corrupt" attached "info block copy 0: corrupt; using copy 1; $CHECK" "0 byte 100"
# What the tool makes of that.
tool detach "$OURS"
run_expect_fail pinfold check "$OURS"
echo "$ERR" | grep -q "copy 0 is corrupt, copy 1 is used; 'pinfold check --repair $OURS'" || fail "check: $ERR"
tool check --repair --force "$OURS"
tool check "$OURS"
tool attach "$OURS"
assert_eq "$(cat "/sys/block/${PMEM#/dev/}/pinfold_media/info_copies")" 2 "info_copies after repair"

try "copy 1 corrupt" attached "info block copy 1: corrupt; using copy 0; $CHECK" "1 byte 4000"
try "copy 0 torn" attached "info block copy 0: corrupt; using copy 1" "0 torn 2048"
try "copy 1 blank" attached "info block copy 1: no pinfold info block; using copy 0" "1 zero 0"
try "copy 1 random" attached "info block copy 1: no pinfold info block; using copy 0" "1 random 2"
try "copy 0 in the place of copy 1" attached "info block copy 1: belongs to the other copy's place; using copy 0" "0 place 0"
try "newer minor version, unknown compat" attached "" "0 version_minor 9" "1 version_minor 9" "0 compat 1" "1 compat 1"

try "copy 0 blank" declined "not attached: .*$CHECK" "0 zero 0"
try "copy 0 random" declined "not attached: .*$CHECK" "0 random 3"
try "both corrupt" declined "not attached: .*$CHECK" "0 byte 100" "1 byte 100"
try "both random" declined "" "0 random 6" "1 random 7"
try "newer major version" declined "not attached: format version 2.0, known is 1.x; use a pinfold that knows it" \
	"0 version_major 2" "1 version_major 2"
try "newer copy of a newer version" declined "not attached: format version 3" "1 version_major 3" "1 seq 9"
try "unknown incompat feature" declined "not attached: unknown incompatible features 0x8; use a pinfold" \
	"0 incompat 8" "1 incompat 8"
try "written for a larger namespace" declined "not attached: " "0 ns_size $((SIZE + (2 << 20)))" \
	"1 ns_size $((SIZE + (2 << 20)))"
try "two instances" declined "not attached: .*$CHECK" "0 uuid 1"
try "impossible data size" declined "not attached: impossible layout.*$CHECK" "0 data_size $((1 << 50))" \
	"1 data_size $((1 << 50))"
try "data offset not aligned" declined "not attached: " "0 data_offset $(((2 << 20) + 4096))" \
	"1 data_offset $(((2 << 20) + 4096))"
try "spare area without a table" declined "not attached: impossible layout" "0 table_size 0" "1 table_size 0"

# Unknown ro_compat: may be read.
try "unknown ro_compat feature" attached "attached read-only: unknown features 0x2; to write, use a pinfold" \
	"0 ro_compat 2" "1 ro_compat 2"
retry 20 test -b "$PMEM"
assert_eq "$(blockdev --getro "$PMEM")" 1 "read-only"
run_expect_fail dd if=/dev/zero of="$PMEM" bs=4k count=1 oflag=direct conv=notrunc
mkdir -p "$MNT"
mount -t ext4 -o ro,dax=always "$PMEM" "$MNT"
pf verify "$MNT/file" 4M 13 map
umount "$MNT"

# Through all of this the data stayed.
try "as it was" attached ""
retry 20 test -b "$PMEM"
mount_fs ext4 "$PMEM"
pf verify "$MNT/file" 4M 13 map
