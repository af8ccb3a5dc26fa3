# SPDX-License-Identifier: GPL-2.0
"""Test a kernel's XenStore driver on real Xen, from the outside."""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
import report                                           # noqa: E402
import scenarios            # noqa: E402,F401 - fills report.GROUPS


def own_archive(options, bzimage):
    """What dom0 boots from, by a group's OPTIONS, if not the common archive."""
    files = options.pop("files", None)
    make = options.pop("archive", None)
    if files:
        return initramfs.dom0_archive(bzimage, files(bzimage))
    return make and make(bzimage)


def prepare(group, wanted, bzimage, common, xen):
    """What run_groups() needs to know of GROUP; its archive if not COMMON."""
    options = group.options
    guest = options.pop("guest", None)
    return group, set(wanted), {
        "repeats": options.pop("repeats", 0), "kernel": bzimage,
        "guest": guest and guest(),
        "archive": own_archive(options, bzimage) or common,
        "xen": None if options.pop("bare", False) else xen}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", type=pathlib.Path,
                        help="a bzImage; else the overlaid kernel is built")
    parser.add_argument("--only", action="append", metavar="GLOB",
                        help="tests whose name matches (may be repeated)")
    parser.add_argument("--boot", metavar="NAME",
                        help="tests of this boot only")
    parser.add_argument("--list", action="store_true",
                        help="print the names, run nothing")
    options = parser.parse_args()

    chosen = report.select(options.only, options.boot)
    if not chosen:
        parser.error("no test has such a name")
    if options.list:
        for names in chosen.values():
            print("\n".join(names))
        return 0

    bzimage = (options.kernel or kernel.overlaid()).resolve()
    common = initramfs.dom0_archive(bzimage)
    xen = initramfs.packages()
    results = report.Report(sum(map(len, chosen.values())))
    print(f"# Xen {xen.name}")
    report.run_groups([prepare(report.GROUPS[name], wanted, bzimage, common, xen)
                       for name, wanted in chosen.items()], results)
    return results.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as error:
        sys.exit(f"xen-test: {error}")
