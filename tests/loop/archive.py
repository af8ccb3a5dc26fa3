# SPDX-License-Identifier: GPL-2.0
"""What the guest boots from: busybox, Debian's Xen programs, our tests."""

import pathlib
import re
import shutil
import subprocess

import initramfs
import kernel
from initramfs import DAEMONS

HERE = pathlib.Path(__file__).resolve().parent
READLINE = "usr/lib/python3.11/lib-dynload/" \
           "readline.cpython-311-x86_64-linux-gnu.so"
UNUSED = ("config-3.11*", "_test*", "sitecustomize.py")
SCRIPTS = ("bench", "cases", "debugging", "lib", "listing", "programs", "pyxs",
           "selftests", "store", "tools")
XEN_TOOLS = (*DAEMONS, "test-xenstore", "xenstore-control")


def build_modules(kdir):
    done = subprocess.run([kernel.SCRIPTS / "modules.sh", kdir],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise kernel.BuildError("the modules do not build")
    return [pathlib.Path(line) for line in done.stdout.splitlines()]


def add_python(tree):
    """Python, pytest and pyxs, with the tests of the latter."""
    python = initramfs.packages("pyxs")
    tree.add_programs(python, ["usr/bin/python3.11", READLINE])
    (tree.root / "usr/bin/python3").symlink_to("python3.11")
    for part in ("usr/lib/python3.11", "usr/lib/python3",
                 "usr/src/python-pyxs/tests"):
        shutil.copytree(python / part, tree.root / part, symlinks=True,
                        ignore=shutil.ignore_patterns(*UNUSED),
                        dirs_exist_ok=True)


def add_file(tree, source, target):
    """A file or a directory of the host; with a program, its libraries."""
    if pathlib.Path(source).is_dir():
        shutil.copytree(source, tree.root / target, dirs_exist_ok=True)
        return
    tree.add(source, target)
    ldd = subprocess.run(["ldd", source], text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    for library in re.findall(r"=> (/\S+)", ldd):
        place = initramfs.LIB / pathlib.Path(library).name
        if not (tree.root / place).exists():
            tree.add(library, place)


def make(kdir, files=(), command=""):
    """FILES are pairs: of the host, in the guest. Returns the archive.

    Modules come with KDIR, for which they are built, or among FILES.
    """
    xen = initramfs.packages()
    tree = initramfs.Tree("loop", HERE / "guest/init")
    # Of a library that both bring, Xen's is not the older one.
    add_python(tree)
    tree.add_programs(xen, initramfs.tools(xen, XEN_TOOLS) +
                      initramfs.STORE_TOOLS)
    tree.add(xen / "etc/xen/oxenstored.conf", "etc/xen/oxenstored.conf")
    for script in SCRIPTS:
        tree.add(HERE / "guest" / script, f"bin/{script}")
    for part in ("pyxs_report.py", "pyxs.expected"):
        tree.add(HERE / "guest" / part, f"usr/src/{part}")
    tree.add(HERE.parent / "tools/domains.py", "usr/src/domains.py")
    initramfs.add_tools(tree)
    for program in initramfs.user_programs():
        tree.add(program, f"tests/{program.name}")
    for module in build_modules(kdir) if kdir else ():
        tree.add(module, f"modules/{module.name}")
    for source, target in files:
        add_file(tree, source, target.lstrip("/"))
    (tree.root / "bin/command").write_text(command + "\n")
    return tree.pack()
