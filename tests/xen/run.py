# SPDX-License-Identifier: GPL-2.0
"""Show the driver at work: Xen, a dom0 on it, a guest with disk and network.

On a terminal it ends in a shell of dom0; without one, in a summary.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import domu                                             # noqa: E402
import initramfs                                        # noqa: E402
import kernel                                           # noqa: E402
from machine import Machine, MachineError               # noqa: E402

HINT = ("A shell of dom0. Try: xenstore-ls -f / ; xl list ; "
        "guest pv 30 'cat /proc/uptime' ; exit ends it.")


def announce(text):
    print(f"\n==> {text}", flush=True)


def quote(text, lines=12):
    shown = text.splitlines()
    for line in shown[:lines]:
        print(f"      {line}")
    if len(shown) > lines:
        print(f"      ... {len(shown) - lines} lines more")
    sys.stdout.flush()


def driver_line(vm):
    return vm.check("dmesg | grep -E 'xenbus: .*(version|store ring is)'")


def store_through_device(vm):
    return vm.check("XENSTORED_PATH=/dev/xen/xenbus "
                    "xenstore-ls -f /local/domain/0")


def create_guest(vm):
    domu.disk(vm)
    domu.create(vm, "pv")
    return vm.check("xl list")


def disk_and_network(vm):
    domu.same_disk(vm, "pv")
    domu.write_disk(vm, "pv")
    domu.ping(vm, "pv")
    return vm.guest("pv", "grep . /proc/partitions; ip addr show dev eth0")


def save_and_restore(vm):
    domu.save_and_restore(vm, "pv")
    domu.same_disk(vm, "pv")
    domu.ping(vm, "pv")
    return vm.check("xl list")


def unplug(vm):
    vm.check("xl block-detach pv xvda 2>&1")
    domu.wait(lambda: "xvda" not in vm.guest("pv", "ls /dev"))
    vm.check("xl block-attach pv phy:/dev/loop0 xvda w 2>&1")
    domu.up(vm, "pv")
    domu.same_disk(vm, "pv")
    return "detached, attached, same content"


STEPS = (
    ("dom0 runs on this driver", driver_line),
    ("the store, read through /dev/xen/xenbus", store_through_device),
    ("a guest: its disk and network are Connected", create_guest),
    ("its disk and network carry data", disk_and_network),
    ("it is saved and restored, and goes on", save_and_restore),
    ("its disk is unplugged and plugged in again", unplug),
)


def prove(vm):
    """Run the steps; return (title, error) of each."""
    results = []
    for title, step in STEPS:
        announce(title)
        start = time.monotonic()
        try:
            quote(step(vm))
            results.append((title, None))
            print(f"    done in {time.monotonic() - start:.0f} s")
        except (AssertionError, MachineError) as error:
            results.append((title, error))
            print(f"    FAILED: {error}", flush=True)
            if isinstance(error, MachineError):
                break
    return results


def summary(results, splats):
    print("\nSummary")
    for title, error in results:
        print(f"  {'FAILED' if error else 'ok    '}  {title}")
    for title, _ in STEPS[len(results):]:
        print(f"  not run {title}")
    for line in splats:
        print(f"  FAILED  on a console: {line}")
    good = len(results) == len(STEPS) and not splats and \
        not any(error for _, error in results)
    print("every step worked" if good else "not every step worked")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", type=pathlib.Path,
                        help="a bzImage; else the overlaid kernel is built")
    options = parser.parse_args()

    announce("Kernel")
    bzimage = (options.kernel or kernel.first()).resolve()
    announce("Xen and the root file systems")
    xen = initramfs.packages()
    archive = initramfs.dom0_archive(bzimage)
    print(f"    {xen.name}")
    with Machine("run", bzimage, archive, xen, "store=xenstored") as vm:
        announce(f"Boot (console in {vm.console})")
        results = []
        try:
            print(f"    dom0 answers after {vm.boot():.0f} s")
            results = prove(vm)
            if sys.stdin.isatty() and sys.stdout.isatty():
                print(f"\n{HINT}\n")
                vm.shell()
                print()
            else:
                vm.power_off()
        except MachineError as error:
            print(f"    FAILED: {error}")
            results.append(("the machine", error))
        splats = [line for lines in vm.splats().values() for line in lines]
    return summary(results, splats)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as failure:
        sys.exit(f"run: {failure}")
