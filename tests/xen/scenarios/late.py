# SPDX-License-Identifier: GPL-2.0
"""dom0 whose XenStore daemon comes late, or never.

SECONDS_ALONE in the environment says how long it is without one; a third of that
is the limit of the kernel's detector of hung tasks.
"""

import time

import domu
from report import ANY, Group, number

SECONDS_ALONE = number("SECONDS_ALONE", 15, 360)


def nothing_spins(vm, seconds=15):
    """The driver's threads use no processor time while nothing happens."""
    def ticks():
        return int(vm.check(
            "total=0; for pid in $(ps -o pid,comm | awk "
            "'$2 ~ /^(xenbus|xenwatch|xs_)/ { print $1 }'); do "
            "set -- $(sed 's/.*) //' /proc/$pid/stat); "
            "total=$((total + ${12} + ${13})); done; echo $total"))
    before = ticks()
    time.sleep(seconds)
    used = ticks() - before
    assert used <= 5, f"{used} ticks of 10 ms in {seconds} s"


def uptime(vm):
    return float(vm.check("cat /proc/uptime").split()[0])


def queue_request(vm):
    vm.check("(/tests/early /dev/xen/xenbus >/run/early 2>&1 &)")
    domu.wait(lambda: "request queued" in vm.check("cat /run/early"), 60)


def device_opens(vm):
    vm.check("exec 3<>/dev/xen/xenbus")


never = Group("no-store", "dom0 without any XenStore daemon",
              on=ANY, cmdline="store=none")


@never.step
def set_the_limit(vm):
    vm.check(f"echo {SECONDS_ALONE // 3} "
             ">/proc/sys/kernel/hung_task_timeout_secs")


never.test("the device opens")(device_opens)
never.test("a request is queued, a read without block says EAGAIN")(
    queue_request)
never.test("nothing spins")(nothing_spins)


@never.test(f"no task is taken for hung in {SECONDS_ALONE} s")
def _(vm):
    # Twice the limit, and the time between two looks of the detector.
    end = uptime(vm) + SECONDS_ALONE
    domu.wait(lambda: uptime(vm) > end, SECONDS_ALONE + 120)
    text = vm.check("dmesg")
    assert "blocked for more than" not in text, text


late = Group("late-store", "xenstored starts 60 s after boot",
             on=ANY, cmdline="store=none")
late.test("a request is queued, a read without block says EAGAIN")(
    queue_request)


@late.step
def start_late(vm):
    domu.wait(lambda: uptime(vm) > 60)
    vm.check("store-start xenstored 2>&1")


@late.test("the queued request gets its reply")
def _(vm):
    domu.wait(lambda: "ok 1" in vm.check("cat /run/early"), 60)
    text = vm.check("cat /run/early")
    assert "not ok" not in text, text


@late.test("the device serves clients")
def _(vm):
    vm.check("XENSTORED_PATH=/dev/xen/xenbus xenstore-ls / >/dev/null")


@late.test("a guest's disk and network are Connected")
def _(vm):
    domu.disk(vm)
    domu.create(vm, "pv")
    domu.same_disk(vm, "pv")
    domu.ping(vm, "pv")
    domu.destroy(vm, "pv")
