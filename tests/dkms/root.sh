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

# sources FORMAT [FILTER]: a line of sources.list for each of the system's apt.
sources() {
	apt-get indextargets 'Identifier: Packages' 'Origin: Debian' "${@:2}" --format "$1" | sort -u
}

if [ "$kernel" = 7.2 ]; then
	# It goes on to the next kernel: what has been made stays.
	suite=sid version=kept
	sources=$(sources 'deb $(REPO_URI) sid $(COMPONENT)' 'Label: Debian')
else
	suite=bookworm
	version=$(apt-cache policy "${packages[0]}" | sed -n 's/^ *Candidate: //p')
	sources=$(sources 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)')
fi
[ -n "$sources" ] && [ -n "$version" ] && [ "$version" != "(none)" ] ||
	die "apt offers no Linux $kernel; run apt-get update"

root=$CACHE/dkms/$kernel-$version
mkdir -p "$CACHE/dkms" "$CACHE/logs"
exec 9>"$CACHE/dkms/lock"
flock 9
if [ ! -d "$root" ]; then
	rm -rf "$CACHE/dkms/$kernel-"*
	work=$(mktemp -d "$CACHE/dkms/.make.XXXXXX")
	trap 'rm -rf "$work"' EXIT INT TERM
	# How the system's apt gets at its mirror, and what it expects of that.
	apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries)' >"$work/apt.conf" || true
	# Nothing here needs an initial file system of Debian's, or most of its modules.
	INITRD=No "$REPO/scripts/step.sh" "a Debian with Linux $kernel" \
		"$CACHE/logs/dkms-$kernel.log" bash -c 'exec mmdebstrap "$@" - <<<"$0"' \
		"$sources" --mode=root --variant=essential --format=directory \
		--aptopt="$work/apt.conf" --aptopt='APT::Sandbox::User "root"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=*/lib/modules/*/kernel/drivers/*' \
		--dpkgopt='path-exclude=*/lib/modules/*/kernel/net/*' \
		--dpkgopt='path-exclude=*/lib/modules/*/kernel/sound/*' \
		--include=dkms "${packages[@]/#/--include=}" "$suite" "$work/root"
	mv -T "$work/root" "$root"
fi
echo "$root"
