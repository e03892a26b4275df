#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading, attaching, populating, detaching and unloading, hundreds of times, leaves nothing behind.
# vm: --mem 1G --nvdimm 1G
# timeout: 1800
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

CYCLES=$(budget 60)
# KASAN keeps freed objects, so they cannot be counted; kmemleak tells instead.
KMEMLEAK=/sys/kernel/debug/kmemleak
[ ! -e $KMEMLEAK ] || CYCLES=$(budget 50)
WARM=10

# Nobody but us opens the disk that comes and goes.
udevadm control --exit || true
trap '/lib/systemd/systemd-udevd --daemon 2>/dev/null; rmmod nd_pinfold dax_backing pin_registry 2>/dev/null || true' EXIT

pinfold_blank
pinfold_create 1G
tool detach "$NS"
REGISTRY=$(modinfo -n pin_registry)
BACKING=$(modinfo -n dax_backing)
DRIVER=$(modinfo -n nd_pinfold)
pinfold_unload || fail "modules stay"

# objects FILE: "CACHE COUNT" for each slab cache; the per-CPU ones are flushed first
objects() {
	local cache
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo | sort >"$1"
}

# What must be the same with everything unloaded.
state() {
	echo 3 >/proc/sys/vm/drop_caches
	grep -v "00000000-00000000" /proc/iomem
	# dax is built in, or not.
	grep -s . /sys/module/{libnvdimm,dax}/refcnt || true
	ls /sys/block /sys/class/bdi
}

counter() {
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# KiB that neither are free, on lists of single CPUs or not, nor belong to what has a number: struct pages, for one.
elsewhere() {
	echo 1 >/proc/sys/vm/drop_caches
	awk '$1 == "MemTotal:" { n += $2 }
		$1 ~ /^(MemFree|Buffers|Cached|AnonPages|Slab|KernelStack|PageTables|Percpu|VmallocUsed):$/ { n -= $2 }
		$1 == "count:" { n -= 4 * $2 }
		END { print n }' /proc/meminfo /proc/zoneinfo
}

pf cycles "$WARM" 1 "$NS" "$REGISTRY" "$BACKING" "$DRIVER" >/dev/null
state >/tmp/case.state0
objects /tmp/case.objects0
MEMMAP0=$(elsewhere)
for name in VmallocUsed Percpu; do
	declare "${name}0=$(counter $name)"
done
pf cycles "$CYCLES" "$(seed 1)" "$NS" "$REGISTRY" "$BACKING" "$DRIVER"
state >/tmp/case.state1
diff /tmp/case.state0 /tmp/case.state1 || fail "something stays after $CYCLES cycles"
if [ -e $KMEMLEAK ]; then
	assert_no_leaks
	exit 0
fi

# One object, or one KiB, for every other cycle is a leak; less is somebody else's.
leaks() {
	objects /tmp/case.objects1
	join /tmp/case.objects0 /tmp/case.objects1 | awk -v most=$((CYCLES / 2)) '$3 - $2 >= most' >/tmp/case.leaks
	[ -s /tmp/case.leaks ]
}
no_leaks() {
	! leaks
}
retry 30 no_leaks || fail "objects before and after $CYCLES cycles: $(cat /tmp/case.leaks)"
for name in VmallocUsed Percpu; do
	before=${name}0
	GREW=$(($(counter $name) - ${!before}))
	[ "$GREW" -lt $((CYCLES / 2)) ] || fail "$name grew by $GREW KiB in $CYCLES cycles"
done
no_pages() {
	[ $(($(elsewhere) - MEMMAP0)) -lt $((CYCLES * 2)) ]
}
echo "KiB elsewhere: $MEMMAP0, then $(elsewhere)"
retry 30 no_pages || fail "$(($(elsewhere) - MEMMAP0)) KiB are gone after $CYCLES cycles"
