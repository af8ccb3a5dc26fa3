# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the other scripts share: where things are, and how they talk.
# Nothing here may assume that the cache exists: the script that needs a directory
# creates it.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/xenbus
# Two clones on one machine must not share overlaid trees or build output.
CLONE=$(printf '%s' "$REPO" | sha256sum | cut -c1-8)
JOBS=${JOBS:-$(nproc)}
# Flags of the make that called us (-C adds -w) are not for the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL
export REPO CACHE CLONE JOBS

# Everything said to a person goes to standard error: standard output belongs
# to results (a path, a summary line).
say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# The compiler, through ccache where there is one.
kernel_cc() { if command -v ccache >/dev/null; then echo "ccache gcc"; else echo gcc; fi; }

# set_up GROUP...: install what is missing for these groups of packages.
set_up() { "$REPO/scripts/setup.sh" "$@"; }
