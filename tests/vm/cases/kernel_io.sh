#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel and its devices use mapped pages: first touches, O_DIRECT, splice, io_uring.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf ktouch "$MNT/ktouch" /tmp/case.scratch
pf direct "$MNT/direct" /dev/vda
pf direct "$MNT/direct" /dev/nvme0n1
pf splice "$MNT/splice" /tmp/case.scratch

# Fixed buffers are long-term pins, which fsdax refuses: -EOPNOTSUPP, as on stock (hwpoison.sh has stock beside us).
pf uring "$MNT/uring" /dev/nvme0n1 | tee /tmp/case.uring
grep -qx 'uring: register of mapped buffers: -95' /tmp/case.uring || fail "registering mapped buffers"
