#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same NVDIMMs in one guest after the other: data is back after a reboot and pages are gone; with the NVDIMMs
# unarmed everything is read-only.  reboot.sh [-k KERNEL]...

set -u
here=$(cd "$(dirname "$0")" && pwd)
kernels=()
while [ $# -gt 0 ]; do
	case $1 in
	-k) kernels+=("$2"); shift 2 ;;
	*) sed -n 's/^# //p' "$0" | tail -n +2 >&2; exit 2 ;;
	esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=(6.1 6.12)

dir=$(mktemp -d "${TMPDIR:-/var/tmp}/pinfold-reboot.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# boot KERNEL STEP FLAGS
boot() {
	local start=$SECONDS
	if "$here/../vm" run -k "$1" --mem 1G --timeout 900 --nvdimm "1G,file=$dir/ext4$3" --nvdimm "2G,file=$dir/xfs$3" -- \
		bash "$here/reboot-guest" "$2" >"$dir/out" 2>&1; then
		passed=$((passed + 1))
		printf 'ok %d - %s/reboot/%s (%d s)\n' $((passed + failed)) "${1##*/}" "$2" $((SECONDS - start))
		return
	fi
	failed=$((failed + 1))
	printf 'not ok %d - %s/reboot/%s (%d s)\n' $((passed + failed)) "${1##*/}" "$2" $((SECONDS - start))
	sed 's/^/#   /' "$dir/out"
}

for kernel in "${kernels[@]}"; do
	rm -f "$dir/ext4" "$dir/xfs"
	boot "$kernel" create ""
	boot "$kernel" again ""
	boot "$kernel" unarmed ",unarmed"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
