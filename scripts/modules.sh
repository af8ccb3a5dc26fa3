#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# modules.sh KDIR [make variables]: builds the core (and, if KDIR has KUnit,
# its suites) as external modules for the kernel headers or build tree KDIR.
#
# The sources are copied to build/modules first, changed files only: the clone
# stays clean, and builds for two architectures do not mix.
set -eu
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || die "usage: modules.sh KDIR [ARCH=...]"
[ -e "$1/Makefile" ] || die "$1 is not a kernel build tree; say KDIR=..."
kdir=$(cd "$1" && pwd)
shift
set_up kernel
config=$kdir/include/config/auto.conf
[ -e "$config" ] || die "$kdir is not configured"
! grep -q '^CONFIG_XENSTORE=' "$config" ||
	die "$kdir has the core built in (an overlaid tree); nothing to build"

# User-mode Linux is the one architecture that nothing in KDIR's name tells.
case " $* " in *" ARCH="*) ;; *) ! grep -q '^CONFIG_UML=y' "$config" || set -- ARCH=um "$@" ;; esac

dir=$REPO/build/modules/$(printf '%s' "$kdir" | tr -c 'A-Za-z0-9.\n' _)
mkdir -p "$dir"
cd "$REPO"
module_sources | while read -r path; do
	cmp -s "$path" "$dir/$path" || install -D -m 644 "$path" "$dir/$path"
done

"$REPO/scripts/step.sh" "modules for $kdir" "$dir/build.log" \
	make -C "$kdir" M="$dir" -j"$JOBS" "$@" modules
grep -E "(warning|WARNING):" "$dir/build.log" >&2 || true
find "$dir" -name '*.ko'
