#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad requests and bad pinners: defined errors, nothing left, the offender named once.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# timeout: 900
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
export FS=ext4
start_fs 1G
pf pin bad "$MNT/bad"
blamed 1 'pinner thief: tried to end a pin of another pinner'
pf pin late -
# Kernels with fault injection: each allocation fails once. Copies from and to the process are not counted (no stack
# has an address from 1 to 2): the registry makes none, only the test device does, which answers EFAULT.
if [ -e /proc/self/fail-nth ]; then
	for f in failslab fail_page_alloc fail_usercopy; do
		echo 0 >"/sys/kernel/debug/$f/verbose"
		[ $f = fail_usercopy ] || echo N >"/sys/kernel/debug/$f/ignore-gfp-wait"
	done
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
	echo 1 >/sys/kernel/debug/fail_usercopy/require-start
	echo 2 >/sys/kernel/debug/fail_usercopy/require-end
	pf pin fail "$MNT/fail"
fi
pins_end
