#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pins of DAX files do not delay the file system, end with the mapping, follow their pages, and are covered by fsync.
# vm: --mem 3G --nvdimm 1G --append memhp_default_state=offline --qemu=-object --qemu=memory-backend-ram,id=ram0,size=2944M --qemu=-numa --qemu=node,nodeid=0,cpus=0-1,memdev=ram0 --qemu=-object --qemu=memory-backend-ram,id=ram1,size=128M --qemu=-numa --qemu=node,nodeid=1,memdev=ram1 --qemu=-object --qemu=memory-backend-ram,id=ram2,size=512M --qemu=-device --qemu=pc-dimm,memdev=ram2,node=1
# fs: xfs@6.1 ext4@6.12
# timeout: 900
# group: pins

# shellcheck source=tests/vm/lib/pin.sh
. "$PINFOLD_TOP/tests/vm/lib/pin.sh"

pins_start
start_fs 1G
pf pin dax "$MNT/dax"
pf pin dax_ends "$MNT/ends"
pf pin dax_move "$MNT/move"
pf pin truncate "$MNT/truncate"
trace_start
pf pin fsync "$MNT/fsync"
traced pin_flush
pins_end
