# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What cases with QEMU's edu devices share. The machine has two: /dev/edu0 and /dev/edu1.

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

# edu_load [PARAMETER...]: the driver, anew
edu_load() {
	[ ! -e /sys/module/edu ] || rmmod edu
	modprobe dax_dmabuf
	modprobe edu "$@"
	retry 10 test -c /dev/edu0 -a -c /dev/edu1 -a -c /dev/pinfold-dmabuf || fail "no devices"
}

edu_unload() {
	rmmod edu
	retry 20 rmmod dax_dmabuf || fail "the modules do not go"
}
