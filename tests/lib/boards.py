# SPDX-License-Identifier: GPL-2.0
"""How QEMU is called: a PC, or the board "virt" with arm64.

Both have a console, which goes to a file, and a line of commands, which is QEMU's
standard input and output.
"""

import arch
import devicetree
from version import XEN

XEN_WORDS = "loglvl=all guest_loglvl=all"
CONTROL = ["-chardev", "stdio,id=control,signal=off"]
NOTHING = ["-display", "none", "-monitor", "none", "-no-reboot",
           "-nic", "none"]

# Where the loader puts dom0's kernel: behind Xen, and behind the device tree, which
# QEMU puts 128 MiB above the beginning of the memory.
KERNEL_AT = 0x49000000


def accel(machine):
    """One thread of the host for all processors, or one each."""
    one = machine.icount or machine.alternate
    return ["-accel", "tcg,thread=single" if one else "tcg"]


def xen_words(machine, bound):
    """Xen's command line; BOUND if dom0's memory has an upper one, too."""
    memory = f"{machine.dom0_memory}M"
    most = f",max:{memory}" if bound else ""
    return (f"{XEN_WORDS} dom0_mem={memory}{most} "
            f"dom0_max_vcpus={machine.smp} {machine.hypervisor}").rstrip()


def pc(machine, kernel, archive, xen, words):
    """The console is the first serial port, the line of commands the second."""
    words = f"control={machine.control or 'ttyS1'} {words}"
    qemu = ["qemu-system-x86_64", *machine.more, *accel(machine),
            "-cpu", machine.cpu or "qemu64", "-smp", str(machine.smp),
            "-m", str(machine.memory), *NOTHING,
            "-serial", f"file:{machine.console}",
            *CONTROL, "-serial", "chardev:control"]
    if machine.icount:
        qemu += ["-icount", "shift=0,sleep=off",
                 "-rtc", "base=2026-01-01,clock=vm"]
    if xen:
        return qemu + ["-kernel", str(xen / "boot/xen.elf"),
                       "-append", "console=com1 com1=115200,8n1 "
                                  + xen_words(machine, True),
                       "-initrd", f"{kernel} console=hvc0 {words},{archive}"]
    if not archive:     # a boot loader
        return qemu + ["-kernel", str(kernel)]
    return qemu + ["-kernel", str(kernel), "-initrd", str(archive),
                   "-append", f"console=ttyS0 {words}"]


def virt(machine, kernel, archive, xen, words):
    """The one serial port is the console; the line of commands is virtio's.

    With Xen the port is Xen's, and dom0 writes to it by hypercalls: that is hvc0.
    Xen leaves the rest of the board to dom0. What dom0 believes to be physical
    addresses of its memory are that, so that virtio works as it does without Xen.
    """
    control = machine.control or ("hvc1" if xen else "hvc0")
    words = f"control={control} {words}"
    qemu = ["qemu-system-aarch64", *machine.more, *accel(machine),
            "-machine", "virt,virtualization=on,gic-version=3",
            "-cpu", machine.cpu or "cortex-a57", "-smp", str(machine.smp),
            "-m", str(machine.memory), *NOTHING,
            "-serial", f"file:{machine.console}",
            *CONTROL, "-global", "virtio-mmio.force-legacy=false",
            "-device", "virtio-serial-device",
            "-device", "virtconsole,chardev=control"]
    if xen:
        archive_at = devicetree.behind(KERNEL_AT, kernel)
        words = f"console=hvc0 {words}".replace(",", ",,")
        qemu += ["-kernel", str(xen / f"boot/xen-{XEN}-arm64"),
                 "-append", "console=dtuart " + xen_words(machine, False),
                 "-device", f"guest-loader,addr={KERNEL_AT:#x},"
                            f"kernel={kernel},bootargs={words}",
                 "-device", f"guest-loader,addr={archive_at:#x},"
                            f"initrd={archive}"]
        if machine.guest_archive:
            qemu += devicetree.with_guest(
                qemu, str(machine.console.with_suffix(".dtb")),
                devicetree.behind(archive_at, archive), kernel,
                machine.guest_archive, machine.guest_words)
        return qemu
    return qemu + ["-kernel", str(kernel), "-initrd", str(archive),
                   "-append", f"console=ttyAMA0 {words}"]


def command(machine, *what):
    """QEMU and its arguments: MACHINE boots a kernel, an archive, Xen or None."""
    return (pc if arch.NATIVE else virt)(machine, *what)
