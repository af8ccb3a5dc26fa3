# SPDX-License-Identifier: GPL-2.0
"""A plugin of pytest: our line for each case of pyxs, and a limit to its time.

A case that fails and is not in pyxs.expected is a failure; so is one that is
in it and passes, and one in it that does not exist. Lines go to descriptor 3.
"""

import os
import pathlib
import signal

import pytest
from pyxs import connection

SECONDS = 60
EXPECTED = pathlib.Path(__file__).with_name("pyxs.expected")
SOCKET = "[UnixSocketConnection]"


class Hung(Exception):
    pass


def on_alarm(*_):
    raise Hung(f"no end after {SECONDS} s")


def say(line):
    os.write(3, f"{line}\n".encode())


def expected(daemon):
    """Case -> reason."""
    found = {}
    for line in EXPECTED.read_text().splitlines():
        if line and not line.startswith("#"):
            who, case, reason = line.split(maxsplit=2)
            if who in (daemon, "both"):
                found[case] = reason
    return found


class Report:
    def __init__(self, expected, where):
        self.expected = expected
        self.where = where
        self.failures = {}
        self.skipped = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        signal.signal(signal.SIGALRM, on_alarm)
        signal.alarm(SECONDS)
        yield
        signal.alarm(0)

    def pytest_runtest_logreport(self, report):
        case = report.nodeid
        if report.failed or hasattr(report, "wasxfail"):
            self.failures[case] = report.longreprtext
        elif report.skipped:
            self.skipped.add(case)
        if report.when == "teardown":
            self.judge(case)

    def judge(self, case):
        name = case.removeprefix("tests/")
        title = f"{self.where}: {name}"
        why = self.expected.pop(name, None)
        failure = self.failures.get(case)
        if bool(failure) != bool(why):
            for line in (failure or f"expected to fail: {why}").splitlines():
                say(f"# {line}")
            say(f"not ok - {title}")
        elif case in self.skipped:
            say(f"ok - {title} # SKIP")
        else:
            note = f" (fails as expected: {why})" if why else ""
            say(f"ok - {title}{note}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus):
        for case in sorted(self.expected):
            say(f"not ok - {self.where}: {case} did not run")
        # A case that hung may have left threads for which Python would wait.
        os._exit(exitstatus not in (pytest.ExitCode.OK,
                                    pytest.ExitCode.TESTS_FAILED))


def disguise():
    """What takes itself for a socket is the device."""
    connection.UnixSocketConnection.create_transport = \
        lambda self: connection.XenBusConnection().create_transport()


def only_sockets(items):
    items[:] = [item for item in items if item.nodeid.endswith(SOCKET)]


class Disguised(Report):
    def __init__(self):
        super().__init__({}, "pyxs, watches on the device")
        disguise()

    def pytest_collection_modifyitems(self, items):
        only_sockets(items)


def pytest_addoption(parser):
    parser.addoption("--daemon")
    parser.addoption("--disguise", action="store_true")


def pytest_configure(config):
    config.pluginmanager.register(
        Disguised() if config.getoption("--disguise") else
        Report(expected(config.getoption("--daemon")), "pyxs"))
