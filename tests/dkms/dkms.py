#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The package xenstore-loop-dkms: built, judged, installed, and booted with.

dkms.py [KERNEL...] makes a small Debian for each KERNEL, installs the package
there, and boots the kernel as Debian ships it with the modules that came out,
without Xen. Daemon and clients are those of tests/loop. Logs go to build/dkms
and build/loop.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "loop"), str(HERE.parent / "lib")]

import archive                                          # noqa: E402
import kernel                                           # noqa: E402
import qemu                                             # noqa: E402
import suite                                            # noqa: E402
import uml                                              # noqa: E402

KERNELS = ("6.1", "6.12", "7.2")
OUT = kernel.REPO / "build/dkms"
SECONDS = 900


class Stock(qemu.Qemu):
    """The kernel of the system ROOT, with the modules below PLACE.

    Its time is the number of instructions: it finds no fault with a clock that
    a busy host stops now and then. There 6.1 does not find a second processor.
    """

    processors = ["-accel", "tcg,thread=single", "-smp", "1",
                  "-icount", "shift=0,sleep=off"]

    def __init__(self, root, place):
        self.name = self.title = place.name
        # Later ones have it beside the modules.
        self.image = next(image for image in (
            root / f"boot/vmlinuz-{place.name}",
            root / f"usr/lib/modules/{place.name}/vmlinuz") if image.exists())
        self.files = [(place, f"lib/modules/{place.name}"),
                      (HERE / "guest/stock", "bin/stock")]


def output(*command):
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE)
    return done.returncode, done.stdout.splitlines()


def package(score):
    """Build it, and ask lintian; returns its path."""
    status, lines = output(kernel.SCRIPTS / "dkms.sh")
    score.add(not status, "the package is built")
    if status:
        return None
    status, said = output("lintian", "--allow-root", "--fail-on",
                          "error,warning", next(OUT.glob("*.changes")))
    for line in said:
        score.note(line)
    score.add(not status, "lintian finds neither errors nor warnings")
    return lines[0]


def install(score, name, root, deb):
    """In a system; returns where the modules are, one directory a kernel."""
    _, lines = output(HERE / "install.sh", root, deb, OUT / name)
    for line in lines:
        case = suite.CASE.fullmatch(line)
        if case:
            score.add(not case[1], f"Debian's {name}: {case[2]}")
        else:
            score.note(line.removeprefix("# "))
    return sorted((OUT / name).glob("modules/*"))


def boots(machine, every):
    """What runs on the kernel; with EVERY all cases of the loop, too."""
    image = archive.make(None, machine.files, "stock")
    yield suite.Run(machine, image, "command", "xenstored", SECONDS)
    if every:
        yield suite.Run(machine, image, "command", "oxenstored", SECONDS)
        yield suite.Run(machine, image, "cases", "xenstored", 2 * SECONDS)


def test(score, name, deb, every):
    status, lines = output(HERE / "root.sh", name)
    score.add(not status, f"Debian's {name}: there is a system with it")
    if status:
        return
    root = pathlib.Path(lines[0])
    for place in install(score, name, root, deb):
        for run in boots(Stock(root, place), every):
            run(score)


def main():
    every = os.environ.get("LONG", "0") != "0"
    names = sys.argv[1:] or (KERNELS if every else ("6.12",))
    uml.OUT.mkdir(parents=True, exist_ok=True)
    score = suite.Score()
    deb = package(score)
    for name in names if deb else ():
        test(score, name, deb, every)
    return score.finish()


if __name__ == "__main__":
    sys.exit(main())
