# SPDX-License-Identifier: GPL-2.0
"""The life of a guest with a disk, a network device and a console."""

import re
import time

from report import Group

DISK_MIB = 8
PVH_CPU = "qemu64,+svm,+npt"


def disk(vm):
    """A disk with known content behind /dev/loop0."""
    vm.check(f"dd if=/dev/urandom of=/run/disk bs=1M count={DISK_MIB} "
             "2>&1 && losetup /dev/loop0 /run/disk")


def wait(what, seconds=240, pause=1):
    """Call WHAT until it returns something true."""
    end = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(pause)
    return result


def domid(vm, name):
    status, out = vm.run(f"xl domid {name}")
    return int(out) if status == 0 else None


def gone(vm, name):
    wait(lambda: domid(vm, name) is None)


def up(vm, name, devices="vif vbd"):
    """Each device of DEVICES is Connected, and the guest answers."""
    vm.check(f"guest-up {name} '{devices}' 400", 600)


def create(vm, name):
    vm.check(f"xl create /etc/xen/{name}.cfg 2>&1")
    up(vm, name)


def destroy(vm, name):
    vm.check(f"xl destroy {name} 2>&1")
    gone(vm, name)


def same_disk(vm, name):
    mine = vm.check("sha256sum </run/disk").split()[0]
    assert mine in vm.guest(name, "sha256sum </dev/xvda"), \
        "the guest reads something else"


def write_disk(vm, name):
    """What the guest writes is what stands in the file afterwards."""
    theirs = vm.guest(name, "dd if=/dev/urandom of=/run/block bs=64k count=4 "
                            "2>/dev/null; dd if=/run/block of=/dev/xvda "
                            "bs=64k seek=16 conv=fsync 2>/dev/null; "
                            "sha256sum </run/block")
    mine = vm.check("sync; dd if=/run/disk bs=64k skip=16 count=4 "
                    "2>/dev/null | sha256sum")
    assert mine.split()[0] in theirs, "dom0 finds something else"


def ping(vm, name):
    vm.check("ping -c 2 -W 30 10.0.0.2")
    vm.guest(name, "ping -c 2 -W 30 10.0.0.1")


def signs_of_life(vm, name):
    """What a guest that was never restarted keeps: boot id, and a counter."""
    out = vm.guest(name, "cat /proc/sys/kernel/random/boot_id /run/count")
    boot, count = re.search(r"([0-9a-f-]{36})\s+(\d+)", out).groups()
    return boot, int(count)


def save(vm, name, options=""):
    vm.check(f"xl save {options} {name} /run/save 2>&1 | tail -n 3", 600)
    status, out = vm.run("ls /run/save")
    assert status == 0, out


def restore(vm, name, paused=False):
    """With PAUSED, the guest runs when the tools have done what they do."""
    option = "-p" if paused else ""
    vm.check(f"xl restore {option} /run/save 2>&1 && rm /run/save", 600)
    if paused:
        vm.check(f"xl unpause {name} 2>&1")
    up(vm, name)


def save_and_restore(vm, name):
    boot, count = signs_of_life(vm, name)
    save(vm, name)
    gone(vm, name)
    restore(vm, name)
    boot_now, count_now = signs_of_life(vm, name)
    assert boot_now == boot and count_now >= count, \
        f"boot {boot}, {count} s before; {boot_now}, {count_now} s after"
    wait(lambda: signs_of_life(vm, name)[1] > count_now)


def register(kind, life="", words="", **options):
    """WORDS on dom0's command line make the LIFE of the guest another one."""
    group = Group(kind, f"a {kind} guest's life{life}",
                  cmdline=f"store=xenstored {words}", **options)

    @group.step
    def prepare(vm):
        disk(vm)

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
        create(vm, kind)

    @group.test("the console goes both ways")
    def _(vm):
        assert "answer 42" in vm.guest(kind, "echo answer $((6 * 7))")

    @group.test("the guest reads the disk's content")
    def _(vm):
        same_disk(vm, kind)

    @group.test("dom0 finds what the guest wrote to the disk")
    def _(vm):
        write_disk(vm, kind)

    @group.test("ping both ways")
    def _(vm):
        ping(vm, kind)

    @group.test("the guest reads the store through its device")
    def _(vm):
        assert kind in vm.guest(kind, "xenstore-read name").split()

    @group.test("xl save and xl restore: the guest goes on")
    def _(vm):
        save_and_restore(vm, kind)

    @group.test("the disk works after the restore")
    def _(vm):
        same_disk(vm, kind)
        write_disk(vm, kind)

    @group.test("ping both ways after the restore")
    def _(vm):
        ping(vm, kind)

    @group.test("block-detach and block-attach")
    def _(vm):
        vm.check(f"xl block-detach {kind} xvda 2>&1")
        wait(lambda: "xvda" not in vm.guest(kind, "ls /dev"))
        vm.check(f"xl block-attach {kind} phy:/dev/loop0 xvda w 2>&1")
        up(vm, kind)
        same_disk(vm, kind)

    @group.test("network-detach and network-attach")
    def _(vm):
        vm.check(f"xl network-detach {kind} 0 2>&1")
        wait(lambda: "eth" not in vm.guest(kind, "ls /sys/class/net"))
        vm.check(f"xl network-attach {kind} mac=00:16:3e:00:00:02 "
                 "bridge=xenbr0 2>&1")
        up(vm, kind)
        vm.guest(kind, "net-up 10.0.0.2")
        ping(vm, kind)

    @group.test("xl reboot")
    def _(vm):
        before, boot = domid(vm, kind), signs_of_life(vm, kind)[0]
        vm.check(f"xl reboot {kind} 2>&1")
        wait(lambda: domid(vm, kind) not in (None, before))
        up(vm, kind)
        assert signs_of_life(vm, kind)[0] != boot, "it never went down"

    @group.test("xl shutdown")
    def _(vm):
        vm.check(f"xl shutdown -w {kind} 2>&1")
        gone(vm, kind)

    @group.test("xl save -c: the guest goes on after a cancelled suspend")
    def _(vm):
        # xl stops watching over a guest it has seen suspended: late, then.
        create(vm, kind)
        boot, count = signs_of_life(vm, kind)
        save(vm, kind, "-c")
        vm.run("rm -f /run/save")
        up(vm, kind)
        boot_now, count_now = signs_of_life(vm, kind)
        assert boot_now == boot and count_now >= count
        same_disk(vm, kind)
        ping(vm, kind)

    @group.test("xl destroy")
    def _(vm):
        destroy(vm, kind)

    @group.test("nothing is left in the store")
    def _(vm):
        listing = vm.check("xenstore-ls -f /")
        left = re.findall(r"^(?:/local/domain/[1-9]|/vm/|/libxl/|"
                          r"/local/domain/0/backend/\w+/).*", listing, re.M)
        assert not left, "\n".join(left)


register("pv")
register("pvh", ", callbacks and writes of dom0 one by one",
         "xenbus.parallel=0 xenbus.write_behind=0 xenbus.poll_us=200",
         cpu=PVH_CPU, repeats=2)
