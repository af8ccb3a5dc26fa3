#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Python, pytest and pyxs beside the system, without installing anything,
# and print the directory. The tests of pyxs are in usr/src/python-pyxs/tests:
# the package itself has none, its source has.
#
# Usage: scripts/pyxs-packages.sh
exec "$(dirname "$0")/packages.sh" pyxs \
	python3-pyxs python3.11-minimal libpython3.11-minimal libpython3.11-stdlib \
	python3-pytest python3-pluggy python3-iniconfig python3-packaging \
	python3-attr libexpat1 zlib1g libreadline8 libtinfo6 libc6 libgcc-s1 \
	-- python-pyxs
