# SPDX-License-Identifier: GPL-2.0
"""What a guest on a driver takes to resume, and to connect a network device."""

import re

import domu
import initramfs
from machine import Machine

WATCHES = 1000
QUEUES = 4
CMDLINE = (f"store=%s watches={2 * WATCHES} "
           f"xen_netback.max_queues={QUEUES} norandmaps")
MODULE = "/sys/module/xenbus_bench/parameters"

# How often those threads have gone to sleep that set up a device: the common
# one for events, and those that work on queues.
SLEEPS = ("cat /proc/[0-9]*/status | awk '/^Name:/ {name = $2} "
          "/^voluntary_ctxt_switches:/ && name ~ /^(xenwatch|kworker)/ {n += $2} "
          "END {print n}'")


def number(text):
    return int(re.findall(r"\d+", text)[-1])


def resume(vm):
    """µs from the first to the last watch that is set again.

    The guest goes on when dom0 has set up everything for it: otherwise what
    the tools do at the same time is measured, too.
    """
    vm.guest("pv", f"insmod /bench/xenbus_bench.ko && "
                   f"echo {WATCHES} >{MODULE}/watches", 600)
    domu.save(vm, "pv")
    domu.gone(vm, "pv")
    domu.restore(vm, "pv", paused=True)
    return number(vm.guest("pv", f"cat {MODULE}/watches")) / 1e3


def connect(vm):
    """µs from the backend's InitWait to Connected, and how often the guest waited."""
    vm.check("xl network-detach pv 0 2>&1")
    domu.wait(lambda: "eth" not in vm.guest("pv", "ls /sys/class/net"))
    domid = domu.domid(vm, "pv")
    vm.check(f"(xswait /local/domain/0/backend/vif/{domid}/0/state 2 "
             f"/local/domain/{domid}/device/vif/0/state 4 "
             ">/run/xswait 2>&1 &)")
    before = number(vm.guest("pv", SLEEPS))
    vm.check("xl network-attach pv mac=00:16:3e:00:00:02 bridge=xenbr0 2>&1")
    domu.up(vm, "pv")
    sleeps = number(vm.guest("pv", SLEEPS)) - before
    queues = vm.check(f"xenstore-ls /local/domain/{domid}/device/vif/0")
    assert f"queue-{QUEUES - 1}" in queues, queues
    return number(vm.check("cat /run/xswait")) / 1e3, sleeps


def measure(what, daemon, options):
    """Boot dom0 and a guest on WHAT; return what was measured by name."""
    with Machine(f"bench-guest-{what.name}", what.bzimage, what.archive,
                 initramfs.packages(), CMDLINE % daemon, **options) as vm:
        vm.boot(3600)
        domu.disk(vm)
        vm.check("sed -i 's/^extra = \"/&xen_netfront.max_queues="
                 f"{QUEUES} /' /etc/xen/pv.cfg")
        domu.create(vm, "pv")
        connected, sleeps = connect(vm)
        found = {"guest-connect": {"us": connected, "sleeps": sleeps},
                 "guest-resume-1000": {"us": resume(vm)}}
        domu.destroy(vm, "pv")
        vm.power_off()
    return found
