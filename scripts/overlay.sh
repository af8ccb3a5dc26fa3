#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# overlay.sh [--copy|--symlink|--patch OUT|--revert|--check] KTREE
#
# Puts this driver in the place of drivers/xen/xenbus of the kernel source tree
# KTREE.
#   --copy       copy our files (the default)
#   --symlink    link to our files
#   --patch OUT  leave KTREE alone; write what would change as a patch for -p1
#   --revert     give KTREE its own files back
#   --check      say what differs from an up-to-date overlay; status 1 if any
#
# What was there before is kept in KTREE/.xenbus-overlay:
#   orig/      every file that was replaced or removed
#   installed  every file that is ours
# Files are never written in place but replaced, and only if they differ: a
# tree made of hard links stays safe, and make rebuilds what changed.
set -eu
. "$(dirname "$0")/lib.sh"

INTERFACE=$REPO/scripts/overlay-interface
STATE=.xenbus-overlay
# The driver's directories: nothing of the original stays in them.
OWN_DIRS="drivers/xen/xenbus drivers/xen/xenstore drivers/xen/xenstore_loop"
HOOKED="drivers/Makefile drivers/Kconfig"

mode=--copy out=
case ${1-} in
--copy|--symlink|--revert|--check) mode=$1; shift ;;
--patch) mode=$1 out=${2?--patch needs a file name}; shift 2 ;;
esac
[ $# -eq 1 ] || die "usage: overlay.sh [--copy|--symlink|--patch OUT|--revert|--check] KTREE"
if [ ! -f "$1/Makefile" ] || [ ! -d "$1/drivers/xen" ]; then
	die "$1 is not a kernel source tree"
fi
KTREE=$(cd "$1" && pwd)
changes=0

# Our files, by their path in both trees.
payload() {
	cd "$REPO"
	for place in $OWN_DIRS include/xen include/compat include/trace/events; do
		[ -d "$place" ] || continue
		find "$place" -type f \( -name '[!.]*.[chS]' -o -name Makefile \
			-o -name Kconfig -o -name .kunitconfig \) \
			! -name '*.mod.c'
	done | LC_ALL=C sort
}

# The tree's own version of a file, whether or not we have replaced it.
original() {
	if [ -e "$KTREE/$STATE/orig/$1" ]; then
		echo "$KTREE/$STATE/orig/$1"
	else
		echo "$KTREE/$1"
	fi
}

# The facts the driver depends on in a kernel, one a line in overlay-interface/.
# They decide; checksums only warn, since point releases change files for reasons
# of their own.
interface() {
	cat "$INTERFACE/common.txt" "$INTERFACE/$version.txt" 2>/dev/null
}

# says PATH TEXT: whether the original does, but for white space.
declare -A contents=()
says() {
	local path=$1 words
	if [ -z "${contents[$path]-}" ]; then
		words=()
		read -rd '' -a words <"$(original "$path")" || true
		contents[$path]=" ${words[*]}"
	fi 2>/dev/null
	read -ra words <<<"$2"
	[[ ${contents[$path]} = *"${words[*]}"* ]]
}

unsupported() {
	say "$*"
	bad=1
}

check_supported() {
	local bad=0 kind rest path version
	version=$(sed -n 's/^\(VERSION\|PATCHLEVEL\) = //p' "$KTREE/Makefile" | paste -sd.)
	[ -e "$INTERFACE/$version.txt" ] ||
		unsupported "version: supported are $(cd "$INTERFACE" && echo [0-9]*.txt | sed 's/\.txt//g'), this tree is $version"
	while read -r kind rest; do
		path=${rest%% *}
		case $kind in
		file)
			[ -e "$(original "$path")" ] || unsupported "file: no $path" ;;
		text)
			says "$path" "${rest#* }" ||
				unsupported "text: $path does not say '${rest#* }'" ;;
		checksum)
			path=${rest#* }
			[ -e "$(original "$path")" ] || continue
			[ "$(sha256sum <"$(original "$path")" | cut -c1-64)" = "${rest%% *}" ] ||
				say "warning: $path is not the one this driver was compared with" ;;
		esac
	done < <(interface)
	# An export that we do not know is one that we would take away.
	while read -r kind rest; do
		case $kind in
		'<') unsupported "export: the original has no '$rest'" ;;
		'>') unsupported "export: the original also has '$rest', which we lack" ;;
		esac
	done < <(diff <(interface | sed -n 's/^export //p' | LC_ALL=C sort) <(list_exports))
	[ $bad -eq 0 ] || die "$KTREE is not supported; nothing was changed"
}

list_exports() {
	local dir=$KTREE/drivers/xen/xenbus
	[ ! -d "$KTREE/$STATE/orig" ] || dir=$KTREE/$STATE/orig/drivers/xen/xenbus
	sed -n 's/^EXPORT_SYMBOL\(_GPL\|\)(\([a-zA-Z0-9_]*\));.*/\1 \2/p' "$dir"/*.c |
		sed 's/^_GPL/gpl/; s/^ /any /' | LC_ALL=C sort
}

# changed SIGN PATH: prints the line; true if the change is to be made.
changed() {
	changes=$((changes + 1))
	echo "$1 $2"
	[ "$mode" != --check ]
}

# Keep a file that is not ours before it goes. Not a hard link to it: the
# original must survive whatever happens to the tree.
keep() {
	local path=$1 copy=$KTREE/$STATE/orig/$1
	[ -e "$KTREE/$path" ] && [ ! -e "$copy" ] || return 0
	! grep -qxF "$path" "$KTREE/$STATE/installed" || return 0
	[ -d "${copy%/*}" ] || mkdir -p "${copy%/*}"
	# Not half of it, if this is interrupted.
	cp -p "$KTREE/$path" "$copy.new"
	mv "$copy.new" "$copy"
}

# stale FILES: those that KTREE does not have as they should be there.
stale() {
	local files links
	mapfile -t files <<<"$1"
	links=$(cd "$KTREE" && find "${files[@]}" -maxdepth 0 -type l -printf '%p %l\n' 2>/dev/null || true)
	if [ "$mode" = --symlink ]; then
		grep -vxF -e "$links" < <(printf "%s\n" "${files[@]}" | sed "s|.*|& $REPO/&|") |
			cut -d' ' -f1
		return
	fi
	{
		[ "$mode" = --check ] || sed -n 's/ .*//p' <<<"$links"
		(cd "$REPO" && sha256sum "${files[@]}") |
			(cd "$KTREE" && sha256sum --check --quiet 2>/dev/null) | sed 's/: FAILED.*//'
	} | LC_ALL=C sort -u
}

# put SOURCE PATH: makes KTREE/PATH what SOURCE is.
put() {
	local source=$1 path=$2 target=$KTREE/$2 sign=+
	[ ! -e "$target" ] || sign='~'
	changed "$sign" "$path" || return 0
	[ -d "${target%/*}" ] || mkdir -p "${target%/*}"
	keep "$path"
	if [ "$mode" = --symlink ] && [ "${source#"$REPO"/}" != "$source" ]; then
		ln -sfT "$source" "$target"
	else
		cp --remove-destination "$source" "$target"
	fi
}

drop() {
	changed - "$1" || return 0
	keep "$1"
	rm -f "$KTREE/$1"
}

# The core must be reachable without CONFIG_XEN, so it hooks in above
# drivers/xen, and before it: its initcalls run first.
# shellcheck disable=SC2016 # make's variables, not ours
hooked() {
	local before lines
	case $1 in
	drivers/Makefile)
		before='^obj-[$][(]CONFIG_XEN[)][ \t]*[+]= xen/$'
		lines='obj-$(CONFIG_XENSTORE)\t\t+= xen/xenstore/
obj-$(CONFIG_XENSTORE_LOOP)\t+= xen/xenstore_loop/
obj-$(CONFIG_XENBUS_KUNIT_TEST)\t+= xen/xenbus/tests/' ;;
	drivers/Kconfig)
		before='^source "drivers/xen/Kconfig"$'
		lines="$(grep -v '^#' "$REPO/Kconfig")
" ;;
	esac
	lines=$lines awk -v before="$before" '
		BEGIN { lines = ENVIRON["lines"]; gsub(/\\t/, "\t", lines) }
		$0 ~ before { print lines }
		{ print }' "$(original "$1")"
}

# started FILES: --revert knows what is being installed, if it does not come to an end.
# What the tree has of its own is not ours before it has been kept.
started() {
	local path
	while read -r path; do
		[ -e "$KTREE/$path" ] && [ ! -e "$KTREE/$STATE/orig/$path" ] || echo "$path"
	done <<<"$1" | LC_ALL=C sort -u - "$KTREE/$STATE/installed" >"$KTREE/$STATE/installed.new"
	mv "$KTREE/$STATE/installed.new" "$KTREE/$STATE/installed"
}

apply() {
	local files path temp
	files=$(payload)
	if [ "$mode" != --check ]; then
		mkdir -p "$KTREE/$STATE/orig"
		touch "$KTREE/$STATE/installed"
		started "$files"
	elif [ ! -d "$KTREE/$STATE" ]; then
		say "no overlay in $KTREE"
		return 1
	fi
	while read -r path; do
		drop "$path"
	done < <(LC_ALL=C comm -23 <(present) - <<<"$files")
	while read -r path; do
		put "$REPO/$path" "$path"
	done < <(stale "$files")
	temp=$(mktemp)
	for path in $HOOKED; do
		hooked "$path" >"$temp"
		grep -q xenstore "$temp" || die "found no place for the hook in $path"
		cmp -s "$temp" "$KTREE/$path" || put "$temp" "$path"
	done
	rm -f "$temp"
	[ "$mode" = --check ] || echo "$files" >"$KTREE/$STATE/installed"
}

# What is in the driver's directories, and what an earlier run installed
# elsewhere. Objects of an in-tree build are not our business.
present() {
	{
		cd "$KTREE"
		for dir in $OWN_DIRS; do
			[ ! -d "$dir" ] || find "$dir" \( -type f -o -type l \) ! -name '*.o' \
				! -name '*.cmd' ! -name '*.a' ! -name 'modules.order' ! -name '*.ko' ! -name '*.mod*' ! -name '*.gcno'
		done
		while read -r path; do
			if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi
		done < <(cat "$STATE/installed" 2>/dev/null)
	} | LC_ALL=C sort -u
}

revert() {
	local path
	[ -d "$KTREE/$STATE" ] || { say "no overlay in $KTREE"; return 0; }
	while read -r path; do
		[ -e "$KTREE/$STATE/orig/$path" ] || { echo "- $path"; rm -f "$KTREE/$path"; }
	done <"$KTREE/$STATE/installed"
	# A new time, not the old one: make must see that the file has changed.
	(cd "$KTREE/$STATE/orig" && find . -type f ! -name '*.new' -printf '%P\n') | while read -r path; do
		echo "~ $path"
		mkdir -p "$(dirname "$KTREE/$path")"
		rm -f "$KTREE/$path"
		cp -p "$KTREE/$STATE/orig/$path" "$KTREE/$path"
		touch "$KTREE/$path"
	done
	for path in $OWN_DIRS include/compat; do
		[ ! -d "$KTREE/$path" ] || find "$KTREE/$path" -depth -type d -empty -delete
	done
	rm -rf "${KTREE:?}/$STATE"
}

# The patch is the difference between the few files that matter before and
# after an overlay made in a scratch directory.
make_patch() {
	local path
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work/a/drivers/xen/xenbus" "$work/b"
	for path in $HOOKED $(payload) $(cd "$(dirname "$(original drivers/xen/xenbus/Makefile)")" &&
			find . -type f -name '[!.]*' ! -name '*.o' -printf 'drivers/xen/xenbus/%P\n'); do
		if grep -qsxF "$path" "$KTREE/$STATE/installed" && [ ! -e "$KTREE/$STATE/orig/$path" ]; then
			continue
		fi
		[ -e "$(original "$path")" ] || continue
		mkdir -p "$(dirname "$work/a/$path")"
		cp "$(original "$path")" "$work/a/$path"
	done
	cp -a "$work/a/." "$work/b/"
	KTREE=$work/b mode=--copy apply
	rm -rf "$work/b/$STATE"
	(cd "$work" && LC_ALL=C TZ=UTC diff -ruN a b) >"$out" || [ $? -eq 1 ]
	say "patch written to $out"
}

case $mode in
--revert) revert ;;
*)
	check_supported
	if [ "$mode" = --patch ]; then
		out=$(realpath -m "$out")
		make_patch
		exit
	fi
	apply
	if [ "$mode" = --check ]; then
		[ $changes -eq 0 ] || { say "$changes difference(s) from an up-to-date overlay"; exit 1; }
		say "the overlay is in place and up to date"
	elif [ $changes -eq 0 ]; then
		say "overlay: nothing to change"
	else
		say "overlay: $changes file(s) changed"
	fi ;;
esac
