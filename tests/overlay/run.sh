#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of scripts/overlay.sh, on the few parts of a tree that it looks at.
# Last line: "N passed, N failed".
set -u
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"

overlay=$REPO/scripts/overlay.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try WHAT COMMAND...: one test; its output is shown only if it fails.
try() {
	local what=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok overlay: $what"
		passed=$((passed + 1))
	else
		echo "not ok overlay: $what"
		sed 's/^/    /' "$work/log"
		failed=$((failed + 1))
	fi
}

same() { diff -r "$work/pristine" "$1"; }
says_none() { ! "$overlay" --check "$work/tree"; }
reverts() { "$overlay" --revert "$work/tree" && same "$work/tree"; }
copies() { "$overlay" --copy "$work/tree" && ! same "$work/tree"; }
quiet() { local out; out=$("$@") && [ -z "$out" ]; }
fresh() { rm -rf "$work/tree"; cp -a "$work/pristine" "$work/tree"; }

# refuses TEXT: overlay.sh fails, names TEXT, and leaves the tree as it was.
refuses() {
	cp -a "$work/tree" "$work/before"
	! "$overlay" "$work/tree" >"$work/said" 2>&1 &&
		grep -F -- "$1" "$work/said" && diff -r "$work/before" "$work/tree"
	local status=$?
	rm -rf "$work/before"
	return $status
}

# Only ours, not one file of the original, and hooked in.
in_place() {
	! comm -12 <(ls "$work/pristine/drivers/xen/xenbus") \
		<(ls "$work/tree/drivers/xen/xenbus") | grep -vx Makefile &&
		diff "$REPO/drivers/xen/xenbus/Makefile" "$work/tree/drivers/xen/xenbus/Makefile" &&
		grep -q 'xen/xenstore/' "$work/tree/drivers/Makefile" &&
		grep -q 'xen/xenstore/Kconfig' "$work/tree/drivers/Kconfig"
}

patch_applies() {
	"$overlay" --patch "$work/out.patch" "$work/tree" && same "$work/tree" &&
		patch -p1 --dry-run -d "$work/tree" <"$work/out.patch"
}

# The patch and the copy are two ways to the same tree.
patch_equals_copy() {
	cp -a "$work/pristine" "$work/patched"
	patch -s -p1 -d "$work/patched" <"$work/out.patch" &&
		"$overlay" --copy "$work/tree" &&
		diff -r -x .xenbus-overlay "$work/patched" "$work/tree"
}

# --check must notice a change, name it, and a new --copy must put it right.
notices() {
	echo "/* changed */" >>"$work/tree/drivers/xen/xenstore/wire.c"
	! "$overlay" --check "$work/tree" >"$work/said" 2>&1 &&
		grep drivers/xen/xenstore/wire.c "$work/said" &&
		"$overlay" --copy "$work/tree" && "$overlay" --check "$work/tree"
}

# A file stands where a directory of ours has to be: half of it is done then.
half_reverts() {
	touch "$work/tree/drivers/xen/xenstore"
	! "$overlay" --copy "$work/tree" && ! same "$work/tree" || return
	rm "$work/tree/drivers/xen/xenstore"
	reverts
}

links() {
	"$overlay" --symlink "$work/tree" &&
		[ "$(readlink "$work/tree/drivers/xen/xenbus/Makefile")" = "$REPO/drivers/xen/xenbus/Makefile" ]
}

warns_only() {
	echo "/* a later point release */" >>"$work/tree/drivers/xen/xenbus/xenbus_xs.c"
	"$overlay" "$work/tree" 2>&1 | grep 'warning: drivers/xen/xenbus/xenbus_xs.c'
}

# The driver goes into the tree of a kernel.
take() {
	local source_tree
	source_tree=$(KERNEL=$1 "$REPO/scripts/kernel-tree.sh" --pristine) || exit 1
	rm -rf "$work/pristine"
	mkdir -p "$work/pristine"
	(cd "$source_tree" && cp -a --parents Makefile drivers/Makefile drivers/Kconfig drivers/xen \
		include/trace/events/xen.h include/xen include/linux/device/bus.h "$work/pristine")
	fresh
}

takes_back() {
	copies && in_place && "$overlay" --check "$work/tree" && reverts
}

for kernel in 6.1 7.2; do
	take $kernel
	try "--copy, --check and --revert in $kernel" takes_back
	try "--patch applies to $kernel" patch_applies
done

take 6.12
try "--check says that there is none" says_none
try "--revert without an overlay changes nothing" reverts
try "--copy" copies
try "no file of the original is left" in_place
try "--copy again changes nothing and says nothing" quiet "$overlay" --copy "$work/tree"
try "--check after --copy" "$overlay" --check "$work/tree"
try "--check notices a change, --copy repairs it" notices
try "--symlink over a copy" links
try "--symlink again changes nothing and says nothing" quiet "$overlay" --symlink "$work/tree"
try "--check after --symlink" "$overlay" --check "$work/tree"
try "--revert gives back the original" reverts
try "--revert after half of a --copy gives back the original" half_reverts
try "--patch applies to a pristine tree" patch_applies
try "--patch and --copy agree" patch_equals_copy
fresh
sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 13/' "$work/tree/Makefile"
try "refuses 6.13" refuses "this tree is 6.13"
fresh
sed -i 's/^SUBLEVEL = .*/SUBLEVEL = 999/' "$work/tree/Makefile"
try "takes a later point release" "$overlay" "$work/tree"
fresh
try "a changed original is a warning" warns_only
fresh
sed -i 's/EXPORT_SYMBOL_GPL(xenbus_gather);//' "$work/tree/drivers/xen/xenbus/xenbus_xs.c"
try "refuses a missing export" refuses "gpl xenbus_gather"
fresh
echo 'EXPORT_SYMBOL_GPL(xenbus_novelty);' >>"$work/tree/drivers/xen/xenbus/xenbus_xs.c"
try "refuses an export it does not know" refuses "gpl xenbus_novelty"
fresh
sed -i 's/(\*match)(struct device \*dev, const/(*match)(struct device *dev,/' "$work/tree/include/linux/device/bus.h"
try "refuses another prototype, that of an earlier kernel" refuses "include/linux/device/bus.h does not say 'int (*match)"
fresh
rm "$work/tree/drivers/xen/xenfs/super.c"
try "refuses a missing neighbour" refuses "no drivers/xen/xenfs/super.c"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
