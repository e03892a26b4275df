#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Attaching fails where the memory is taken or gets no struct pages; nothing leaks, and later it works.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 600
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

export FS=ext4
start_fs 512M
pf fill "$MNT/file" 4M 14
umount "$MNT"
tool detach "$NS"
START=$(($(cat "$ND/devices/$NS/resource")))
SIZE=$(cat "$ND/devices/$NS/size")

trap 'rmmod pf_occupy 2>/dev/null || true' EXIT

# refused WHAT PATTERN INSMOD-ARGS...
refused() {
	local what=$1 pattern=$2 before
	shift 2
	before=$(grep -c . /proc/iomem)
	insmod "$PINFOLD_TOP/build/$PINFOLD_KVER/tests/modules/pf_occupy.ko" "$@"
	dmesg_mark
	run_expect_fail pinfold attach "$NS"
	printf '%s: %s\n' "$what" "$ERR"
	echo "$ERR" | grep -q "$NS" || fail "$what: the message does not name $NS"
	echo "$ERR" | grep -Eq "$pattern" || fail "$what: the tool does not say why: $ERR"
	assert_dmesg "$NS: not attached: $pattern" "$what"
	assert_eq "$(driver_of "$NS")" none "$what: driver"
	rmmod pf_occupy
	assert_eq "$(grep -c . /proc/iomem)" "$before" "$what: resources left"
	tool attach "$NS"
	pinfold_ready
	mount_fs
	pf verify "$MNT/file" 4M 14 map
	umount "$MNT"
	tool detach "$NS"
}

refused "resource" ".* is in use" start=$((START + SIZE / 2)) length=4096
# Behind the driver's back: its trial at the end of the range notices, and so does the kernel.
expect_klog 'WARNING: .*mm/memremap\.c'
expect_klog 'Call Trace:'
refused "struct pages" "the kernel cannot make struct pages" start=$((START + SIZE - (2 << 20))) length=$((2 << 20)) pages=1
tool attach "$NS"
