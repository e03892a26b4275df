#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Installs what building and testing need on Debian 12, and only what is missing.  deps.sh [--check]

set -eu
export DEBIAN_FRONTEND=noninteractive

packages="
	build-essential bc bison flex libelf-dev libssl-dev
	linux-headers-amd64 linux-headers-6.12-amd64
	qemu-system-x86 busybox-static python3-minimal python3 cpio xz-utils
	kmod udev mount util-linux procps
	ndctl daxctl libndctl-dev libdaxctl-dev libjson-c-dev libblkid-dev uuid-dev libkmod-dev
	pkg-config
	libpmem-dev libpmemobj-dev pmdk-tools fio liburing-dev
	e2fsprogs xfsprogs nvme-cli dmsetup mdadm numactl strace
	sparse shellcheck clang libclang-rt-14-dev linux-source-6.12
"

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The metapackages follow the distribution; modules are built against whatever they name.
missing=
for p in $packages; do
	installed "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "${1:-}" = --check ]; then
	echo "missing:$missing"
	exit 1
fi

sudo=
[ "$(id -u)" -eq 0 ] || sudo="sudo -E"
$sudo apt-get -q update
# shellcheck disable=SC2086
$sudo apt-get -q -y --no-install-recommends install $missing

fio --enghelp 2>/dev/null | grep -q libpmem || echo "note: this fio has no libpmem engine" >&2
