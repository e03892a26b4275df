#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest is what the other cases take for granted.
# vm: --nvdimm 1G --nvdimm 1G,label
# timeout: 120
# group: basic

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

assert_eq "$(uname -r)" "$PINFOLD_KVER" "kernel release"
assert_eq "$(id -u)" 0 "uid"

# A writable root that is the host's.
[ -x "$PINFOLD_TOP/tests/vm/vm" ] || fail "the checkout is not where it was"
echo x >/etc/pinfold-selftest
assert_eq "$(cat /etc/pinfold-selftest)" x "overlay"
rm /etc/pinfold-selftest
for dir in /tmp /run /dev/shm /var/tmp; do
	f=$(mktemp "$dir/selftest.XXXXXX") || fail "$dir is not writable"
	rm "$f"
done
echo out >/dev/stdout
for f in /dev/null /proc/1 /sys/kernel /dev/ptmx /sys/fs/cgroup/cgroup.procs; do
	[ -e "$f" ] || fail "no $f"
done

# Stock modules, with dependencies.
modprobe xfs
grep -qw xfs /proc/filesystems || fail "no xfs after modprobe xfs"
modprobe ext4

# Ours, if they are built: depmod knows them.
for ko in "$PINFOLD_TOP/build/$PINFOLD_KVER"/*/*/*.ko; do
	[ -e "$ko" ] || continue
	modinfo -n "$(basename "$ko" .ko)" | grep -q updates/pinfold || fail "modprobe does not know $ko"
done

# NVDIMMs and what drives them by default.
[ -d /sys/bus/nd/devices/region0 ] || fail "no region0"
[ -d /sys/bus/nd/devices/region1 ] || fail "no region1"
assert_eq "$(cat /sys/bus/nd/devices/region0/size)" $((1 << 30)) "size of region0"
ls /sys/bus/nd/devices/nmem* >/dev/null
retry 10 test -b /dev/pmem0 || fail "no /dev/pmem0"
need ndctl
ndctl list -R | grep -q region1 || fail "ndctl sees no region1"

# QEMU's monitor answers.
hmp info status | grep -q running || fail "no answer from the monitor"
