#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Modules: not unloaded in use, unloaded otherwise; loading takes the namespaces that are there.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# timeout: 300
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

export FS=ext4
start_fs
pf fill "$MNT/file" 4M 17
run_expect_fail rmmod nd_pinfold
run_expect_fail rmmod dax_backing
run_expect_fail rmmod pin_registry
umount "$MNT"
tool detach "$NS"
rmmod nd_pinfold
retry 10 rmmod dax_backing || fail "dax_backing stays: $(lsmod | grep dax_backing)"
rmmod pin_registry
modprobe nd_pinfold
retry 20 test -b "$DEV" || fail "no $DEV: $(driver_of "$NS")"
assert_eq "$(driver_of "$NS")" nd_pinfold "driver after modprobe"
mount_fs
pf verify "$MNT/file" 4M 17 map
umount "$MNT"
# Also with the namespace attached, but not in use: unloading detaches it.
rmmod nd_pinfold
assert_eq "$(driver_of "$NS")" none "driver after rmmod"
retry 10 rmmod dax_backing || fail "dax_backing stays"
rmmod pin_registry
modprobe nd_pinfold
retry 20 test -b "$DEV" || fail "no $DEV"
pinfold version | tee /tmp/case.version
