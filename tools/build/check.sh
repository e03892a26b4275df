#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Static checks: checkpatch, sparse on both kernels, shellcheck, and two rules of
# the tree. Ends with "N passed, N failed".
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
passed=0 failed=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

# check NAME COMMAND...: passes if the command succeeds
check()
{
	local name=$1
	shift

	if "$@" > "$out" 2>&1; then
		echo "ok - $name"
		passed=$((passed + 1))
	else
		echo "not ok - $name"
		sed 's/^/  /' "$out" | head -n 60
		failed=$((failed + 1))
	fi
}

# Tracked and new files matching the patterns, without what git ignores.
files()
{
	git ls-files --cached --others --exclude-standard -- "$@" | sort -u
}

# The newest checkpatch of the installed kernel headers.
checkpatch()
{
	local kdir script
	kdir=$(tests/vm/vm kdir -k 6.12) || return 1
	script=$(readlink -f "$kdir/scripts")/checkpatch.pl
	[ -e "$script" ] || script=$(readlink -f "${kdir%-amd64}-common/scripts/checkpatch.pl")
	[ -e "$script" ] || { echo "checkpatch.pl: not in $kdir"; return 1; }

	# Outside a kernel tree; line length is for new lines of prose and tables
	# too; macros of trace events and of compat are shaped by the kernel's.
	files '*.c' '*.h' | grep -v '^tools/include/' |
		xargs perl "$script" --no-tree --terse --quiet --show-types \
		--max-line-length=100 --file --strict \
		--ignore "$(paste -sd, tools/build/checkpatch.ignore)"
}

sparse_kernel()
{
	local kdir out
	kdir=$(tests/vm/vm kdir -k "$1") || return 1
	out=$(mktemp -d) || return 1
	tools/build/modules.sh "$kdir" "$out" C=2 CF="-D__CHECK_ENDIAN__" > "$out/log" 2>&1
	local rc=$?
	# Warnings in the kernel's own headers are not ours to mend.
	grep -E '(warning|error):' "$out/log" | grep -vE '^[^ ]*/(usr/src|include/(linux|asm))[^ ]*:' |
		grep -vE 'linux-headers' > "$out/ours"
	cat "$out/ours"
	[ $rc -ne 0 ] && tail -n 20 "$out/log"
	[ $rc -eq 0 ] && [ ! -s "$out/ours" ]
	rc=$?
	rm -rf "$out"
	return $rc
}

shell_scripts()
{
	files | while read -r f; do
		[ -f "$f" ] && head -n 1 "$f" | grep -qE '^#!.*\b(bash|sh)\b' && echo "$f"
	done
}

shellcheck_all()
{
	shell_scripts | xargs shellcheck -x -S warning
}

no_version_checks()
{
	! git grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' -- '*.c' '*.h' ':!include/compat'
}

# Every source says its licence in its first lines.
spdx()
{
	local bad
	bad=$(files '*.c' '*.h' '*.sh' '*.py' 'Makefile' '*/Makefile' 'Kbuild' '*/Kbuild' |
		while read -r f; do
			head -n 3 "$f" | grep -q SPDX-License-Identifier || echo "$f"
		done)
	echo "$bad"
	[ -z "$bad" ]
}

check "checkpatch" checkpatch
check "sparse 6.1" sparse_kernel 6.1
check "sparse 6.12" sparse_kernel 6.12
check "shellcheck" shellcheck_all
check "kernel versions are checked in include/compat only" no_version_checks
check "SPDX lines" spdx

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
