#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own red-black and interval trees, from its source package: unpacked
# once into the cache. Prints the directory.
set -eu

tarball=/usr/src/linux-source-6.12.tar.xz
[ -f "$tarball" ] || { echo "$tarball: missing; install linux-source-6.12" >&2; exit 1; }
version=$(dpkg-query -W -f '${Version}' linux-source-6.12)
dir=${PINFOLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pinfold}/kernel-lib-$version

if [ ! -e "$dir/complete" ]; then
	mkdir -p "$dir"
	tar -C "$dir" --strip-components=1 --wildcards -xf "$tarball" \
		'*/lib/rbtree.c' '*/lib/interval_tree.c' \
		'*/include/linux/rbtree.h' '*/include/linux/rbtree_types.h' \
		'*/include/linux/rbtree_augmented.h' '*/include/linux/interval_tree.h' \
		'*/include/linux/interval_tree_generic.h'
	touch "$dir/complete"
fi
echo "$dir"
