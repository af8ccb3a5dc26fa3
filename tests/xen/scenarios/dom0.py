# SPDX-License-Identifier: GPL-2.0
"""dom0 alone: the tools of others through the device, on both daemons.

And the device's own promises on oxenstored; those on the C daemon: device.py.
"""

import json
import re

from report import ANY, Group
from scenarios import conformance

TEST_STORE = ("read 1", "read 2000", "write 1", "write 2000", "dir",
              "rm node", "rm dir", "ta empty", "ta empty x", "ta rmw",
              "ta rmw x", "ta err")


def via_device(vm, command, seconds=120):
    return vm.check(f"export XENSTORED_PATH=/dev/xen/xenbus; {command}",
                    seconds)


def ls(vm):
    listing = via_device(vm, "xenstore-ls -f /local/domain/0")
    assert '/local/domain/0/name = "Domain-0"' in listing, listing


def write_and_read(vm):
    out = via_device(vm, "xenstore-write /t/a one /t/b two && "
                         "xenstore-read /t/a /t/b")
    assert out.split() == ["one", "two"], out


def list_children(vm):
    out = via_device(vm, "xenstore-write /t/a 1 /t/b 2 && xenstore-list /t")
    assert out.split() == ["a", "b"], out


def exists(vm):
    via_device(vm, "xenstore-write /t/a 1 && xenstore-exists /t/a && "
                   "! xenstore-exists /t/none")


def remove(vm):
    via_device(vm, "xenstore-write /t/gone 1 && xenstore-rm /t/gone && "
                   "! xenstore-exists /t/gone")


def remove_tidily(vm):
    via_device(vm, "xenstore-write /x/y/z 1 && xenstore-rm -t /x/y/z && "
                   "! xenstore-exists /x")


def chmod(vm):
    out = via_device(vm, "xenstore-write /t/p 1 && "
                         "xenstore-chmod /t/p n0 r7 && xenstore-ls -p /t")
    assert re.search(r"p = \"1\"\s+\(n0,r7\)", out), out


def watch(vm):
    out = via_device(
        vm, "(sleep 2; xenstore-write /t/w/below 1) & "
            "timeout 60 xenstore-watch -n 2 /t/w; status=$?; wait; "
            "exit $status")
    assert out.split() == ["/t/w", "/t/w/below"], out


def no_trace(vm):
    via_device(vm, "xenstore-rm /t; ! xenstore-exists /t")


def control(vm):
    out = via_device(vm, "xenstore-control check")
    assert out.strip() == "OK", out


def test_xenstore(vm):
    out = via_device(vm, "test-xenstore -i 5 2>&1", 600)
    done = re.findall(r"^(\S.*?)\s*:.*\d ns\b", out, re.M)
    missing = [name for name in TEST_STORE if name not in done]
    assert not missing and "fail" not in out.lower(), \
        f"missing: {missing}\n{out}"


def paths(nodes, above=""):
    """Path and value of every node that lsxenbus --json shows."""
    for node in nodes:
        path = above + (node.get("path") or node["name"])
        yield path, node.get("value", "")
        yield from paths(node.get("children", []), path.rstrip("/") + "/")


def lsxenbus(vm):
    found = dict(paths(json.loads(vm.check("lsxenbus --json /local"))))
    listing = via_device(vm, "xenstore-ls -f /local")
    wanted = dict(re.findall(r'^(/\S+) = "(.*)"', listing, re.M))
    assert wanted and wanted == {path: value for path, value in found.items()
                                 if path != "/local"}, f"{found}\n{listing}"


def waits(vm):
    out = vm.check("lsxenbus --stats 2>&1 >/dev/null")
    return int(re.search(r"waits (\d+)", out)[1])


def domains(vm, first, last):
    via_device(vm, f"xenstore-write $(for i in $(seq {first} {last}); do "
                   "d=/local/domain/$i; echo $d/name x $d/memory/target 1024 "
                   "$d/cpu/0/availability online $d/device/vif/0/state 4 "
                   "$d/console/tty /dev/pts/1; done)")


def lsxenbus_waits(vm):
    domains(vm, 1000, 1000)
    one = waits(vm)
    domains(vm, 1001, 1049)
    fifty = waits(vm)
    listing = vm.check("lsxenbus")
    via_device(vm, "xenstore-rm $(for i in $(seq 1000 1049); do "
                   "echo /local/domain/$i; done)")
    assert len(re.findall(r"^ *10\d\d +x .*vif/0=connected", listing, re.M)) \
        == 50, listing
    assert one == fifty, f"{one} waits for 1 domain, {fifty} for 50"


def add_tools(group, daemon, place=lambda vm: vm):
    """Tools on the device; PLACE(vm) is where they run."""
    def add(title, function):
        group.test(title)(lambda vm: function(place(vm)))

    add("xenstore-ls", ls)
    add("xenstore-write and xenstore-read", write_and_read)
    add("xenstore-list", list_children)
    add("xenstore-exists", exists)
    add("xenstore-rm", remove)
    add("xenstore-rm -t", remove_tidily)
    add("xenstore-chmod", chmod)
    add("xenstore-watch", watch)
    if daemon == "xenstored":
        add("xenstore-control check", control)
    add("test-xenstore, 12 of 12", test_xenstore)


def register(daemon):
    group = Group(f"dom0-{daemon}", f"dom0 on {daemon}, tools by others",
                  on=ANY, cmdline=f"store={daemon}")
    add_tools(group, daemon)
    group.test("lsxenbus shows what xenstore-ls shows")(lsxenbus)
    group.test("lsxenbus waits no more for 50 domains than for one")(
        lsxenbus_waits)
    group.test("the store is as before")(no_trace)
    if daemon == "oxenstored":
        conformance.add(group, conformance.in_dom0)


register("xenstored")
register("oxenstored")
