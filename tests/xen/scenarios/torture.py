# SPDX-License-Identifier: GPL-2.0
"""Clients that behave badly, in dom0 and in a guest that is then saved."""

import re
import subprocess

import initramfs
from report import Group
from scenarios import domu

DEVICE = "/dev/xen/xenbus"
IN_GUEST = (
    "transaction_commits", "watch_fires", "second_end_is_refused",
    "end_of_unknown_transaction_is_refused",
    "end_of_transaction_zero_is_refused",
    "two_ends_in_flight_are_answered_once_each",
    "close_with_open_transactions",
    "killed_clients_leave_the_store_usable",
)


def cases(program):
    """The cases of a program of tests/user, in its own order."""
    paths = {path.name: path for path in initramfs.user_programs()}
    return subprocess.run([paths[program], "--list"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def say(case):
    return case.replace("_", " ")


def progress(vm):
    return int(vm.check("cat /run/bystander"))


def bystander_goes_on(vm):
    count = progress(vm)
    domu.wait(lambda: progress(vm) > count, 20)


def usage(vm):
    """What the daemon holds for dom0's kernel: watches, transactions."""
    out = vm.check("xenstore-control quota 0")
    return {name: int(value) for name, value in
            re.findall(r"(watches|transactions)\s*:\s*(\d+)", out)}


dom0 = Group("torture", "bad clients in dom0", cmdline="store=xenstored")


@dom0.step
def start_bystander(vm):
    vm.check(f"(/tests/bystander {DEVICE} /run/bystander 50 "
             ">/run/bystander.out 2>&1 &)")
    domu.wait(lambda: vm.run("test -s /run/bystander")[0] == 0, 30)
    dom0.before = usage(vm)
    assert dom0.before, "the daemon does not tell"


def add_case(group, case):
    @group.test(say(case))
    def _(vm):
        status, out = vm.run(f"/tests/test_device {DEVICE} {case}", 400)
        assert status == 0, out
        bystander_goes_on(vm)


for name in cases("test_device")[:-1]:
    add_case(dom0, name)


@dom0.test("the daemon holds no watch and no transaction of the dead")
def _(vm):
    domu.wait(lambda: usage(vm) == dom0.before, 30)


@dom0.test("a guest lives, is saved and restored in this dom0")
def _(vm):
    domu.disk(vm)
    domu.create(vm, "pv")
    domu.save_and_restore(vm, "pv")
    domu.same_disk(vm, "pv")
    domu.destroy(vm, "pv")


add_case(dom0, cases("test_device")[-1])


guest = Group("torture-guest", "bad clients in a guest, which is then saved",
              cmdline="store=xenstored")


@guest.step
def start_guest(vm):
    domu.disk(vm)
    domu.create(vm, "pv")


def in_guest(case):
    @guest.test(say(case))
    def _(vm):
        vm.guest("pv", f"/tests/test_device {DEVICE} {case}", 400)


for name in IN_GUEST:
    in_guest(name)


@guest.test("then it can be saved and restored")
def _(vm):
    domu.save_and_restore(vm, "pv")


@guest.test("it can be saved under steady traffic")
def _(vm):
    vm.guest("pv", "for n in 1 2 3 4; do /tests/bystander "
                   f"{DEVICE} /run/traffic$n 0 >/dev/null & done")
    domu.save_and_restore(vm, "pv")
    vm.guest("pv", "killall bystander")


def across(case):
    @guest.test(say(case))
    def _(vm):
        vm.guest("pv", "rm -f /run/restored; (/tests/test_suspend "
                       f"{DEVICE} {case} >/run/out 2>&1 &)")
        domu.wait(lambda: "ready" in vm.guest("pv", "cat /run/out"), 60)
        domu.save_and_restore(vm, "pv")
        vm.guest("pv", "touch /run/restored")
        domu.wait(lambda: "ok 1" in vm.guest("pv", "cat /run/out"), 60)
        text = vm.guest("pv", "cat /run/out")
        assert "not ok" not in text, text


for name in cases("test_suspend"):
    across(name)
