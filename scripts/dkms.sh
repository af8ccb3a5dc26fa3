#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh: builds the package xenstore-loop-dkms, which is described in scripts/debian/,
# in build/dkms, and prints its path.
set -eu
. "$(dirname "$0")/lib.sh"

set_up package
out=$REPO/build/dkms
source=$out/source
rm -rf "$source" "$out"/*.deb
mkdir -p "$source"
cd "$REPO"

cp -R scripts/debian "$source/debian"
sed -i "1s/)/+$(driver_date))/" "$source/debian/changelog"
module_sources | xargs cp --parents -t "$source"
(cd "$source" && "$REPO/scripts/step.sh" "package xenstore-loop-dkms" "$out/build.log" \
	dpkg-buildpackage --build=binary --unsigned-source --unsigned-changes)
find "$out" -maxdepth 1 -name '*.deb'
