#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mappings of every kind agree with read(2) and write(2), and share one set of pages.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
assert_populated "$BASE" "a mounted file system"

pf mmap "$MNT/file"
assert_eq "$(pf mapsync "$MNT/sync")" "mapsync: ok" "MAP_SYNC"
pf alias "$MNT/alias"
