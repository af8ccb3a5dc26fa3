# SPDX-License-Identifier: GPL-2.0
"""An installed kernel, on a machine without Xen."""

import pathlib

import kernel


class Qemu:
    """Its first serial line goes to standard error, the second is the terminal."""

    terminal = "ttyS1"
    finds_leaks = False
    processors = ["-accel", "tcg", "-smp", "2"]

    def __init__(self, release):
        self.name = self.title = release
        self.image = pathlib.Path(f"/boot/vmlinuz-{release}")
        self.kdir = pathlib.Path(f"/usr/src/linux-headers-{release}")
        for path, package in ((self.image, "image"), (self.kdir, "headers")):
            if not path.exists():
                raise kernel.BuildError(f"no {path}: apt-get install "
                                        f"linux-{package}-{release}")

    def command(self, archive, words, interactive):
        return ["qemu-system-x86_64", *self.processors, "-m", "1024",
                "-display", "none", "-monitor", "none",
                "-no-reboot", "-nic", "none",
                "-serial", "file:/dev/stderr",
                "-chardev", "stdio,id=terminal,signal="
                            f"{'off' if interactive else 'on'}",
                "-serial", "chardev:terminal",
                "-kernel", self.image, "-initrd", archive,
                "-append", " ".join(["console=ttyS0", *words])]
