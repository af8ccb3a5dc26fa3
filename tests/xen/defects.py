# SPDX-License-Identifier: GPL-2.0
"""The defects of the original driver: run on it, and on this one.

Both kernels are made of KERNEL's source with one configuration. Prints a table; what
counts is that this driver has none of the defects. The last line is
"N passed, N failed".
"""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
import report                                           # noqa: E402
import scenarios            # noqa: E402,F401 - fills report.GROUPS
from version import XEN                                 # noqa: E402

PREFIX = "defect-"


class Errors:
    """What went wrong on one kernel."""

    def __init__(self):
        self.names = []

    def add(self, name, error=None, _seconds=None):
        """As a report has it."""
        print(f"{'not ok' if error else 'ok'} - {name}", flush=True)
        for line in str(error or "").splitlines()[:3]:
            print(f"# {line}", flush=True)
        if error:
            self.names.append(name)

    def of(self, group):
        prefix = f"{group.name}: "
        return [name.removeprefix(prefix) for name in self.names
                if name.startswith(prefix)]


def run(groups, bzimage, xen):
    """All GROUPS on one kernel."""
    errors = Errors()
    machine = {"kernel": bzimage, "archive": initramfs.dom0_archive(bzimage),
               "xen": xen}
    report.run_groups([(group, set(group.names()), machine)
                       for group in groups], errors)
    return errors


def cell(bad):
    """What is shown of a driver that does BAD."""
    return "holds" if not bad else f"FAILS: {bad[0]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("letters", nargs="*", help="by default all")
    parser.add_argument("--original", type=pathlib.Path, metavar="BZIMAGE")
    parser.add_argument("--ours", type=pathlib.Path, metavar="BZIMAGE")
    options = parser.parse_args()

    groups = [group for name, group in report.GROUPS.items()
              if name.startswith(PREFIX) and
              (not options.letters or name[len(PREFIX):] in options.letters)]
    xen = initramfs.packages()
    results = [run(groups, path.resolve(), xen) for path in (
        options.original or kernel.original(),
        options.ours or kernel.overlaid())]

    print(f"Linux {kernel.KERNEL}, Xen {XEN}")
    failed = 0
    for group in groups:
        original, ours = (result.of(group) for result in results)
        failed += bool(ours)
        print(f"{group.name[len(PREFIX):].upper()}  {group.about}\n"
              f"   original: {cell(original)}\n   ours:     {cell(ours)}")
    print(f"{len(groups) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as failure:
        sys.exit(f"defects: {failure}")
