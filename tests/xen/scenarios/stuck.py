# SPDX-License-Identifier: GPL-2.0
"""A guest whose backend's callback does not return, and its neighbours.

GUESTS in the environment says how many of these come and go meanwhile.
"""

import pathlib

import domu
import kernel
from report import Group, number, rounds

GUESTS = number("GUESTS", 1, 10)
STUCK = "/sys/module/xenbus_stuck/parameters"
SOURCE = pathlib.Path(__file__).resolve().parents[1] / "module"


def module(bzimage):
    built = kernel.module(bzimage, SOURCE, "xen/module")
    return {built: f"tests/{built.name}"}


group = Group("stuck", "a guest with a callback that is stuck in dom0",
              files=module, cmdline="store=xenstored")


def neighbour(vm, number):
    """A guest comes up with disk and network, and is shut down."""
    name = f"other{number}"
    vm.check(f"xl create /etc/xen/pv.cfg 'name=\"{name}\"' "
             "'disk=[\"phy:/dev/loop1,xvda,w\"]' "
             "'vif=[\"mac=00:16:3e:00:00:03,bridge=xenbr0\"]' "
             "'extra=\"console=hvc0 loglevel=5 addr=10.0.0.3\"' 2>&1")
    domu.up(vm, name)
    vm.check("ping -c 1 -W 30 10.0.0.3")
    vm.check(f"xl shutdown -w {name} 2>&1")
    domu.gone(vm, name)


def backend(vm):
    return f"/local/domain/0/backend/stuck/{domu.domid(vm, 'pv')}/0"


def add_device(vm):
    """What a toolstack writes for a new device, the frontend's end first."""
    domid = domu.domid(vm, "pv")
    front = f"/local/domain/{domid}/device/stuck/0"
    back = backend(vm)
    for path, value in ((f"{front}/backend", back),
                        (f"{front}/backend-id", 0), (f"{front}/state", 1),
                        (f"{back}/frontend", front),
                        (f"{back}/frontend-id", domid),
                        (f"{back}/online", 1), (f"{back}/state", 1)):
        vm.check(f"xenstore-write {path} {value}")
    domu.wait(lambda: vm.check(f"xenstore-read {back}/state") == "2")
    vm.check(f"xenstore-write {front}/state 4")


@group.step
def prepare(vm):
    domu.disk(vm)
    vm.check("dd if=/dev/urandom of=/run/disk1 bs=1M count=1 2>&1; "
             "losetup /dev/loop1 /run/disk1")
    vm.check("insmod /tests/xenbus_stuck.ko")
    domu.create(vm, "pv")


def neighbours(vm):
    for number in rounds(GUESTS):
        neighbour(vm, number)


@group.test(f"{GUESTS} other guests come up and are shut down before, "
            "to compare the time")
def _(vm):
    neighbours(vm)


@group.test("a callback of its backend is stuck")
def _(vm):
    vm.check(f"echo 1 >{STUCK}/hold")
    add_device(vm)
    domu.wait(lambda: vm.check(f"cat {STUCK}/stuck") == "1")


@group.test(f"{GUESTS} other guests come up and are shut down meanwhile")
def _(vm):
    neighbours(vm)
    assert vm.check(f"cat {STUCK}/stuck") == "1", "it is not stuck any more"


@group.test("the guest goes on when the callback has returned")
def _(vm):
    vm.check(f"echo 0 >{STUCK}/hold")
    domu.wait(lambda: vm.check(f"xenstore-read {backend(vm)}/state") == "4")
    domu.ping(vm, "pv")
    domu.same_disk(vm, "pv")
    domu.destroy(vm, "pv")
