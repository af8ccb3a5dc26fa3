# SPDX-License-Identifier: GPL-2.0
"""What a tier runs on: user-mode Linux, or two processors under QEMU."""

import pathlib

import kernel

HERE = pathlib.Path(__file__).resolve().parent


class Uml:
    """One processor; the kernel is a program, built by kunit.py."""

    packages = "uml"
    seconds = 600
    ended = ("reboot: System halted", "reboot: Power down")

    @staticmethod
    def build(tier):
        def kunit_py(verb, *options):
            kernel.step(
                f"{tier.name}: {verb}", tier.out / f"{verb}.log",
                "python3", "tools/testing/kunit/kunit.py", verb, "--arch=um",
                f"--build_dir={tier.build}",
                f"--make_options={kernel.compiler()}",
                *[f"--kunitconfig={config}" for config in tier.configs],
                *options, objects=tier.build, cwd=tier.tree)

        kunit_py("config")
        kunit_py("build", kernel.jobs())

    @staticmethod
    def command(tier, words):
        coverage = tier.out / "coverage"
        coverage.mkdir(exist_ok=True)
        return [tier.build / "linux", "mem=1G", "console=tty", "con=null",
                "con0=null,fd:1", f"initrd={tier.out}/initrd",
                f"coverage_dir={coverage}", *words]


class Qemu:
    """x86-64 with two processors, which take turns.

    Time is the number of instructions, two ns each, so no limit of a test
    depends on what else the host does. A processor hands over where it waits in
    a loop, as KCSAN does while it watches: then the other one gets on by much
    more than it would at the same time, and much more is found. Sleep takes no
    time at all.
    """

    packages = "smp"
    seconds = 1800
    ended = ("reboot: Restarting system",)

    @staticmethod
    def build(tier):
        kernel.build(tier.tree, tier.build, f"the kernel of {tier.name}",
                     tier.configs)

    @staticmethod
    def command(tier, words):
        # Without ACPI there is nothing that could switch it off, and the
        # table of processors has one for each socket.
        words = ["console=ttyS0", "tsc=reliable", "end=reboot", *words]
        return ["qemu-system-x86_64", "-accel", "tcg,thread=single",
                "-icount", "shift=1,sleep=off",
                "-rtc", "base=2026-01-01,clock=vm",
                "-smp", "2,sockets=2", "-cpu", "qemu64", "-m", "1024",
                "-no-reboot", "-nographic", "-nic", "none",
                "-kernel", tier.build / "arch/x86/boot/bzImage",
                "-initrd", tier.out / "initrd", "-append", " ".join(words)]
