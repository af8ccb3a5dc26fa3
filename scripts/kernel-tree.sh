#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel-tree.sh --pristine|--overlay|--build NAME
#
# Prints one path, having made sure that what it names exists:
#   --pristine    Debian's source of KERNEL (6.1, 6.12 or 7.2, which is a variable
#                 of the environment; 6.12 without it), unpacked; not written to, but
#                 for one number of user-mode Linux
#   --overlay     the same tree with this clone's driver in it, brought up to
#                 date (only changed files get a new time, so builds stay short)
#   --build NAME  a directory for make's O=, kept between runs
#
# Trees live in the cache, named after the version of Debian's package: a point
# release gets trees of its own, and nothing here knows one by number.
set -eu
. "$(dirname "$0")/lib.sh"

# Where apt finds what the system does not install. Of 6.1 that is asked each time. 7.2
# is kept as it was fetched: sid goes on to the next kernel.
fetch() {
	case $KERNEL in
	6.1) "$REPO/scripts/packages.sh" linux-6.1 linux-source-6.1 ;;
	7.2) "$REPO/scripts/suite.sh" sid amd64 \
		"$REPO/scripts/packages.sh" linux-7.2 linux-source-7.2 ;;
	esac
}

# find_source: sets version, that of Debian's package, and archive
find_source() {
	local root
	if [ "$KERNEL" = 6.12 ]; then
		version=$(dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null) ||
			die "linux-source-6.12 is not installed: scripts/setup.sh kernel"
		archive=/usr/src/linux-source-6.12.tar.xz
		return
	fi
	root=$(find "$CACHE/linux-$KERNEL" -mindepth 1 -maxdepth 1 -name '[0-9]*' 2>/dev/null |
		sort -V | tail -n 1)
	if [ -z "$root" ]; then
		root=$(fetch)
	elif [ "$KERNEL" = 6.1 ]; then
		if newer=$(fetch 2>/dev/null); then
			root=$newer
		else
			say "apt offers no Linux $KERNEL: ${root##*/} it is"
		fi
	fi
	# The directory's name ends in a checksum.
	version=$(basename "${root%-*}")
	archive=$root/usr/src/linux-source-$KERNEL.tar.xz
}

# User-mode Linux 6.12 has space for 2696 bytes of a process's extended registers,
# and the host refuses to set fewer than its CPU has: on one with AMX no process
# would run. Linux 6.13 asks the host (3f17fed21491). Nothing but user-mode Linux
# is built from this file.
enlarge_uml_registers() {
	local offsets=$1/arch/x86/um/user-offsets.c
	! grep -q 'HOST_FP_SIZE, 2696' "$offsets" ||
		sed -i 's/HOST_FP_SIZE, 2696/HOST_FP_SIZE, 12288/' "$offsets"
}

# Unpack beside the final name and rename: an interrupted run leaves no half
# tree behind that a later one would trust.
make_pristine() {
	local tree=$1 temp
	[ -d "$tree" ] && return
	temp=$(mktemp -d "$CACHE/src/unpack.XXXXXX")
	"$REPO/scripts/step.sh" "unpacking linux-source-$KERNEL" "$CACHE/logs/unpack.log" \
		tar -xf "$archive" -C "$temp" --strip-components=1
	mv "$temp" "$tree"
}

# Hard links make the second tree cheap. The overlay never writes into an
# existing file (it replaces), so the first one cannot change with it.
make_overlaid() {
	local pristine=$1 tree=$2 temp
	if [ ! -d "$tree" ]; then
		temp=$(mktemp -d "$CLONE/overlay.XXXXXX")
		cp -al "$pristine/." "$temp/"
		mv "$temp" "$tree"
	fi
	# Which files, nobody wants to read who builds a kernel.
	"$REPO/scripts/overlay.sh" --copy "$tree" >"$CLONE/overlay.log"
}

mkdir -p "$CACHE/src" "$CACHE/logs" "$CLONE"
case ${1-} in
--build)
	dir=$CLONE/build$KERNEL_DIR$ARCH_DIR/${2:?--build needs a name}
	mkdir -p "$dir"
	echo "$dir"
	exit ;;
--pristine|--overlay) ;;
*) die "usage: kernel-tree.sh --pristine|--overlay|--build NAME" ;;
esac

set_up kernel
exec 8>"$CACHE/src/lock${KERNEL_DIR/\//-}"
flock 8
find_source
pristine=$CACHE/src/linux-$version
overlaid=$CLONE/linux-$version
make_pristine "$pristine"
enlarge_uml_registers "$pristine"
if [ "$1" = --pristine ]; then
	echo "$pristine"
else
	make_overlaid "$pristine" "$overlaid"
	enlarge_uml_registers "$overlaid"
	echo "$overlaid"
fi
