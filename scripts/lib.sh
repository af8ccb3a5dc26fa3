# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the other scripts share: where things are, and how they talk.
# Nothing here may assume that the cache exists: the script that needs a directory
# creates it.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/xenbus
# Two clones on one machine must not share overlaid trees or build output.
CLONE=$CACHE/clones/$(printf '%s' "$REPO" | sha256sum | cut -c1-8)
# ccache takes paths below the cache relative to the build's directory, and these are
# the same for every clone: what one has compiled, another need not. It does not run
# the preprocessor first, which more than doubled the cost of what it does not have.
export CCACHE_BASEDIR=$CACHE CCACHE_DEPEND=true
JOBS=${JOBS:-$(nproc)}
# What programs say is read here and there.
export LC_ALL=C.UTF-8 LANGUAGE=
# setup.sh installs programs of Debian, and what they need: of two python3 the other one
# has not got it, and may be a script that looks for a third.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
# The kernel that the driver goes into. Builds and logs of the usual one have no
# directory of their own.
KERNEL=${KERNEL:-6.12}
KERNEL_DIR=
[ "$KERNEL" = 6.12 ] || KERNEL_DIR=/$KERNEL
# The processor that Xen runs on: likewise.
ARCH=${ARCH:-x86_64}
ARCH_DIR=
[ "$ARCH" = x86_64 ] || ARCH_DIR=/$ARCH
BUILD=$REPO/build$KERNEL_DIR$ARCH_DIR
# Flags of the make that called us (-C adds -w) are not for the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL
export REPO BUILD CACHE CLONE JOBS KERNEL

# Everything said to a person goes to standard error: standard output belongs
# to results (a path, a summary line).
say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

case $KERNEL in
6.1 | 6.12 | 7.2) ;;
*) die "KERNEL=$KERNEL: there is 6.1, 6.12 and 7.2" ;;
esac
case $ARCH in
x86_64 | arm64) ;;
*) die "ARCH=$ARCH: there is x86_64 and arm64" ;;
esac

# kernel_cc [COMPILER]: the compiler, through ccache where there is one.
kernel_cc() {
	local compiler=${1-gcc}
	! command -v ccache >/dev/null || compiler="ccache $compiler"
	echo "$compiler"
}

# driver_date: of the last commit, or now if there is none or files have changed. What is
# built of a later one has a higher version.
driver_date() {
	local git=(git -c "safe.directory=*" -C "$REPO") format=%Y%m%d.%H%M
	if [ -z "$("${git[@]}" status --porcelain 2>&1)" ]; then
		TZ=UTC "${git[@]}" log -1 --format=%cd --date="format-local:$format"
	else
		date -u +"$format"
	fi
}

# set_up GROUP...: install what is missing for these groups of packages.
set_up() { "$REPO/scripts/setup.sh" "$@"; }

# Names of files as from the top of a kernel's tree. What ccache kept for another
# clone names the tree of that clone.
kernel_names() { sed -E 's|[^ ]*/linux-[0-9][^/ ]*/||g'; }

# apt_sources FORMAT [FILTER]: a line of sources.list for each of the system's apt.
apt_sources() {
	apt-get indextargets 'Identifier: Packages' 'Origin: Debian' "${@:2}" --format "$1" | sort -u
}

# What external modules are made of: the core with its suites, and the loop.
module_sources() {
	find Kbuild drivers/xen/xenstore drivers/xen/xenstore_loop include -type f \
		\( -name '*.[ch]' -o -name Makefile -o -name Kbuild \) ! -name '*.mod.c'
}
