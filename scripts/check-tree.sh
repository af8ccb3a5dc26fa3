#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-tree.sh --pristine|--overlay gcc|clang|arm64-4k|arm64-64k
#
# Prepares a build directory for the static checks and prints "TREE BUILD
# MAKE-ARGUMENTS", for the caller to read into variables. With gcc or clang it is for
# x86-64 (scripts/check.config), else for arm64 with pages of that size, and gcc
# (scripts/check-arm64.config).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tree=$("$REPO/scripts/kernel-tree.sh" "$1")
name=check${1#-}-$2
build=$("$REPO/scripts/kernel-tree.sh" --build "$name")
config=check.config
case $2 in
gcc) args="ARCH=x86_64 CC='$(kernel_cc)'" ;;
clang) args="ARCH=x86_64 LLVM=-14 CC='$(kernel_cc clang-14)'" ;;
arm64-*)
	cross=aarch64-linux-gnu-
	args="ARCH=arm64 CROSS_COMPILE=$cross CC='$(kernel_cc ${cross}gcc)'"
	config=check-arm64.config ;;
esac

wanted=$build/wanted.config
cp "$REPO/scripts/$config" "$wanted.new"
case $2 in arm64-*) sed -i "1iCONFIG_ARM64_$(tr k K <<<"${2#*-}")_PAGES=y" "$wanted.new" ;; esac
[ "$1" = --pristine ] || sed -i '1iCONFIG_XENSTORE_KUNIT_TEST=y\nCONFIG_XENSTORE_LOOP=m' "$wanted.new"
kernel_make() { eval "make -C '$tree' O='$build' $args" '"$@"'; }

if ! cmp -s "$wanted.new" "$wanted" || [ ! -e "$build/.config" ]; then
	KCONFIG_ALLCONFIG=$wanted.new kernel_make allnoconfig >"$build/config.log" 2>&1 ||
		{ tail "$build/config.log" >&2; die "$name: allnoconfig failed"; }
	if lost=$(sed '/^# Not in every kernel:/,$d' "$wanted.new" | grep '^CONFIG' | grep -vxFf "$build/.config" | paste -sd' '); then
		die "$name: not in the final configuration: $lost"
	fi
	mv "$wanted.new" "$wanted"
fi
"$REPO/scripts/step.sh" "$name: make prepare" "$build/prepare.log" \
	env -C "$tree" bash -c "make O='$build' $args -j$JOBS prepare" || exit 1
echo "$tree $build $args"
