#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Static checks: checkpatch, sparse on both kernels, shellcheck, and two rules of
# the tree. Ends with "N passed, N failed".
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
passed=0 failed=0
export out
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

# checkpatch and its word lists, from the kernel's source package.
fetch_checkpatch()
{
	local tarball=/usr/src/linux-source-6.12.tar.xz
	local version
	version=$(dpkg-query -W -f '${Version}' linux-source-6.12) || return 1
	export scripts=${PINFOLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pinfold}/scripts-$version
	[ -e "$scripts/complete" ] && return
	mkdir -p "$scripts"
	tar -C "$scripts" --strip-components=2 --wildcards -xf "$tarball" \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
		'*/scripts/const_structs.checkpatch' && touch "$scripts/complete"
}

# checkpatch IGNORELIST FILE...: the lists say why each type is left out
run_checkpatch()
{
	local ignore
	ignore=$(grep -v '^#' "$1" | cut -f 1 | paste -sd,)
	shift
	# Strings of messages may be long; --no-tree as this is no kernel tree.
	perl "$scripts/checkpatch.pl" --no-tree --terse --quiet --show-types \
		--max-line-length=100 --file --strict --ignore "$ignore" "$@" > "$out.cp"
	local rc=$?
	# It takes the label of an asm goto, %l[name], for an operator.
	if grep -vE "^total: |^drivers/nvdimm/vector_block\.h:[0-9]+: CHECK:SPACING: .*'%'" "$out.cp" || [ $rc -gt 1 ]; then
		rc=1
	else
		rc=0
	fi
	rm -f "$out.cp"
	return $rc
}

checkpatch_kernel()
{
	fetch_checkpatch || { echo "checkpatch.pl: install linux-source-6.12"; return 1; }
	files 'fs/*.[ch]' 'drivers/*.[ch]' 'mm/*.[ch]' 'include/*.[ch]' 'tests/modules/*.[ch]' |
		xargs -d '\n' bash -c 'run_checkpatch tools/build/checkpatch-kernel.ignore "$@"' _
}

checkpatch_user()
{
	fetch_checkpatch || { echo "checkpatch.pl: install linux-source-6.12"; return 1; }
	# The shim is made of what checkpatch warns of: stand-ins for kernel macros.
	files 'tools/pinfold/*.[ch]' 'tests/*.[ch]' |
		grep -v -e '^tests/modules/' -e '^tests/unit/shim/kernel\.h$' |
		xargs -d '\n' bash -c 'run_checkpatch tools/build/checkpatch-user.ignore "$@"' _
}
export -f run_checkpatch

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

# The documentation quotes the example that is compiled and run.
example_quoted()
{
	diff <(sed 's/^./  &/' tests/modules/pin_example.c) \
		<(sed -n '/^  \/\/ SPDX/,/^  MODULE_LICENSE/p' Documentation/pin-registry.rst)
}

# A mutation of code that has changed since is tried on nothing.
mutations_fit()
{
	local list rc
	list=$(tests/mutation/run.py --list 2>&1)
	rc=$?
	# All of them are hundreds: what does not fit, or what run.py says before it fails.
	[ $rc -eq 0 ] || grep ': the code is another one by now' <<<"$list" || tail -n 20 <<<"$list"
	return $rc
}

check "checkpatch, kernel code" checkpatch_kernel
check "checkpatch, programs" checkpatch_user
check "sparse 6.1" sparse_kernel 6.1
check "sparse 6.12" sparse_kernel 6.12
check "shellcheck" shellcheck_all
check "kernel versions are checked in include/compat only" no_version_checks
check "SPDX lines" spdx
check "the example in pin-registry.rst is the one that is compiled" example_quoted
check "the mutations of tests/mutation fit the code" mutations_fit

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
