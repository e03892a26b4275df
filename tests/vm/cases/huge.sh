#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A mapping of aligned blocks takes huge (PMD) faults, and is split without loss.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs 4G "$FS-huge"
pf huge "$MNT/huge" "$DEV"
