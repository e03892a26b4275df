#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading, attaching, populating, detaching and unloading, 500 times on each kernel, leaves nothing behind.
# vm: --mem 1G --nvdimm 256M --no-udev --append rcupdate.rcu_expedited=1 --append kmemleak=on
# timeout: 1800
# soak: yes

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

# A leak grows in each part; what others cache or have not freed yet comes and goes.
PARTS=4
CYCLES=$(budget 500)
# KASAN keeps freed objects, so they cannot be counted; kmemleak tells instead, of one cycle, too.
KMEMLEAK=/sys/kernel/debug/kmemleak
[ ! -e $KMEMLEAK ] || CYCLES=$(budget 20)
EACH=$((CYCLES / PARTS))
SEED=$(seed 1)
echo "seed $SEED"

pinfold_blank
pinfold_create 256M
tool detach "$NS"
# Debug information is nine tenths of what would be copied each time.
MODULES=()
for name in pin_registry dax_backing nd_pinfold; do
	strip -g -o "/tmp/case.$name.ko" "$(modinfo -n "$name")"
	MODULES+=("/tmp/case.$name.ko")
done
pinfold_unload || fail "modules stay"

# cycles COUNT SEED
cycles() {
	pf cycles "$1" "$2" "$NS" "${MODULES[@]}"
}

# Under emulation two processors cost twice as much here, as they tell each other of each change of code and of
# mappings: every eighth cycle is with both.
some_cycles() {
	local both=$(($1 / 8 + 1))

	cycles $both "$2"
	echo 0 >/sys/devices/system/cpu/cpu1/online
	cycles $(($1 - both)) "$2"
	echo 1 >/sys/devices/system/cpu/cpu1/online
}

# What must be the same with everything unloaded.
state() {
	grep -v "00000000-00000000" /proc/iomem
	# dax is built in, or not.
	grep -s . /sys/module/{libnvdimm,dax}/refcnt || true
	ls /sys/block /sys/class/bdi
}

# "WHAT NUMBER KIND" for each slab cache, and KiB of other memory; "elsewhere" neither is free, on lists of single
# CPUs or not, nor belongs to what has a number: struct pages, for one.
numbers() {
	echo 3 >/proc/sys/vm/drop_caches
	{
		awk 'NR > 2 { print $1, $2, "objects" }' /proc/slabinfo
		awk '/^(VmallocUsed|Percpu):/ { print $1, $2, "KiB" }
			$1 == "MemTotal:" { n += $2 }
			$1 ~ /^(MemFree|Buffers|Cached|AnonPages|Slab|KernelStack|PageTables|Percpu|VmallocUsed):$/ { n -= $2 }
			$1 == "count:" { n -= 4 * $2 }
			END { print "elsewhere:", n, "KiB" }' /proc/meminfo /proc/zoneinfo
	} | sort
}

# growth PART: what has grown by one for each two cycles
growth() {
	join /tmp/case.numbers$(($1 - 1)) /tmp/case.numbers"$1" | awk -v n=$EACH '($4 - $2) * 2 >= n { print $1 }'
}

some_cycles 10 "$SEED" >/dev/null
state >/tmp/case.state0
numbers >/tmp/case.numbers0
for part in $(seq $PARTS); do
	some_cycles $EACH $((SEED + part))
	state >/tmp/case.state1
	diff /tmp/case.state0 /tmp/case.state1 || fail "something stays after $EACH cycles"
	numbers >/tmp/case.numbers"$part"
done
if [ -e $KMEMLEAK ]; then
	assert_no_leaks
	exit 0
fi

# One object or KiB in every other cycle would be seen, in each part.
growth 1 >/tmp/case.leaks
for part in $(seq 2 $PARTS); do
	growth "$part" | comm -12 /tmp/case.leaks - >/tmp/case.common
	mv /tmp/case.common /tmp/case.leaks
done
while read -r what; do
	echo "$what$(for part in $(seq 0 $PARTS); do awk -v w="$what" '$1 == w { print " " $2 }' /tmp/case.numbers"$part"; done |
		tr -d '\n')"
done </tmp/case.leaks
[ ! -s /tmp/case.leaks ] || fail "these grow with each cycle, $EACH at a time"
