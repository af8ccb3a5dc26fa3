# SPDX-License-Identifier: GPL-2.0
"""Guests that come and go leave no trace in dom0."""

import re

import domu
from report import Group, number

CYCLES = number("CYCLES", 5, 20)

cycles = Group("cycles", f"{CYCLES} guests come and go",
               cmdline="store=xenstored kmemleak=on")


def store(vm):
    return vm.check("xenstore-ls -f / | sort")


def grants(vm):
    """Grant entries in use in the whole machine, as Xen counts them."""
    vm.check("xl dmesg -c >/dev/null; xl debug-keys g; sleep 1")
    text = vm.check("xl dmesg")
    assert "gnttab_usage_print_all ]" in text, text
    return sum(map(int, re.findall(r"(\d+) active", text))) + \
        len(re.findall(r"^\(XEN\) \[0x[0-9a-f]+\]", text, re.M))


def domains(vm):
    """Every domain Xen knows, dying ones too."""
    vm.check("xl dmesg -c >/dev/null; xl debug-keys q; sleep 1")
    return sorted(set(re.findall(r"General information for domain (\d+)",
                                 vm.check("xl dmesg"))))


def scan(vm):
    """Let kmemleak look twice: what is in flight is no leak."""
    vm.check("for n in 1 2; do echo scan >/sys/kernel/debug/kmemleak; "
             "sleep 6; done", 600)


@cycles.step
def first_guest(vm):
    """The first one leaves directories behind that stay for ever."""
    domu.disk(vm)
    domu.create(vm, "pv")
    domu.destroy(vm, "pv")
    scan(vm)
    vm.check("echo clear >/sys/kernel/debug/kmemleak")
    cycles.before = store(vm), grants(vm), domains(vm)


@cycles.test("each is created, Connected and destroyed")
def _(vm):
    for number in range(CYCLES):
        vm.check("xl create /etc/xen/pv.cfg 2>&1")
        if number % 2:          # the others die while they come up
            domu.up(vm, "pv")
        domu.destroy(vm, "pv")


@cycles.test("the store is as before")
def _(vm):
    domu.wait(lambda: store(vm) == cycles.before[0], 30)


@cycles.test("as many grants are in use as before")
def _(vm):
    assert grants(vm) == cycles.before[1]


@cycles.test("Xen keeps no dead domain")
def _(vm):
    assert domains(vm) == cycles.before[2] == ["0"], domains(vm)


@cycles.test("kmemleak finds nothing")
def _(vm):
    scan(vm)
    found = vm.check("cat /sys/kernel/debug/kmemleak")
    assert not found, found
