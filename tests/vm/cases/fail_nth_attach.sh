#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of attaching fails once: a clear error or none, nothing left behind, and the next try works.
# vm: --mem 2G --nvdimm 1G --no-udev --append kmemleak=on
# kernel: debug
# timeout: 1800

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"
# shellcheck source=tests/vm/lib/failnth.sh
. "$PINFOLD_TOP/tests/vm/lib/failnth.sh"

# Most of an attach and a detach would be lockdep's. The other cases have it.
modprobe pf_nolockdep
fault_setup
# A disk has a slab cache for bios, and the kernel leaks a cache's name when its directory in sysfs cannot be made.
fault_spare sysfs_slab_add failslab
fault_device 1G
# add_pages() warns once when __add_pages() has no memory, whoever asked.
allow_klog "WARNING: CPU: .* at arch/x86/mm/init_64.c:.* add_*pages"

attach_check() {
	if [ "$CODE" = 0 ]; then
		complete attach
		detach
	else
		# EBUSY is also said of a free range, if there is no memory to note who has it; EINVAL of a disk, if
		# there is none for its name (device_add_disk() does not look, device_add() misses it).
		refused_by attach $ENOMEM $EFAULT $EBUSY $EINVAL
		[ "$TOLD" != mute ] || fail "attach failed without a word"
	fi
	nothing_left attach
}
in_turn attach attach_check write "$ND/drivers/nd_pinfold/bind" "$NS"
fault_end
assert_no_leaks
