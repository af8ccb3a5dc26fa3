# SPDX-License-Identifier: GPL-2.0
"""A machine under QEMU: Xen with dom0, or the kernel alone.

Two lines lead there: the first is the console of Xen and of the kernel and goes
to a log file; the second belongs to guest/agent, which runs commands for us.
So nothing the kernel prints can be taken for an answer.
"""

import re
import time

import pexpect

import boards
import splats
from kernel import BUILD
from version import SUFFIX

LOGS = BUILD / f"xen{SUFFIX}"

# Xen's dump of a guest whose next instruction is one of Xen's own, behind the
# VMRUN: the emulated processor has saved the host's state as the guest's. Or a third
# fault: Linux takes the second on a stack of its own, and says so. Seen behind
# RDTSC and IN, which Xen executes for a guest, and also before any driver was there.
CONFUSED = re.compile(r"RIP: +e008:\[<ffff82d0[0-9a-f]{8}>\]\s+"
                      r"(?:\(XEN\) )?RFLAGS: .* CONTEXT: hvm guest|"
                      r"\(XEN\) d\d+v\d+ Triple fault")


class MachineError(Exception):
    """The machine did not do what it must do to go on testing."""


class Machine:
    def __init__(self, name, kernel, archive, xen=None, cmdline="",
                 control=None, smp=2, memory=2048, dom0_memory=1024, cpu=None,
                 hypervisor="", icount=False, alternate=False, qemu=(),
                 guest=None, guest_words=""):
        """With ALTERNATE the processors share one thread of the host.

        Then none waits in a loop for one that does not run, which makes several
        machines on a few processors many times as fast. QEMU and HYPERVISOR are
        more words for these. With GUEST, an archive, Xen starts a guest of the
        same kernel beside dom0, with GUEST_WORDS.
        """
        self.name = name
        self.control, self.cpu = control, cpu
        self.smp, self.memory, self.dom0_memory = smp, memory, dom0_memory
        self.icount, self.alternate = icount, alternate
        self.more, self.hypervisor = qemu, hypervisor
        self.guest_archive, self.guest_words = guest, guest_words
        LOGS.mkdir(parents=True, exist_ok=True)
        self.console = LOGS / f"{name}.log"
        self.console.unlink(missing_ok=True)
        self.transcript = LOGS / f"{name}.control.log"
        self.guest_log = LOGS / f"{name}.guests.log"
        self.guest_log.unlink(missing_ok=True)
        self._id = 0

        self.qemu = boards.command(self, kernel, archive, xen, cmdline)
        self.child = None

    def __enter__(self):
        self._sink = self.transcript.open("w")
        self.child = pexpect.spawn(self.qemu[0], self.qemu[1:], timeout=None,
                                   encoding="utf-8", codec_errors="replace",
                                   echo=False)
        self.child.delaybeforesend = None
        self.child.logfile_read = self._sink
        return self

    def __exit__(self, *_):
        if self.child.isalive():
            self.child.terminate(force=True)
        self._sink.close()

    def _expect(self, pattern, seconds, doing):
        try:
            self.child.expect(pattern, timeout=seconds)
        except pexpect.EOF:
            raise MachineError(f"the machine ended while {doing}\n"
                               f"{self.last_lines()}") from None
        except pexpect.TIMEOUT:
            raise MachineError(f"no end of {doing} after {seconds} s\n"
                               f"{self.last_lines()}") from None

    def console_text(self, start=0):
        """What Xen and the kernel printed after the first START characters."""
        if not self.console.exists():
            return ""
        text = self.console.read_text(errors="replace").replace("\r", "")
        return text[start:]

    def last_lines(self, count=15, start=0):
        return "\n".join(self.console_text(start).splitlines()[-count:])

    def boot(self, seconds=600):
        """Wait until the agent answers."""
        start = time.monotonic()
        self._expect(r"<<0:0>>\r?\n", seconds, "booting")
        return time.monotonic() - start

    def run(self, command, seconds=300):
        """Run COMMAND in dom0; return its status and its output.

        What takes too long is killed there; only when that fails, too, is the
        machine lost.
        """
        assert "\n" not in command
        self._id += 1
        self.child.send(f"{self._id} {seconds} {command}\n")
        self._expect(rf"<<{self._id}>>\r?\n", 120, f"sending {command!r}")
        self._expect(rf"\r?\n<<{self._id}:(\d+)>>\r?\n", seconds + 60,
                     repr(command))
        output = self.child.before.replace("\r", "")
        return int(self.child.match.group(1)), output.rstrip("\n")

    def check(self, command, seconds=300):
        """Run COMMAND, which must succeed; return its output."""
        status, output = self.run(command, seconds)
        assert status == 0, f"{command}: status {status}\n{output}"
        return output

    def guest(self, name, command, seconds=120):
        """Run COMMAND in a guest; it must succeed."""
        quoted = command.replace("'", "'\\''")
        return self.check(f"guest {name} {seconds} '{quoted}'", seconds + 30)

    def shell(self):
        """Hand the control line to a person until the shell ends."""
        self._id += 1
        self.child.logfile_read = None
        self.child.send(f"{self._id} 0 shell\n")
        self._expect(rf"<<{self._id}>>\r?\n", 60, "starting a shell")
        self.child.interact(escape_character=chr(29))

    def power_off(self, seconds=120):
        """Keep the guests' consoles, then end."""
        _, text = self.run("cat /var/log/xen/console/guest-*.log", seconds)
        self.guest_log.write_text(text)
        self.child.send("9999 60 poweroff -f\n")
        try:
            self.child.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT:
            raise MachineError("the machine did not power off") from None

    def confused(self):
        """Did QEMU mix up a guest and the hypervisor?

        That happens with guests on its emulation of SVM, about once in a
        thousand seconds.
        """
        return CONFUSED.search(self.console_text()) is not None

    def splats(self):
        """What must not stand in a log: kind -> lines that have it."""
        text = ""
        for log in (self.console, self.guest_log):
            if log.exists():
                text += log.read_text(errors="replace").replace("\r", "")
        return splats.by_kind(text)
