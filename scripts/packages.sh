#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# packages.sh NAME PACKAGE... [-- SOURCE...]: unpack Debian packages beside the
# system, without installing anything, and print the directory. Of each SOURCE
# package the upstream source goes to usr/src/SOURCE. Both come from where apt is
# configured to get packages; that it may lack deb-src lines does not matter.
set -eu
export LC_ALL=C.UTF-8 LANGUAGE=

name=$1
shift
packages='' sources=''
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	packages="$packages $1"
	shift
done
[ $# -eq 0 ] || { shift; sources=$*; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/xenbus/$name
mkdir -p "$cache"

# The candidate versions name the directory, so a new one is never mixed
# into an old one.
# shellcheck disable=SC2086 # $packages is a list
versions=$(apt-cache policy $packages |
	awk '/^[^ ]/ { name = $1 } /Candidate:/ { print name $2 }')
total=$(echo "$packages" | wc -w)
offered=$(echo "$versions" | grep -c ':[0-9][^ ]*$') || true
if [ "$offered" -ne "$total" ]; then
	echo "packages: apt offers $offered of $total packages for $name;" \
		"run apt-get update" >&2
	exit 1
fi
first=$(echo "$versions" | sed -n '1s/^[^:]*://p')
root=$cache/$first-$(echo "$versions" | sha256sum | cut -c1-12)

# apt with deb-src lines of our own, made of the system's deb lines.
apt_source() {
	mkdir -p "$work/apt/lists/partial" "$work/apt/parts"
	apt-get indextargets 'Identifier: Packages' 'Origin: Debian' --format \
		'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' | sort -u >"$work/apt/list"
	for command in update "source --tar-only $*"; do
		# shellcheck disable=SC2086 # it is words
		apt-get -qq -o Dir::Etc::SourceList="$work/apt/list" \
			-o Dir::Etc::SourceParts="$work/apt/parts" \
			-o Dir::State::Lists="$work/apt/lists" \
			-o Dir::Cache="$work/apt" -o APT::Sandbox::User=root $command
	done
}

unpack_sources() {
	echo "packages: fetching the source of $*" >&2
	(cd "$work/deb" && apt_source "$@") >&2
	for source in "$@"; do
		mkdir -p "$work/root/usr/src/$source"
		tar -xf "$work/deb/${source}_"*.orig.tar.* --strip-components=1 \
			-C "$work/root/usr/src/$source"
	done
}

unpack() {
	echo "packages: fetching $total packages for $name ($first)" >&2
	# shellcheck disable=SC2086 # $packages is a list
	(cd "$work/deb" && apt-get -qq -o APT::Sandbox::User=root download $packages) >&2
	n=0
	for deb in "$work"/deb/*.deb; do
		n=$((n + 1))
		[ -t 2 ] && printf '\rpackages: unpacking %d of %d' "$n" "$total" >&2
		dpkg-deb -x "$deb" "$work/root"
	done
	[ -t 2 ] && echo >&2
	# shellcheck disable=SC2086 # $sources is a list
	[ -z "$sources" ] || unpack_sources $sources
}

if [ ! -d "$root" ]; then
	work=$(mktemp -d "$cache/.unpack.XXXXXX")
	trap 'rm -rf "$work"' EXIT INT TERM
	# apt drops privileges for downloads; let it.
	chmod 755 "$work"
	mkdir "$work/deb" "$work/root"
	unpack
	# Another run may have been faster; its result is as good.
	mv -T "$work/root" "$root" 2>/dev/null || [ -d "$root" ]
fi
echo "$root"
