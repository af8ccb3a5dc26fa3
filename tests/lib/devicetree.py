# SPDX-License-Identifier: GPL-2.0
"""QEMU's description of its board, with a guest that Xen is to start by itself."""

import os
import subprocess

ALIGNMENT = 0x200000
GUEST = "/chosen/domU1"
GUEST_MIB = 128


def behind(start, file):
    """Where the next file may lie, if FILE lies at START."""
    end = start + os.path.getsize(file)
    return -(-end // ALIGNMENT) * ALIGNMENT


def cells(*numbers):
    """Each of 64 bits, as two words of hexadecimal digits."""
    return [f"{half:x}" for number in numbers
            for half in (number >> 32, number & 0xffffffff)]


class Tree:
    """What QEMU would give to the kernel, in a file that can be changed."""

    def __init__(self, qemu, path):
        self.path = path
        subprocess.run([*qemu, "-machine", f"dumpdtb={path}"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def put(self, kind, node, name, *values):
        """KIND is s for strings and x for words."""
        subprocess.run(["fdtput", "-p", "-t", kind, self.path, node, name,
                        *values], check=True)

    def module(self, kind, address, file, *bootargs):
        node = f"{GUEST}/module@{address:x}"
        self.put("s", node, "compatible", f"multiboot,{kind}",
                 "multiboot,module")
        self.put("x", node, "reg", *cells(address, os.path.getsize(file)))
        if bootargs:
            self.put("s", node, "bootargs", *bootargs)


def with_guest(qemu, path, start, kernel, archive, words):
    """Arguments for QEMU, by which its own tree, in PATH, has a guest.

    The guest's kernel and its archive lie in the memory from START on. The guest gets
    a serial port, of which Xen's console shows each line, and hears of a XenStore.
    """
    archive_at = behind(start, kernel)
    tree = Tree(qemu, path)
    tree.put("s", GUEST, "compatible", "xen,domain")
    for name in ("#address-cells", "#size-cells"):
        tree.put("x", GUEST, name, "2")
    tree.put("x", GUEST, "memory", *cells(GUEST_MIB << 10))
    tree.put("x", GUEST, "cpus", "1")
    tree.put("s", GUEST, "xen,enhanced", "enabled")
    tree.put("x", GUEST, "vpl011")
    tree.module("kernel", start, kernel, f"console=ttyAMA0 {words}")
    tree.module("ramdisk", archive_at, archive)
    return ["-dtb", path,
            *(word for file, address in ((kernel, start),
                                         (archive, archive_at))
              for word in ("-device", f"loader,file={file},addr={address:#x},"
                                      "force-raw=on"))]
