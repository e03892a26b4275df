#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A million pins over 100,000 pages, a tenth of them on the debug kernel; PF_PIN_SCALE times as many.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# timeout: 1800
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
NR=1000000
! debug_kernel || NR=100000
pf pin many $((NR * ${PF_PIN_SCALE:-1}))
pins_end
