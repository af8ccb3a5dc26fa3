#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What has run where: matrix.py KERNEL,ARCH,XEN,LOG...

Each LOG is what tests/xen/xen-test printed on that kernel, processor and version of Xen.
Prints a line for each daemon: how many tests of dom0 passed, of how many, and of guests.
A test that did not run, because its machine was lost, is one of those that failed; a
log that ends early has fewer.
"""

import collections
import pathlib
import re
import sys

RESULT = re.compile(r"^(not )?ok \d+ - ([\w.-]+): ")
DAEMONS = ("xenstored", "oxenstored")
# What is about dom0, by the first word of a group's name; all else is about guests.
DOM0 = ("dom0", "late", "device", "load", "debian")


# What has no daemon, or one of its own.
NEITHER = ("bare", "no", "defect")


def place(group):
    """Daemon and column of a group; None if neither daemon is tested."""
    if group.split("-")[0] in NEITHER:
        return None
    daemon = DAEMONS["oxenstored" in group]
    about_dom0 = group.split("-")[0] in DOM0 and group != "device-guest"
    return daemon, "dom0" if about_dom0 else "guests"


def count(text):
    """(daemon, column) -> [passed, all]"""
    counts = collections.defaultdict(lambda: [0, 0])
    for line in text.splitlines():
        match = RESULT.match(line)
        where = match and place(match[2])
        if where:
            counts[where][0] += not match[1]
            counts[where][1] += 1
    return counts


def cell(counts, where):
    return "{} of {}".format(*counts[where]) if where in counts else "-"


def main():
    line = "{:7} {:8} {:6} {:12} {:>13} {:>13}".format
    print(line("Linux", "", "Xen", "daemon", "dom0", "guests"))
    for word in sys.argv[1:]:
        *machine, log = word.split(",", 3)
        counts = count(pathlib.Path(log).read_text(errors="replace"))
        if not counts:
            print(line(*machine, "did not run", "", ""))
        for daemon in sorted({daemon for daemon, _ in counts}, reverse=True):
            print(line(*machine, daemon, cell(counts, (daemon, "dom0")),
                       cell(counts, (daemon, "guests"))))


if __name__ == "__main__":
    main()
