#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# setup.sh GROUP...: installs the Debian packages a group needs and lacks.
#
#   kernel     unpack and build a kernel for this machine
#   uml        the same, and run KUnit in user-mode Linux, with coverage
#   smp        the same, and run KUnit on two processors under QEMU
#   check      the static checks
#   fuzz       libFuzzer, and the core with threads
#   tools      the programs of tools/, and their tests
#   xen        Xen and its guests under QEMU; with ARCH=arm64 there
#   cross      compile for arm64
#   selftests  an installation of the kernel's selftests
#   bench      plots of the benchmark
#   package    the package of modules
#   dkms       its test in small systems of Debian
#   debian     a Debian with Xen and libvirt, as dom0
#   patches    the driver as a series of patches
#
# Root is needed only when something is missing.
# The groups are used by name only:
# shellcheck disable=SC2034
set -eu
. "$(dirname "$0")/lib.sh"

# "package: why", one per line.
kernel="
build-essential: compiles the kernel
linux-source-6.12: the kernel source the driver goes into
xz-utils: unpacks it
bc: kernel build
bison: kernel build
flex: kernel build
libelf-dev: objtool
libssl-dev: certificates in the kernel build
python3: kunit.py and our own runners
ccache: makes every kernel build after the first one quick
kmod: depmod for modules
patch: checks the overlay's patch
"
uml="$kernel
busybox-static: the little root file system that user-mode Linux boots into
cpio: packs it
gcovr: line coverage
"
smp="$kernel
qemu-system-x86: the machine
busybox-static: the little root file system that it boots into
cpio: packs it
"
check="$kernel
clang-14: second compiler for W=1
lld-14: its linker
llvm-14: its tools
sparse: make C=2
coccinelle: coccicheck
ocaml-nox: scripts inside semantic patches
libpython3-dev: likewise, those in Python
codespell: spelling
groff-base: manual pages
shellcheck: our shell scripts
perl: checkpatch and kernel-doc
spin: the model of the ring
python3-ply: SPDX check of checkpatch
python3-git: SPDX check of checkpatch
git: checkpatch looks for it
"
xen="$kernel
qemu-system-x86: the machine that Xen boots on
python3-pexpect: drives its console
busybox-static: root file systems of dom0 and domU
cpio: packs them
e2fsprogs: disks of the guests
"
cross="$kernel
gcc-aarch64-linux-gnu: the compiler
libc6-dev-arm64-cross: the C library, for programs
"
[ "$ARCH" = x86_64 ] || xen+="$cross
qemu-system-arm: the machine that Xen boots on for arm64
device-tree-compiler: adds a guest to what describes that machine
"
selftests="
rsync: installs them
"
bench="
python3-matplotlib: draws what was measured
"
package="
build-essential: dpkg-buildpackage
debhelper: describes what a package is made of
dh-dkms: the part of it for modules that are built where they run
"
deb="$kernel
debhelper: describes what a package is made of
libdw-dev: what packages of Linux 7.2 are built with
rsync: copies the headers
cpio: likewise
lintian: judges the packages
"
dkms="$package
lintian: judges the package
mmdebstrap: makes the systems that it is installed in
qemu-system-x86: the machine that they boot on
busybox-static: the root file system for that
cpio: packs it
"
debian="
mmdebstrap: makes it
cpio: packs it
"

fuzz="$kernel
clang-14: libFuzzer and the sanitizers
libclang-rt-14-dev: their run time
llvm-14: its archiver
"
tools="
build-essential: compiles them, with sanitizers for the tests
python3: the tests
"
patches="$kernel
git: makes patches
cpio: copies the files they are about
quilt: applies them, in their test
"

missing=()
add_missing() {
	local package why
	while IFS=: read -r package why; do
		[ -n "$package" ] || continue
		case " ${missing[*]-} " in *" $package "*) continue ;; esac
		if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
			say "  missing: $package (${why# })"
			missing+=("$package")
		fi
	done <<<"$1"
}

[ $# -gt 0 ] || die "usage: setup.sh kernel|uml|smp|check|fuzz|tools|xen|cross|selftests|bench|patches|package|dkms|deb|debian..."
for group in "$@"; do
	case $group in
	kernel|uml|smp|check|fuzz|tools|xen|cross|selftests|bench|patches|package|dkms|deb|debian) add_missing "${!group}" ;;
	*) die "no group named '$group'" ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

[ "$(id -u)" = 0 ] || die "not root; please run: apt-get install ${missing[*]}"
mkdir -p "$CACHE/logs"
# Two targets may want packages at the same time; apt would refuse the second.
exec 9>"$CACHE/setup.lock"
flock 9
export DEBIAN_FRONTEND=noninteractive
"$REPO/scripts/step.sh" "apt-get update" "$CACHE/logs/apt-update.log" \
	apt-get -o DPkg::Lock::Timeout=600 update
"$REPO/scripts/step.sh" "apt-get install" "$CACHE/logs/apt-install.log" \
	apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}"
