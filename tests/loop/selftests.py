# SPDX-License-Identifier: GPL-2.0
"""The programs of tests/user as the kernel's selftests install them."""

import pathlib

import kernel
from uml import OUT


def install():
    """Put them into the tree with the driver, build, and install them.

    Returns the directory that run_kselftest.sh is in.
    """
    tree = pathlib.Path(kernel.tree_path("--overlay"))
    place = OUT / "kselftest"
    kernel.step("put the selftests into the kernel's source",
                OUT / "selftests.log", kernel.SCRIPTS / "selftests.sh", tree)
    kernel.step("build the selftests", OUT / "selftests-build.log", "make",
                "-C", tree / "tools/testing/selftests", "TARGETS=xenstore",
                f"O={OUT}/selftests", f"INSTALL_PATH={place}", "install")
    return place
