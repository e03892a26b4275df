#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Moves, pins, ends, revokes, migrations and kills of the same pages, in any order. PF_PIN_SCALE makes it longer.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# timeout: 1800
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

SEED=${PF_PIN_SEED:-1}
pins_start
modprobe pf_hold
pf pin stale -
rmmod pf_hold
pf pin race_kernel "$SEED"
pf pin race_user "$SEED"
pins_end
