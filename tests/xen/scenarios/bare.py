# SPDX-License-Identifier: GPL-2.0
"""The same kernel on a machine without Xen."""

from report import ANY, Group

bare = Group("bare", "the kernel alone, no Xen", on=ANY, bare=True)


@bare.test("the driver stays away")
def stays_away(vm):
    """The node is absent, or says that there is no store."""
    status, out = vm.run("cat /dev/xen/xenbus")
    assert status and ("No such file" in out or "No such device" in out), out
    status, out = vm.run("ps -o comm | grep -E 'xenbus|xenwatch'")
    assert status, f"threads of the driver run: {out}"


@bare.test("the log says nothing bad of it")
def quiet(vm):
    status, out = vm.run("dmesg | grep -iE 'xenbus|xenstore' | "
                         "grep -iE 'fail|error|warn'")
    assert status, out
