#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# patches.sh [TREE]
#
# Writes the driver for those who carry patches, for the kernel source TREE, which has
# the driver that it came with, or else for Debian's of the kernel that KERNEL names:
#   series/         as git format-patch writes it; "series" lists the patches
#   xenbus.patch    all of it as one patch for -p1
#   xenbus.config   a fragment for scripts/kconfig/merge_config.sh
# in build/patches/KERNEL, or in build/patches/tree; what was there goes.
#
# They take the old driver away line by line, so they fit a tree that has the same
# lines: for another point release they may have to be written anew.
#
# What the driver looks like in a tree is the overlay's business. Here it is cut
# into steps: scripts/patches/NN-NAME says which files a step brings ("Files:"),
# takes away ("Remove:") or changes on the way ("Edit:", for sed), and behind an
# empty line why. A file belongs to the first step that names it.
set -eu
. "$(dirname "$0")/lib.sh"
shopt -s extglob

STEPS=$REPO/scripts/patches
set_up patches
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/final" "$work/tree"

if [ $# -gt 0 ]; then
	pristine=$(realpath "$1") overlaid=$work/overlaid out=$REPO/build/patches/tree
	[ ! -e "$pristine/.xenbus-overlay" ] || die "$pristine has this driver"
	mkdir "$overlaid"
	# What the overlay looks at.
	(cd "$pristine" && cp --parents -R Makefile drivers/Makefile drivers/Kconfig drivers/xen \
		include/trace/events/xen.h include/xen include/linux/device/bus.h "$overlaid")
	"$REPO/scripts/overlay.sh" --copy "$overlaid" >"$work/overlay.log" ||
		die "the driver does not go into $pristine"
else
	pristine=$("$REPO/scripts/kernel-tree.sh" --pristine)
	overlaid=$("$REPO/scripts/kernel-tree.sh" --overlay)
	out=$REPO/build/patches/$KERNEL
fi
linux=$(sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = //p' "$pristine/Makefile" | paste -sd.)

# git_in COMMAND...: in the tree of steps, whatever the user's own git is told
git_in() { GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -C "$work/tree" "$@"; }

# Who signs: the user of this clone, at the time of its last commit.
identify() {
	local name mail
	name=$(git -C "$REPO" config user.name || echo "The xenbus authors")
	mail=$(git -C "$REPO" config user.email || echo "xenbus@localhost")
	export GIT_AUTHOR_NAME=$name GIT_COMMITTER_NAME=$name
	export GIT_AUTHOR_EMAIL=$mail GIT_COMMITTER_EMAIL=$mail
	GIT_AUTHOR_DATE=$(git -C "$REPO" log -1 --format=%cI 2>/dev/null || date -Is)
	export GIT_AUTHOR_DATE GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
}

# Where a page of ours is found from, and who looks after the files.
link_in() {
	local index=$1/Documentation/subsystem-apis.rst entry
	entry=$(grep -v '^#' "$REPO/MAINTAINERS" | grep -v 'F:.*tools/xen/')
	sed -i 's|^   virt/index$|&\n   xen/xenstore/index|' "$index"
	entry=$entry awk '/^XEN SWIOTLB/ { here = 1 }
			{ print } here && /^$/ { print ENVIRON["entry"] "\n"; here = 0 }' \
		"$1/MAINTAINERS" >"$1/MAINTAINERS.new"
	mv "$1/MAINTAINERS.new" "$1/MAINTAINERS"
}

# The tree before and after, as far as it matters.
collect() {
	local path
	(cd "$pristine" && find drivers/xen/xenbus include/xen/xenbus.h drivers/Makefile \
		drivers/Kconfig MAINTAINERS Documentation/subsystem-apis.rst -type f |
		cpio -pdm --quiet "$work/tree")
	(cd "$overlaid" && cat .xenbus-overlay/installed <(printf '%s\n' drivers/Makefile drivers/Kconfig) |
		cpio -pdmL --quiet "$work/final")
	# One page is about the patches.
	(cd "$REPO" && find Documentation/ABI Documentation/xen -type f ! -name upstreaming.rst |
		cpio -pdm --quiet "$work/final")
	sed -i '/^   upstreaming$/d' "$work/final/Documentation/xen/xenstore/index.rst"
	for path in MAINTAINERS Documentation/subsystem-apis.rst; do
		cp "$pristine/$path" "$work/final/$path"
	done
	link_in "$work/final"
}

# Files that name others grow with them: lines about what is not there yet wait.
absent_objects() {
	awk -v dir="$work/tree/drivers/xen/xenstore/" '
		/^xenstore-/ {
			kept = ""
			for (i = 3; i <= NF; i++) {
				source = dir $i; sub(/o$/, "c", source)
				if ((getline line <source) >= 0) kept = kept " " $i
				close(source)
			}
			if (kept == "") next
			sub(/[ \t]*[^ \t]+\.o.*/, ""); print $0 kept; next
		} { print }'
}

absent_options() {
	awk -v gone="$1" '
		BEGIN { split(gone, names); for (i in names) drop[names[i]] = 1 }
		/^config / { skip = $2 in drop } !skip { print }' | cat -s
}

# grown PATH: the file as it is to be in the tree of now
grown() {
	local dir options="" lines=()
	for dir in drivers/xen/xenstore/tests:XENSTORE_KUNIT_TEST \
			drivers/xen/xenbus/tests:XENBUS_KUNIT_TEST drivers/xen/xenstore_loop:XENSTORE_LOOP; do
		[ ! -e "$work/tree/${dir%:*}" ] || continue
		options+="${dir#*:} "
		lines+=(-e "CONFIG_${dir#*:}" -e "${dir%:*}/Kconfig")
	done
	{ [ ${#lines[@]} -eq 0 ] && cat || grep -vF "${lines[@]}"; } <"$work/final/$1" |
		case $1 in
		drivers/xen/xenstore/Makefile) absent_objects ;;
		drivers/xen/xenstore/Kconfig) absent_options "$options" ;;
		*) cat ;;
		esac
}

# expand PATTERN...: files that are to be and that match
expand() {
	local path pattern
	while read -r path; do
		for pattern; do
			# shellcheck disable=SC2053 # it is a pattern
			[[ $path == $pattern ]] && { echo "$path"; break; }
		done
	done < <(cd "$work/final" && find . -type f -printf '%P\n' | LC_ALL=C sort)
}

apply_step() {
	local words path
	read -ra words < <(sed -n 's/^Files: //p' "$1" | paste -sd' ')
	while read -r path; do
		[ ! -e "$work/taken/$path" ] || continue
		mkdir -p "$work/taken/$(dirname "$path")" "$work/tree/$(dirname "$path")"
		cp "$work/final/$path" "$work/tree/$path"
		touch "$work/taken/$path"
	done < <(expand "${words[@]}")
	read -ra words < <(sed -n 's/^Remove: //p' "$1" | paste -sd' ')
	for path in "${words[@]}"; do
		(cd "$work/tree" && for file in $path; do
			[ -e "$work/final/$file" ] || rm "$file"
		done)
	done
	sed -n 's/^Edit: //p' "$1" | while read -r path expression; do
		sed -i "$expression" "$work/tree/$path"
	done
	for path in drivers/Makefile drivers/Kconfig drivers/xen/xenstore/{Makefile,Kconfig}; do
		mkdir -p "$work/taken/$(dirname "$path")"
		touch "$work/taken/$path"
		grown "$path" >"$work/tree/$path"
	done
	git_in add -A
	sed '1,/^$/d' "$1" | git_in commit -q -s -F -
}

build_series() {
	local step
	git_in init -q -b series
	git_in add -A
	git_in commit -q -m "Linux $linux"
	git_in tag base
	for step in "$STEPS"/[0-9][0-9]-*; do apply_step "$step"; done
	diff -r --exclude=.git "$work/final" "$work/tree" >&2 ||
		die "the steps do not add up to the driver"
}

write_all() {
	rm -rf "$out"
	mkdir -p "$out/series"
	sed "s/@KERNEL@/$linux/" "$STEPS/cover" |
		git_in config branch.series.description "$(cat)"
	git_in format-patch -q --cover-letter --cover-from-description=subject --zero-commit \
		--no-signature --base=base --no-renames -o "$out/series" base..series
	(cd "$out/series" && printf '%s\n' 0*.patch | grep -v '^0000' >series)
	git_in diff --no-renames base series >"$out/xenbus.patch"
	cp "$STEPS/xenbus.config" "$out/"
}

identify
collect
build_series
write_all
say "$(wc -l <"$out/series/series") patches for Linux $linux in $out"
