# SPDX-License-Identifier: GPL-2.0
"""A domain that serves network devices to guests, and goes down.

GUESTS in the environment says how many it serves, CYCLES how often it goes down
in each way.
"""

import domu
from report import Group, number

GUESTS = number("GUESTS", 2, 12)
CYCLES = number("CYCLES", 1, 20)

group = Group("driver-domain", f"a domain that serves {GUESTS} guests",
              long=True, cmdline="store=xenstored", memory=4096)


def mac(guest):
    return f"00:16:3e:00:02:{guest:02x}"


def front(vm, guest):
    return f"/local/domain/{domu.domid(vm, f'fe{guest}')}/device/vif/0"


def back(vm, guest):
    server = domu.domid(vm, "server")
    client = domu.domid(vm, f"fe{guest}")
    return f"/local/domain/{server}/backend/vif/{client}/0"


def state(vm, path):
    status, out = vm.run(f"xenstore-read {path}/state")
    return out.strip() if status == 0 else None


def serve(vm):
    vm.check("xl create /etc/xen/pv.cfg 'name=\"server\"' 'vif=[]' "
             "'disk=[]' driver_domain=1 2>&1")
    vm.check("guest server 200 true", 230)


def connect(vm, guest):
    """What the server's own toolstack does, then both ends are Connected."""
    path = back(vm, guest)
    domu.wait(lambda: state(vm, path) in ("2", "4"), 120)
    vm.check(f"xenstore-write {path}/hotplug-status connected")
    domu.wait(lambda: state(vm, path) == "4" and
              state(vm, front(vm, guest)) == "4", 240)


def detach(vm, guest):
    """There is nobody left to close the device at the other end."""
    path = front(vm, guest)
    vm.check(f"xenstore-rm {path}; "
             f"xenstore-rm /libxl/{domu.domid(vm, f'fe{guest}')}/device/vif/0")
    domu.wait(lambda: "eth" not in vm.guest(f"fe{guest}",
                                            "ls /sys/class/net"), 120)


def attach(vm, guest):
    vm.check(f"xl network-attach fe{guest} mac={mac(guest)} backend=server "
             "2>&1")
    connect(vm, guest)


def come_back(vm, go_down):
    for _ in range(CYCLES):
        go_down(vm)
        domu.gone(vm, "server")
        for guest in range(GUESTS):
            detach(vm, guest)
        serve(vm)
        for guest in range(GUESTS):
            attach(vm, guest)


@group.test("all guests are connected to it")
def _(vm):
    serve(vm)
    for guest in range(GUESTS):
        vm.check(f"xl create /etc/xen/pv.cfg 'name=\"fe{guest}\"' 'disk=[]' "
                 f"'vif=[\"mac={mac(guest)},backend=server\"]' 2>&1")
        connect(vm, guest)


@group.test("after its shutdown, all are connected again")
def _(vm):
    come_back(vm, lambda vm: vm.check("xl shutdown -w server 2>&1"))


@group.test("after its end by force, all are connected again")
def _(vm):
    come_back(vm, lambda vm: vm.check("xl destroy server 2>&1"))


def crash(vm):
    """What it prints is meant to be there, and not for the end's judgement."""
    vm.run("guest server 5 'echo c >/proc/sysrq-trigger'")
    domu.gone(vm, "server")
    vm.check("rm /var/log/xen/console/guest-server.log")


@group.test("after its crash, all are connected again")
def _(vm):
    come_back(vm, crash)
