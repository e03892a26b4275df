#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A scrub leaves time to I/O, goes on all the same, and does not keep a suspend waiting.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 300
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need fio
raid_legs 5
expect_klog "pfn_raid: |device-mapper: (table|ioctl)"

share() { raid_field 17 | cut -d/ -f1; }
position() { raid_field 7 | cut -d/ -f1; }
share_is_small() { [ "$(raid_field 8)" = check ] && [ "$(share)" -le 50 ]; }
share_is_all() { [ "$(raid_field 8)" != check ] || [ "$(share)" = 100 ]; }

raid_create raid5 4 --size 32M
dd if=/dev/urandom of="$R" bs=1M oflag=direct status=none || true
dd if="$R" of="$REF" bs=1M iflag=direct conv=notrunc status=none
assert_eq "$(raid_field 17)" "100/10/150" "what the throttle is at first"
run_expect_fail dmsetup message "$ARRAY" 0 throttle 0
run_expect_fail dmsetup message "$ARRAY" 0 throttle 101
run_expect_fail dmsetup message "$ARRAY" 0 throttle 10 99
tool raid throttle "$ARRAY" 2 100
assert_eq "$(raid_field 17 | cut -d/ -f2-)" "2/100" "what was set"

fio --name=job --filename="$R" --rw=randread --bs=4k --direct=1 --ioengine=psync --numjobs=2 --time_based \
	--runtime=60 --output=/tmp/case.fio &
FIO=$!
sleep 2
tool raid scrub "$ARRAY"
retry 20 share_is_small || fail "under I/O: $(dmsetup status "$ARRAY")"
P=$(position)
moves() { [ "$(position)" -gt "$P" ]; }
retry 20 moves || fail "no progress under I/O: $(dmsetup status "$ARRAY")"
kill $FIO
wait $FIO || true
# Nobody is in its way any more.
retry 20 share_is_all || fail "without I/O: $(dmsetup status "$ARRAY")"
START=$SECONDS
dmsetup suspend "$ARRAY"
dmsetup resume "$ARRAY"
[ $((SECONDS - START)) -lt 10 ] || fail "a suspend took $((SECONDS - START)) s"
raid_settle
assert_eq "$(raid_field 9)" 0 "mismatches"
tool raid throttle "$ARRAY" 100
raid_scrub "never pausing"
raid_verify "after scrubs"
raid_stop
