#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fio writes and verifies by libpmem and mmap; once more while its pages are moved.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 900
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need fio
start_fs
[[ $(fio --enghelp) == *libpmem* ]] || skip "this fio has no libpmem engine"

run() {
	local engine=$1
	shift
	fio --name="$engine" --directory="$MNT" --ioengine="$engine" --size=4M --bs=4k --verify=crc32c \
		--verify_fatal=1 --do_verify=1 --randseed=1 --thread --group_reporting --output-format=terse \
		--terse-version=3 "$@" >/tmp/case.fio 2>&1 || fail "fio $engine: $(tail -5 /tmp/case.fio)"
	grep -v "^fio: " /tmp/case.fio | awk -F';' -v e="$engine" '$1 == 3 {
		printf "%s: error %s, wrote %s KiB, read %s KiB\n", e, $5, $47, $6 }' | tee /tmp/case.sum
	grep -q "error 0, wrote 4096 KiB, read 4096 KiB" /tmp/case.sum || fail "fio $engine: $(cat /tmp/case.fio)"
}

run libpmem --rw=randwrite --direct=1 --iodepth=1
run mmap --rw=randwrite
run mmap --rw=write --fsync=256
[ "$(populated)" -gt "$BASE" ] || fail "fio populated nothing"

moveloop
run libpmem --rw=randwrite --direct=1 --iodepth=1
run mmap --rw=randwrite --fsync=256
moveloop_end
umount "$MNT"
tool destroy --force "$NS"
