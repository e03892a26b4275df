#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# MADV_HWPOISON on a mapped page, and fixed io_uring buffers, are as on stock fsdax.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# fs: ext4@6.1 xfs@6.12
# timeout: 600
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need ndctl
expect_klog "Memory failure: "
use_region 1G
trap 'umount "$MNT" 2>/dev/null || true; ndctl destroy-namespace -f "$NS" >/dev/null 2>&1 || true' EXIT

# What happens to a file on $DEV; the namespace is taken down afterwards, poison or not.
outcome() {
	make_fs
	mount_fs
	pf hwpoison "$MNT/file"
	pf uring "$MNT/uring" /dev/vda
	umount "$MNT"
}

# Stock and pinfold, one after the other on the same memory.
ndctl create-namespace -f -e "$NS" -m fsdax -M mem >/tmp/case.ndctl 2>&1 || fail "ndctl: $(cat /tmp/case.ndctl)"
udevadm settle
outcome >/tmp/case.stock || fail "stock: $(cat /tmp/case.stock)"
ndctl destroy-namespace -f "$NS" >/dev/null 2>&1

pinfold_create 1G
outcome >/tmp/case.ours || fail "pinfold: $(cat /tmp/case.ours)"
cat /tmp/case.stock
diff /tmp/case.stock /tmp/case.ours || fail "pinfold (>) differs from stock (<)"
grep -q "^madvise: SIGBUS" /tmp/case.ours || fail "madvise poisoned nothing"

# Stock could be disabled and enabled; so must we.
tool detach "$NS"
retry 20 pinfold attach "$NS" >/dev/null 2>&1 || fail "attach: $(pinfold attach "$NS" 2>&1)"
pinfold_ready
assert_populated "$KEPT" "attached again"
mount_fs
cmp -n $((2 << 20)) "$MNT/file" <("$PF" fill /tmp/case.file 2M 1; cat /tmp/case.file)
umount "$MNT"
tool destroy --force "$NS"
