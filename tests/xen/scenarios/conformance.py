# SPDX-License-Identifier: GPL-2.0
"""The programs of tests/user, each case reported as a test of its own."""

import re
import subprocess

import initramfs

DEVICE = "/dev/xen/xenbus"
RESULT = re.compile(r"^(not )?ok \d+ (\w+)( # SKIP)?$")

# The driver of Linux 6.12 does not survive these, so they come last.
DEADLY = ("read_of_nothing_takes_nothing",
          "watch_behind_pending_requests_200_times",
          "each_message_has_one_reply")


# For the processor that we run on: they are asked what they can do.
PROGRAMS = {path.name: path for path in initramfs.user_programs(prefix="")}


def cases(program):
    """The cases of a program, in its own order."""
    return subprocess.run([PROGRAMS[program], "--list"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def say(case):
    return case.replace("_", " ")


def results(text):
    """What a program says: case -> None, or why it is no pass."""
    found, notes = {}, []
    for line in text.splitlines():
        match = RESULT.match(line)
        if match:
            bad, case, skipped = match.groups()
            why = "\n".join(notes)
            found[case] = (f"failed\n{why}" if bad else
                           f"skipped, which is no pass\n{why}" if skipped
                           else None)
            notes = []
        elif line.startswith("# "):
            notes.append(line)
    return found


class Program:
    """Cases of one program; it runs when the first of them is asked for."""

    def __init__(self, group, name, names, execute, device=DEVICE):
        self.command = " ".join(["/tests/" + name, device, *names])
        self.execute = execute
        self.found = None
        where = "" if device == DEVICE else f" on {device}"
        for case in names:
            group.test(f"{name}{where}: {say(case)}")(self.check(case))

    def check(self, case):
        def function(vm):
            if self.found is None:
                self.found = {}
                self.found = results(self.execute(vm, self.command))
            error = self.found.get(case, "no result")
            assert error is None, error
        return function


def add(group, execute, device=DEVICE, only=None):
    """Every case of every program, or of ONLY; EXECUTE(vm, command) -> text."""
    late = []
    for name in only or [name for name in PROGRAMS
                         if name.startswith("test_")]:
        names = cases(name)
        Program(group, name, [case for case in names if case not in DEADLY],
                execute, device)
        late += [(name, case) for case in names if case in DEADLY]
    for name, case in late:
        Program(group, name, [case], execute, device)


def in_dom0(vm, command):
    return vm.run(command, 900)[1]


def in_guest(name):
    def execute(vm, command):
        return vm.run(f"guest {name} 900 '{command}'", 930)[1]
    return execute
