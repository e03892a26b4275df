#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages move under stores, read and write, O_DIRECT, truncate, punch, unlink and umount; everything is verified.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 900
# group: move
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs

pf fill "$MNT/kept" 4M 7
# The file system is frozen meanwhile, again and again: moves of its files wait for the thaw.
rm -f /tmp/case.stop
(while [ ! -e /tmp/case.stop ]; do
	fsfreeze -f "$MNT" && sleep 0.05 && fsfreeze -u "$MNT" || exit 1
	echo frozen
	sleep 1
done) >/tmp/case.freezer 2>&1 &
FREEZER=$!
pf movehot "$MNT/hot" "$DEV" "$(budget 6)"
touch /tmp/case.stop
wait $FREEZER || fail "freeze: $(cat /tmp/case.freezer)"
grep -q frozen /tmp/case.freezer || fail "never frozen"
modprobe pf_holdbio
pf moveplant "$MNT/plant" "$DEV" "$(budget 100)"
rmmod pf_holdbio
moveloop
pf fill "$MNT/stored" 8M 0
pf store "$MNT/stored" 8M "$(budget 12)"
pf stress "$MNT" "$(budget 5)" "$(seed 0x5eed)"
pf dma "$MNT/dma" /dev/vda "$(budget 400)" "$(seed 0xd3a)"
pf dma "$MNT/dma" /dev/nvme0n1 "$(budget 400)" "$(seed 0xd3b)"

for ((i = 1; i <= $(budget 2); i++)); do
	pf fill "$MNT/round" 8M "$i"
	pf touch "$MNT/round" 0 4K 2048
	# The mover looks into the directory now and then.
	retry 20 umount "$MNT"
	mount_fs
	pf verify "$MNT/round" 8M "$i" map
	pf verify "$MNT/round" 8M "$i" read
done
moveloop_end
pf remapped "$MNT/again" "$DEV"

# Its pages move while a file system is unmounted: its inodes are not held beyond that.
pf fill "$MNT/gone" 1M 9
AT=$(pf extent "$MNT/gone" 0)
# The others go home, or there may be no spare page for some.
pf move "$DEV" restore 0 "$(blockdev --getsize64 "$DEV")"
rm -f /tmp/case.stop
(while [ ! -e /tmp/case.stop ]; do
	pf move "$DEV" relocate "$AT" 512K || true
	pf move "$DEV" restore "$AT" 512K || true
done) >/tmp/case.mover 2>&1 &
MOVER=$!
for ((i = 1; i <= $(budget 6); i++)); do
	pf touch "$MNT/gone" 0 4K 128
	umount "$MNT"
	mount_fs
done
touch /tmp/case.stop
wait $MOVER
grep -q "moved 128 failed 0" /tmp/case.mover || fail "nothing moved: $(tail /tmp/case.mover)"
modprobe pf_hold
pf moveumount "$MNT" "$MNT/gone" "$DEV"
rmmod pf_hold
mount_fs
pf verify "$MNT/gone" 1M 9 map
pf verify "$MNT/kept" 4M 7 read
umount "$MNT"
case $FS in
ext4) e2fsck -fn "$DEV" ;;
xfs) xfs_repair -n "$DEV" >/tmp/case.repair 2>&1 || fail "xfs_repair: $(cat /tmp/case.repair)" ;;
esac

# Where the pages are is remembered.
tool detach "$NS"
tool attach "$NS"
mount_fs
pf verify "$MNT/kept" 4M 7 map
pf verify "$MNT/round" 8M "$(budget 2)" read
