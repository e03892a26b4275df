#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The ways memory comes to libnvdimm: NVDIMM, e820 and virtio-pmem; created, used, attached again.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# fs: xfs@6.1 ext4@6.12
# timeout: 900
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

# round_trip SIZE MAPSYNC-ANSWER
round_trip() {
	local disk
	pinfold_create "$1"
	disk=$DISK
	printf '%s: %s\n' "$1" "$(readlink -f "$ND/devices/$NS")"
	make_fs
	mount_fs
	assert_populated "$BASE" "a mounted file system"
	pf fill "$MNT/file" 8M 11
	pf verify "$MNT/file" 8M 11 map
	pf touch "$MNT/file" 0 4K 2048
	assert_eq "$(pf mapsync "$MNT/sync")" "mapsync: $2" "MAP_SYNC"
	sync "$MNT/file"
	umount "$MNT"

	tool detach "$NS"
	assert_eq "$(driver_of "$NS")" none "driver after detach"
	[ ! -e "/sys/block/$disk" ] || fail "$disk is still there"
	tool attach "$NS"
	assert_eq "$(driver_of "$NS")" nd_pinfold "driver after attach"
	[ -e "/sys/block/$disk/pinfold" ] || fail "no $disk after attach"
	assert_populated "$KEPT" "attached again"
	mount_fs
	pf verify "$MNT/file" 8M 11 read
	pf verify "$MNT/file" 8M 11 map
	umount "$MNT"
	tool destroy --force "$NS"
}

[ -e /sys/module/nd_e820 ] || modprobe nd_e820
round_trip 512M EOPNOTSUPP
round_trip 384M ok
