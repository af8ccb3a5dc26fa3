# SPDX-License-Identifier: GPL-2.0
"""test-xenstore on the original kernel and on ours, in counted instructions.

Under -icount guest time is the number of instructions executed, so the
figures do not depend on what else the host does.
"""

import argparse
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
from machine import LOGS, Machine                       # noqa: E402

LINE = re.compile(r"^(\S.*?)\s*: avg: (\d+) ns", re.M)


def measure(name, bzimage, xen):
    """ns per operation of each case of test-xenstore: the best of its rounds.

    They run before the machine gets any input, so that two runs of one kernel
    give the same figures.
    """
    best = {}
    with Machine(name, bzimage, initramfs.dom0_archive(bzimage), xen,
                 "store=xenstored first=count-store norandmaps", smp=1,
                 icount=True) as vm:
        vm.boot(3000)
        for case, figure in LINE.findall(vm.check("cat /run/first")):
            best[case] = min(int(figure), best.get(case, int(figure)))
        vm.power_off()
    return best


def table(original, ours, limit):
    """Print the table; return the cases that are slower than LIMIT allows."""
    print(f"{'case':<12}{'original':>12}{'ours':>12}{'ratio':>8}")
    slower = []
    for case, figure in original.items():
        ratio = ours[case] / figure
        if ratio > limit:
            slower.append(case)
        print(f"{case:<12}{figure:>9} ns{ours[case]:>9} ns"
              f"{ratio:>8.3f}{'  slower' if ratio > limit else ''}")
    return slower


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--original", type=pathlib.Path, metavar="BZIMAGE")
    parser.add_argument("--ours", type=pathlib.Path, metavar="BZIMAGE")
    parser.add_argument("--limit", type=float, default=1.01,
                        help="a larger ratio counts as slower (%(default)s)")
    options = parser.parse_args()

    xen = initramfs.packages()
    kernels = {"original": options.original or kernel.original(),
               "ours": options.ours or kernel.overlaid()}
    results = {name: measure(f"compare-{name}", path.resolve(), xen)
               for name, path in kernels.items()}
    (LOGS / "compare.json").write_text(json.dumps(results, indent=2) + "\n")
    if len(results["original"]) != 12 or len(results["ours"]) != 12:
        sys.exit("compare: not all of the 12 cases were measured")
    slower = table(results["original"], results["ours"], options.limit)
    print(f"{12 - len(slower)} passed, {len(slower)} failed")
    return 1 if slower else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as failure:
        sys.exit(f"compare: {failure}")
