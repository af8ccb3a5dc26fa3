# SPDX-License-Identifier: GPL-2.0
"""What a person gets from "make loop", typed and read through a terminal."""

import pathlib
import tempfile

import pexpect

from kernel import REPO
from uml import OUT

PYXS = """python3 -c 'from pyxs import Client
with Client(xen_bus_path="/dev/xen/xenbus") as c:
    c[b"/by"] = b"pyxs"
    print(c[b"/by"].decode())'"""
PROMPT = r"loop:\S*# "


class Terminal:
    def __init__(self, daemon, scratch):
        """Leaves in SCRATCH how the terminal was set before and after."""
        self.log = (OUT / f"terminal-{daemon}.log").open("w")
        self.child = pexpect.spawn("sh", [
            "-c", f"stty -g >{scratch}/before; make loop LOOP={daemon};"
            f"echo $? >{scratch}/status; stty -g >{scratch}/after"],
            timeout=120, encoding="utf-8", codec_errors="replace", cwd=REPO,
            dimensions=(33, 111))
        self.child.logfile_read = self.log
        self.child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.close(force=True)
        self.log.close()

    def boot(self):
        # The kernel may have to be built first.
        self.child.expect(PROMPT, timeout=1800)

    def run(self, command):
        """What COMMAND prints, which must succeed."""
        # What is typed is echoed, and must not look like an answer.
        self.child.send(command.replace("\n", "\r") + "; echo =$?=\r")
        self.child.expect(r"=(\d+)=")
        output = self.child.before
        assert self.child.match[1] == "0", f"{command}: {output}"
        self.child.expect(PROMPT)
        return output.replace("\r", "")

    def interrupt(self):
        self.child.send("xenstore-watch /interrupt\r")
        self.child.expect(r"\n/interrupt\r")
        self.child.sendintr()
        self.child.expect(PROMPT)

    def leave(self):
        self.child.send("exit\r")
        self.child.expect(pexpect.EOF)


def cases(terminal, scratch):
    """Pairs: a title and what must not raise."""
    def same(command, wanted):
        output = terminal.run(command)
        assert wanted in output.splitlines(), output

    def left_as_it_was():
        before, after, status = ((scratch / name).read_text() for name in
                                 ("before", "after", "status"))
        assert before == after and status == "0\n", status

    yield "gives a shell", terminal.boot
    yield "knows the size of the terminal", \
        lambda: same("stty size", "33 111")
    yield "has xenstore-ls", lambda: same("xenstore-ls -f", '/tool = ""')
    yield "has test-xenstore", lambda: terminal.run("test-xenstore -i 2")
    yield "has python3 with pyxs", lambda: same(PYXS, "pyxs")
    yield "can mount the host's files", lambda: same(
        f"mount -t hostfs -o {scratch} host /mnt; ls /mnt", "before")
    yield "can be interrupted", terminal.interrupt
    yield "ends with the shell", terminal.leave
    yield "leaves the terminal as it was", left_as_it_was


def run(score, daemon):
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        with Terminal(daemon, scratch) as terminal:
            lost = None
            for title, case in cases(terminal, scratch):
                try:
                    assert not lost, f"not after {lost}"
                    case()
                    score.add(True, f"make loop, {daemon}: {title}")
                except (AssertionError, OSError, pexpect.ExceptionPexpect) \
                        as error:
                    lost = lost or title
                    score.note(repr(error)[:400])
                    score.add(False, f"make loop, {daemon}: {title}")
