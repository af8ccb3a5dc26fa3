#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftests.sh KDIR: puts the programs of tests/user into the kernel source KDIR, as
# tools/testing/selftests/xenstore, and prints that directory.
set -eu
. "$(dirname "$0")/lib.sh"

[ $# -eq 1 ] || die "usage: selftests.sh KDIR"
place=$1/tools/testing/selftests
[ -e "$place/lib.mk" ] || die "$1 is not a kernel source tree; say KDIR=..."
user=$REPO/tests/user
rm -rf "$place/xenstore"
mkdir "$place/xenstore"
# With their times: what has been built of the same is up to date.
cp -p "$user"/*.h "$user"/xs.c "$user"/example.c "$user"/test_*.c "$user"/load_*.c \
	"$user"/selftests/* "$place/xenstore"
echo "$place/xenstore"
