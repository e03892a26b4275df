#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages of the kernel move through nested pins, by the registry, compaction, contiguous allocations and memory offlining.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# timeout: 900
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
pf pin store -
trace_start
pf pin nested -
traced pin_start pin_end pin_prepare pin_commit pin_abort pin_move
blamed 4 'pinner stack-[0-3]: prepare returned 12345, which is no error code'
blamed 4 'pinner stack-[0-3]: prepare took longer than 1000 ms'
dimm online_movable
pf pin compact 1
pf pin contig 1
pf pin offline 1
dimm offline
# Pinned pages of a process are never in memory for movable pages only. In other memory may be what cannot move: KASAN
# has the shadow of a block that comes in another block of the same node.
allow_klog 'page dumped because: unmovable page'
dimm online_kernel
pf pin offline_user "1,$DIMM_FIRST"
# Not all of it, perhaps: the kernel may have got pages there for good.
while read -r BLOCK; do
	tell offline "$BLOCK" || echo "$BLOCK stays on line"
done </run/vm-dimm
pins_end
