#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device behind an IOMMU, and one that reaches a part of memory only, keep DMA running on DAX files that move and go.
# vm: --mem 2G --nvdimm 1G --edu 2 --iommu
# fs: xfs@6.1 ext4@6.12
# timeout: 600
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

PF_PIN_SCALE=$(budget 1)
export PF_PIN_SCALE

# both TEST: once by the registry, once as an importer of a dma-buf, at the same time
both() {
	local importer

	PF_EDU=/dev/edu1 pf edu "$1" dmabuf "$MNT/dmabuf" >/tmp/case.dmabuf 2>&1 &
	importer=$!
	pf edu "$1" pin "$MNT/pin"
	wait $importer || fail "$1 dmabuf: $(cat /tmp/case.dmabuf)"
	cat /tmp/case.dmabuf
}

# What the device uses is no physical address then, or there is nothing to see here.
modprobe -a dax_dmabuf edu
retry 10 test -c /dev/edu0 -a -c /dev/edu1 -a -c /dev/pinfold-dmabuf || fail "no devices"
assert_eq "$(cat /sys/class/misc/edu0/device/iommu_group/type)" DMA-FQ "translation"
start_fs 1G
both stream
both taken

# Not an address of the NVDIMM is in reach: with an IOMMU that is its business.
rmmod edu
modprobe edu dma_bits=28
retry 10 test -c /dev/edu0 -a -c /dev/edu1 || fail "no devices"
both stream
umount "$MNT"
rmmod edu
retry 20 rmmod dax_dmabuf || fail "the modules do not go"
