#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Xen, its tools and the libraries they link to beside the system,
# without installing anything, and print the directory. XEN in the environment
# says which version: 4.17, which is Debian 12's and the default, or 4.20,
# Debian 13's. ARCH=arm64 takes those for arm64, with a busybox of the same.
#
# Usage: scripts/xen-packages.sh
set -eu

here=$(dirname "$0")
version=${XEN:-4.17}
name=xen arch=amd64 busybox=
if [ "${ARCH:-x86_64}" = arm64 ]; then
	name=xen-arm64 arch=arm64 busybox=busybox-static
fi
case $version in
4.17) debian=bookworm extfs=libext2fs2 ;;
4.20) debian=trixie extfs=libext2fs2t64 ;;
*)
	echo "xen-packages: XEN is 4.17 or 4.20, not $version" >&2
	exit 2 ;;
esac
suite() {
	if [ "$debian-$arch" = bookworm-amd64 ]; then
		"$@"
	else
		"$here/suite.sh" "$debian" "$arch" "$@"
	fi
}

# shellcheck disable=SC2086 # $busybox is one or none
root=$(suite "$here/packages.sh" "$name" \
	"xen-hypervisor-$version-$arch" "xen-utils-$version" xen-utils-common \
	xenstore-utils "libxenmisc$version" libxenstore4 libxencall1 \
	libxendevicemodel1 libxenevtchn1 \
	libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxentoolcore1 \
	libxentoollog1 libyajl2 libncurses6 libtinfo6 libfdt1 liblzma5 libuuid1 \
	zlib1g libzstd1 libnl-3-200 libnl-route-3-200 libargon2-1 libbz2-1.0 \
	liblzo2-2 "$extfs" libcom-err2 libc6 libgcc-s1 $busybox)

# Where it is started as a multiboot kernel, it must be an ELF file; QEMU starts that
# for arm64 as it is.
elf=$root/boot/xen.elf
if [ "$arch" = amd64 ] && [ ! -e "$elf" ]; then
	gunzip -c "$root/boot/xen-$version-$arch.gz" >"$elf.$$"
	mv "$elf.$$" "$elf"
fi
echo "$root"
