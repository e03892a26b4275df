#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Moves, pins, ends, revokes, migrations and kills of the same pages, in any order. PF_PIN_SCALE makes it longer.
# vm: --mem 3G --nvdimm 1G --append movablecore=768M --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2G --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=1G --qemu=-numa --qemu=node,nodeid=1,memdev=ram1
# timeout: 1800
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

SEED=${PF_PIN_SEED:-1}
pins_start
pf pin race_kernel "$SEED"
pf pin race_user "$SEED"
pins_end
