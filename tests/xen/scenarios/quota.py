# SPDX-License-Identifier: GPL-2.0
"""A guest that uses up what the server allows it: transactions, nodes."""

import domu
from report import Group, number
from scenarios import conformance

CLIENTS = number("CLIENTS", 100, 200)
ROUNDS = number("ROUNDS", 10, 50)

# Nodes, until the server refuses one more.
FILL = f"/tests/fill {conformance.DEVICE}"


def register(daemon, **options):
    group = Group(f"quota-{daemon}", "a guest at its quotas",
                  parallel=True, cmdline=f"store={daemon}", **options)

    @group.step
    def prepare(vm):
        domu.disk(vm)
        domu.create(vm, "pv")

    @group.test(f"{CLIENTS} processes transact while a device connects")
    def _(vm):
        vm.guest("pv", f"(CLIENTS={CLIENTS} ROUNDS={ROUNDS} "
                       f"/tests/load_start {conformance.DEVICE} "
                       ">/run/start 2>&1; touch /run/started) &")
        for _ in range(2):
            vm.check("xl network-detach pv 0 2>&1")
            domu.wait(lambda: "eth" not in vm.guest("pv",
                                                    "ls /sys/class/net"))
            vm.check("xl network-attach pv mac=00:16:3e:00:00:02 "
                     "bridge=xenbr0 2>&1")
            domu.up(vm, "pv")
        domu.wait(lambda: "started" in vm.guest("pv", "ls /run"), 900)
        text = vm.guest("pv", "cat /run/start")
        results = list(conformance.results(text).values())
        assert results == [None], text
        vm.guest("pv", "net-up 10.0.0.2")
        domu.ping(vm, "pv")

    @group.test("at its quota of nodes, a disk can be unplugged")
    def _(vm):
        vm.guest("pv", FILL, 600)
        vm.check("xl block-detach pv xvda 2>&1")
        domu.wait(lambda: "xvda" not in vm.guest("pv", "ls /dev"))

    @group.test("at its quota of nodes, it can be rebooted")
    def _(vm):
        before, boot = domu.domid(vm, "pv"), domu.signs_of_life(vm, "pv")[0]
        vm.check("xl reboot pv 2>&1")
        domu.wait(lambda: domu.domid(vm, "pv") not in (None, before))
        domu.up(vm, "pv", "vif")
        assert domu.signs_of_life(vm, "pv")[0] != boot, "it never went down"

    @group.test("at its quota of nodes, it can be shut down")
    def _(vm):
        vm.guest("pv", FILL, 600)
        vm.check("xl shutdown -w pv 2>&1")
        domu.gone(vm, "pv")


register("xenstored")
register("oxenstored", long=True)
