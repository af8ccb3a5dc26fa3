# SPDX-License-Identifier: GPL-2.0
"""dom0 whose oxenstored gives its connection up, dies and is started again, or whose
server has the page granted.
"""

import re

import domu
from report import ANY, Group, number
from scenarios import conformance

EXPORT = "export XENSTORED_PATH=/dev/xen/xenbus"
START = "oxenstored --pid-file=/run/xenstored.pid"

LOSSES = number("LOSSES", 10, 1000)


def in_dom0(vm, command):
    return vm.run(f"LOSSES={LOSSES} {command}", 900 + 2 * LOSSES)[1]


group = Group("reconnect", "oxenstored gives up, dies, comes again",
              on=ANY, cmdline="store=oxenstored")
conformance.add(group, in_dom0, only=["reconnect"])


def events(vm, path):
    """How often the watch on PATH, of xenstore-watch, has fired."""
    return vm.check("cat /run/watch").split().count(path)


def fires(vm, path, times):
    domu.wait(lambda: events(vm, path) >= times, 60)


def kill(vm):
    """With -9, and it has gone: its channel is free."""
    vm.check("pid=$(cat /run/xenstored.pid); kill -9 $pid; "
             "while [ -e /proc/$pid ]; do usleep 10000; done")


def start(vm):
    vm.check(f"rm -f /run/xenstored/socket; {START}; "
             "until [ -S /run/xenstored/socket ]; do usleep 10000; done")


def counter(vm, name):
    counters = vm.check("cat /sys/kernel/debug/xenbus/counters")
    return int(re.search(rf"^{name} (\d+)$", counters, re.M)[1])


def answered(vm, value):
    """A write may fail: it was sent before the driver knew of the new daemon."""
    domu.wait(lambda: not vm.run(f"{EXPORT}; xenstore-write /again {value}")[0],
              60)
    out = vm.check(f"{EXPORT}; xenstore-read /again")
    assert out.strip() == str(value), out


@group.test("a daemon that is started again is found")
def _(vm):
    vm.check(f"({EXPORT}; exec xenstore-watch /w >/run/watch) &")
    fires(vm, "/w", 1)
    kill(vm)
    start(vm)
    answered(vm, 1)


@group.test("a watch from before fires at once, and later")
def _(vm):
    fires(vm, "/w", 2)
    vm.check(f"{EXPORT}; xenstore-write /w/below 1")
    fires(vm, "/w/below", 1)


@group.test("the kernel's own watches fire")
def _(vm):
    vm.check("killall xenstore-watch")
    before = counter(vm, "events")
    vm.check(f"{EXPORT}; xenstore-write /local/domain/0/backend/x 1")
    domu.wait(lambda: counter(vm, "events") > before, 60)


@group.test("a request from a time without a daemon is answered by the next")
def _(vm):
    kill(vm)
    vm.check(f"({EXPORT}; xenstore-write /late 1; echo $? >/run/late) "
             ">/run/late.out 2>&1 &")
    domu.wait(lambda: " WRITE " in
              vm.check("cat /sys/kernel/debug/xenbus/requests"), 60)
    start(vm)
    # With success, or because it was sent to nobody.
    domu.wait(lambda: vm.run("cat /run/late")[1].strip() in ("0", "1"), 60)
    answered(vm, 2)


@group.test("five more, one after the other")
def _(vm):
    for n in range(5):
        kill(vm)
        start(vm)
        answered(vm, f"round{n}")


PARAMETERS = "/sys/module/xenbus/parameters"


@group.test("a request that waits for long is reported, and answered in the end")
def _(vm):
    answered(vm, "slow")
    vm.check(f"echo 2 >{PARAMETERS}/stall_seconds; "
             "kill -STOP $(cat /run/xenstored.pid); "
             f"({EXPORT}; xenstore-read /again >/run/slow) &")
    domu.wait(lambda: '"/again", waits for' in vm.check("dmesg"), 60)
    vm.check("kill -CONT $(cat /run/xenstored.pid)")
    domu.wait(lambda: vm.check("cat /run/slow").strip() == "slow", 60)
    vm.check(f"echo 20 >{PARAMETERS}/stall_seconds")


@group.test("a request fails after the timeout that root has set")
def _(vm):
    vm.check(f"echo 2 >{PARAMETERS}/request_timeout; "
             "kill -STOP $(cat /run/xenstored.pid)")
    status, out = vm.run(f"{EXPORT}; xenstore-read /again 2>&1", 120)
    assert status, out
    vm.check(f"kill -CONT $(cat /run/xenstored.pid); "
             f"echo 0 >{PARAMETERS}/request_timeout")


@group.test("root has a connection made that has been given up")
def _(vm):
    vm.check("echo 1 >/sys/kernel/debug/xenbus/reconnect")
    answered(vm, 3)


conformance.add(Group("setup", "a server with a grant of the page",
                      on=ANY, cmdline="store=none"),
                conformance.in_dom0, only=["setup"])
