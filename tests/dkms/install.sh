#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install.sh ROOT DEB OUT: installs DEB in the system ROOT, as dpkg does it, and
# removes it. What dkms has built is left in OUT, as below /lib/modules. ROOT is not
# changed: what is written lies in memory, in a name space that ends with us. Prints
# cases, as tests/loop/guest/lib does.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loop/guest/lib"

if [ "$$" -ne 1 ]; then
	exec unshare --mount --pid --fork --kill-child "$here/install.sh" "$@"
fi
root=$1 deb=$2 out=$3
package=$(dpkg-deb -f "$deb" Package)
version=$(dpkg-deb -f "$deb" Version)
new=$out/root

# shown LOG: as comments, if the status before is not 0, which remains.
shown() {
	local status=$?
	[ $status -eq 0 ] || sed 's/^/# /' "$1"
	return $status
}

inside() { chroot "$new" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }

# What a package manager could leave of ours.
leftovers() {
	(cd "$new" && find usr/src var/lib/dkms lib/modules/*/ -name '*xenstore*')
}

# built: the release of each kernel that all of our modules are installed for.
built() {
	inside dkms status -m "${package%-dkms}" -v "$version" 2>/dev/null |
		sed -n 's/^[^,]*, \([^,]*\), x86_64: installed$/\1/p'
}

rm -rf "$out" && mkdir -p "$out/memory" "$new" &&
	mount -t tmpfs tmpfs "$out/memory" && mkdir "$out/memory/"{upper,work} &&
	mount -t overlay -o "lowerdir=$root,upperdir=$out/memory/upper,workdir=$out/memory/work" \
		overlay "$new" &&
	mount -t proc proc "$new/proc" && cp "$deb" "$new/root/package.deb" || exit

inside dpkg -i /root/package.deb >"$out/dpkg.log" 2>&1
shown "$out/dpkg.log"
result "the package is installed"
cp "$new/var/lib/dkms/${package%-dkms}/$version/"*/*/log/make.log "$out" 2>/dev/null ||
	cp "$new/var/lib/dkms/${package%-dkms}/$version/build/make.log" "$out"

same "dkms has built and installed it for each kernel" "$(ls "$new/lib/modules")" built
[ -s "$out/make.log" ] && ! grep -qiE 'warning:|error:' "$out/make.log"
shown "$out/make.log"
result "the compiler does not complain"

for release in "$new"/lib/modules/*/; do
	place=$out/modules/$(basename "$release")
	mkdir -p "$place"
	cp -R "$release"/modules.* "$release"/updates "$place"
done

# As when the package of such a kernel is installed.
ours=$new/lib/modules/9.9-xenbus
mkdir -p "$ours/build" && echo CONFIG_XENSTORE=y >"$ours/build/.config"
inside dkms autoinstall -k "${ours##*/}" >"$out/autoinstall.log" 2>&1
shown "$out/autoinstall.log"
result "a kernel with the driver in it is left out, which is no failure"
rm -r "$ours"

inside dpkg -P "$package" >"$out/dpkg-purge.log" 2>&1
same "nothing is left when it is removed" "" leftovers
