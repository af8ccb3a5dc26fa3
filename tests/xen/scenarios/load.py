# SPDX-License-Identifier: GPL-2.0
"""Many requests, floods, and clients that are killed, by tests/user/load_*.

KILLS in the environment says how many are killed: 10000 take some minutes.
"""

import re

import domu
from report import ANY, Group, number
from scenarios import conformance

KILLS = number("KILLS", 1000, 10000)

group = Group("load", "load in dom0; a guest is saved after many kills in it",
              on=ANY, parallel=True, cmdline="store=xenstored")


def in_dom0(vm, command):
    text = conformance.in_dom0(vm, command)
    for line in re.findall(r"^# .*", text, re.M):
        print(line, flush=True)
    return text


for name in sorted(conformance.PROGRAMS):
    if name.startswith("load_") and name != "load_kill":
        conformance.Program(group, name, conformance.cases(name), in_dom0)


def usage(vm):
    """What the daemon holds for the guest: watches, transactions."""
    domid = vm.check("xl domid pv")
    out = vm.check(f"xenstore-control quota {domid}")
    return {name: int(value) for name, value in
            re.findall(r"(watches|transactions)\s*:\s*(\d+)", out)}


@group.test(f"{KILLS} clients of a guest are killed in every state")
def _(vm):
    domu.disk(vm)
    domu.create(vm, "pv")
    group.before = usage(vm)
    assert group.before, "the daemon does not tell"
    text = conformance.in_guest("pv")(
        vm, f"KILLS={KILLS} /tests/load_kill {conformance.DEVICE}")
    error = list(conformance.results(text).values())
    assert error == [None], text


@group.test("the daemon holds no watch and no transaction of theirs")
def _(vm):
    domu.wait(lambda: usage(vm) == group.before, 60)


@group.test("the guest can be saved and restored after that", saves=True)
def _(vm):
    domu.save_and_restore(vm, "pv")
    domu.same_disk(vm, "pv")
    domu.destroy(vm, "pv")
