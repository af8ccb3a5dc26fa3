#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do the in-tree users of <xen/xenbus.h> notice that the driver was replaced?
# Builds every one that x86_64 can build with W=1, in the pristine tree and in
# the overlaid one, and compares: warnings, what drivers/xen/xenbus exports, and
# whether each symbol that users take from it is still there. Last line:
# "N passed, N failed".
#
# Only these objects are built. A whole vmlinux links both in "make xen-test".
set -u
. "$(dirname "$0")/lib.sh"

out=$BUILD/check/users
mkdir -p "$out"
passed=0 failed=0

result() {
	if [ "$1" -eq 0 ]; then
		echo "ok users: $2"
		passed=$((passed + 1))
	else
		echo "not ok users: $2"
		failed=$((failed + 1))
	fi
}

indent() { sed 's/^/    /'; }

# Only other architectures build these.
elsewhere="arch/arm/xen/enlighten.c"

# Sources that include the header, themselves or through a header beside them.
user_sources() {
	local file
	grep -rlE 'include[[:space:]]+<xen/xenbus(_dev)?\.h>' --include='*.[ch]' \
		arch block drivers fs kernel mm net sound | while read -r file; do
		case $file in
		drivers/xen/xenbus/* | drivers/xen/xenstore/*) ;;
		*.c) echo "$file" ;;
		*.h) grep -lF "\"$(basename "$file")\"" "$(dirname "$file")"/*.c ;;
		esac
	done | grep -vxF "$elsewhere" | sort -u
}

# build_in KIND: builds the users and the driver, leaves warnings, exports and
# symbols in $out/KIND.*
build_in() {
	local kind=$1 tree build args objects
	read -r tree build args < <("$REPO/scripts/check-tree.sh" "--$kind" gcc)
	[ -n "$build" ] || return 1
	mapfile -t objects < <(cd "$pristine" && user_sources | sed 's/\.c$/.o/')
	(cd "$build" && rm -f "${objects[@]}")
	# -k: one that fails must not hide the others
	"$REPO/scripts/step.sh" "users, $kind tree" "$out/$kind.log" bash -c \
		"make -k -C '$tree' O='$build' $args -j$JOBS W=1 ${objects[*]} drivers/xen/xenbus/"
	kernel_names <"$out/$kind.log" |
		grep -E '^[^ ]*: (warning|error):' | sort -u >"$out/$kind.warnings"
	cd "$build" || return 1
	for object in "${objects[@]}"; do
		[ -e "$object" ] || echo "$object"
	done >"$out/$kind.missing"
	for object in "${objects[@]}"; do
		[ ! -e "$object" ] || nm --undefined-only -f posix "$object" | cut -d' ' -f1
	done | sort -u >"$out/$kind.undefined"
	nm --extern-only --defined-only -f posix drivers/xen/xenbus/built-in.a 2>/dev/null |
		grep -E ' [A-Z] ' | cut -d' ' -f1 | sort -u >"$out/$kind.defined"
	exports "$build" >"$out/$kind.exports"
}

# modpost knows how exports are recorded: name, GPL-ness, namespace. It takes
# what is called vmlinux.o for a kernel and not for a module.
exports() {
	local scratch
	scratch=$(mktemp -d)
	ld -r -o "$scratch/vmlinux.o" --whole-archive drivers/xen/xenbus/built-in.a &&
		(cd "$scratch" && "$1/scripts/mod/modpost" -M -o symvers vmlinux.o 2>log)
	cut -f2,4,5 "$scratch/symvers" | sort
	rm -rf "$scratch"
}

set_up check
pristine=$("$REPO/scripts/kernel-tree.sh" --pristine) || exit 1
build_in pristine
build_in overlay

[ -s "$out/pristine.undefined" ] && [ ! -s "$out/pristine.missing" ]
result $? "all build with the original driver"
cat "$out/pristine.missing" 2>/dev/null

new=$(comm -13 "$out/pristine.missing" "$out/overlay.missing")
[ -e "$out/overlay.missing" ] && [ -z "$new" ]
result $? "all build with ours${new:+, but not: $new}"

new=$(comm -13 "$out/pristine.warnings" "$out/overlay.warnings" | grep -v '^drivers/xen/xen\(bus\|store\)/')
[ -z "$new" ]
result $? "no new warning"
[ -z "$new" ] || indent <<<"$new"

# What we add is written down, too.
sed -n 's/^added gpl \(.*\)/\1\tEXPORT_SYMBOL_GPL\t/p' "$REPO/scripts/overlay-interface/common.txt" |
	sort - "$out/pristine.exports" >"$out/expected.exports"
difference=$(diff "$out/expected.exports" "$out/overlay.exports")
[ -s "$out/pristine.exports" ] && [ -z "$difference" ]
result $? "the exports of the original, $(wc -l <"$out/pristine.exports") of them, and ours"
[ -z "$difference" ] || indent <<<"$difference"

lost=$(comm -12 "$out/pristine.undefined" "$out/pristine.defined" | comm -23 - "$out/overlay.defined")
[ -s "$out/pristine.defined" ] && [ -z "$lost" ]
result $? "every symbol that users take is there"
[ -z "$lost" ] || indent <<<"$lost"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
