# SPDX-License-Identifier: GPL-2.0
"""A guest that Xen starts beside dom0, and that gets its XenStore page late.

Xen makes an event channel for it and says that there is no page yet. When a daemon
runs in dom0, init-dom0less makes the page and introduces the guest, which has been
waiting. SECONDS_ALONE in the environment says for how long at least.

It has no PV console. Before the store is there, it acts by itself and tells of it on
Xen's console; afterwards commands go there and back through the store.
"""

import re

import domu
import initramfs
from report import Group, number

SECONDS_ALONE = number("SECONDS_ALONE", 15, 360)
CROWD = 60
HELD = CROWD + 6
GUEST = initramfs.GUEST
HOME = "/local/domain/1"
NAME = "dom0less-1"
# What the driver says of a store that it cannot reach, at any level.
COMPLAINT = re.compile(r"xen(bus|store|watch).*(fail|error|warn|cannot|unable|"
                       r"no connection|out of reach|timeout)", re.I)


def lines(vm):
    """What the guest has printed. Xen marks each line."""
    return re.findall(r"\(XEN\) DOM1: (.*)", vm.console_text())


def says(vm, words, seconds=600):
    """Wait until a line of the guest's init is WORDS, a pattern."""
    pattern = re.compile(f"guest: {words}")
    return domu.wait(lambda: next(filter(None, map(pattern.match, lines(vm))),
                                  None), seconds)


def guest(vm, command, seconds=120):
    """Run COMMAND in the guest; return status and output."""
    vm.guest_id = getattr(vm, "guest_id", 0) + 1
    quoted = f"{vm.guest_id} {command}".replace("'", "'\\''")
    vm.check(f"xenstore-write -R {HOME}/data/command '{quoted}'")

    def result():
        status, out = vm.run(f"xenstore-read -R {HOME}/data/result")
        head, _, text = out.partition("\n")
        number, _, code = head.partition(" ")
        return status == 0 and number == str(vm.guest_id) and (int(code), text)
    return domu.wait(result, seconds, 0.3)


def in_guest(vm, command):
    """Run COMMAND in the guest, which must succeed; return its output."""
    status, out = guest(vm, command)
    assert status == 0, f"{command}: status {status}\n{out}"
    return out


def early(vm, name):
    """What an early client of the guest has printed, and its status."""
    return in_guest(vm, f"cat /run/early/{name}").split()


def uncomplaining(vm):
    found = [line for line in lines(vm) if COMPLAINT.search(line)]
    assert not found, "\n".join(found)


def before_the_store(group):
    @group.test("the guest boots, and finds its channel but no page")
    def _(vm):
        says(vm, "up")
        text = "\n".join(lines(vm))
        assert re.search(r"xenbus: .*event channel [1-9]", text), text

    @group.test(f"the device takes the requests of {HELD} clients")
    def _(vm):
        says(vm, f"{HELD} requests are held")

    @group.test("a client that waits can be killed, and its request goes")
    def _(vm):
        assert says(vm, r"a client was killed: status (\d+)")[1] == "137"
        says(vm, "its request is gone")

    @group.test(f"the guest waits for {SECONDS_ALONE} s without a complaint")
    def _(vm):
        says(vm, f"waits, {HELD} requests are held", SECONDS_ALONE + 600)
        uncomplaining(vm)


def connect(group, daemon):
    @group.step
    def start_store(vm):
        vm.check(f"store-start {daemon} 2>&1")

    @group.test("init-dom0less introduces the guest")
    def _(vm):
        status, out = vm.run(f"xenstore-ls {HOME}")
        assert status, f"it is there already\n{out}"
        vm.check("init-dom0less 2>&1")
        assert vm.check(f"xenstore-read {HOME}/name").strip() == NAME
        assert re.search(rf"^{NAME} +1 ", vm.check("xl list"), re.M)


def afterwards(group):
    @group.test("the guest connects by itself")
    def _(vm):
        assert in_guest(vm, "echo answer $((6 * 7))") == "answer 42"
        counters = in_guest(vm, "cat /sys/kernel/debug/xenbus/counters")
        assert re.search(r"^connected +1$", counters, re.M), counters
        assert re.search(r"^strays +0$", counters, re.M), counters

    @group.test("a read from before the store gets the value")
    def _(vm):
        domu.wait(lambda: "status" in early(vm, "read"), 60)
        assert early(vm, "read") == [NAME, "status", "0"]

    @group.test("a write from before the store is done")
    def _(vm):
        domu.wait(lambda: "status" in early(vm, "write"), 60)
        assert early(vm, "write") == ["status", "0"]
        assert vm.check(f"xenstore-read {HOME}/data/early") == "here"

    @group.test("a transaction from before the store is committed")
    def _(vm):
        domu.wait(lambda: "status" in early(vm, "transaction"), 60)
        assert early(vm, "transaction") == ["status", "0"]
        assert vm.check(f"xenstore-read {HOME}/data/first {HOME}/data/second"
                        ).split() == ["one", "two"]

    @group.test("a client without block is told of its reply by poll")
    def _(vm):
        domu.wait(lambda: "status" in early(vm, "nonblock"), 60)
        words = early(vm, "nonblock")
        assert words[-2:] == ["status", "0"] and "not" not in words[:-2], words

    @group.test(f"each of {CROWD} reads from before the store gets the value")
    def _(vm):
        domu.wait(lambda: in_guest(vm, "grep -l status /run/early/crowd-* | "
                                       "wc -l").strip() == str(CROWD), 120)
        out = in_guest(vm, "sort /run/early/crowd-* | uniq -c")
        assert out.split() == [str(CROWD), NAME, str(CROWD), "status", "0"], \
            out

    @group.test("no request is left")
    def _(vm):
        # The agent has none while it runs this.
        out = in_guest(vm, "cat /sys/kernel/debug/xenbus/requests")
        assert len(out.splitlines()) == 1, out

    @group.test("a watch from before the store fires on what dom0 writes")
    def _(vm):
        fired = len(early(vm, "watch"))
        assert fired == 1, "it has to fire once when it is set"
        vm.check(f"xenstore-write {HOME}/data/watched one")
        domu.wait(lambda: len(early(vm, "watch")) == 2, 60)
        assert set(early(vm, "watch")) == {"data/watched"}

    @group.test("the guest reads and writes its nodes, dom0 sees them")
    def _(vm):
        in_guest(vm, "xenstore-write data/a one data/b two")
        assert vm.check(f"xenstore-read {HOME}/data/a {HOME}/data/b"
                        ).split() == ["one", "two"]
        vm.check(f"xenstore-write {HOME}/data/a three")
        assert in_guest(vm, "xenstore-read data/a") == "three"
        in_guest(vm, "xenstore-rm data/a data/b")
        assert vm.run(f"xenstore-exists {HOME}/data/a")[0]

    @group.test("what is not the guest's is refused")
    def _(vm):
        status, out = guest(vm, "xenstore-write /local/domain/0/name mine")
        assert status and "could not write" in out, out
        assert vm.check("xenstore-read /local/domain/0/name") == "Domain-0"


def devices(group):
    @group.test("a disk that dom0 attaches is Connected and carries data")
    def _(vm):
        domu.disk(vm)
        vm.check(f"xl block-attach {NAME} phy:/dev/loop0 xvda w 2>&1")
        domu.wait(lambda: guest(vm, "test -b /dev/xvda")[0] == 0)
        mine = vm.check("sha256sum </run/disk").split()[0]
        assert mine in in_guest(vm, "sha256sum </dev/xvda")

    @group.test("a network device likewise: ping both ways")
    def _(vm):
        vm.check(f"xl network-attach {NAME} mac=00:16:3e:00:00:02 "
                 "bridge=xenbr0 2>&1")
        in_guest(vm, "net-up 10.0.0.2")
        vm.check("ping -c 2 -W 30 10.0.0.2")
        in_guest(vm, "ping -c 2 -W 30 10.0.0.1")

    @group.test("both are detached")
    def _(vm):
        vm.check(f"xl block-detach {NAME} xvda 2>&1")
        vm.check(f"xl network-detach {NAME} 0 2>&1")
        domu.wait(lambda: guest(
            vm, "test ! -e /dev/xvda -a ! -e /sys/class/net/eth0")[0] == 0)


def end(group):
    @group.test("nothing was complained of in the end")
    def _(vm):
        uncomplaining(vm)

    @group.test("the guest shuts down when the store says so")
    def _(vm):
        vm.check(f"xl shutdown {NAME} 2>&1")
        domu.wait(lambda: re.search(rf"^{NAME} .* -*s-* ", vm.check("xl list"),
                                    re.M))
        domu.destroy(vm, NAME)


def register(daemon):
    group = Group(f"dom0less-{daemon}",
                  f"Xen starts a guest, {daemon} and its page come late",
                  on=("arm64",), cmdline="store=none",
                  guest=lambda: initramfs.guest_archive(
                      initramfs.packages(), {GUEST / "init-late": "init"}),
                  guest_words=f"seconds={SECONDS_ALONE} crowd={CROWD}")
    before_the_store(group)
    connect(group, daemon)
    afterwards(group)
    devices(group)
    end(group)


register("xenstored")
register("oxenstored")
