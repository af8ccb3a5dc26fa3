#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""XenStore without Xen: user-mode Linux, xenstore_loop.ko and a real daemon.

loop.py test [DAEMON...]    run guest/cases with each daemon, and the programs of
                            tests/user with KASAN; prints TAP
loop.py shell [DAEMON]      boot and give a shell, or run what is on standard
                            input if that is no terminal
loop.py exec -- COMMAND     boot, run COMMAND by sh, end with its status, or
                            with 124 if the kernel complained or it took too long

The kernel is Debian's source, untouched, and the driver comes as modules. The
daemons, their libraries and the clients are Debian's too. Logs go to build/loop.
"""

import argparse
import contextlib
import fcntl
import pathlib
import shlex
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import archive                                          # noqa: E402
import guest                                            # noqa: E402
import kernel                                           # noqa: E402
import suite                                            # noqa: E402
import terminal                                         # noqa: E402
from qemu import Qemu                                   # noqa: E402
from uml import OUT, Uml                                # noqa: E402

SECONDS = 240


@contextlib.contextmanager
def locked():
    """One at a time builds here."""
    with (OUT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_test(machine, options):
    daemons = options.words or archive.DAEMONS
    with locked():
        todo = list(suite.runs(machine, daemons, options.file,
                               options.seconds))
    score = suite.Score()
    suite.run(score, todo)
    if isinstance(machine, Uml):
        for daemon in daemons:
            terminal.run(score, daemon)
    return score.finish()


def run_shell(machine, options):
    daemon = (options.words or archive.DAEMONS)[0]
    if not sys.stdin.isatty():
        return execute(machine, options, daemon, sys.stdin.read())
    with locked():
        image = archive.make(machine.kdir, options.file)
    vm = guest.Guest(machine, image, "shell", daemon)
    vm.shell()
    return guest.report(vm)


def run_command(machine, options):
    command = options.words[0] if len(options.words) == 1 \
        else shlex.join(options.words)
    return execute(machine, options, options.daemon, command)


def execute(machine, options, daemon, command):
    with locked():
        image = archive.make(machine.kdir, options.file, command)
    vm = guest.Guest(machine, image, "command", daemon)
    vm.run(options.seconds or SECONDS,
           lambda line: print(line, end="", flush=True))
    return guest.report(vm)


MODES = {"test": run_test, "shell": run_shell, "exec": run_command}


def pair(text):
    host, equals, target = text.partition("=")
    if not equals or not target or not pathlib.Path(host).exists():
        raise argparse.ArgumentTypeError(f"{text}: not FILE=NAME")
    return host, target


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--daemon", choices=archive.DAEMONS,
                        default=archive.DAEMONS[0])
    parser.add_argument("--debug", action="store_true",
                        help="a kernel with KASAN and a search for leaks")
    parser.add_argument("--file", action="append", type=pair, default=[],
                        metavar="HOST=GUEST", help="a file or directory for the guest; a "
                             "program brings its libraries")
    parser.add_argument("--kernel", metavar="RELEASE",
                        help="an installed kernel, under QEMU; its headers "
                             "must be installed, too")
    parser.add_argument("--seconds", type=int,
                        help=f"a boot that takes longer is killed ({SECONDS}; "
                             f"{suite.SECONDS} for test)")
    options = parser.parse_intermixed_args()
    if options.mode == "exec":
        if not options.words:
            parser.error("exec needs a COMMAND")
    elif not set(options.words) <= set(archive.DAEMONS):
        parser.error("a daemon is " + " or ".join(archive.DAEMONS))
    return options


def main():
    options = parse()
    OUT.mkdir(parents=True, exist_ok=True)
    with locked():
        machine = Qemu(options.kernel) if options.kernel \
            else Uml(options.debug)
    return MODES[options.mode](machine, options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as failure:
        sys.exit(f"loop: {failure}")
