#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mapped pages between processes: futex, fork with COW, ptrace and process_vm_readv.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf futex "$MNT/futex"
pf fork "$MNT/fork"
pf ptrace "$MNT/ptrace"
