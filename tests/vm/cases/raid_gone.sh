#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A leg's namespace is unbound under the array: I/O goes on, and it can come back. The last one's errors are seen.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 300
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

raid_legs 5
expect_klog "pfn_raid: |I/O error, dev dm-|Buffer I/O error on dev dm-"

for level in raid1:2 raid6:4; do
	nr=${level#*:} level=${level%:*}
	echo "== $level"
	raid_create "$level" "$nr" --size 1M
	raid_write 1 60
	ns_unbind "${LEG_NS[1]}"
	# The flush is the first to meet it, and is done by the others.
	dd if=/dev/zero of="$R" count=0 conv=notrunc,fsync status=none || fail "$level: flush without leg 1"
	raid_verify "$level: leg 1 is gone"
	raid_write 2 60
	raid_health "AD$(printf 'A%.0s' $(seq 3 "$nr") | head -c $((nr - 2)))" "$level: leg 1 is gone"
	tool raid remove "$ARRAY" 1
	tool attach "${LEG_NS[1]}"
	retry 20 test -b "${LEG[1]}" || fail "no ${LEG[1]}"
	tool raid add --force "$ARRAY" 1 "${LEG[1]}"
	raid_settle
	raid_verify "$level: leg 1 is back"
	raid_scrub "$level"
	raid_stop
done

# One too many: errors, no lies, and all is back with the legs.
raid_create raid5 3 --size 1M
raid_write 3 60
ns_unbind "${LEG_NS[0]}"
raid_verify "raid5: leg 0 is gone"
ns_unbind "${LEG_NS[2]}"
run_expect_fail dd if="$R" of=/dev/null bs=64k iflag=direct
run_expect_fail dd if=/dev/zero of="$R" bs=64k count=4 oflag=direct
raid_stop
tool attach "${LEG_NS[0]}"
tool attach "${LEG_NS[2]}"
retry 20 test -b "${LEG[0]}" && retry 20 test -b "${LEG[2]}" || fail "legs are not back"
run_expect_fail pinfold raid assemble "$ARRAY" "${LEG[@]:0:3}"
grep -q stale <<<"$ERR" || fail "leg 0: $ERR"
tool raid assemble --degraded "$ARRAY" "${LEG[1]}" "${LEG[2]}"
dd if="$R" of=/dev/null bs=64k iflag=direct status=none
raid_stop
