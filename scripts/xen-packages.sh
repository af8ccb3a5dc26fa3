#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Xen, its tools and the libraries they link to beside the system,
# without installing anything, and print the directory. XEN in the environment
# says which version: 4.17, which is Debian 12's and the default, or 4.20,
# Debian 13's.
#
# Usage: scripts/xen-packages.sh
set -eu

here=$(dirname "$0")
version=${XEN:-4.17}
case $version in
4.17)
	extfs=libext2fs2
	suite() { "$@"; } ;;
4.20)
	extfs=libext2fs2t64
	suite() { "$here/suite.sh" trixie amd64 "$@"; } ;;
*)
	echo "xen-packages: XEN is 4.17 or 4.20, not $version" >&2
	exit 2 ;;
esac

root=$(suite "$here/packages.sh" xen \
	"xen-hypervisor-$version-amd64" "xen-utils-$version" xen-utils-common \
	xenstore-utils "libxenmisc$version" libxenstore4 libxencall1 \
	libxendevicemodel1 libxenevtchn1 \
	libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxentoolcore1 \
	libxentoollog1 libyajl2 libncurses6 libtinfo6 libfdt1 liblzma5 libuuid1 \
	zlib1g libzstd1 libnl-3-200 libnl-route-3-200 libargon2-1 libbz2-1.0 \
	liblzo2-2 "$extfs" libcom-err2 libc6 libgcc-s1)

# Where it is started as a multiboot kernel, it must be an ELF file.
elf=$root/boot/xen.elf
if [ ! -e "$elf" ]; then
	gunzip -c "$root/boot/xen-$version-amd64.gz" >"$elf.$$"
	mv "$elf.$$" "$elf"
fi
echo "$root"
