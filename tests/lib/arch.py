# SPDX-License-Identifier: GPL-2.0
"""Which processors the tests on Xen are for: ARCH in the environment says it."""

import os
import pathlib
import sys

ARCH = os.environ.get("ARCH") or "x86_64"
if ARCH not in ("x86_64", "arm64"):
    sys.exit(f"ARCH is x86_64 or arm64, not {ARCH}")
NATIVE = ARCH == "x86_64"

# What is put before the name of a compiler.
PREFIX = "" if NATIVE else "aarch64-linux-gnu-"

# The kernel that boots, below arch/, and where Debian has libraries.
IMAGE = "bzImage" if NATIVE else "Image"
LIB = pathlib.Path("lib/x86_64-linux-gnu" if NATIVE
                   else "lib/aarch64-linux-gnu")
LOADER = "lib64/ld-linux-x86-64.so.2" if NATIVE \
    else "lib/ld-linux-aarch64.so.1"
