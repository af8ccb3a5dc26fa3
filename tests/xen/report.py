# SPDX-License-Identifier: GPL-2.0
"""Named tests, grouped by the boot they share, reported one by one."""

import concurrent.futures
import fnmatch
import os
import sys
import threading
import time

import arch
from machine import Machine, MachineError
from splats import SPLATS

GROUPS = {}
# For Group(on=).
ANY = ("x86_64", "arm64")
COLOURS = sys.stdout.isatty()


# How many machines may run beside each other; each has a GiB or four.
AT_ONCE = min(os.cpu_count() or 1, 4)

# Whether groups that take long run without being named; and their long forms.
LONG = os.environ.get("LONG", "0") != "0"


def number(name, short, long):
    """How often a test does something: NAME in the environment says it."""
    return int(os.environ.get(name, long if LONG else short))


def rounds(count):
    """Count to COUNT, with a sign of life."""
    for done in range(count):
        yield done
        print(f"# {threading.current_thread().name}: {done + 1} of {count}",
              flush=True)


class Group:
    """What runs on one boot; tests keep their order.

    OPTIONS go to Machine, but for five: "bare" is without Xen, "repeats" is for
    run_group(). Two take the kernel's path: "files" returns what else dom0 needs,
    source to target; "archive" returns what dom0 boots from instead. "guest" returns
    what a guest boots from that Xen starts. ON says for which processors there is
    such a group.

    With PARALLEL the machine's processors run at the same time, and no other
    machine does. Else they alternate, and several machines run.
    """

    def __init__(self, name, about, long=False, parallel=False,
                 on=("x86_64",), **options):
        self.name = name
        self.long = long
        self.parallel = parallel
        self.about = about
        self.options = options
        self.entries = []
        if arch.ARCH in on:
            GROUPS[name] = self

    def test(self, title, saves=False):
        """A decorator: FUNCTION(vm) raises if the promise is not kept.

        What SAVES a guest is no test on Arm, where Xen cannot.
        """
        def register(function):
            if arch.NATIVE or not saves:
                self.entries.append((f"{self.name}: {title}", function, True))
            return function
        return register

    def step(self, function):
        """A decorator: runs in any case; is no test of its own."""
        self.entries.append((function.__name__, function, False))
        return function

    def names(self):
        return ([f"{self.name}: boots"] +
                [name for name, _, is_test in self.entries if is_test] +
                [f"{self.name}: no {kind} on any console"
                 for kind in SPLATS] + [f"{self.name}: powers off"])


class Report:
    def __init__(self, total):
        self.lock = threading.Lock()
        self.number = self.passed = self.failed = 0
        print("TAP version 13")
        print(f"1..{total}", flush=True)

    def add(self, name, error=None, seconds=None):
        with self.lock:
            self.show(name, error, seconds)

    def show(self, name, error, seconds):
        self.number += 1
        word = "not ok" if error else "ok"
        if error:
            self.failed += 1
        else:
            self.passed += 1
        note = f" # {seconds:.1f} s" if seconds is not None else ""
        lines = [f"{word} {self.number} - {name}{note}"]
        lines += [f"# {line}" for line in str(error or "").splitlines()]
        print("\n".join(lines), flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed != 0


class Held:
    """Results that are not reported yet."""

    def __init__(self):
        self.results = []

    def add(self, *result):
        self.results.append(result)

    def report(self, report):
        for result in self.results:
            report.add(*result)


def run_group(group, report, wanted, repeats=0, **machine):
    """Boot and run every test of GROUP whose name is in WANTED.

    With REPEATS, results count only if the emulator was sound until the end;
    if not, all is done again, at most so many times.
    """
    while repeats:
        held = Held()
        if not run_once(group, held, wanted, **machine).confused():
            held.report(report)
            return
        print(f"# {group.name}: the emulator was confused about a guest; "
              "once more", flush=True)
        repeats -= 1
    run_once(group, report, wanted, **machine)


def run_groups(todo, report):
    """Run all of TODO: groups, names that are wanted, and what run_group() takes.

    Those whose processors need the whole host run first, one after the other.
    """
    def run(group, wanted, machine):
        threading.current_thread().name = group.name
        print(f"# {group.name}: {group.about}", flush=True)
        run_group(group, report, wanted, alternate=not group.parallel,
                  **machine)

    for job in todo:
        if job[0].parallel:
            run(*job)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(run, *job) for job in todo
                     if not job[0].parallel]:
            done.result()


def run_once(group, report, wanted, **machine):
    """Run GROUP on one boot; return the machine, which has ended."""
    lost = None         # the error after which nothing more can be learned

    def attempt(name, function):
        nonlocal lost
        start = time.monotonic()
        printed = len(vm.console_text())
        error = lost and f"not run: {lost}"
        if not lost:
            try:
                function()
            except MachineError as caught:
                error = lost = caught
            except Exception as caught:         # a test may fail in any way
                error = caught if isinstance(caught, AssertionError) \
                    else repr(caught)
                error = f"{str(error) or 'failed'}\nthe console meanwhile:\n" \
                        f"{vm.last_lines(40, printed)}"
        if name in wanted:
            report.add(name, error, time.monotonic() - start)
        elif error and not lost:
            lost = f"{name}: {error}"

    with Machine(group.name, **machine, **group.options) as vm:
        attempt(f"{group.name}: boots", vm.boot)
        for name, function, is_test in group.entries:
            if not is_test or name in wanted:
                attempt(name, lambda: function(vm))
        attempt(f"{group.name}: powers off", vm.power_off)
        for kind, lines in vm.splats().items():
            name = f"{group.name}: no {kind} on any console"
            if name in wanted:
                report.add(name, "\n".join(lines[:10]) or
                           lost and f"not seen to the end: {lost}")
    return vm


def select(only, boot):
    """Groups and the names to run of each."""
    chosen = {}
    for group in GROUPS.values():
        if group.name != boot if boot else group.long and not (LONG or only):
            continue
        names = [name for name in group.names()
                 if not only or any(fnmatch.fnmatch(name, f"*{glob}*")
                                    for glob in only)]
        if names:
            chosen[group.name] = names
    return chosen
