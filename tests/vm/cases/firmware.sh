#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Media errors that appear in use, are found by a scrub, cannot be cleared or only in part, and damaged labels: what
# is bad is EIO or SIGBUS, a write repairs it, all else is as it was.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: data
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need ndctl
KO=$PINFOLD_TOP/build/$PINFOLD_KVER/tests/modules/pf_firmware.ko
[ -e "$KO" ] || fail "no $KO: make guest-modules"
P=/sys/module/pf_firmware/parameters
SEED=7
echo "seed $(seed 7)"

ndctl_do() {
	ndctl "$@" >/tmp/case.ndctl 2>&1 || fail "ndctl $*: $(cat /tmp/case.ndctl)"
}

# Our own firmware, over an NVDIMM whose own driver has let go of it.
use_region 1G
ns_unbind "$NS"
PLAIN=$NS
insmod "$KO" start=$(($(cat "$ND/devices/$REGION/resource"))) length=$((1 << 30))
SALVAGE=/sys/module/nd_pinfold/parameters/salvage
gone() {
	echo Y >$SALVAGE
	! umount "$MNT" 2>/dev/null || true
	[ -e /sys/module/pf_firmware ] || return 0
	ns_unbind "$NS" || true
	retry 20 rmmod pf_firmware || return 1
	wipe
}
# Nothing of this is there when the NVDIMM is itself again.
wipe() {
	ns_raw "$PLAIN"
	dd if=/dev/zero of="$DEV" bs=1M count=3 conv=fsync,notrunc status=none
	ns_unbind "$PLAIN"
	echo 0 >"$ND/devices/$PLAIN/force_raw"
}
trap gone EXIT

BUS=$(grep -lx pf_firmware "$ND"/devices/ndbus*/provider)
BUS=${BUS%/provider}
DIMM=$(basename "$(echo "$BUS"/nmem*)")
OWN=$(basename "$(echo "$BUS"/region*)")
ndctl_do create-namespace -r "$OWN" -m raw -s 512M -n injected
NS=$(sed -n 's/.*"dev":"\(namespace[0-9.]*\)".*/\1/p' /tmp/case.ndctl | head -1)
use_namespace "$NS"
tool create --force --spare 2M "$NS"
pinfold_ready
make_fs
mount_fs
pf fill "$MNT/file" 16M $SEED
DATA=$(($(cat "$ND/devices/$NS/resource") + $(cat "/sys/block/$DISK/pinfold_media/data_offset")))

# disk_page PAGE: where a page of the file is on the disk
disk_page() {
	filefrag -v "$MNT/file" | awk -v p="$1" '$1 ~ /^[0-9]+:$/ { gsub(/[.:]/, " ")
		if (p >= $2 && p <= $3) print $4 + p - $2 }'
}

# inject HOW PAGE [PAGES]: pages of the file, contiguous on the disk
inject() {
	echo "$((DATA + $(disk_page "$2") * 4096)) $((${3:-1} * 4096))" >"$P/$1"
}

bad_sectors() {
	awk '{ n += $2 } END { print n + 0 }' "/sys/block/$DISK/badblocks"
}

# expect RESULT HOW PAGE [SEED]: of the file; expect_disk the same of the disk, by the file's page
expect() {
	assert_eq "$(pf try "$2" "$MNT/file" "$3" "${4:-$SEED}")" "$1" "$2 of page $3"
}

expect_disk() {
	assert_eq "$(pf try "$2" "$DEV" "$(disk_page "$3")" "${4:-$SEED}")" "$1" "$2 of the disk at page $3"
}

# all_bad PAGE: every way to read it
all_bad() {
	expect EIO read "$1"
	expect EIO dread "$1"
	expect SIGBUS mapread "$1"
	expect_disk EIO dread "$1"
}

# First, what is bad stays where it is, and is repaired there.
echo N >$SALVAGE
echo "--- appearing in use: mapped, not mapped, next to good ones"
hold "$MNT/file" 4M
for page in 3 2000; do
	inject poison $page
	all_bad $page
	expect ok read $((page - 1))
	expect ok mapread $((page + 1))
done
assert_eq "$(bad_sectors)" 16 "bad sectors"
assert_eq "$(ndctl list -R -M -r "$OWN" | grep -c '"badblock_count":16')" 1 "the region's bad blocks"

echo "--- a write repairs: through the file, direct, by zeroing, by allocating anew"
expect ok write 3 8
expect ok read 3 8
expect ok mapread 3 8
expect ok dwrite 2000 8
expect ok mapwrite 2000 $SEED
assert_eq "$(bad_sectors) $(cat "$P/bad_bytes")" "0 0" "after writes"
hold_end
assert_eq "$HELD" kept "the process that had it mapped"
expect ok write 3 $SEED
inject poison 100
# Zeroing and freeing may leave the media as it is; the next use must not show an error as data.
expect ok zero 100
inject poison 101
expect ok punch 101
for page in 100 101; do
	said=$(pf try mapwrite "$MNT/file" $page $SEED)
	printf 'store to a zeroed or freed bad page: %s\n' "$said"
	[ "$said" = ok ] || expect ok write $page $SEED
	expect ok read $page
done
# A block that was freed while it was bad is bad until somebody writes it.
LEFT=$(bad_sectors)
good_but_left() {
	assert_eq "$(bad_sectors) $(cat "$P/bad_bytes")" "$LEFT $((LEFT * 512))" "bad sectors and bytes $1"
}
good_but_left "after zeroing and freeing"

echo "--- through the block device"
umount "$MNT"
mount_fs
inject poison 500 4
for page in 500 501 502 503; do
	all_bad $page
done
SPOT=$(disk_page 500)
umount "$MNT"
assert_eq "$(pf try dwrite "$DEV" "$SPOT" 9)" ok "write of the disk"
assert_eq "$(pf try dread "$DEV" "$SPOT" 9)" ok "read of the disk"
assert_eq "$(bad_sectors)" $((LEFT + 24)) "after a write of one page in four"
# One sector: the unit of repair is smaller.
dd if=/dev/zero of="$DEV" bs=512 seek=$((SPOT * 8 + 8)) count=1 oflag=direct conv=notrunc status=none
assert_eq "$(bad_sectors)" $((LEFT + 23)) "after a write of one sector"
blkdiscard --force --zeroout --offset $(((SPOT + 1) * 4096)) --length $((3 * 4096)) "$DEV"
good_but_left "after zeroing the disk"
mount_fs
for page in 500 501 502 503; do
	expect ok write $page $SEED
done

echo "--- the firmware refuses, then clears in part"
inject poison 700 2
echo 0 >"$P/clear_limit"
CLEARS=$(cat "$P/clears")
# dax_iomap_iter() knows no other error for a recovery write that wrote nothing; as on stock.
expect EFAULT write 700
expect EFAULT dwrite 700
expect_disk EIO dwrite 701
[ "$(cat "$P/clears")" -gt "$CLEARS" ] || fail "nobody asked the firmware to clear"
all_bad 700
echo 512 >"$P/clear_limit"
expect EFAULT write 700
expect EIO read 700
assert_ne "$(bad_sectors)" "$LEFT" "cleared in part"
echo 99999999 >"$P/clear_limit"
expect ok write 700
expect ok write 701
pf verify "$MNT/file" 16M $SEED read
good_but_left "when it clears again"

echo "--- found by a scrub, during I/O"
inject latent 900 3
expect ok read 900
"$PF" trimloop "$DEV" >/dev/null &
TRIM_PROC=$!
for i in $(seq "$(budget 4)"); do
	echo 1 >"$P/scrub"
	all_bad 901
	expect ok read $((1000 + i))
done
kill -TERM "$TRIM_PROC"
wait "$TRIM_PROC" || fail "trimloop: status $?"
assert_eq "$(bad_sectors)" $((LEFT + 24)) "after a scrub"

echo "--- known from the start"
umount "$MNT"
tool detach "$NS"
tool attach "$NS"
pinfold_ready
mount_fs
assert_eq "$(bad_sectors)" $((LEFT + 24)) "after detach and attach"
all_bad 902
for page in 900 901 902; do
	expect ok write $page
done
pf verify "$MNT/file" 16M $SEED map
umount "$MNT"

echo "--- one sector of a page: the rest moves, the sector is lost until it is written"
LEFT=$(bad_sectors)
mount_fs
hold "$MNT/file" 4M
# sectors PAGE SECTOR: all but that one are there
sectors() {
	local first
	first=$(($(disk_page "$1") * 8))
	run_expect_fail dd if="$DEV" of=/dev/null bs=512 skip=$((first + $2)) count=1 iflag=direct
	dd if="$DEV" of=/tmp/case.page bs=512 skip=$first count="$2" iflag=direct status=none
	dd if="$DEV" of=/tmp/case.page bs=512 skip=$((first + $2 + 1)) seek=$(($2 + 1)) count=$((7 - $2)) iflag=direct status=none
	dd if=/tmp/case.model of=/tmp/case.page bs=512 skip=$(($1 * 8 + $2)) seek="$2" count=1 conv=notrunc status=none
	cmp -n 4096 /tmp/case.page /tmp/case.model 0 $(($1 * 4096)) || fail "what is left of page $1"
}
# harm HOW PAGE SECTOR: a part of it
harm() {
	echo "$((DATA + $(disk_page "$2") * 4096 + $3 * 512 + 256)) 64" >"$P/$1"
}
lost_are() {
	assert_eq "$(bad_sectors)" $((LEFT + $1)) "sectors that cannot be read, $2"
}
remapped_is() {
	[ "$(cat "/sys/block/$DISK/pinfold_media/remapped")" = "$1" ]
}
pf fill /tmp/case.model 16M $SEED
dmesg_mark
echo Y >$SALVAGE
# Mapped; not mapped, found by a scrub.
harm poison 300 3
retry 30 remapped_is 1 || fail "not moved: $(dmesg_since)"
harm latent 3000 5
echo 1 >"$P/scrub"
retry 30 remapped_is 2 || fail "not moved: $(dmesg_since)"
echo N >$SALVAGE
assert_dmesg "$NS: data lost: bytes $(($(disk_page 300) * 4096 + 1536)) to $(($(disk_page 300) * 4096 + 2047)) of the disk" "what is lost"
assert_dmesg "$NS: page at .* had an uncorrected error: moved, and not used again" "the place"
# By hand, with the tool telling.
harm poison 301 0
run_expect_fail pinfold retire --offset $(($(disk_page 301) * 4096)) "$NS"
[[ $ERR == *"1 pages moved, but a part of them could not be read"* ]] || fail "retire: $ERR"
damaged() {
	lost_are 3 "$1"
	all_bad 300
	expect EIO read 3000
	sectors 300 3
	sectors 3000 5
	expect ok mapread 302
}
damaged "moved"
hold_end
assert_eq "$HELD" "signal 7" "the process that had it mapped"
# Good media now: nothing but our own mark says that something is missing.
umount "$MNT"
tool detach "$NS"
tool attach "$NS"
pinfold_ready
mount_fs
damaged "after detach and attach"
# It moves on with what it has; home is no place for it.
pf move "$DEV" relocate $(($(disk_page 3000) * 4096)) 4096
sectors 3000 5
run_expect_fail pinfold restore --offset $(($(disk_page 3000) * 4096)) --length 4K "$NS"
CLEARS=$(cat "$P/clears")
for page in 300 301 3000; do
	expect ok write $page
	expect ok read $page
done
assert_eq "$(cat "$P/clears")" "$CLEARS" "requests to clear what is not bad"
lost_are 0 "after writes"
umount "$MNT"
tool detach "$NS"
tool attach "$NS"
pinfold_ready
lost_are 0 "after writes, attached again"
mount_fs

echo "--- the table, a copy of the info block and free spare pages"
media() {
	cat "/sys/block/$DISK/pinfold_media/$1"
}
RES=$(($(cat "$ND/devices/$NS/resource")))
RETIRED=$(media retired)
echo "$((RES + (2 << 20))) 64" >"$P/poison"
echo "$((RES + 4096 + 512)) 64" >"$P/poison"
echo "$((RES + $(media spare_offset) + 32 * 4096)) $((64 * 4096))" >"$P/poison"
tool relocate --offset 1M --length 512K "$MNT/file"
assert_eq "$(media retired)" $((RETIRED + 64)) "retired: bad spare pages on the way"
lost_are 0 "in good spare pages"
umount "$MNT"
tool detach "$NS"
dmesg_mark
tool attach "$NS"
pinfold_ready
assert_dmesg "$NS: remap table: one mirror was damaged or behind, and is rewritten" "the table"
assert_eq "$(media info_copies)" 1 "copies of the info block"
mount_fs
pf verify "$MNT/file" 16M $SEED map
umount "$MNT"

echo "--- a spare page that is in use, the table in both mirrors, the info block in both copies"
mount_fs
# Behind the spare pages that were bad.
echo "$((RES + $(media spare_offset) + 110 * 4096)) 4096" >"$P/poison"
lost_are 8 "the page that lives in a spare page"
for page in $(seq 256 383); do
	first=$(($(disk_page "$page") * 8))
	grep -q "^$first 8$" "/sys/block/$DISK/badblocks" && break
done
all_bad "$page"
expect ok read $((page + 1))
# It is repaired where it lives.
expect ok write "$page"
expect ok read "$page"
lost_are 0 "after a write"
umount "$MNT"
tool detach "$NS"
tool check --repair --force "$NS"
OURS=$NS
# refuses LOG-REGEX TOOL-TEXT OFFSET...: with these blocks bad it is left alone, and all is there when they are good
refuses() {
	local regex=$1 text=$2 at
	shift 2
	ns_raw "$OURS"
	dd if="$DEV" of=/tmp/case.head bs=4K count=514 status=none
	for at; do
		echo "$((RES + at)) 4096" >"$P/poison"
	done
	ns_unbind "$OURS"
	echo 0 >"$ND/devices/$OURS/force_raw"
	dmesg_mark
	! ns_bind "$OURS" nd_pinfold || fail "attached"
	assert_dmesg "$OURS: $regex" "refused"
	# Once: the driver's, not also that of another part.
	assert_eq "$(dmesg_since | grep -c "$OURS: not attached")" 1 "messages"
	run_expect_fail pinfold attach "$OURS"
	[[ $ERR == *"$text"* ]] || fail "attach: $ERR"
	ns_raw "$OURS"
	dd if=/tmp/case.head of="$DEV" bs=4K conv=notrunc,fsync status=none
	ns_unbind "$OURS"
	echo 0 >"$ND/devices/$OURS/force_raw"
	ns_bind "$OURS" nd_pinfold || fail "not attached again: $(dmesg_since)"
	use_namespace "$OURS"
	pinfold_ready
	mount_fs
	pf verify "$MNT/file" 16M $SEED map
	umount "$MNT"
	tool detach "$OURS"
}
refuses "not attached: 512 entries of its remap table are lost" "entries of its remap table are lost" $((2 << 20)) $(((2 << 20) + 4096))
UNREADABLE="both places of a pinfold info block are unreadable"
refuses "not attached: $UNREADABLE.*run: pinfold check $OURS" "$UNREADABLE" 4096 $((1 << 20))

echo "--- labels: damaged, unreadable, and as they were"
tool attach "$NS"
pinfold_ready
tool detach "$NS"
ndctl_do disable-region "$OWN"
ndctl_do read-labels -o /tmp/case.labels "$DIMM"
enable() {
	ndctl disable-dimm "$DIMM" && ndctl enable-dimm "$DIMM" && ndctl enable-region "$OWN"
}
relabel() {
	ndctl_do write-labels -i /tmp/case.labels "$DIMM"
}
# A byte of the first index block, then bytes of index blocks and labels.
RANDOM=$(seed 7)
for ((i = 0; i < $(budget 4); i++)); do
	echo "$((i ? RANDOM % 1024 : 0)) $((RANDOM % 256))" >"$P/label"
	enable >/dev/null 2>&1 || true
	ndctl_do list -N -r "$OWN"
	ns_unbind "$NS" 2>/dev/null || true
	ndctl disable-region "$OWN" >/dev/null 2>&1 || true
	relabel
done
echo 1 >"$P/label_fails"
! enable >/dev/null 2>&1 || fail "enabled without labels"
assert_eq "$(driver_of "$NS")" none "driver while labels cannot be read"
echo 0 >"$P/label_fails"
enable >/tmp/case.ndctl 2>&1 || fail "enable: $(cat /tmp/case.ndctl)"
udevadm settle
[ "$(driver_of "$NS")" = nd_pinfold ] || tool attach "$NS"
pinfold_ready
mount_fs
pf verify "$MNT/file" 16M $SEED map
umount "$MNT"
tool destroy --force "$NS"
trap - EXIT
gone
