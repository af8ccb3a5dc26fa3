#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Xen, its tools and the libraries they link to beside the system,
# without installing anything, and print the directory.
#
# Usage: scripts/xen-packages.sh
set -eu

root=$("$(dirname "$0")/packages.sh" xen \
	xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils \
	libxenmisc4.17 libxenstore4 libxencall1 libxendevicemodel1 libxenevtchn1 \
	libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxentoolcore1 \
	libxentoollog1 libyajl2 libncurses6 libtinfo6 libfdt1 liblzma5 libuuid1 \
	zlib1g libzstd1 libnl-3-200 libnl-route-3-200 libargon2-1 libbz2-1.0 \
	liblzo2-2 libext2fs2 libcom-err2 libc6 libgcc-s1)

# Where it is started as a multiboot kernel, it must be an ELF file.
elf=$root/boot/xen.elf
if [ ! -e "$elf" ]; then
	gunzip -c "$root/boot/xen-4.17-amd64.gz" >"$elf.$$"
	mv "$elf.$$" "$elf"
fi
echo "$root"
