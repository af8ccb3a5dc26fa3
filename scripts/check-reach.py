#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How many functions of the core are behind a call?

check-reach.py [-v] FUNCTION=LIMIT...: counts the core's own functions that
FUNCTION reaches, itself included. One that is handed on, as to kref_put(),
counts as called; a call through a pointer is not followed. Status 1 if there
are more than LIMIT, or if there is no such function; -v prints the count and
the names in any case.
"""

import pathlib
import re
import sys

CORE = pathlib.Path(__file__).resolve().parent.parent / "drivers/xen/xenstore"
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\b__printf\([^)]*\)', re.S)
# From a name at the left margin to the brace that closes there.
FUNCTION = re.compile(r"^\w[^;{}()]*?\b(\w+)\([^;{}]*\n\{\n(.*?)^\}", re.M | re.S)
WORD = re.compile(r"\w+")


def read_calls():
    """Each function of the core, and the functions of the core that it names."""
    bodies = {}
    for path in sorted(CORE.glob("*.[ch]")):
        bodies.update(FUNCTION.findall(NOISE.sub("", path.read_text())))
    return {name: {word for word in WORD.findall(body) if word in bodies}
            for name, body in bodies.items()}


def reach(calls, start):
    """Everything that start calls, directly or not, and start itself."""
    found, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += calls[name]
    return found


def check(calls, start, limit, verbose):
    """Say what is wrong with the reach of start; true if nothing is."""
    if start not in calls:
        print(f"{start}: no such function in {CORE.name}")
        return False
    found = sorted(reach(calls, start))
    good = len(found) <= limit
    if verbose or not good:
        print(f"{start}: reaches {len(found)} functions, limit {limit}:", *found)
    return good


def main(arguments):
    """Check every FUNCTION=LIMIT."""
    verbose = "-v" in arguments
    calls = read_calls()
    limits = [argument.split("=") for argument in arguments if argument != "-v"]
    return all([check(calls, start, int(limit), verbose) for start, limit in limits])


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
