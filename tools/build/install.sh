#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the modules built for one kernel: install.sh KDIR BUILDDIR DESTDIR
set -eu

kdir=$1 build=$2 dest=$3
# Not "make kernelrelease": Debian's headers answer the upstream version.
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h")
out=$build/$release
dir=$dest/lib/modules/$release/updates/pinfold

if ! ls "$out"/*/*/*.ko > /dev/null 2>&1; then
	echo "pinfold: no modules built for $release; run: make KDIR=$kdir" >&2
	exit 1
fi
install -d "$dir" "$dest/usr/lib/modprobe.d"
for ko in "$out"/mm/*.ko "$out"/fs/dax/*.ko "$out"/fs/dax/dmabuf/*.ko "$out"/drivers/nvdimm/*.ko "$out"/drivers/nvdimm/raid/*.ko; do
	install -m 644 "$ko" "$dir/"
done
install -m 644 "$(dirname "$0")/../modprobe.d/pinfold.conf" "$dest/usr/lib/modprobe.d/"
[ -n "$dest" ] || depmod "$release"
