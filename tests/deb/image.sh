#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# image.sh: prints the directory of a Debian 12 on a disk, with its own kernel, Xen and
# GRUB: disk.ext4, and, to boot it from outside, vmlinuz, initrd.img and grub, which
# looks for its menu on the disk. It is made the first time, and once more when apt
# offers other versions, which takes minutes.
set -eu
. "$(dirname "$0")/../../scripts/lib.sh"
here=$REPO/tests/deb

packages=(systemd-sysv udev dbus kmod iproute2 procps apt busybox-static e2fsprogs
	initramfs-tools linux-image-amd64 xen-system-amd64 xenstore-utils grub-common
	grub2-common grub-pc-bin)
modules=(biosdisk ext2 normal configfile test echo search search_fs_uuid loadenv gzio
	multiboot2 serial terminal)

versions=$(apt-cache policy "${packages[@]}" |
	awk '/^[^ ]/ { name = $1 } /Candidate:/ { print name $2 }')
[ "$(grep -cv '(none)$' <<<"$versions")" -eq ${#packages[@]} ] ||
	die "apt does not offer all packages of a system with Xen; run apt-get update"
sum=$( (cat - "$0"; find "$here/root" -type f -exec cat {} +) <<<"$versions" | sha256sum)
image=$CACHE/deb/12-${sum:0:12}

# furnish ROOT: our files, and what of a system of its own a disk of a test has no use for.
furnish() {
	local root=$1
	cp -R "$here/root/." "$root"
	cp "$REPO/tests/lib/debian/root/etc/systemd/system/agent.service" \
		"$root/etc/systemd/system"
	cp "$REPO/tests/lib/guest/agent" "$root/usr/local/bin"
	mkdir "$root/mnt/tests"
	ln -s mnt/tests "$root/tests"
	rm -rf "$root"/var/cache/apt/archives/*.deb
}

# grub ROOT: GRUB, as a kernel that QEMU can load.
grub() {
	local place=$1/usr/lib/grub/i386-pc
	chroot "$1" grub-mkimage -O i386-pc -p '(hd0)/boot/grub' "${modules[@]}" \
		>"$1/tmp/core" && cat "$place/lnxboot.img" "$1/tmp/core"
	rm "$1/tmp/core"
}

make_image() {
	local work=$1 root=$1/root
	"$REPO/scripts/system.sh" "$root" "a Debian with its own kernel, Xen and GRUB" \
		"$CACHE/logs/deb-image.log" bookworm \
		"$(apt_sources 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)')" \
		"${packages[@]/#/--include=}"
	furnish "$root"
	mkdir "$work/image"
	grub "$root" >"$work/image/grub"
	cp -L "$root/vmlinuz" "$root/initrd.img" "$work/image"
	"$REPO/scripts/step.sh" "the disk" "$CACHE/logs/deb-disk.log" \
		mke2fs -q -t ext4 -d "$root" "$work/image/disk.ext4" 4G
}

mkdir -p "$CACHE/deb" "$CACHE/logs"
exec 9>"$CACHE/deb/lock"
flock 9
if [ ! -d "$image" ]; then
	set_up debian xen
	# Another clone may be using what is not old.
	find "$CACHE/deb" -maxdepth 1 -name '12-*' -mtime +7 -exec rm -rf {} +
	work=$(mktemp -d "$CACHE/deb/.make.XXXXXX")
	trap 'rm -rf "$work"' EXIT INT TERM
	make_image "$work" >&2
	mv -T "$work/image" "$image"
fi
echo "$image"
