# SPDX-License-Identifier: GPL-2.0
"""A domain that serves network devices to guests, and goes down.

CYCLES in the environment says how often it goes down in each way, GUESTS how many
the larger of the two serves.
"""

import re

import domu
from report import Group, number, rounds

CYCLES = number("CYCLES", 1, 20)
GUESTS = number("GUESTS", 12, 12)


def mac(guest):
    return f"00:16:3e:00:02:{guest:02x}"


def domids(vm):
    """The number that each domain has, by its name."""
    return dict(re.findall(r"^(\S+) +(\d+) ", vm.check("xl list"), re.M))


def front(ids, guest):
    return f"/local/domain/{ids[f'fe{guest}']}/device/vif/0"


def back(ids, guest):
    return (f"/local/domain/{ids['server']}/backend/vif/"
            f"{ids[f'fe{guest}']}/0")


def serve(vm):
    vm.check("xl create /etc/xen/pv.cfg 'name=\"server\"' 'vif=[]' "
             "'disk=[]' driver_domain=1 2>&1")
    vm.check("guest server 200 true", 230)


def states(vm, paths):
    """The states below PATHS, read at once: None if one is not there."""
    nodes = " ".join(f"{path}/state" for path in paths)
    status, out = vm.run(f"xenstore-read {nodes}")
    return out.split() if status == 0 else None


def connect(vm, guests):
    """What the server's own toolstack does, then both ends are Connected."""
    ids = domids(vm)
    ends = [back(ids, guest) for guest in guests]
    domu.wait(lambda: set(states(vm, ends) or "?") <= {"2", "4"}, 300)
    vm.check("xenstore-write " + " ".join(f"{path}/hotplug-status connected"
                                          for path in ends))
    ends += [front(ids, guest) for guest in guests]
    domu.wait(lambda: set(states(vm, ends) or "?") == {"4"}, 300)


def detach(vm, guests):
    """There is nobody left to close the devices at the other end."""
    ids = domids(vm)
    for guest in guests:
        vm.check(f"xenstore-rm {front(ids, guest)} "
                 f"/libxl/{ids[f'fe{guest}']}/device/vif/0")
    for guest in guests:
        domu.wait(lambda: "eth" not in vm.guest(f"fe{guest}",
                                                "ls /sys/class/net"), 120)


def attach(vm, guests):
    for guest in guests:
        vm.check(f"xl network-attach fe{guest} mac={mac(guest)} "
                 "backend=server 2>&1")
    connect(vm, guests)


def come_back(vm, go_down, guests, cycles):
    for _ in rounds(cycles):
        go_down(vm)
        domu.gone(vm, "server")
        detach(vm, guests)
        serve(vm)
        attach(vm, guests)


def shut_down(vm):
    vm.check("xl shutdown -w server 2>&1")


def destroy(vm):
    vm.check("xl destroy server 2>&1")


def crash(vm):
    """What it prints is meant to be there, and not for the end's judgement."""
    vm.run("guest server 5 'echo c >/proc/sysrq-trigger'")
    domu.gone(vm, "server")
    vm.check("rm /var/log/xen/console/guest-server.log")


def register(name, count, cycles, **options):
    group = Group(name, f"a domain that serves {count} guests", long=True,
                  cmdline="store=xenstored", **options)
    guests = range(count)

    @group.test("all guests are connected to it")
    def _(vm):
        serve(vm)
        for guest in guests:
            vm.check(f"xl create /etc/xen/pv.cfg 'name=\"fe{guest}\"' 'disk=[]' "
                     f"'vif=[\"mac={mac(guest)},backend=server\"]' 2>&1")
        connect(vm, guests)

    for go_down, way in ((shut_down, "shutdown"), (destroy, "end by force"),
                         (crash, "crash")):
        @group.test(f"after its {way}, {cycles} times, all are connected again")
        def _(vm, go_down=go_down):
            come_back(vm, go_down, guests, cycles)


register("driver-domain", 2, CYCLES)
register("driver-domain-many", GUESTS, 1, memory=4096)
