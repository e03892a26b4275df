#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Corrected memory errors retire a page under its users; an uncorrected one becomes a bad block.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4
# timeout: 300
# group: move

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

INJECT=/sys/kernel/debug/mce-inject
allow_klog "Hardware Error"
allow_klog "mce:"
allow_klog "Memory failure"
allow_klog "uncorrected memory error"
modprobe mce-inject 2>/dev/null || skip "no mce-inject on this kernel"

# mce corrected|uncorrected PHYSICAL-ADDRESS [MISC]: what a memory controller would report
mce() {
	# VAL, EN, MISCV, ADDRV; memory read error (Intel), ECC error of the northbridge (AMD).
	local status=0x9c0000000008009f
	[ "$1" = corrected ] || status=0xbc0000000008009f
	echo sw >"$INJECT/flags"
	echo "$status" >"$INJECT/status"
	echo "$2" >"$INJECT/addr"
	# A page, at a physical address.
	echo "${3:-0x8c}" >"$INJECT/misc"
	echo 0 >"$INJECT/cpu"
	echo 4 >"$INJECT/bank"
}

# where PAGE [FILE]: in bytes of the disk
where() {
	pf extent "$MNT/${2:-file}" "$1"
}

# physical DISK-OFFSET: while the page is at home
physical() {
	printf '0x%x' $(($(cat "$ND/devices/$NS/resource") + $(cat "/sys/block/$DISK/pinfold_media/data_offset") + $1))
}

retired() {
	grep -q "page at $1 had too many corrected errors: moved" <<<"$(dmesg_since)"
}

pinfold_create 4G
make_fs
mount_fs
pf fill "$MNT/file" 1M 3
pf fill "$MNT/bad" 64K 4
pf fill "$MNT/held" 1M 5
hold "$MNT/held" 1M
AT=$(where 5)
ADDR=$(physical "$AT")
dmesg_mark

# One less than it takes, on this page; as many on another one.
for ((i = 1; i < 16; i++)); do
	mce corrected "$ADDR"
	mce corrected "$(physical "$(where 6)")"
done
sleep 1
if dmesg_since | grep "too many"; then
	fail "retired too early"
fi
mce corrected "$ADDR"
retry 30 retired "$ADDR" || fail "not retired: $(dmesg_since)"
pf verify "$MNT/file" 1M 3 map
pf verify "$MNT/file" 1M 3 read
pf move "$DEV" restore "$AT" 4096 | tee /tmp/case.restore
grep -q "its home is retired" /tmp/case.restore || fail "restored to a retired place"

# In a page that nobody has mapped, and free space.
ADDR=$(physical "$(where 200)")
for ((i = 1; i <= 16; i++)); do
	mce corrected "$ADDR"
done
retry 30 retired "$ADDR" || fail "not retired: $(dmesg_since)"
pf verify "$MNT/file" 1M 3 read

AT=$(where 9 bad)
mce uncorrected "$(physical "$AT")"
retry 10 grep -q . "/sys/block/$DISK/badblocks" || fail "no bad block"
assert_eq "$(cat "/sys/block/$DISK/badblocks")" "$((AT / 512)) 8" "bad blocks"
run_expect_fail dd if="$MNT/bad" of=/dev/null bs=4K skip=9 count=1
dd if="$MNT/bad" of=/dev/null bs=4K skip=10 status=none

# A line only: the rest of the page moves.
BAD=$(where 12 bad)
mce uncorrected $(($(physical "$BAD") + 1600)) 0x86
moved() {
	grep -q "page at $(physical "$BAD") had an uncorrected error: moved" <<<"$(dmesg_since)"
}
retry 30 moved || fail "not moved: $(dmesg_since)"
assert_eq "$(tr '\n' , <"/sys/block/$DISK/badblocks")" "$((AT / 512)) 8,$((BAD / 512 + 3)) 1," "bad blocks"
run_expect_fail dd if="$MNT/bad" of=/dev/null bs=4K skip=12 count=1
dd if="$DEV" of=/dev/null bs=512 skip=$((BAD / 512 + 4)) count=4 iflag=direct status=none

hold_end
assert_eq "$HELD" kept "the mapping"
umount "$MNT"
e2fsck -fn "$DEV"

tool detach "$NS"
tool attach "$NS"
mount_fs
pf verify "$MNT/file" 1M 3 map
umount "$MNT"
tool destroy --force "$NS"
