#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The pin registry, each thing once.
# vm: --mem 3G --nvdimm 1G
# timeout: 300

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

modprobe pf_pindev
modprobe pf_pinstore
retry 10 test -e /dev/pf_pinstore || fail "no /dev/pf_pinstore"
echo 16 >/proc/sys/vm/nr_hugepages
for t in kinds store nested late limit ends; do
	pf pin $t - || true
	grep -H . /sys/kernel/debug/pin_registry/*
done
