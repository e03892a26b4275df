#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tool moves a file's pages while it is read, empties and retires media, is interrupted and goes on, brings pages
# back; all of it is there after detach and attach, and what is refused is refused with a reason.
# vm: --mem 2G --nvdimm 512M --disk 320M
# fs: xfs@6.1 ext4@6.12
# timeout: 600
# group: relocate

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need dmsetup
SLOTS=1024
FILE=$MNT/file

# media NAME: an attribute of the media
media() {
	local value
	read -r value <"/sys/block/$DISK/pinfold_media/$1"
	printf '%s\n' "$value"
}

# moves BYTES WORDS...: the command moves exactly so much, and passes over nothing
moves() {
	local want=$1 got
	shift
	got=$(pinfold "$@" 2>&1) || fail "pinfold $*: $got"
	[[ $got == *"\"moved\":$want,"* && $got == *'"failed":0'* ]] || fail "pinfold $*: moves not $want: $got"
}

# refused TEXT WORDS...: the command fails, and says that
refused() {
	local text=$1
	shift
	run_expect_fail pinfold "$@"
	[[ $ERR == *"$text"* ]] || fail "pinfold $*: $ERR"
	printf 'refused: %s\n' "$ERR"
}

# counts REMAPPED RETIRED WHAT
counts() {
	local status
	assert_eq "$(media remapped)" "$1" "$3: remapped"
	assert_eq "$(media retired)" "$2" "$3: retired"
	status=$(pinfold status "$NS")
	[[ $status == *"\"remapped\":$1,"* && $status == *"\"retired\":$2,"* ]] || fail "$3: status: $status"
}

verified() {
	pf verify "$FILE" 16M 40 "${1:-map}"
}

fsck_clean() {
	case $FS in
	ext4) e2fsck -fn "$DEV" ;;
	xfs) xfs_repair -n "$DEV" ;;
	esac >/tmp/case.fsck 2>&1 || fail "file system: $(cat /tmp/case.fsck)"
}

# Somebody reads the file all the time, by read, mapping and O_DIRECT.
readers_start() {
	(while [ ! -e /tmp/case.stop ]; do verified read && verified map || exit 1; done) >/tmp/case.reader 2>&1 &
	READER=$!
	(while [ ! -e /tmp/case.stop ]; do
		dd if="$FILE" of=/dev/null bs=64K iflag=direct status=none || exit 1
	done) >/tmp/case.direct 2>&1 &
	DIRECT=$!
}

readers_end() {
	touch /tmp/case.stop
	wait $READER || fail "a reader: $(cat /tmp/case.reader)"
	wait $DIRECT || fail "a direct reader: $(cat /tmp/case.direct)"
}

# Another file system of the same type, whose umount hangs: it is told to wait until unstuck.
stuck() {
	modprobe dm_mod
	echo "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0" | dmsetup create stuck
	make_fs "$FS" /dev/mapper/stuck
	mkdir -p /mnt/stuck
	mount -t "$FS" /dev/mapper/stuck /mnt/stuck
	echo dirty >/mnt/stuck/file
	dmsetup suspend --noflush --nolockfs stuck
	umount /mnt/stuck &
	UMOUNT=$!
	retry 20 grep -qE "deactivate_(locked_)?super|cleanup_mnt" /proc/$UMOUNT/stack || fail "umount does not hang"
}

unstuck() {
	dmsetup resume stuck
	wait $UMOUNT || fail "umount"
	dmsetup remove --retry stuck
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

rm -f /tmp/case.*
pinfold_create 512M --spare 4M
make_fs
mount_fs
pf fill "$FILE" 16M 40
pf touch "$FILE" 0 4K 4096
sync

counts 0 0 "new"
assert_eq "$(media spare_pages)" $SLOTS "spare_pages"
assert_eq "$(media spare_free)" $SLOTS "spare_free of an unused table"
assert_eq "$(media moves)" 0 "moves of an unused table"

readers_start
moves $((2 << 20)) relocate --length 2M "$FILE"
counts 512 0 "relocated"
# Empty a range of the media that the file has, then a part of the spare area. What is at home is at the same offset of
# the disk and of the media.
OFFSET=$(pf extent "$FILE" 2048)
moves $((128 * 4096)) evacuate --offset "$OFFSET" --length 512K "$NS"
moves 0 evacuate --offset "$OFFSET" --length 512K "$NS"
counts 640 0 "evacuated"
SPARE=$(($(media spare_offset) - $(media data_offset)))
moves $((16 * 4096)) evacuate --offset $SPARE --length 64K "$NS"
counts 640 0 "spare pages evacuated"
# One page that goes bad, by its physical address.
BAD=$(pf extent "$FILE" 3000)
PHYSICAL=$(($(cat "$ND/devices/$NS/resource") + $(media data_offset) + BAD + 1234))
moves 4096 retire --physical "$(printf '%#x' $PHYSICAL)" "$NS"
moves 0 retire --offset "$BAD" "$NS"
counts 641 1 "retired"
moves 0 retire --offset $SPARE "$NS"
counts 641 2 "an empty spare page retired"
readers_end
verified
verified read

stuck
(pinfold relocate --offset 4M --length 64K "$FILE" && pinfold restore --offset 4M --length 64K "$FILE" &&
	pinfold trim "$NS") >/tmp/case.out 2>&1 &
TOOL=$!
IN_TIME=yes
retry 60 ended $TOOL || IN_TIME=no
unstuck
wait $TOOL || fail "another file system hangs: $(cat /tmp/case.out)"
assert_eq $IN_TIME yes "pages move while another file system hangs"
counts 641 2 "moved while another file system hung"

# Interrupted: says where to go on, and that command finishes it.
pinfold restore --rate 512K --length 2M "$FILE" >/tmp/case.out 2>/tmp/case.err &
TOOL=$!
less() { [ "$(media remapped)" -lt 641 ]; }
retry 30 less || fail "nothing is restored"
kill -INT $TOOL
RC=0
wait $TOOL || RC=$?
assert_eq "$RC" 1 "exit status of an interrupted command"
cat /tmp/case.err
GO_ON=$(sed -n 's/.*interrupted after .*; to go on: //p' /tmp/case.err)
[[ $GO_ON == "pinfold restore --offset "* ]] || fail "interrupted: $(cat /tmp/case.err)"
[ "$(media remapped)" -gt 129 ] || fail "all was restored before the interruption"
verified
$GO_ON
counts 129 2 "restored"
verified
refused "its home is retired" restore --offset "$BAD" --length 4K "$NS"
counts 129 2 "a page without a home"

# No room: as far as it goes, and not a page lost.
refused "no spare page is free" relocate --offset 4M "$FILE"
[[ $ERR == *"to go on: pinfold relocate --offset "* ]] || fail "no room: $ERR"
assert_eq "$(media spare_free)" 0 "spare_free"
counts $((SLOTS - 1)) 2 "no room"
verified

# The table is on the media.
umount "$MNT"
fsck_clean
tool detach "$NS"
tool check "$NS"
tool attach "$NS"
retry 20 test -b "$DEV"
counts $((SLOTS - 1)) 2 "attached again"
mount_fs
verified read
verified
refused "its home is retired" restore "$NS"
counts 1 2 "the whole disk restored"
verified
umount "$MNT"
fsck_clean

# Refused: read-only, a holder that cannot be asked, the wrong places.
blockdev --setro "$DEV"
refused "/dev/$DISK is read-only" relocate --length 4K "$NS"
blockdev --setrw "$DEV"
modprobe dm_mod
echo "0 $(blockdev --getsz "$DEV") linear $DEV 0" | dmsetup create pf
refused "/dev/$DISK is used by /dev/dm-" relocate --length 4K "$NS"
mount_fs "$FS" /dev/mapper/pf
refused "another block device is between it and pinfold" relocate "$FILE"
umount "$MNT"
dmsetup remove --retry pf
refused "behind the end" evacuate --offset 1G "$NS"
refused "is not in its data or spare area" retire --physical 4096 "$NS"
refused "not on a pinfold namespace" relocate "$PINFOLD_TOP/Makefile"
counts 1 2 "after what was refused"

if [ "$FS" = xfs ]; then
	make_fs xfs-reflink
	mount_fs xfs-reflink
	refused "mkfs.xfs -m reflink=0" relocate --length 4K "$NS"
	umount "$MNT"
else
	pinfold_create 512M --spare 0
	refused "has no spare area" relocate --length 4K "$NS"
	counts 0 0 "without a spare area"
fi
tool destroy --force "$NS"
