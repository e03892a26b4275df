#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A DMA controller copies the legs of mirrors: a device that replaces one, and a leg that is rebuilt. One that fails, or
# hangs, costs time and nothing else.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --edu 2
# timeout: 600

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

traffic() {
	dmsetup message "$ARRAY" 0 traffic | sed -n "s/.* $1 \([0-9]*\).*/\1/p"
}

# copied BYTES: by the controller, at least
copied() {
	[ "$(traffic dma)" -ge "$1" ]
}

[ -d /sys/class/dma ] || skip "a kernel without dmaengine"
PARAMETERS=/sys/module/edu/parameters
[ "$(find /sys/class/dma -mindepth 1 | wc -l)" = 0 ] || fail "this machine has other DMA channels"
modprobe edu dmaengine=1
CHANNELS=(/sys/class/dma/*)
assert_eq ${#CHANNELS[@]} 2 "DMA channels"
CHANNEL=${CHANNELS[0]##*/}

expect_klog "pfn_raid: "
raid_legs 3
raid_create raid1 2
raid_write 1 200

# Who is asked for has to be there, and free.
dmsetup message "$ARRAY" 0 engine dma7chan3 2>/dev/null && fail "a channel that is not there"
dmsetup message "$ARRAY" 0 engine "$CHANNEL"
dmsetup message "$ARRAY" 0 engine "${CHANNELS[1]##*/}"
dmsetup message "$ARRAY" 0 engine "$CHANNEL"
assert_eq "$(cat "/sys/class/dma/$CHANNEL/in_use")" 1 "the channel's users"

# The device takes 200 ms for a page, and a run is 16 pages: some of them are enough.
tool raid replace --force "$ARRAY" 1 "${LEG[2]}"
raid_write 2 50
retry 60 copied 131072 || fail "not copied by DMA: $(dmsetup message "$ARRAY" 0 traffic)"
assert_eq "$(traffic dma_failed)" 0 "failed copies"
raid_write 3 50
dmsetup message "$ARRAY" 0 engine cpu
assert_eq "$(cat "/sys/class/dma/$CHANNEL/in_use")" 0 "the channel's users, afterwards"
raid_settle
raid_verify "a leg was copied by DMA"
raid_scrub "a leg was copied by DMA"

# A rebuild; the controller writes a part of some runs, and says that it failed.
tool raid fail "$ARRAY" 0
tool raid remove "$ARRAY" 0
echo 2 >$PARAMETERS/engine_fails
dmsetup message "$ARRAY" 0 engine "$CHANNEL"
tool raid add --force "$ARRAY" 0 "${LEG[0]}"
BEFORE=$(traffic dma)
retry 60 copied $((BEFORE + 65536)) || fail "no rebuild by DMA: $(dmsetup message "$ARRAY" 0 traffic)"
assert_eq "$(traffic dma_failed)" 2 "failed copies"
# It hangs: the bound is 10 s, then it is asked no more.
echo 1 >$PARAMETERS/engine_hangs
retry 60 raid_is_idle || fail "the rebuild hangs: $(dmsetup status "$ARRAY")"
[ "$(traffic dma_failed)" -ge 3 ] || fail "nothing hung: $(dmsetup message "$ARRAY" 0 traffic)"
# Who knows whether it has ended? Not that leg.
raid_health DA "a controller that hung"
tool raid remove "$ARRAY" 0
dmsetup message "$ARRAY" 0 engine cpu
tool raid add --force "$ARRAY" 0 "${LEG[0]}"
raid_settle
raid_health AA "rebuilt by the CPU"
raid_verify "rebuilt, after a controller that hung"
raid_scrub "rebuilt, after a controller that hung"
raid_no_pages

# With its table, the array lets go of the channel.
dmsetup message "$ARRAY" 0 engine "$CHANNEL"
raid_stop
assert_eq "$(cat "/sys/class/dma/$CHANNEL/in_use")" 0 "the channel's users, without an array"
rmmod edu
