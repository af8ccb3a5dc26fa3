# SPDX-License-Identifier: GPL-2.0
"""Measure this driver and the one it replaces, on Xen, with a real daemon.

Both kernels come from one tree and one configuration. The primary figures are
counted: under -icount guest time is the number of instructions executed, one
ns each, so that two runs agree within about 1 % whatever else the host does.
With two virtual CPUs and a thread for each, figures depend on the host; those
are medians of rounds in which the two kernels take turns.

What a program does through the device is measured over the daemon's own UNIX
socket, too, in the same boots of this driver's kernel.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

# pylint: disable=wrong-import-position
import guest                                            # noqa: E402
import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
from goals import CASES, FIGURES                        # noqa: E402
from machine import Machine, MachineError               # noqa: E402
import plot                                             # noqa: E402
import tables                                           # noqa: E402

OUT = kernel.BUILD / "bench"
DRIVERS = ("original", "ours")

# name: what is said of it, and how the machine is set up
MACHINES = {
    "counted": ("1 CPU, counted instructions", {"smp": 1, "icount": True}),
    "counted-2": ("2 CPUs, counted instructions", {"smp": 2, "icount": True}),
    "smp": ("2 CPUs, each a thread of the host", {"smp": 2}),
}
DAEMONS = ("xenstored", "oxenstored")


def program(name, *sources):
    """Compile a program of this directory."""
    out = OUT / name
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-static", "-pthread", "-o", out, *(HERE / source for source in sources)],
                   check=True)
    return out


class Kernel:
    """One of the two kernels, with all that it boots with."""

    def __init__(self, name, bzimage):
        self.name = name
        self.bzimage = pathlib.Path(bzimage).resolve()
        bench = {kernel.module(self.bzimage, HERE / "module",
                               f"bench/module-{name}"):
                 "bench/xenbus_bench.ko"}
        self.archive = initramfs.dom0_archive(self.bzimage, bench | {
            program("xsbench", "xsbench.c", "meter.c"): "bin/xsbench",
            program("xswait", "xswait.c"): "bin/xswait",
            HERE / "bench-store": "bin/bench-store"}, bench)


def run(what, machine, daemon, options):
    """Boot WHAT, run the cases; return them by name, and those of the socket.

    They run before the machine gets any input, so that two counted runs of
    one kernel give the same figures.
    """
    cases = [case for case in options.cases if not case.startswith("guest-")]
    cmdline = (f"store={daemon} first=bench-store norandmaps "
               f"bench-divisor={options.divisor} "
               f"bench-cases={':'.join(cases)} {options.cmdline}")
    if what.name == options.socket:
        cmdline += " bench-socket"
    device, socket = {}, {}
    with Machine(f"bench-{what.name}", what.bzimage, what.archive,
                 initramfs.packages(), cmdline,
                 **MACHINES[machine][1]) as vm:
        vm.boot(3600)
        for line in vm.check("cat /run/first").splitlines():
            if line.startswith("{"):
                figures = json.loads(line)
                found = socket if figures.pop("socket") else device
                found[figures.pop("case")] = figures
        vm.power_off()
    return device, socket


def median(rounds):
    """Rounds as one, figure by figure; "failed" counts those that have none."""
    result = {}
    for case in CASES:
        all_rounds = [r[case] for r in rounds if case in r]
        good = [figures for figures in all_rounds if "us" in figures]
        if good:
            result[case] = {figure: statistics.median(g[figure] for g in good)
                            for figure in good[0]}
        if len(good) < len(all_rounds):
            result.setdefault(case, {})["failed"] = len(all_rounds) - len(good)
    return result


def measure_one(what, machine, daemon, options):
    """One kernel once: what was found before something failed."""
    device, socket = {}, {}
    try:
        device, socket = run(what, machine, daemon, options)
        if options.guest:
            device |= guest.measure(what, daemon, MACHINES[machine][1])
    except (MachineError, AssertionError) as failure:
        print(f"failed: {failure}", end=" ", flush=True)
    return device, socket


def measure(kernels, machine, daemon, options):
    """Both kernels on one kind of machine with one daemon, and the socket."""
    rounds = options.rounds if machine == "smp" else 1
    results = {name: [] for name in kernels}
    sockets = []
    for number in range(rounds):
        for name, what in kernels.items():
            start = time.monotonic()
            print(f"  {machine}, {daemon}, {name}, round {number + 1} of "
                  f"{rounds} ...", end=" ", flush=True)
            device, socket = measure_one(what, machine, daemon, options)
            results[name].append(device)
            sockets.append(socket)
            print(f"{time.monotonic() - start:.0f} s", flush=True)
    if options.socket:
        results["socket"] = sockets
    return {name: median(r) for name, r in results.items()}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--original", type=pathlib.Path, metavar="BZIMAGE")
    parser.add_argument("--ours", type=pathlib.Path, metavar="BZIMAGE")
    parser.add_argument("--machines", nargs="*", default=list(MACHINES),
                        choices=MACHINES)
    parser.add_argument("--daemons", nargs="*", default=list(DAEMONS),
                        choices=DAEMONS)
    parser.add_argument("--drivers", nargs="*", default=list(DRIVERS),
                        choices=DRIVERS)
    parser.add_argument("--cases", nargs="*", default=CASES, choices=CASES)
    parser.add_argument("--rounds", type=int, default=3,
                        help="of each kernel, where the host counts")
    parser.add_argument("--divisor", type=int, default=1,
                        help="so many times fewer operations of each case")
    parser.add_argument("--cmdline", default="", metavar="WORDS",
                        help="more words for the kernels' command line")
    parser.add_argument("--guest", action=argparse.BooleanOptionalAction,
                        default=True, help="measure a guest, too")
    parser.add_argument("--allocations", action="store_true",
                        help="count allocations: kernels with SLUB_STATS, "
                             "whose times mean nothing")
    return parser.parse_args()


def wanted(options):
    """The cases that there should be figures of."""
    return [case for case in options.cases
            if options.guest or not case.startswith("guest-")]


def bzimages(options):
    """The kernels to measure, built where none was named."""
    given = {"original": options.original, "ours": options.ours}
    make = {"original": kernel.original, "ours": kernel.overlaid}
    return {name: given[name] or make[name](options.allocations)
            for name in options.drivers}


def main():
    options = arguments()
    OUT.mkdir(parents=True, exist_ok=True)
    options.guest &= any(case.startswith("guest-") for case in options.cases)
    # The kernel that the socket is measured on: nothing differs for it.
    options.socket = max(options.drivers, key=DRIVERS.index)
    if options.allocations:
        options.machines, options.daemons = ["counted"], ["xenstored"]
        options.divisor = max(options.divisor, 10)
        options.guest, options.socket = False, None
    kernels = {name: Kernel(name, path)
               for name, path in bzimages(options).items()}
    results = {}
    for machine in options.machines:
        for daemon in options.daemons:
            key = f"{machine} {daemon}"
            results[key] = measure(kernels, machine, daemon, options)
            title = f"{MACHINES[machine][0]}, {daemon}"
            tables.show(title, key, results[key], wanted(options),
                        options.allocations)
    name = "allocations" if options.allocations else "bench"
    (OUT / f"{name}.json").write_text(json.dumps(
        {"figures": FIGURES, "results": results}, indent=1) + "\n")
    if not options.allocations:
        plot.draw(results, OUT)
    print("\n".join(f"build/bench/{path.name}"
                    for path in sorted(OUT.glob("*.json")) +
                    sorted(OUT.glob("*.svg"))))


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "svg")
    try:
        main()
    except kernel.BuildError as failure:
        sys.exit(f"bench: {failure}")
