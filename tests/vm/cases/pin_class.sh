#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What each class of pins has to put up with.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# timeout: 900
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
trace_start
for class in mlock reclaim device-io low-latency migration perf cross-system; do
	pf pin classes "$class"
done
traced pin_revoke pin_notify
pins_end
