#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# root.sh KERNEL: prints the directory of a small Debian with dkms, and with the
# headers and the image of its kernel KERNEL, which is 6.1, 6.12 or 7.2. It is made
# the first time, and once more when apt offers another version.
set -eu
. "$(dirname "$0")/../../scripts/lib.sh"

kernel=${1:?root.sh KERNEL}
case $kernel in
6.1) packages=(linux-headers-amd64 linux-image-amd64) ;;
6.12) packages=(linux-headers-6.12-amd64 linux-image-6.12-amd64) ;;
7.2) mapfile -t packages < <(printf '?name(^linux-%s-7[.]2[.][0-9.]*[+]deb[0-9]*-amd64$)\n' \
	headers binary modules) ;;
*) die "$kernel: there is 6.1, 6.12 and 7.2" ;;
esac

if [ "$kernel" = 7.2 ]; then
	# It goes on to the next kernel: what has been made stays.
	suite=sid version=kept
	sources=$(apt_sources 'deb $(REPO_URI) sid $(COMPONENT)' 'Label: Debian')
else
	suite=bookworm
	version=$(apt-cache policy "${packages[0]}" | sed -n 's/^ *Candidate: //p')
	sources=$(apt_sources 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)')
fi
[ -n "$sources" ] && [ -n "$version" ] && [ "$version" != "(none)" ] ||
	die "apt offers no Linux $kernel; run apt-get update"

root=$CACHE/dkms/$kernel-$version
mkdir -p "$CACHE/dkms" "$CACHE/logs"
exec 9>"$CACHE/dkms/lock"
flock 9
if [ ! -d "$root" ]; then
	# Another clone may be using what is not old.
	find "$CACHE/dkms" -maxdepth 1 -name "$kernel-*" -mtime +7 -exec rm -rf {} +
	work=$(mktemp -d "$CACHE/dkms/.make.XXXXXX")
	trap 'rm -rf "$work"' EXIT INT TERM
	# Nothing here needs an initial file system of Debian's, or most of its modules.
	INITRD=No "$REPO/scripts/system.sh" "$work/root" "a Debian with Linux $kernel" \
		"$CACHE/logs/dkms-$kernel.log" "$suite" "$sources" \
		--dpkgopt='path-exclude=*/lib/modules/*/kernel/drivers/*' \
		--dpkgopt='path-exclude=*/lib/modules/*/kernel/net/*' \
		--dpkgopt='path-exclude=*/lib/modules/*/kernel/sound/*' \
		--include=dkms "${packages[@]/#/--include=}"
	[ -n "$(compgen -G "$work/root/lib/modules/*/")" ] ||
		die "$suite has no Linux $kernel any more"
	mv -T "$work/root" "$root"
fi
echo "$root"
