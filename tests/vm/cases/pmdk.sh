#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# PMDK finds pmem: libpmem, libpmemobj with transactions, pmempool; once more while their pages are moved.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: xfs@6.1 ext4@6.12
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need pmempool
start_fs
unset PMEM_IS_PMEM_FORCE
"$PINFOLD_TOP/build/guest/pmdk" pmem "$MNT/pmem"
"$PINFOLD_TOP/build/guest/pmdk" obj "$MNT/obj"
pmempool create obj --layout=test --size=16M "$MNT/pool"
pmempool check -v "$MNT/pool"
pmempool check -v "$MNT/obj"
pmempool info "$MNT/obj" | grep -E 'Layout|Size' | head -3

rm "$MNT/pool"
moveloop
"$PINFOLD_TOP/build/guest/pmdk" pmem "$MNT/pmem2"
"$PINFOLD_TOP/build/guest/pmdk" obj "$MNT/obj2"
pmempool create obj --layout=test --size=16M "$MNT/pool"
moveloop_end
pmempool check -v "$MNT/pool"
pmempool check -v "$MNT/obj"
pmempool check -v "$MNT/obj2"
umount "$MNT"
tool destroy --force "$NS"
