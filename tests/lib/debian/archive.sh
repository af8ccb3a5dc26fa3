#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# archive.sh: prints the path of a Debian 12 with systemd, Xen's tools, libvirt and
# QEMU, as an archive that a kernel can boot from. It is made the first time, and once
# more when apt offers other versions, which takes minutes.
set -eu
. "$(dirname "$0")/../../../scripts/lib.sh"

packages=(systemd-sysv udev dbus kmod iproute2 bridge-utils procps psmisc e2fsprogs
	iputils-ping xen-utils-4.17 xenstore-utils qemu-system-xen libvirt-daemon-system
	libvirt-daemon-driver-xen libvirt-clients busybox-static)
# What nothing here reads, since each boot unpacks it: 42 of 254 MiB.
left_out=('./usr/bin/perl*' './usr/share/perl*' './usr/lib/x86_64-linux-gnu/*perl*'
	./usr/lib/x86_64-linux-gnu/gconv ./usr/share/zoneinfo './usr/share/*/iso-codes'
	./usr/share/iso-codes './usr/lib/udev/hwdb*' './usr/lib/xen-*/boot' './var/lib/apt/*'
	'./var/lib/dpkg/*' './var/cache/*')

versions=$(apt-cache policy "${packages[@]}" |
	awk '/^[^ ]/ { name = $1 } /Candidate:/ { print name $2 }')
[ "$(grep -cv '(none)$' <<<"$versions")" -eq ${#packages[@]} ] ||
	die "apt does not offer all packages of a dom0; run apt-get update"
archive=$CACHE/debian/12-$(cat - "$0" <<<"$versions" | sha256sum | cut -c1-12).cpio

pack() {
	local path prune=()
	for path in "${left_out[@]}"; do
		prune+=(-path "$path" -prune -o)
	done
	find . -xdev "${prune[@]}" -print0 | cpio --null -o -H newc --quiet
}

mkdir -p "$CACHE/debian" "$CACHE/logs"
exec 9>"$CACHE/debian/lock"
flock 9
if [ ! -e "$archive" ]; then
	set_up debian
	work=$(mktemp -d "$CACHE/debian/.make.XXXXXX")
	trap 'rm -rf "$work"' EXIT INT TERM
	"$REPO/scripts/system.sh" "$work/root" "a Debian with Xen and libvirt" \
		"$CACHE/logs/debian.log" bookworm \
		"$(apt_sources 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)')" \
		"${packages[@]/#/--include=}"
	(cd "$work/root" && pack) >"$work/cpio"
	mv "$work/cpio" "$archive"
fi
echo "$archive"
