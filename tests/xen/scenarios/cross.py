# SPDX-License-Identifier: GPL-2.0
"""Programs of the other version of Xen: in dom0, in a guest, in a driver domain.

Those that use the hypervisor's interface for toolstacks have to be of its own
version; others need not be.
"""

import domu
import initramfs
from report import Group
from scenarios import dom0
from version import OTHER, XEN

ROOT = "/run/other"
ARCHIVE = "boot/other.cpio.gz"


def files(_):
    """The root file system of the guests, and of those programs in dom0."""
    xen = initramfs.packages(version=OTHER)
    scripts = {initramfs.GUEST / "scripts/vif-bridge":
               "etc/xen/scripts/vif-bridge",
               initramfs.GUEST / "xl.conf": "etc/xen/xl.conf"}
    more = ("test-xenstore", "xenstore-control", "xl")
    return {initramfs.guest_archive(xen, scripts, more): ARCHIVE}


class Other:
    """dom0 with the programs of the other version."""

    path = f"/bin:/usr/bin:/usr/lib/xen-{OTHER}/bin"

    def __init__(self, vm):
        self.vm = vm

    def check(self, command, seconds=300):
        quoted = command.replace("'", "'\\''")
        return self.vm.check(f"PATH={self.path} chroot {ROOT} "
                             f"sh -c '{quoted}'", seconds)


def create(vm, name, words):
    vm.check(f"xl create /etc/xen/pv.cfg 'name=\"{name}\"' 'disk=[]' "
             f"'ramdisk=\"/{ARCHIVE}\"' {words} 2>&1")
    vm.check(f"guest {name} 200 true", 230)


def serve(vm):
    """What the scripts of a system do where a driver domain boots."""
    create(vm, "server", "'vif=[]' driver_domain=1")
    vm.guest("server", "mkdir -p /var/log/xen /run/xen && "
                       "ip link add xenbr0 type bridge && "
                       "ip addr add 10.0.0.1/24 dev xenbr0 && "
                       "ip link set xenbr0 up && "
                       "(xl devd -F >/run/devd 2>&1 &)")


def register(daemon):
    group = Group(f"cross-{daemon}", f"Xen {XEN} with {daemon}, and programs "
                  f"of Xen {OTHER}", long=True, files=files,
                  cmdline=f"store={daemon}")

    @group.step
    def prepare(vm):
        vm.check(f"mkdir {ROOT} && cd {ROOT} && "
                 f"gzip -dc /{ARCHIVE} | cpio -id 2>/dev/null && "
                 f"mount --bind /dev dev && mount --bind /proc proc")

    @group.test(f"the hypervisor is {XEN}, and so are dom0's other tools")
    def _(vm):
        version = vm.check("xl info xen_version")
        assert version.startswith(XEN + "."), version

    dom0.add_tools(group, daemon, Other)

    @group.test("a guest uses its part of the store")
    def _(vm):
        serve(vm)
        out = vm.guest("server", "xenstore-write data/a one data/b/c two && "
                                 "xenstore-read name data/a && "
                                 "xenstore-ls -f data && xenstore-rm data/a "
                                 "&& xenstore-list data")
        assert out.split() == ["server", "one", "data/a", "=", '"one"',
                               "data/b", "=", '""', "data/b/c", "=", '"two"',
                               "b"], out

    @group.test("a driver domain connects a guest, and carries its data")
    def _(vm):
        create(vm, "client", "'vif=[\"mac=00:16:3e:00:00:02,backend=server\"]'")
        domu.up(vm, "client", "vif")
        vm.guest("client", "ping -c 2 -W 30 10.0.0.1")

    @group.test("network-detach and network-attach")
    def _(vm):
        vm.check("xl network-detach client 0 2>&1")
        domu.wait(lambda: "eth" not in vm.guest("client", "ls /sys/class/net"))
        vm.check("xl network-attach client mac=00:16:3e:00:00:02 "
                 "backend=server 2>&1")
        domu.up(vm, "client", "vif")
        vm.guest("client", "net-up 10.0.0.2 && ping -c 2 -W 30 10.0.0.1")

    @group.test("saved and restored, it is connected again")
    def _(vm):
        domu.save(vm, "client")
        domu.gone(vm, "client")
        vm.check("xl restore /run/save 2>&1 && rm /run/save", 600)
        domu.up(vm, "client", "vif")
        vm.guest("client", "ping -c 2 -W 30 10.0.0.1")

    @group.test("both are shut down")
    def _(vm):
        for name in ("client", "server"):
            vm.check(f"xl shutdown -w {name} 2>&1")
            domu.gone(vm, name)


register("xenstored")
register("oxenstored")
