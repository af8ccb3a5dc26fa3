#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The static checks. Each is silent or has failed: whatever it says is a
# finding. A check fails if its tool is missing. Logs go to build/check.
# Last line: "N passed, N failed".
#
# check.sh [NAME...] runs only the named checks; ARCH=arm64 without a name those
# that are about arm64.
set -u
. "$(dirname "$0")/lib.sh"

logs=$BUILD/check
mkdir -p "$logs"
passed=0 failed=0
[ $# -gt 0 ] || [ "$ARCH" = x86_64 ] || set -- arm64 arm64-64k
only=" $* "
# Another compiler, and nearly the same twice more: with LONG=1, or by name.
arm64=yes
[ "${LONG:-0}" != 0 ] || [[ $only == *" arm64"* ]] || arm64=no

check() {
	local name=$1 what=$2 log=$logs/$1.log start=$SECONDS
	shift 2
	case $only in "  " | *" $name "*) ;; *) return ;; esac
	if "$@" >"$log" 2>&1 && [ ! -s "$log" ]; then
		echo "ok check: $what ($((SECONDS - start)) s)"
		passed=$((passed + 1))
	else
		echo "not ok check: $what ($((SECONDS - start)) s)"
		head -n 40 "$log" | sed 's/^/    /'
		[ "$(wc -l <"$log")" -le 40 ] || echo "    ... whole log: $log"
		failed=$((failed + 1))
	fi
}

dirs=(drivers/xen/xenstore drivers/xen/xenstore_loop drivers/xen/xenbus)
cd "$REPO" || exit 1
mapfile -t sources < <(find "${dirs[@]}" include tools -name '*.[ch]' ! -name '*.mod.c' 2>/dev/null | sort)
mapfile -t texts < <(find README.md Documentation -name '*.md' -o -name '*.rst' 2>/dev/null | sort)
mapfile -t shells < <(grep -lE '^#!/bin/(ba)?sh' -r scripts tests .ci --include='*' 2>/dev/null | sort)
mapfile -t pythons < <(grep -lE '^#!/usr/bin/env python3' -r scripts tests tools 2>/dev/null | sort)

# ENOSYS is also the name of an error on the wire, and the states of a device
# have had their names for ever. The macros of tracepoints have a form of their
# own, as have those that stand for a declaration in include/compat. A bus is part of
# a struct that is not const.
checkpatch() {
	(cd "$tree" && printf '%s\n' "${sources[@]/#/$REPO/}" |
		xargs -P "$JOBS" -n 8 perl scripts/checkpatch.pl --strict --quiet \
			--terse --show-types --no-summary --ignore ENOSYS -f |
		grep -vE 'CAMELCASE.*<XenbusState|include/trace/events/.*(COMPLEX_MACRO|TRAILING_SEMICOLON|PARENTHESIS_ALIGNMENT|OPEN_ENDED_LINE)|include/compat/.*MACRO_ARG_|CONST_STRUCT.*bus_type')
	true # what it says is what counts
}

# This kernel-doc takes __guarded_by() for the name of a member; later ones know
# it. It is shown a copy without.
kernel_doc() {
	local copy=$logs/kernel-doc
	rm -rf "$copy" && mkdir -p "$copy" && cp --parents "${sources[@]}" "$copy" &&
		find "$copy" -type f -exec sed -i 's/ __guarded_by([^)]*)//' {} + &&
		(cd "$copy" && "$tree/scripts/kernel-doc" -none -Wall "${sources[@]}")
}

# kernel_make TREE-KIND COMPILER LOG ARGS...: make in a prepared build directory
kernel_make() {
	local tree build args kind=$1 compiler=$2
	shift 2
	read -r tree build args < <("$REPO/scripts/check-tree.sh" "$kind" "$compiler" 2>"$logs/$compiler-prepare.log")
	[ -n "$build" ] || { cat "$logs/$compiler-prepare.log"; return 1; }
	eval "make -s -k -C '$tree' O='$build' $args -j$JOBS" '"$@"' 2>&1 |
		kernel_names | grep -vE '^make.*(\*\*\* \[|Waiting for|not remade)|^ +CHECK'
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

# Objects that are up to date say nothing a second time.
forget_objects() {
	local build
	build=$("$REPO/scripts/kernel-tree.sh" --build "check-overlay-$1")
	for dir in "${dirs[@]}"; do
		[ ! -d "$build/$dir" ] || find "$build/$dir" -name '*.o' -delete
	done
}

warnings() {
	forget_objects "$1"
	kernel_make --overlay "$1" W=1 KCFLAGS=-Werror "${dirs[@]/%//}"
}

run_sparse() {
	command -v sparse >/dev/null || { echo "no sparse"; return 1; }
	kernel_make --overlay gcc C=2 CF=-D__CHECK_ENDIAN__ "${dirs[@]/%//}"
}

# The kernel's semantic patches one by one: coccicheck itself stops at the first
# that this version of spatch cannot parse, and says a good deal besides. To start
# spatch costs more than to look at a file: it is shown all of ours at once.
coccicheck() {
	command -v spatch >/dev/null || { echo "no spatch"; return 1; }
	local copy=$logs/coccicheck
	rm -rf "$copy" && mkdir -p "$copy" && cp --parents "${sources[@]}" "$copy" || return
	find "$tree/scripts/coccinelle" -name '*.cocci' | sort |
		xargs -P "$JOBS" -I{} spatch -D report --very-quiet --no-show-diff \
			--cocci-file {} --dir "$copy/drivers" \
			-I "$tree/include" -I "$tree/arch/x86/include" 2>"$logs/spatch.err" ||
		{ tail -n 3 "$logs/spatch.err"; return 1; }
}

spelling() { codespell --ignore-words-list=fo,inout,onl "${sources[@]}" "${shells[@]}" "${pythons[@]}" "${texts[@]}"; }
shells() { shellcheck -S warning -x -P SCRIPTDIR "${shells[@]}"; }
pythons() { python3 -c 'import ast, sys
for name in sys.argv[1:]: ast.parse(open(name).read(), name)' "${pythons[@]}"; }
reaches() { "$REPO/scripts/check-reach.py" xs_op_read=40 xs_io_notified=15; }
sizes() { mapfile -t files < <(find "${dirs[@]}" tools -name '*.c' ! -name '*.mod.c'); "$REPO/scripts/check-size.sh" "${files[@]}"; }

# As a distribution builds them, and as an initramfs wants them.
programs() {
	local mode
	for mode in dynamic static; do
		make -s -C tools/xen O="$logs/programs/$1-$mode" CC="$1" EXTRA_CFLAGS=-Werror \
			LDFLAGS="$([ $mode = dynamic ] || echo -static)" \
			DESTDIR="$logs/programs/root" install || return
	done
}

manuals() { groff -man -ww -z -Tutf8 tools/*/*.8; }

set_up check
[ "$arm64" = no ] || set_up cross
tree=$("$REPO/scripts/kernel-tree.sh" --overlay) || exit 1
# prepare COMPILER CHECK...: here, so that the time and the progress are not a
# check's; if one of those checks runs.
prepare() {
	local compiler=$1 name
	for name in "${@:2}"; do
		case $only in "  " | *" $name "*)
			"$REPO/scripts/check-tree.sh" --overlay "$compiler" >/dev/null
			return ;;
		esac
	done
}
prepare gcc gcc sparse users
prepare clang clang
if [ "$arm64" = yes ]; then
	prepare arm64-4k arm64
	prepare arm64-64k arm64-64k
fi

check layering "layering" "$REPO/scripts/check-layering.sh"
check reach "few functions behind a read and a notification" reaches
check size "files up to 600 lines, functions up to 60" sizes
check checkpatch "checkpatch --strict" checkpatch
check kernel-doc "kernel-doc -none -Wall" kernel_doc
check codespell "codespell" spelling
check shellcheck "shellcheck" shells
check python "python scripts compile" pythons
check gcc "W=1 with gcc" warnings gcc
check clang "W=1 with clang-14" warnings clang
if [ "$arm64" = yes ]; then
	check arm64 "W=1 with gcc for arm64, pages of 4 KiB" warnings arm64-4k
	check arm64-64k "W=1 with gcc for arm64, pages of 64 KiB" warnings arm64-64k
fi
check programs-gcc "tools/ with gcc" programs gcc
check programs-clang "tools/ with clang-14" programs clang-14
check manuals "manual pages" manuals
check grub "what GRUB boots by itself beside a package of ours" "$REPO/tests/deb/grub-default"
check sparse "sparse" run_sparse
check coccicheck "coccicheck" coccicheck
check model "no order of events leaves a process asleep (spin)" "$REPO/tests/model/run"
case $only in "  " | *" users "*)
	if users=$("$REPO/scripts/check-users.sh"); then :; fi
	echo "$users" | head -n -1
	read -r ok _ bad _ < <(echo "$users" | tail -n 1)
	passed=$((passed + ${ok:-0})) failed=$((failed + ${bad:-1})) ;;
esac

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
