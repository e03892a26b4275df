#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As at boot: nfit comes, nd_pinfold takes its own namespaces before nd_pmem, names and data are as before.
# vm: --mem 2G --nvdimm 1G,label --nvdimm 512G --nvdimm 256M --nvdimm 288M --virtio-pmem 512M --append memmap=384M!1G
# timeout: 600
# group: media

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need ndctl
export FS=ext4
install -m 644 "$PINFOLD_TOP/tools/modprobe.d/pinfold.conf" /etc/modprobe.d/
trap 'rm /etc/modprobe.d/pinfold.conf' EXIT
start_fs 512G
pf fill "$MNT/file" 4M 15
umount "$MNT"
UUID=$(cat "/sys/block/$DISK/pinfold_media/uuid")

# Take down the bus and all drivers.
NFIT=/sys/bus/acpi/drivers/nfit
[ -e $NFIT/ACPI0012:00 ] || NFIT=/sys/bus/platform/drivers/nfit
[ -e $NFIT/ACPI0012:00 ] || fail "who drives ACPI0012:00?"
echo ACPI0012:00 >$NFIT/unbind
for ns in "$ND"/devices/namespace*; do
	if [ -e "$ns" ]; then
		ns_unbind "${ns##*/}"
	fi
done
rmmod nfit
pinfold_unload || fail "modules stay"
rmmod nd_pmem
[ ! -e /sys/module/nd_pmem ] || fail "nd_pmem is still loaded"

# And up, by udev alone, as early in the day as it gets.
udevadm trigger --action=add --subsystem-match=acpi
modprobe nfit
udevadm settle --timeout=60
use_region 512G
retry 30 test -b "$DEV" || fail "no $DEV: $(driver_of "$NS")"
assert_eq "$(driver_of "$NS")" nd_pinfold "driver after boot"
assert_eq "$(cat "/sys/block/$DISK/pinfold_media/uuid")" "$UUID" "uuid"
# The same name as nd_pmem's, and ndctl knows it.
assert_eq "$DISK" "pmem${REGION#region}" "name of the disk"
ndctl list -N | grep -q "\"blockdev\":\"$DISK\"" || fail "ndctl list does not show $DISK: $(ndctl list -N)"
mount_fs
pf verify "$MNT/file" 4M 15 map
umount "$MNT"
# Those without an info block are nd_pmem's.
use_region 256M
assert_eq "$(driver_of "$NS")" nd_pmem "driver of a raw namespace"
