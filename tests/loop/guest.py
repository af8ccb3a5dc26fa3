# SPDX-License-Identifier: GPL-2.0
"""One boot of a guest: its output, its status, what its kernel says of it."""

import re
import subprocess
import sys
import threading

import splats
from uml import OUT
from version import SUFFIX

STATUS = re.compile(r"loop: status (\d+)$", re.M)


class Guest:
    """MACHINE is a Uml or a Qemu; MODE and DAEMON are for guest/init."""

    def __init__(self, machine, archive, mode, daemon):
        self.log = OUT / f"{machine.name}-{mode}-{daemon}{SUFFIX}.log"
        words = ["panic=-1", "printk.devkmsg=on", "rdinit=/init",
                 f"tty={machine.terminal}", f"store={daemon}", f"mode={mode}"]
        # It goes when we go, however that happens.
        self.command = ["setpriv", "--pdeathsig", "KILL",
                        *machine.command(archive, words, mode == "shell")]
        self.timed_out = False

    def shell(self):
        """Give the terminal to a person until the shell ends."""
        with self.log.open("w") as sink:
            subprocess.run(self.command, stderr=sink)

    def run(self, seconds, sink):
        """Boot, hand each line of output to SINK, kill after SECONDS."""
        with self.log.open("w") as log, subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stderr=log, text=True,
                stdout=subprocess.PIPE, errors="replace") as process:
            timer = threading.Timer(seconds, self.kill, [process])
            timer.start()
            try:
                for line in process.stdout:
                    sink(line)
            finally:
                timer.cancel()
                process.kill()

    def kill(self, process):
        self.timed_out = True
        process.kill()

    def text(self):
        return self.log.read_text(errors="replace").replace("\r", "")

    def status(self):
        """What ran in the guest ended with this; None if it did not end."""
        found = STATUS.findall(self.text())
        return int(found[-1]) if found else None

    def complaints(self):
        return splats.complaints(self.text())


def report(guest):
    """Say on standard error what is wrong; return the status to exit with."""
    status = guest.status()
    problems = guest.complaints()[:10]
    if guest.timed_out:
        problems.append("it took too long")
    elif status is None:
        problems.append("the guest died")
    for line in problems:
        print(f"loop: {line}", file=sys.stderr)
    if problems:
        print(f"loop: see {guest.log}", file=sys.stderr)
    return status or (124 if problems else 0)
