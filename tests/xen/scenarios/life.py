# SPDX-License-Identifier: GPL-2.0
"""The life of a guest with a disk, a network device and a console."""

import re

import arch
import domu
from report import Group

# With its processors in one thread the emulator gives such a guest faults where there
# can be none; without, it mixes it up with the hypervisor, but seldom.
PVH = {"cpu": "qemu64,+svm,+npt", "parallel": True, "repeats": 2}


def register(kind, life="", words="", **options):
    """WORDS on dom0's command line make the LIFE of the guest another one."""
    group = Group(kind, f"a {kind} guest's life{life}",
                  cmdline=f"store=xenstored {words}", **options)

    @group.step
    def prepare(vm):
        domu.disk(vm)

    if words:
        @group.test("the parameters of dom0's driver hold")
        def _(vm):
            for word in words.split():
                name, value = word.removeprefix("xenbus.").split("=")
                out = vm.check(f"cat /sys/module/xenbus/parameters/{name}")
                # A bool that is 0 reads as N.
                assert out.strip() in (value, "NY"[value == "1"]), out

    @group.test("xl create: disk and network are Connected")
    def _(vm):
        domu.create(vm, kind)

    @group.test("the console goes both ways")
    def _(vm):
        assert "answer 42" in vm.guest(kind, "echo answer $((6 * 7))")

    @group.test("the guest reads the disk's content")
    def _(vm):
        domu.same_disk(vm, kind)

    @group.test("dom0 finds what the guest wrote to the disk")
    def _(vm):
        domu.write_disk(vm, kind)

    @group.test("ping both ways")
    def _(vm):
        domu.ping(vm, kind)

    @group.test("the guest reads the store through its device")
    def _(vm):
        assert kind in vm.guest(kind, "xenstore-read name").split()

    @group.test("xl save and xl restore: the guest goes on", saves=True)
    def _(vm):
        domu.save_and_restore(vm, kind)

    if kind != "pv":        # Debian's Xen has no shadow page tables
        @group.test("xl migrate to the same host", saves=True)
        def _(vm):
            domu.migrate(vm, kind)

    @group.test("the disk works after the restore", saves=True)
    def _(vm):
        domu.same_disk(vm, kind)
        domu.write_disk(vm, kind)

    @group.test("ping both ways after the restore", saves=True)
    def _(vm):
        domu.ping(vm, kind)

    @group.test("block-detach and block-attach")
    def _(vm):
        vm.check(f"xl block-detach {kind} xvda 2>&1")
        domu.wait(lambda: "xvda" not in vm.guest(kind, "ls /dev"))
        vm.check(f"xl block-attach {kind} phy:/dev/loop0 xvda w 2>&1")
        domu.up(vm, kind)
        domu.same_disk(vm, kind)

    @group.test("network-detach and network-attach")
    def _(vm):
        vm.check(f"xl network-detach {kind} 0 2>&1")
        domu.wait(lambda: "eth" not in vm.guest(kind, "ls /sys/class/net"))
        vm.check(f"xl network-attach {kind} mac=00:16:3e:00:00:02 "
                 "bridge=xenbr0 2>&1")
        domu.up(vm, kind)
        vm.guest(kind, "net-up 10.0.0.2")
        domu.ping(vm, kind)

    @group.test("xl reboot")
    def _(vm):
        before, boot = domu.domid(vm, kind), domu.signs_of_life(vm, kind)[0]
        vm.check(f"xl reboot {kind} 2>&1")
        domu.wait(lambda: domu.domid(vm, kind) not in (None, before))
        domu.up(vm, kind)
        assert domu.signs_of_life(vm, kind)[0] != boot, "it never went down"

    @group.test("xl shutdown")
    def _(vm):
        vm.check(f"xl shutdown -w {kind} 2>&1")
        domu.gone(vm, kind)

    @group.test("xl save -c: the guest goes on after a cancelled suspend",
                saves=True)
    def _(vm):
        # xl stops watching over a guest it has seen suspended: late, then.
        domu.create(vm, kind)
        boot, count = domu.signs_of_life(vm, kind)
        domu.save(vm, kind, "-c")
        vm.run("rm -f /run/save")
        domu.up(vm, kind)
        boot_now, count_now = domu.signs_of_life(vm, kind)
        assert boot_now == boot and count_now >= count
        domu.same_disk(vm, kind)
        domu.ping(vm, kind)

    @group.test("xl destroy")
    def _(vm):
        if not arch.NATIVE:     # no test has saved one
            domu.create(vm, kind)
        domu.destroy(vm, kind)

    @group.test("nothing is left in the store")
    def _(vm):
        listing = vm.check("xenstore-ls -f /")
        left = re.findall(r"^(?:/local/domain/[1-9]|/vm/|/libxl/|"
                          r"/local/domain/0/backend/\w+/).*", listing, re.M)
        assert not left, "\n".join(left)


if arch.NATIVE:
    register("pv")
    register("pvh", ", callbacks and writes of dom0 one by one",
             "xenbus.parallel=0 xenbus.write_behind=0 xenbus.poll_us=200",
             **PVH)
else:
    # Its guests are of one type, which is called as the nearest one.
    register("pvh", on=("arm64",))
