#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# suite.sh SUITE ARCH COMMAND...
#
# Runs COMMAND where apt sees another suite of Debian, or another architecture:
#   scripts/suite.sh sid amd64 apt-cache policy linux-source-7.2
#   scripts/suite.sh trixie arm64 scripts/packages.sh NAME PACKAGE...
# It is for looking and for fetching: that apt has no packages installed. Its lists
# and archives are in the cache, fetched from the mirror of the system's apt, through
# the same proxies, and trusted if Debian's keyring says so. The system's apt is not
# changed. Lists are brought up to date once a day.
set -eu
. "$(dirname "$0")/lib.sh"

[ $# -ge 3 ] || die "usage: suite.sh SUITE ARCH COMMAND..."
suite=$1 arch=$2
shift 2
place=$CACHE/apt/$suite-$arch
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

mirror() {
	apt-get indextargets 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' \
		--format '$(REPO_URI)' | head -n 1
}

# Everything apt reads or writes is below $place, but for how it gets at the mirror.
write_config() {
	local uri
	uri=$(mirror)
	[ -n "$uri" ] || die "the system's apt knows no mirror of Debian; run apt-get update"
	mkdir -p "$place"/{lists/partial,archives/partial,empty,log}
	: >"$place/status"
	echo "deb [arch=$arch signed-by=$keyring] $uri $suite main" >"$place/sources.list"
	{
		apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries)' || true
		printf 'Dir::%s "%s";\n' \
			Etc::Main /dev/null Etc::Parts "$place/empty" \
			Etc::Preferences /dev/null Etc::PreferencesParts "$place/empty" \
			Etc::SourceList "$place/sources.list" Etc::SourceParts "$place/empty" \
			State "$place" State::Lists "$place/lists" State::Status "$place/status" \
			Cache "$place" Cache::Archives "$place/archives" Log "$place/log"
		printf 'APT::%s "%s";\n' Architecture "$arch" Architectures:: "$arch" Sandbox::User root
		printf 'Acquire::%s "%s";\n' Languages none GzipIndexes true
	} >"$place/apt.conf.new"
	mv "$place/apt.conf.new" "$place/apt.conf"
}

mkdir -p "$place" "$CACHE/logs"
exec 7>"$place/lock"
flock 7
if [ -z "$(find "$place/updated" -mtime -1 2>/dev/null)" ]; then
	# The system may have got another mirror or proxy.
	write_config
	export APT_CONFIG=$place/apt.conf
	"$REPO/scripts/step.sh" "lists of $suite for $arch" "$CACHE/logs/apt-$suite-$arch.log" \
		apt-get update
	touch "$place/updated"
fi
exec 7>&-
export APT_CONFIG=$place/apt.conf
exec "$@"
