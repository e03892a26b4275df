#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the modules for one kernel: modules.sh KDIR BUILDDIR [TESTS=1] [make args]
set -eu

kdir=$1 build=$2
shift 2
tests=n
args=()
for a in "$@"; do
	case $a in
	TESTS=1) tests=m ;;
	*) args+=("$a") ;;
	esac
done
top=$(cd "$(dirname "$0")/../.." && pwd)

if [ ! -f "$kdir/Makefile" ] || [ ! -e "$kdir/.config" ]; then
	echo "pinfold: $kdir: not a kernel build tree; install the kernel's headers or pass KDIR=" >&2
	exit 1
fi
# Not "make kernelrelease": Debian's headers answer the upstream version.
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h")
out=$build/$release
[ -e "$top/tests/modules/Kbuild" ] || tests=n
mkdir -p "$out/generated"

# One build of a tree at a time: two would write the same objects.
exec 9>"$out/.lock"
flock 9

# Links, so that editing a source needs no copying; stale ones go.
find "$out" -xtype l -delete
for d in Kbuild include fs drivers mm tests/modules; do
	[ -e "$top/$d" ] || continue
	[ "$d" = tests/modules ] && [ $tests = n ] && continue
	mkdir -p "$(dirname "$out/$d")"
	cp -rsfT "$top/$d" "$out/$d"
done

"$top/include/compat/probe.sh" "$kdir" "$out/generated/compat_config.h"

make --no-print-directory -C "$kdir" M="$out" PINFOLD_TEST_MODULES=$tests \
	"${args[@]}" -j"$(nproc)" modules
