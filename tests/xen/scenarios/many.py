# SPDX-License-Identifier: GPL-2.0
"""A guest with many devices: each comes back, under its name, every time.

CYCLES in the environment says how often it is saved and restored on one boot.
Network devices lose their buffers in a restore, a MiB each, so a guest is good for
two of them. A PVH guest has BOOTS of a quarter of the cycles each, since the emulator
mixes it up with the hypervisor once in a thousand seconds or so.
"""

import re

import domu
from report import Group, number, rounds
from scenarios.life import PVH

CYCLES = number("CYCLES", 1, 20)
BOOTS = 4
VIFS = 16
DISKS = 8

# What a driver says of a device that it gives up, or that is not as before.
COMPLAINTS = re.compile(r"^.*(?:starting transaction|completing transaction|"
                        r"xenbus: .*(?:error|fail|lost)|-28 |State=|"
                        r"writing .*-ready|not suspended).*$", re.M | re.I)


def mac(number):
    return f"00:16:3e:00:01:{number:02x}"


def letter(number):
    return f"xvd{chr(ord('a') + number)}"


def config():
    """The devices, as words behind the name of a configuration."""
    vifs = ",".join(f"'mac={mac(n)},bridge=xenbr0'" for n in range(VIFS))
    disks = ",".join(f"'phy:/dev/loop{n},{letter(n)},w'" for n in range(DISKS))
    return f'"vif=[{vifs}]" "disk=[{disks}]" memory=256'


def in_order(vm, kind):
    """The names by address if they are given in the order of the store's list.

    That is the order in which the guest probes and connects the devices: by number
    with xenstored, by the digits as letters with oxenstored.
    """
    ids = vm.check(f"xenstore-list /local/domain/{domu.domid(vm, kind)}"
                   "/device/vif").split()
    assert len(ids) == VIFS, ids
    return {mac(int(ids[n])): f"eth{n}" for n in range(VIFS)}


def names(vm, kind):
    """The name that each interface has, by its address."""
    text = vm.guest(kind, "cd /sys/class/net; grep . eth*/address")
    return dict((address, name) for name, address in
                re.findall(r"^(eth\d+)/address:([0-9a-f:]+)", text, re.M))


def contents(vm, kind):
    """Checksums of the disks: what dom0 has, and what the guest reads."""
    text = vm.check("for n in $(seq 0 7); do sha256sum </run/disk$n; done")
    mine = re.findall(r"[0-9a-f]{64}", text)
    text = vm.guest(kind, "for d in a b c d e f g h; do "
                          "sha256sum </dev/xvd$d; done")
    return mine, re.findall(r"[0-9a-f]{64}", text)


def complaints(vm, kind):
    text = vm.check("dmesg") + vm.guest(kind, "dmesg")
    return COMPLAINTS.findall(text)


def register(kind, daemon, cycles, part="", **options):
    group = Group(f"many-{kind}-{daemon}{part}", f"a {kind} guest with {VIFS} network "
                  f"devices and {DISKS} disks", cmdline=f"store={daemon}",
                  **options)

    @group.step
    def prepare(vm):
        for number in range(DISKS):
            vm.check(f"[ -e /dev/loop{number} ] || "
                     f"mknod /dev/loop{number} b 7 {number}; "
                     f"dd if=/dev/urandom of=/run/disk{number} bs=64k count=4 "
                     f"2>&1; losetup /dev/loop{number} /run/disk{number}")

    def create(vm):
        vm.check(f"xl create /etc/xen/{kind}.cfg {config()} 2>&1", 600)
        domu.up(vm, kind)

    group.test("xl create: all are Connected")(create)

    @group.test("interfaces have their numbers, disks their content")
    def _(vm):
        assert names(vm, kind) == in_order(vm, kind), names(vm, kind)
        mine, theirs = contents(vm, kind)
        assert mine == theirs and len(mine) == DISKS

    @group.test(f"saved and restored, {cycles} times: all are as before")
    def _(vm):
        for cycle in rounds(cycles):
            if cycle and cycle % 2 == 0:
                domu.destroy(vm, kind)
                create(vm)
            expected = names(vm, kind)
            if cycle % 2 == 0:
                assert expected == in_order(vm, kind), (cycle, expected)
            domu.save_and_restore(vm, kind)
            assert names(vm, kind) == expected, (cycle, names(vm, kind))
            mine, theirs = contents(vm, kind)
            assert mine == theirs and len(mine) == DISKS, cycle

    @group.test("no driver complains")
    def _(vm):
        found = complaints(vm, kind)
        assert not found, "\n".join(found)

    @group.test("xl destroy")
    def _(vm):
        domu.destroy(vm, kind)


register("pv", "xenstored", CYCLES)
register("pv", "oxenstored", CYCLES, long=True)
for boot in range(1, BOOTS + 1):
    for server in ("xenstored", "oxenstored"):
        register("pvh", server, max(1, CYCLES // BOOTS), f"-{boot}", long=True,
                 **PVH)
