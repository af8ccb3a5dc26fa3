# SPDX-License-Identifier: GPL-2.0
"""A Debian as dom0: systemd, Xen with its own scripts, libvirt, and QEMU for disks.

Its clients of the store all take the device, or all of them the daemon's socket. CYCLES
in the environment says how often guests of xl and of libvirt live from birth to death.

They are PV guests, which Debian's Xen cannot migrate: it has no shadow page tables. That
is among the tests of PVH guests.
"""

import re

import domu
import initramfs
from report import Group, number, rounds
from version import XEN

CYCLES = number("CYCLES", 1, 20)
DEVICE = "/dev/xen/xenbus"
ADDRESSES = {"pv": "10.0.0.2", "virt": "10.0.0.3"}

# What makes all clients go one way.
WAYS = {"device": [f"systemd.setenv=XENSTORED_PATH={DEVICE}"], "socket": []}
# What each client has open while it waits for the daemon.
LINKS = {"device": DEVICE, "socket": "socket:*"}
# Those that are always there, by the names of their processes.
RESIDENT = {"xenconsoled", "libvirtd", "xen-qemu-system", "xl"}
# Those that are killed while the daemon is stopped.
MORTAL = ("xenstore-watch /", "xenstore-read /local", "xenstore-write /gone 1",
          "xenstore-ls /", "xl list", "xl network-list pv")


def settled(vm):
    """systemd has done all that it wants to, and no unit has failed."""
    _, state = vm.run("systemctl is-system-running --wait", 1200)
    _, failed = vm.run("systemctl --failed --no-legend --plain")
    assert state.strip() == "running" and not failed, \
        state + "\n" + vm.run("systemctl status --failed --no-pager")[1]


# The emulator lets a processor go on until a timer is due: the other one, which may be
# that of xl, would have no turn for milliseconds. QEMU removes a disk 4 ms after it has
# closed it, and libxl must have seen it closed, which it has not, now and then.
TICKS = "mkfifo /run/ticks; exec 9<>/run/ticks; while :; do read -rt 0.0003 -u 9; done"


def prepare(vm):
    vm.check(f"setsid bash -c '{TICKS}' >/dev/null 2>&1 &")
    vm.check("ip link add xenbr0 type bridge; "
             "ip addr add 10.0.0.1/24 dev xenbr0; ip link set xenbr0 up")
    for name in ("disk", "disk-virt", "disk-b"):
        vm.check(f"dd if=/dev/urandom of=/run/{name} bs=1M count=8 2>&1")
    vm.check("losetup /dev/loop0 /run/disk-b")


def same_content(vm, name, file, device):
    mine = vm.check(f"sha256sum </run/{file}").split()[0]
    assert mine in vm.guest(name, f"sha256sum </dev/{device}"), \
        f"{name} reads something else from {device}"


def works(vm, name, disk):
    """Disk and network carry data, and are where they belong."""
    domid = domu.domid(vm, name)
    vm.check(f"xenstore-exists /local/domain/0/backend/qdisk/{domid}/51712")
    vm.check(f"test -e /sys/class/net/xenbr0/brif/vif{domid}.0")
    same_content(vm, name, disk, "xvda")
    vm.guest(name, f"dd if=/dev/urandom of=/dev/xvda bs=64k count=2 "
                   "conv=fsync 2>/dev/null")
    same_content(vm, name, disk, "xvda")
    domu.ping(vm, name, ADDRESSES[name])


def console(vm, client):
    """CLIENT, on a terminal: a command goes in, its output comes out."""
    out = vm.check(f"through-console 120 'echo answer $((6 * 7))' '{client}'")
    assert "answer 42" in out, out


def create(vm):
    domu.create(vm, "pv")
    works(vm, "pv", "disk")
    assert re.search(r"^pv +\d+ +128 ", vm.check("xl list"), re.M)


def plug_disk(vm, what):
    """Attached, read, and detached again."""
    vm.check(f"xl block-attach pv {what} 2>&1")
    domu.up(vm, "pv")
    same_content(vm, "pv", "disk-b", "xvdb")
    vm.check("xl block-detach pv xvdb 2>&1")
    domu.wait(lambda: "xvdb" not in vm.guest("pv", "ls /dev"))


def plug_network(vm):
    vif = f"vif{domu.domid(vm, 'pv')}.1"
    vm.check("xl network-attach pv mac=00:16:3e:00:00:04 bridge=xenbr0 2>&1")
    domu.up(vm, "pv")
    vm.guest("pv", "test -e /sys/class/net/eth1")
    vm.check(f"test -e /sys/class/net/xenbr0/brif/{vif}")
    vm.check("xl network-detach pv 1 2>&1")
    domu.wait(lambda: "eth1" not in vm.guest("pv", "ls /sys/class/net"))
    domu.wait(lambda: vm.run(f"test -e /sys/class/net/{vif}")[0])


def save(vm):
    domu.save_and_restore(vm, "pv")
    works(vm, "pv", "disk")


def shut_down(vm):
    vm.check("xl shutdown -w pv 2>&1", 600)
    domu.gone(vm, "pv")


def virsh(vm, command, seconds=600):
    return vm.check(f"virsh {command} 2>&1", seconds)


def virt_state(vm):
    return virsh(vm, "domstate virt").strip()


def virt_start(vm):
    virsh(vm, "define /etc/xen/virt.xml")
    virsh(vm, "start virt")
    domu.up(vm, "virt")
    works(vm, "virt", "disk-virt")


def virt_looks(vm):
    assert re.search(r"^ *\d+ +virt +running", virsh(vm, "list"), re.M)
    assert re.search(r"^State: +running", virsh(vm, "dominfo virt"), re.M)
    assert "/run/disk-virt" in virsh(vm, "domblklist virt")
    assert "xenbr0" in virsh(vm, "domiflist virt")


def virt_save(vm):
    boot, count = domu.signs_of_life(vm, "virt")
    virsh(vm, "save virt /run/save-virt")
    domu.gone(vm, "virt")
    virsh(vm, "restore /run/save-virt")
    domu.up(vm, "virt")
    boot_now, count_now = domu.signs_of_life(vm, "virt")
    assert boot_now == boot and count_now >= count, "it was started again"
    works(vm, "virt", "disk-virt")


def virt_shut_down(vm):
    virsh(vm, "shutdown virt")
    domu.wait(lambda: virt_state(vm) == "shut off")
    domu.gone(vm, "virt")
    virsh(vm, "undefine virt")


LIFE = (
    ("xl create: a disk by QEMU, a network device by vif-bridge", create),
    ("xl console goes both ways",
     lambda vm: console(vm, "xl console pv")),
    ("block-attach, block-detach: by QEMU", lambda vm: plug_disk(
        vm, "format=raw,vdev=xvdb,access=w,backendtype=qdisk,"
            "target=/run/disk-b")),
    ("block-attach, block-detach: by the kernel, and Xen's block script",
     lambda vm: plug_disk(vm, "phy:/dev/loop0 xvdb w")),
    ("network-attach, network-detach", plug_network),
    ("xl save, xl restore", save),
    ("xl shutdown", shut_down),
    ("virsh define, start", virt_start),
    ("virsh list, dominfo, domblklist, domiflist", virt_looks),
    ("virsh console goes both ways",
     lambda vm: console(vm, "virsh console virt")),
    ("virsh save, restore", virt_save),
    ("virsh shutdown, undefine", virt_shut_down),
)


def side_by_side(vm):
    virsh(vm, "define /etc/xen/virt.xml")
    vm.check("xl create /etc/xen/pv.cfg >/run/create 2>&1 & "
             "virsh start virt 2>&1; status=$?; wait $! || cat /run/create; "
             "exit $status", 600)
    for name, disk in (("pv", "disk"), ("virt", "disk-virt")):
        domu.up(vm, name)
        works(vm, name, disk)
    vm.guest("pv", "ping -c 2 -W 30 10.0.0.3")
    virt_looks(vm)


def users(vm):
    """The names of the processes that have the device open."""
    return set(vm.check(f"cd /proc; for fd in $(find [0-9]*/fd -lname {DEVICE} "
                        "2>/dev/null); do cat ${fd%%/*}/comm; done").split())


def connections(vm):
    """How many clients the daemon's socket has, beside itself."""
    return int(vm.check("grep -c 'xenstored/socket$' /proc/net/unix")) - 1


def take(vm, way):
    """All clients go the one WAY."""
    names, count = users(vm), connections(vm)
    if way == "device":
        assert RESIDENT <= names and not count, (names, count)
    else:
        assert not names and count >= len(RESIDENT), (names, count)


def state(vm, pid):
    """One letter, or nothing if there is no such process."""
    return vm.run(f"sed 's/.*) //' /proc/{pid}/stat 2>/dev/null")[1][:1]


def waits(vm, pid, link):
    return state(vm, pid) in ("S", "D") and vm.check(
        f"find /proc/{pid}/fd -lname '{link}' 2>/dev/null || true")


def kill(vm, pids):
    vm.check(f"kill -KILL {' '.join(pids)}")
    for pid in pids:
        domu.wait(lambda: not state(vm, pid), 60)


def killed(vm, way, daemon):
    """Clients that wait for a daemon that does nothing can be killed."""
    server = vm.check(f"pidof {daemon}").strip()
    vm.check(f"kill -STOP {server}")
    try:
        pids = [vm.check(f"{client} >/dev/null 2>&1 & echo $!").strip()
                for client in MORTAL]
        for pid in pids:
            domu.wait(lambda: waits(vm, pid, LINKS[way]))
        kill(vm, [*pids, vm.check("pidof libvirtd").strip()])
        # systemd starts it again, as often as that.
        pid = domu.wait(lambda: vm.run("pidof libvirtd")[1].strip())
        domu.wait(lambda: waits(vm, pid, LINKS[way]))
        kill(vm, [pid])
    finally:
        vm.check(f"kill -CONT {server}")
    assert vm.check(f"pidof {daemon}").strip() == server


def alive(vm):
    """The daemon, both tools, and both guests go on."""
    vm.check("xenstore-ls >/dev/null")
    domu.wait(lambda: vm.run("virsh domstate virt")[1].strip() == "running")
    virt_looks(vm)
    for name, disk in (("pv", "disk"), ("virt", "disk-virt")):
        works(vm, name, disk)


def nothing_left(vm):
    listing = vm.check("xenstore-ls -f /")
    left = re.findall(r"^(?:/local/domain/[1-9]|/vm/|/libxl/[1-9]|"
                      r"/local/domain/0/backend/\w+/).*", listing, re.M)
    assert not left, "\n".join(left)


# What a dom0 in memory has no use for.
MASKED = ("e2scrub_reap.service", "timers.target")


def make(name, about, words, **options):
    words = ["rdinit=/lib/systemd/systemd", "systemd.wants=agent.service",
             *(f"systemd.mask={unit}" for unit in MASKED),
             "net.ifnames=0", "mitigations=off", *words]
    # libvirt knows no qemu64; with a VGA Xen did not boot on this one. Time is the
    # number of instructions: nothing is late because the host is busy.
    return Group(name, about, cmdline=" ".join(words),
                 archive=initramfs.debian_archive, memory=4096,
                 dom0_memory=3072, hypervisor="xpti=no spec-ctrl=no",
                 cpu="Nehalem", qemu=("-vga", "none"), icount=True, **options)


def register(way, daemon, **options):
    group = make(f"debian-{way}-{daemon}",
                 f"Debian, all clients on the {way}, {daemon}",
                 [f"store={daemon}", *WAYS[way]], **options)
    group.test("systemd starts everything")(settled)
    group.step(prepare)
    for title, function in LIFE:
        group.test(title)(function)
    if CYCLES > 1:
        @group.test(f"all of that {CYCLES - 1} times more")
        def _(vm):
            for _ in rounds(CYCLES - 1):
                for _, function in LIFE:
                    function(vm)

    group.test("a guest of xl and one of virsh at the same time")(side_by_side)
    group.test(f"every client is on the {way}")(lambda vm: take(vm, way))
    group.test("clients die by SIGKILL while the daemon is stopped")(
        lambda vm: killed(vm, way, daemon))
    group.test("everything goes on afterwards")(alive)

    @group.test("both are shut down")
    def _(vm):
        virt_shut_down(vm)
        shut_down(vm)

    group.test("nothing is left in the store")(nothing_left)
    group.test("no unit has failed meanwhile")(settled)


def register_late(daemon):
    """libvirtd waits on the device for a daemon that is not there."""
    group = make("debian-late", "Debian, libvirtd is started before the daemon",
                 [f"store={daemon}", "xen=late", *WAYS["device"]],
                 long=True)

    @group.step
    def no_daemon(vm):
        settled(vm)
        prepare(vm)
        status, out = vm.run(f"pidof {daemon}")
        assert status, out

    @group.test("libvirtd opens the device and waits")
    def _(vm):
        vm.check("mount -t xenfs xenfs /proc/xen")
        vm.check("systemctl restart --no-block libvirtd")
        domu.wait(lambda: "libvirtd" in users(vm))

    @group.test("Xen's init script finds a store and its daemons start")
    def _(vm):
        vm.check("touch /run/xen-now; systemctl start xen", 600)
        vm.check(f"pidof {daemon} && pidof xenconsoled")

    @group.test("libvirtd goes on, with its Xen driver")
    def _(vm):
        domu.wait(lambda: "Domain-0" in vm.run("virsh list")[1])

    for title, function in LIFE:
        if title.startswith("virsh"):
            group.test(title)(function)
    group.test("no unit has failed")(settled)


if XEN == "4.17":       # Debian 12's
    register("device", "xenstored")
    register("socket", "oxenstored", long=True)
    register("device", "oxenstored", long=True)
    register("socket", "xenstored", long=True)
    register_late("xenstored")
