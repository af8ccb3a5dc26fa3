# SPDX-License-Identifier: GPL-2.0
"""What /dev/xen/xenbus promises, in dom0 and in a guest that is then saved."""

import re
import time

import domu
from report import ANY, Group
from scenarios import conformance
from scenarios.conformance import DEVICE, say


def progress(vm):
    return int(vm.check("cat /run/bystander"))


def usage(vm):
    """What the daemon holds for dom0's kernel: watches, transactions."""
    out = vm.check("xenstore-control quota 0")
    return {name: int(value) for name, value in
            re.findall(r"(watches|transactions)\s*:\s*(\d+)", out)}


dom0 = Group("device", "the device's promises, and a guest in the same dom0",
             on=ANY, parallel=True, cmdline="store=xenstored")


@dom0.step
def start_bystander(vm):
    vm.check(f"(/tests/bystander {DEVICE} /run/bystander 50 "
             ">/run/bystander.out 2>&1 &)")
    domu.wait(lambda: vm.run("test -s /run/bystander")[0] == 0, 30)
    dom0.stuck = None
    dom0.before = usage(vm)
    assert dom0.before, "the daemon does not tell"


def beside_a_bystander(vm, command):
    text = conformance.in_dom0(vm, command)
    count, end = progress(vm), time.monotonic() + 20
    while not dom0.stuck and progress(vm) == count:
        if time.monotonic() > end:
            dom0.stuck = command
    return text


conformance.add(dom0, beside_a_bystander)
# xenfs has the same file.
conformance.add(dom0, beside_a_bystander, device="/proc/xen/xenbus",
                only=("test_read", "test_write"))


@dom0.test("another client got on all the while")
def _(vm):
    assert not dom0.stuck, f"not after {dom0.stuck}"


@dom0.test("the daemon holds no watch and no transaction of the dead")
def _(vm):
    domu.wait(lambda: usage(vm) == dom0.before, 30)


@dom0.test("a guest lives, is saved and restored in this dom0", saves=True)
def _(vm):
    domu.disk(vm)
    domu.create(vm, "pv")
    domu.save_and_restore(vm, "pv")
    domu.same_disk(vm, "pv")
    domu.destroy(vm, "pv")


guest = Group("device-guest", "the device's promises in a guest, then saved",
              long=True, cmdline="store=xenstored")


@guest.step
def start_guest(vm):
    domu.disk(vm)
    domu.create(vm, "pv")


conformance.add(guest, conformance.in_guest("pv"))


@guest.test("then it can be saved and restored")
def _(vm):
    domu.save_and_restore(vm, "pv")


@guest.test("it can be saved under steady traffic")
def _(vm):
    vm.guest("pv", "for n in 1 2 3 4; do /tests/bystander "
                   f"{DEVICE} /run/traffic$n 0 >/dev/null & done")
    domu.save_and_restore(vm, "pv")
    vm.guest("pv", "killall bystander")


class Across:
    """Cases of tests/user/suspend.c, all of them over one suspend."""

    def __init__(self, names, suspend):
        self.names = names
        self.suspend = suspend
        self.done = False
        for case in names:
            guest.test(f"suspend: {say(case)}")(self.check(case))

    def run(self, vm):
        self.done = True
        vm.guest("pv", "rm -f /run/resumed /run/suspend-*")
        for case in self.names:
            vm.guest("pv", f"(/tests/suspend {DEVICE} {case} "
                           f">/run/suspend-{case} 2>&1 &)")
        domu.wait(lambda: int(vm.guest(
            "pv", "cat /run/suspend-* | grep -c ready || true")) ==
            len(self.names), 60)
        self.suspend(vm)
        vm.guest("pv", "touch /run/resumed")

    def check(self, case):
        def function(vm):
            if not self.done:
                self.run(vm)
            read = f"cat /run/suspend-{case}"
            domu.wait(lambda: "ok 1" in vm.guest("pv", read), 60)
            text = vm.guest("pv", read)
            assert "not ok" not in text, text
        return function


def cancel(vm):
    domu.save(vm, "pv", "-c")
    vm.run("rm -f /run/save")
    domu.up(vm, "pv")


ACROSS = conformance.cases("suspend")
Across([case for case in ACROSS if not case.endswith("cancelled")],
       lambda vm: domu.save_and_restore(vm, "pv"))
# Late, since xl stops watching over a guest it has seen suspended.
Across([case for case in ACROSS if case.endswith("cancelled")], cancel)
