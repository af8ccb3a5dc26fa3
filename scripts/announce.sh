#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# announce.sh run|loop|test: says in advance what the first run of a target sets up, how
# much that is, and about how long it takes on two processors that do nothing else: that of
# run has been measured, with the system's packages installed. Says nothing when the kernel is
# there: what is left then is told by each step.
set -eu
. "$(dirname "$0")/lib.sh"

# built NAME: is there such a kernel of this clone?
built() { [ -n "$(compgen -G "$CLONE/build$KERNEL_DIR/$1")" ]; }

case ${1-} in
run)
	! built xen/vmlinux && ! built run/vmlinux || exit 0
	say "The first time this takes some 13 minutes, and in $CACHE 2.1 GB:"
	kernel="1,250 objects, 250 MB: most of the time" ;;
loop)
	! built loop/built || exit 0
	say "The first time this takes some 10 minutes, and in $CACHE 2 GB:"
	kernel="user-mode Linux, 660 objects, 120 MB" ;;
test)
	say "Every check but those that take hours. On two processors: 35 minutes, or over an" \
		"hour the first time; then it takes 5 GB in $CACHE."
	exit 0 ;;
*) die "usage: announce.sh run|loop|test" ;;
esac
say "  Debian packages that are missing, if any: each is named, and why
  Linux $KERNEL: 150 MB of source, 1.7 GB unpacked
  a kernel: $kernel
  Xen, its tools and daemons, beside the system: 12 MB, 40 MB unpacked"
