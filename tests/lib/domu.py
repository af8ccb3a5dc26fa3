# SPDX-License-Identifier: GPL-2.0
"""What can be done to a guest of dom0: create it, use it, save it, destroy it."""

import re
import time

DISK_MIB = 8


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


def ping(vm, name, address="10.0.0.2"):
    vm.check(f"ping -c 2 -W 30 {address}")
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


def migrate(vm, name):
    """Live, to this host: a program takes the place of ssh."""
    before = domid(vm, name)
    boot, count = signs_of_life(vm, name)
    vm.check(f"xl migrate -s here {name} localhost 2>&1", 900)
    wait(lambda: domid(vm, name) not in (None, before))
    up(vm, name)
    boot_now, count_now = signs_of_life(vm, name)
    assert boot_now == boot and count_now >= count, "it was started again"
