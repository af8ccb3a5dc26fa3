#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Packages of a whole kernel: judged, installed on a Debian, booted, removed.

The disk has Debian's own kernel, Xen and GRUB. The first boot is Debian's kernel under
Xen: apt installs the packages there. The second is what GRUB was told to boot once,
the new kernel under Xen, where the promises of the device are tested. The third is
what GRUB boots by itself, Debian's kernel again; there they are removed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "xen"), str(HERE.parent / "lib")]

import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
import report                                           # noqa: E402
from report import Group                                # noqa: E402
from scenarios import conformance                       # noqa: E402

WORDS = "root=/dev/vda rw systemd.wants=agent.service net.ifnames=0 mitigations=off"
HYPERVISOR = "xpti=no spec-ctrl=no"
TITLE = re.compile(r"^\s*(menuentry|submenu) '([^']*)'.*?'([^' ]*)' \{$|^\s*(\})$")
APT = "DEBIAN_FRONTEND=noninteractive apt-get -y"


def output(*command):
    return subprocess.run([str(word) for word in command], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def packages(directory):
    """The packages, by what they are of: image, headers."""
    return {path.name.split("-")[1]: path
            for path in sorted(directory.glob("*.deb"))}


def field(deb, name):
    return output("dpkg-deb", "-f", deb, name).strip()


def configuration():
    """That of the tests on Xen, and what a Debian on a disk needs."""
    config = kernel.BUILD / "deb/config"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text((kernel.overlaid().parents[3] / ".config").read_text() +
                      (HERE / "kernel.config").read_text())
    return config


def data_disk(debs):
    """What a booted system finds in /mnt: packages and programs."""
    work = pathlib.Path(tempfile.mkdtemp(dir=initramfs.WORK))
    root = work / "root"
    for source, place in ([(deb, "debs") for deb in debs.values()] +
                          [(prog, "tests") for prog in initramfs.user_programs()]):
        (root / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(source, root / place)
    disk = work / "data.ext4"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, disk, "1G"], check=True)
    return disk


def entries(menu):
    """What is in a menu of GRUB: the path to each entry."""
    place, found = [], []
    for line in menu.splitlines():
        match = TITLE.match(line)
        if match and match[4]:
            if place:
                place.pop()
        elif match:
            place.append(match[2])
            if match[1] == "menuentry":
                found.append(">".join(place))
    return found


def running(vm):
    """The kernel that runs, which runs under Xen."""
    assert "4.17" in vm.check("xl info xen_version 2>&1")
    return vm.check("uname -r")


class Story:
    """Three boots of one disk."""

    def __init__(self, debs):
        self.debs = debs
        image = field(debs["image"], "Package")
        self.names = " ".join(field(deb, "Package") for deb in debs.values())
        self.release = image.removeprefix("linux-image-")
        self.own = None
        place = pathlib.Path(output(HERE / "image.sh").strip())
        disk = initramfs.WORK / "disk.ext4"
        subprocess.run(["cp", "--sparse=always", place / "disk.ext4", disk], check=True)
        drives = [word for path in (disk, data_disk(debs)) for word in
                  ("-drive", f"file={path},if=virtio,format=raw,cache=unsafe")]
        self.common = {"memory": 2560, "dom0_memory": 1536, "icount": True,
                       "cpu": "Nehalem", "qemu": ("-vga", "none", *drives)}
        self.direct = {"kernel": place / "vmlinuz", "archive": place / "initrd.img",
                       "xen": initramfs.packages()}
        self.grub = {"kernel": place / "grub", "archive": None}

    def group(self, name, about, **options):
        group = Group(f"deb-{name}", about, **options, **self.common)

        @group.step
        def mount(vm):
            vm.check("mountpoint -q /mnt || mount -o ro /dev/vdb /mnt; "
                     "systemctl is-system-running --wait || true", 1200)
        return group

    def install(self):
        group = self.group("install", "Debian's own kernel under Xen; apt",
                           cmdline=WORDS, hypervisor=HYPERVISOR)

        @group.step
        def menu(vm):
            vm.check("mkdir -p /boot/grub && update-grub 2>&1", 600)

        @group.test("it is Debian's own kernel")
        def _(vm):
            self.own = running(vm)
            assert self.own != self.release

        @group.test("apt installs the packages")
        def _(vm):
            vm.check(f"{APT} install /mnt/debs/*.deb 2>&1", 3600)
            vm.check(f"test -s /boot/initrd.img-{self.release}")
            vm.check(f"test -d /lib/modules/{self.release}/build/include")

        @group.test("they are in GRUB's menu, under Xen, and can be chosen once")
        def _(vm):
            menu = vm.check("cat /boot/grub/grub.cfg")
            ours = [entry for entry in entries(menu)
                    if self.release in entry and "Xen" in entry
                    and "recovery" not in entry]
            assert ours, "\n".join(entries(menu))
            vm.check(f"grub-reboot '{ours[0]}' && sync")
        return group

    def ours(self):
        group = self.group("booted", "the kernel of the package, by GRUB, under Xen")

        @group.test("GRUB has booted the kernel of the package")
        def _(vm):
            assert running(vm) == self.release

        @group.test("its modules load")
        def _(vm):
            vm.check("modprobe xen-netback && modprobe xen-blkback && "
                     "modprobe xen-gntdev")

        @group.test("no unit has failed")
        def _(vm):
            failed = vm.check("systemctl --failed --no-legend --plain")
            assert not failed, failed

        conformance.add(group, conformance.in_dom0)
        return group

    def back(self):
        group = self.group("back", "what GRUB boots by itself; apt removes")

        @group.test("GRUB boots Debian's own kernel by itself, under Xen")
        def _(vm):
            assert running(vm) == self.own

        @group.test("apt removes the packages")
        def _(vm):
            vm.check(f"{APT} purge {self.names} 2>&1", 1800)

        @group.test("nothing is left of them")
        def _(vm):
            left = vm.check(f"find /boot /lib/modules /usr/src /etc -name "
                            f"'*{self.release}*'; grep -l -- '{self.release}' "
                            "/boot/grub/grub.cfg || true")
            assert not left, left
        return group

    def boots(self):
        """Groups in their order, and what each boots from."""
        return ((self.install(), self.direct), (self.ours(), self.grub),
                (self.back(), self.grub))


def lintian(debs, results):
    """Errors are none; what else it says is shown."""
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error",
                           *debs.values()], text=True, stdout=subprocess.PIPE)
    results.add("deb: lintian finds no errors", done.returncode and
                f"status {done.returncode}\n{done.stdout}")


def main():
    if sys.argv[1:]:
        directory = pathlib.Path(sys.argv[1])
    else:
        if "FLAVOUR" not in os.environ:
            os.environ["CONFIG"] = str(configuration())
        paths = output(kernel.SCRIPTS / "deb.sh").split()
        directory = pathlib.Path(paths[0]).parent
    debs = packages(directory)
    boots = Story(debs).boots()
    results = report.Report(1 + sum(len(group.names()) for group, _ in boots))
    lintian(debs, results)
    for group, machine in boots:
        report.run_group(group, results, set(group.names()), alternate=True,
                         **machine)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
