# SPDX-License-Identifier: GPL-2.0
"""XenStore without Xen: user-mode Linux, xenstore_loop.ko and a real daemon.

loop.py test [DAEMON...]: boot once for each daemon and run guest/cases.
loop.py shell [DAEMON]: boot and give a shell.

The kernel is Debian's source, untouched, and the driver comes as modules. The
daemons, their libraries and the clients are Debian's too. With --kernel RELEASE
an installed kernel boots under QEMU instead, for which its headers must be
installed as well. Logs go to build/loop.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "xen"))

import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
from machine import Machine                             # noqa: E402

OUT = kernel.BUILD / "loop"
FRAGMENT = HERE / "kernel.config"
DAEMONS = ("xenstored", "oxenstored")
PROGRAMS = [f"{initramfs.XEN_BIN}/{name}"
            for name in (*DAEMONS, "test-xenstore")] + initramfs.STORE_TOOLS
BOOT_SECONDS = 240


def build_kernel():
    """User-mode Linux from the unchanged tree; returns its build directory."""
    tree = kernel.tree_path("--pristine")
    out = pathlib.Path(kernel.tree_path("--build", "loop"))
    compiler = "ccache gcc" if shutil.which("ccache") else "gcc"
    make = ["nice", "make", "-C", tree, f"O={out}", "ARCH=um",
            f"CC={compiler}"]
    done = out / "fragment.config"
    if not done.exists() or done.read_text() != FRAGMENT.read_text():
        done.unlink(missing_ok=True)
        kernel.step("configure user-mode Linux", OUT / "config.log", "env",
                    f"KCONFIG_ALLCONFIG={FRAGMENT}", *make, "allnoconfig")
        lost = kernel.missing(FRAGMENT, out / ".config")
        if lost:
            raise kernel.BuildError("not in the final .config: " +
                                    " ".join(lost))
        shutil.copy(FRAGMENT, done)
    jobs = os.environ.get("JOBS", os.cpu_count())
    kernel.step("build user-mode Linux", OUT / "build.log", *make,
                f"-j{jobs}", "all", objects=out)
    return out


def build_modules(build):
    done = subprocess.run([kernel.SCRIPTS / "modules.sh", build],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise kernel.BuildError("the modules do not build")
    return [pathlib.Path(line) for line in done.stdout.splitlines()]


def make_archive(modules):
    xen = initramfs.packages()
    tree = initramfs.Tree("loop", HERE / "guest/init")
    tree.add_programs(xen, PROGRAMS)
    tree.add(xen / "etc/xen/oxenstored.conf", "etc/xen/oxenstored.conf")
    tree.add(HERE / "guest/cases", "bin/cases")
    tree.add(HERE / "guest/store", "bin/store")
    for program in initramfs.user_programs():
        tree.add(program, f"tests/{program.name}")
    for module in modules:
        tree.add(module, f"modules/{module.name}")
    return tree.pack()


class Uml:
    """User-mode Linux."""

    name = "uml"

    def __init__(self):
        self.kdir = build_kernel()

    def command(self, archive, words):
        # On a console that is a file, input cannot be waited for.
        channel = "fd:0,fd:1" if sys.stdin.isatty() else "null,fd:1"
        return [self.kdir / "linux", "mem=512M", "con=null", "ssl=null",
                f"con0={channel}", "console=tty0", f"initrd={archive}", *words]


class Qemu:
    """An installed kernel, on a machine without Xen."""

    def __init__(self, release):
        self.name = release
        self.image = pathlib.Path(f"/boot/vmlinuz-{release}")
        self.kdir = pathlib.Path(f"/usr/src/linux-headers-{release}")
        for path, package in ((self.image, "image"), (self.kdir, "headers")):
            if not path.exists():
                raise kernel.BuildError(f"no {path}: apt-get install "
                                        f"linux-{package}-{release}")

    def command(self, archive, words):
        return ["qemu-system-x86_64", "-accel", "tcg", "-smp", "2",
                "-m", "1024", "-display", "none", "-monitor", "none",
                "-no-reboot", "-nic", "none", "-serial", "stdio",
                "-kernel", self.image, "-initrd", archive,
                "-append", " ".join(["console=ttyS0", *words])]


def words(daemon, mode):
    return ["panic=-1", "rdinit=/init", f"store={daemon}", f"mode={mode}",
            *(["quiet"] if mode == "shell" else [])]


class Score:
    """TAP for whoever reads, and what it adds up to."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, good, title):
        self.passed += good
        self.failed += not good
        number = self.passed + self.failed
        print(f"{'' if good else 'not '}ok {number} - {title}", flush=True)


def test(score, machine, archive, daemon):
    log = OUT / f"{machine.name}-{daemon}.log"
    print(f"# {daemon}, log in {log}", flush=True)
    try:
        with log.open("w") as sink:
            subprocess.run(machine.command(archive, words(daemon, "test")),
                           stdin=subprocess.DEVNULL, stdout=sink,
                           stderr=subprocess.STDOUT, timeout=BOOT_SECONDS)
    except subprocess.TimeoutExpired:
        score.add(False, f"{daemon}: ended within {BOOT_SECONDS} s")
    text = log.read_text(errors="replace").replace("\r", "")
    for bad, title in re.findall(r"^(not )?ok - (.*)$", text, re.M):
        score.add(not bad, f"{daemon}: {title}")
    score.add("\ncases finished\n" in text, f"{daemon}: all cases ran")
    splats = [line for line in text.splitlines() for pattern in
              Machine.SPLATS.values() if re.search(pattern, line)]
    score.add(not splats, f"{daemon}: no complaint of the kernel")
    for line in splats[:10]:
        print(f"# {line}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("test", "shell"))
    parser.add_argument("daemons", nargs="*", metavar="DAEMON",
                        default=[], help=" or ".join(DAEMONS))
    parser.add_argument("--kernel", metavar="RELEASE",
                        help="an installed kernel, under QEMU")
    options = parser.parse_intermixed_args()
    if not set(options.daemons) <= set(DAEMONS):
        parser.error("a daemon is " + " or ".join(DAEMONS))
    OUT.mkdir(parents=True, exist_ok=True)
    machine = Qemu(options.kernel) if options.kernel else Uml()
    archive = make_archive(build_modules(machine.kdir))
    if options.mode == "shell":
        daemon = (options.daemons or DAEMONS)[0]
        return subprocess.run(machine.command(archive, words(
            daemon, "shell"))).returncode
    score = Score()
    for daemon in options.daemons or DAEMONS:
        test(score, machine, archive, daemon)
    print(f"1..{score.passed + score.failed}")
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as failure:
        sys.exit(f"loop: {failure}")
