# SPDX-License-Identifier: GPL-2.0
"""The cases that run in guests, two guests at a time, in TAP."""

import concurrent.futures
import os
import re
import threading

import archive
import guest
import selftests
from uml import Uml

LONG = os.environ.get("LONG", "0") != "0"
QUICK = os.environ.get("QUICK", "0") != "0"
CASE = re.compile(r"(not )?ok - (.*)")
SECONDS = 900


class Score:
    """TAP for whoever reads, and what it adds up to."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.lock = threading.Lock()

    def add(self, good, title):
        with self.lock:
            self.passed += good
            self.failed += not good
            number = self.passed + self.failed
            print(f"{'' if good else 'not '}ok {number} - {title}",
                  flush=True)

    def note(self, text):
        with self.lock:
            print(f"# {text}", flush=True)

    def finish(self):
        print(f"1..{self.passed + self.failed}")
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


class Run:
    """One boot: on MACHINE, with IMAGE, guest/init in MODE serves by DAEMON."""

    def __init__(self, machine, image, mode, daemon, seconds):
        self.machine = machine
        self.seconds = seconds
        self.vm = guest.Guest(machine, image, mode, daemon)
        self.name = f"{machine.title}, {daemon}"

    def line(self, score, line):
        case = CASE.fullmatch(line)
        if not case or "# SKIP" in case[2]:
            score.note(f"{self.name}: {line.removeprefix('# ')}")
        else:
            score.add(not case[1], f"{self.name}: {case[2]}")

    def __call__(self, score):
        score.note(f"{self.name}, log in {self.vm.log}")
        self.vm.run(self.seconds,
                    lambda line: self.line(score, line.rstrip("\r\n")))
        score.add(self.vm.status() is not None, f"{self.name}: all cases ran")
        if self.machine.finds_leaks:
            score.add("leak scan finished" in self.vm.text(),
                      f"{self.name}: searched for leaks")
        complaints = self.vm.complaints()
        for line in complaints[:10]:
            score.note(line)
        score.add(not complaints, f"{self.name}: no complaint of the kernel")


def runs(machine, daemons, files, seconds):
    """All cases on MACHINE; and, in UML, what has load with KASAN.

    With QUICK=1 not that. With LONG=1 the kernel's selftests, too, once.
    """
    seconds = seconds or SECONDS
    if isinstance(machine, Uml) and not QUICK:
        debug = Uml(debug=True)
        image = archive.make(debug.kdir, files, "programs 'test_*' 'load_*'")
        for daemon in daemons:
            yield Run(debug, image, "command", daemon, seconds)
    if isinstance(machine, Uml) and LONG:
        image = archive.make(machine.kdir, [*files, (selftests.install(),
                                                     "kselftest")],
                             "selftests")
        yield Run(machine, image, "command", daemons[0], seconds)
    image = archive.make(machine.kdir, files)
    for daemon in daemons:
        yield Run(machine, image, "cases", daemon, seconds)


def run(score, todo):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(one, score) for one in todo]:
            done.result()
