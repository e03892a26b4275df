#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What programs do to mappings: mlock, mremap, mprotect, madvise.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf mlock "$MNT/mlock"
pf mremap "$MNT/mremap"
