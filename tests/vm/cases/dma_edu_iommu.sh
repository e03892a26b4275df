#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device behind an IOMMU, and one that reaches a part of memory only, keep DMA running on DAX files that move and go.
# vm: --mem 2G --nvdimm 1G --edu 2 --iommu
# fs: xfs@6.1 ext4@6.12
# timeout: 600
# soak: yes

# shellcheck source=tests/vm/lib/edu.sh
. "$PINFOLD_TOP/tests/vm/lib/edu.sh"

# What the device uses is no physical address then, or there is nothing to see here.
edu_load stable=1
assert_eq "$(cat /sys/class/misc/edu0/device/iommu_group/type)" DMA-FQ "translation"
start_fs 1G
pf edu address pin "$MNT/pin"
both stream
both taken

# Not an address of the NVDIMM is in reach: with an IOMMU that is its business. A page's address changes.
edu_load dma_bits=28
pf edu address pin "$MNT/pin"
both stream
umount "$MNT"
edu_unload
