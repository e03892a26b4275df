#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages of the kernel move through nested pins, by the registry, compaction and memory offlining.
# vm: --mem 3G --nvdimm 1G --append movablecore=768M --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2G --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=1G --qemu=-numa --qemu=node,nodeid=1,memdev=ram1
# timeout: 300
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
pf pin store -
pf pin nested -
blamed 4 'pinner stack-[0-3]: prepare returned 12345, which is no error code'
blamed 4 'pinner stack-[0-3]: prepare took longer than 1000 ms'
pf pin compact 1
pf pin offline 1
pf pin offline_user 1
pins_end
