#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Blocks go away under a mapping: truncate, hole punch, collapse and insert range, reuse by another file.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4 xfs
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

start_fs
pf holes "$MNT/holes"
pf reuse "$MNT/reuse"
umount "$MNT"
case $FS in
ext4) e2fsck -fn "$DEV" ;;
xfs) xfs_repair -n "$DEV" 2>&1 | tail -3 ;;
esac
