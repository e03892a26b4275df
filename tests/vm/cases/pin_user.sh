#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pins of a process's memory: what they are good for, how they end, and how they are accounted.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# timeout: 900
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
echo 16 >/proc/sys/vm/nr_hugepages
pf pin kinds -
pf pin ends -
pf pin limit -
echo 0 >/proc/sys/vm/nr_hugepages
pins_end
