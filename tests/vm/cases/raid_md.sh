#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# md fed with the same writes has the same bytes on its legs, parity included.
# vm: --mem 1G --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M --nvdimm 128M
# timeout: 600
# soak: yes
# group: raid

# shellcheck source=tests/vm/lib/raid.sh
. "$PINFOLD_TOP/tests/vm/lib/raid.sh"

need mdadm
raid_legs 5
modprobe brd rd_nr=5 rd_size=16384 || skip "no brd in this kernel"
trap 'mdadm --stop /dev/md77 >/dev/null 2>&1 || true; rmmod brd || true' EXIT
DATA=$((4 << 20))
RAM=(/dev/ram{0..4})

# md_case LEVEL LEGS
md_case() {
	local level=$1 nr=$2 leg size layout=()
	echo "== $*"
	case $level in
	raid5|raid6) layout=(--layout=left-symmetric) ;;
	raid10) layout=(--layout=n2) ;;
	esac
	for ((leg = 0; leg < nr; leg++)); do
		dd if=/dev/zero of=/dev/ram$leg bs=1M count=16 status=none
	done
	[ "$level" = raid1 ] || layout+=(--chunk=16)
	mdadm --create /dev/md77 --run --assume-clean --metadata=1.2 --data-offset=1024 --bitmap=none \
		--level="${level#raid}" --raid-devices="$nr" --size=4096 "${layout[@]}" \
		"${RAM[@]:0:$nr}" >/tmp/case.md 2>&1 || fail "mdadm: $(cat /tmp/case.md)"
	raid_create "$level" "$nr" --size 4M --chunk 16K
	size=$(raid_size)
	assert_eq "$(blockdev --getsize64 /dev/md77)" "$size" "size of md and of the array"
	# All of it once, so that no page is zero here because it was never written.
	dd if=/dev/urandom of="$REF" bs=64k count=$((size / 65536)) conv=notrunc status=none
	dd if="$REF" of="$R" bs=64k oflag=direct status=none
	dd if="$REF" of=/dev/md77 bs=64k oflag=direct status=none
	pf blkwrite "$R,/dev/md77" "$REF" "$size" 5 150
	raid_verify "$level"
	pf blkverify /dev/md77 "$REF" "$size"
	raid_stop
	mdadm --stop /dev/md77 >/dev/null 2>&1
	for ((leg = 0; leg < nr; leg++)); do
		cmp <(dd if="${LEG[leg]}" bs=64k skip=$((DATA / 65536)) count=64 iflag=direct status=none) \
			<(dd if=/dev/ram$leg bs=64k skip=16 count=64 status=none) || fail "$level: leg $leg differs from md's"
	done
}

md_case raid5 4
md_case raid6 5
md_case raid10 3
if [ "$(budget 1)" -gt 1 ]; then
	md_case raid1 2
	md_case raid4 4
	md_case raid10 4
fi
raid_no_pages
