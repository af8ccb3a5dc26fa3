#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-tree.sh --pristine|--overlay gcc|clang
#
# Prepares an x86_64 build directory for the static checks (scripts/check.config)
# and prints "TREE BUILD MAKE-ARGUMENTS", for the caller to read into variables.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tree=$("$REPO/scripts/kernel-tree.sh" "$1")
name=check${1#-}-$2
build=$("$REPO/scripts/kernel-tree.sh" --build "$name")
case $2 in
gcc) args="CC='$(kernel_cc)'" ;;
clang) args="LLVM=-14" ;;
esac

wanted=$build/wanted.config
cp "$REPO/scripts/check.config" "$wanted.new"
[ "$1" = --pristine ] || sed -i '1iCONFIG_XENSTORE_KUNIT_TEST=y\nCONFIG_XENSTORE_LOOP=m' "$wanted.new"
kernel_make() { eval "make -C '$tree' O='$build' ARCH=x86_64 $args" '"$@"'; }

if ! cmp -s "$wanted.new" "$wanted" || [ ! -e "$build/.config" ]; then
	KCONFIG_ALLCONFIG=$wanted.new kernel_make allnoconfig >"$build/config.log" 2>&1 ||
		{ tail "$build/config.log" >&2; die "$name: allnoconfig failed"; }
	if lost=$(sed '/^# Not in every kernel:/,$d' "$wanted.new" | grep '^CONFIG' | grep -vxFf "$build/.config" | paste -sd' '); then
		die "$name: not in the final configuration: $lost"
	fi
	mv "$wanted.new" "$wanted"
fi
"$REPO/scripts/step.sh" "$name: make prepare" "$build/prepare.log" \
	env -C "$tree" bash -c "make O='$build' ARCH=x86_64 $args -j$JOBS prepare" || exit 1
echo "$tree $build $args"
