# SPDX-License-Identifier: GPL-2.0
"""Reports of data races in the log of a kernel with KCSAN.

In strict mode KCSAN finds races in every part of the kernel. A report counts if
a function of ours is in it, on either stack: then our code raced, or handed
what raced to other code. Not so if the kernel races there by design.
"""

import collections
import pathlib
import re
import subprocess

HEADLINE = re.compile(r"BUG: KCSAN: (.* in (.*))$")
LAST_LINES = "Reported by Kernel Concurrency Sanitizer on:"
RULE = re.compile(r"={66}$")
NAME = re.compile(r"[A-Za-z_][\w.]*")
FRAME = re.compile(rf"({NAME.pattern})\+0x")
STACK = re.compile(r" bytes by .*:$|reordered to: ")
INTERRUPT = re.compile(r" asm_(?:sysvec_|common_interrupt|spurious)")
# What the suite xenstore_race does on purpose.
PROVOKED = {"race_provoke"}
# Reads time without a lock, and looks afterwards whether it has changed; sets a
# flag of a kobject in the byte where others are looked at; reads which list a node
# is on, in the word that has a flag; asks where a worker would wake up, which the
# scheduler writes (its comment: best effort, the race is left as it is).
BY_DESIGN = {"ktime_get_mono_fast_ns", "kobject_uevent_env", "klist_put",
             "kick_pool"}
# In this order: at boot, and by init in the end.
WATCHED = re.compile(r"kcsan: strict mode configured$.*"
                     r"kcsan: selftest: (\d+)/\1 tests passed$.*"
                     r"^enabled: 1$", re.M | re.S)


def watched(text):
    """KCSAN found what it must find, and was never switched off."""
    return WATCHED.search(text) is not None


def functions(build):
    """The functions in the objects of our directories, tests included."""
    objects = [path for part in ("xenstore", "xenbus")
               for path in pathlib.Path(build, "drivers/xen", part).rglob("*.o")]
    listing = subprocess.run(["nm", *objects], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    return set(re.findall(r"^[0-9a-f]+ [tTwW] (\S+)$", listing, re.M))


def racing(text):
    """The functions of a headline: A / B, or A+OFFSET/SIZE."""
    return {NAME.match(part)[0] for part in text.split(" / ")}


class Reports:
    """The reports in TEXT, by whether a function in OURS is named in them."""

    def __init__(self, text, ours):
        self.ours = []          # what they say
        self.others = []
        self.provoked = []
        self.rest = []          # every line but the headlines
        lines = iter(text.splitlines())
        for line in lines:
            found = HEADLINE.search(line)
            if found:
                self.sort(found[1], racing(found[2]), self.read(lines), ours)
            else:
                self.rest.append(line)

    def read(self, lines):
        """The functions on the stacks of a report; None if it is cut off.

        What an interrupt interrupted has nothing to do with it. Other
        processors may print in between: the lines stay in the log, and the
        report ends at the first rule behind its last lines.
        """
        named, skip, last = set(), False, False
        for line in lines:
            self.rest.append(line)
            skip = (skip or INTERRUPT.search(line)) and not STACK.search(line)
            if not skip:
                named.update(FRAME.findall(line))
            last = last or LAST_LINES in line
            if last and RULE.search(line):
                return named
        return None

    def sort(self, title, racing, named, ours):
        """The race on purpose has to be found in all ways that count."""
        if named is None:
            self.ours.append(title)
        elif racing == PROVOKED and PROVOKED <= named & ours:
            self.provoked.append(title)
        elif racing & ours or named & ours and not racing & BY_DESIGN:
            self.ours.append(title)
        else:
            self.others.append(title)

    def titles(self):
        """What the reports of ours say, each once, with how often it was said."""
        return [f"{count:3} x {title}" for title, count in
                collections.Counter(self.ours).most_common()]
