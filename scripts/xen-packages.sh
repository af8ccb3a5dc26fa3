#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Xen, its tools and the libraries they link to beside the system,
# without installing anything, and print the directory.
#
# Usage: scripts/xen-packages.sh

# shellcheck disable=SC2086 # $packages is a list
set -eu

packages="
	xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils
	libxenmisc4.17 libxenstore4 libxencall1 libxendevicemodel1 libxenevtchn1
	libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxentoolcore1
	libxentoollog1 libyajl2 libncurses6 libtinfo6 libfdt1 liblzma5 libuuid1
	zlib1g libzstd1 libnl-3-200 libnl-route-3-200 libargon2-1 libbz2-1.0
	liblzo2-2 libext2fs2 libcom-err2 libc6 libgcc-s1
"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/xenbus/xen
mkdir -p "$cache"

# The candidate versions name the directory, so a new one is never mixed
# into an old one.
versions=$(apt-cache policy $packages |
	awk '/^[^ ]/ { name = $1 } /Candidate:/ { print name $2 }')
xen=$(echo "$versions" | sed -n 's/^xen-utils-4.17://p')
if [ -z "$xen" ] || [ "$xen" = "(none)" ]; then
	echo "xen-packages: no xen-utils-4.17 on offer; run apt-get update" >&2
	exit 1
fi
root=$cache/$xen-$(echo "$versions" | sha256sum | cut -c1-12)

if [ ! -d "$root" ]; then
	work=$(mktemp -d "$cache/.unpack.XXXXXX")
	trap 'rm -rf "$work"' EXIT INT TERM
	# apt drops privileges for downloads; let it.
	chmod 755 "$work"
	mkdir "$work/deb" "$work/root"
	total=$(echo $packages | wc -w)
	echo "xen-packages: fetching $total packages (Xen $xen)" >&2
	(cd "$work/deb" && apt-get -qq -o APT::Sandbox::User=root download $packages) >&2
	n=0
	for deb in "$work"/deb/*.deb; do
		n=$((n + 1))
		[ -t 2 ] && printf '\rxen-packages: unpacking %d of %d' "$n" "$total" >&2
		dpkg-deb -x "$deb" "$work/root"
	done
	[ -t 2 ] && echo >&2
	gunzip -c "$work/root/boot/xen-4.17-amd64.gz" >"$work/root/boot/xen.elf"
	# Another run may have been faster; its result is as good.
	mv -T "$work/root" "$root" 2>/dev/null || [ -d "$root" ]
fi
echo "$root"
