# SPDX-License-Identifier: GPL-2.0
"""What a toolstack keeps in the store for guests with a disk and a network card.

domains.py N: for xargs -0 xenstore-write, domain 0 and N guests.
"""

UUID = "6f2c1d3e-0000-4000-8000-{:012d}"


def device(number, kind, index, front, back):
    """Both ends of a device, connected."""
    near = f"/local/domain/{number}/device/{kind}/{index}"
    far = f"/local/domain/0/backend/{kind}/{number}/{index}"
    common = {"state": "4"}
    nodes = {f"{near}/{name}": value for name, value in
             {**common, **front, "backend": far, "backend-id": "0"}.items()}
    nodes.update({f"{far}/{name}": value for name, value in
                  {**common, **back, "frontend": near, "online": "1",
                   "frontend-id": str(number)}.items()})
    return nodes


def guest(number):
    home = f"/local/domain/{number}"
    uuid = UUID.format(number)
    nodes = {
        f"{home}": "",
        f"{home}/vm": f"/vm/{uuid}",
        f"{home}/name": f"guest-{number}",
        f"{home}/domid": str(number),
        f"{home}/cpu/0/availability": "online",
        f"{home}/cpu/1/availability": "offline",
        f"{home}/memory/static-max": "131072",
        f"{home}/memory/target": "131072",
        f"{home}/memory/videoram": "0",
        f"{home}/control/shutdown": "",
        f"{home}/control/feature-poweroff": "1",
        f"{home}/control/feature-reboot": "1",
        f"{home}/control/feature-suspend": "1",
        f"{home}/control/platform-feature-multiprocessor-suspend": "1",
        f"{home}/control/platform-feature-xs_reset_watches": "1",
        f"{home}/hvmloader/allow-memory-relocate": "0",
        f"{home}/data": "",
        f"{home}/drivers": "",
        f"{home}/feature": "",
        f"{home}/attr": "",
        f"{home}/error": "",
        f"{home}/store/port": "1",
        f"{home}/store/ring-ref": str(1000 + number),
        f"{home}/console/backend": f"/local/domain/0/backend/console/{number}/0",
        f"{home}/console/backend-id": "0",
        f"{home}/console/limit": "1048576",
        f"{home}/console/type": "xenconsoled",
        f"{home}/console/output": "pty",
        f"{home}/console/tty": f"/dev/pts/{number}",
        f"{home}/console/port": "2",
        f"{home}/console/ring-ref": str(2000 + number),
        f"/vm/{uuid}/name": f"guest-{number}",
        f"/vm/{uuid}/uuid": uuid,
        f"/vm/{uuid}/start_time": "1700000000.00",
        f"/libxl/{number}/type": "pvh",
        f"/libxl/{number}/dm-version": "qemu_xen",
    }
    nodes.update(device(number, "vbd", 51712, {
        "virtual-device": "51712", "device-type": "disk", "ring-ref": "8",
        "event-channel": "9", "protocol": "x86_64-abi",
        "feature-persistent": "1"}, {
        "params": f"/dev/vg/guest-{number}", "type": "phy", "dev": "xvda",
        "mode": "w", "sectors": "2097152", "sector-size": "512",
        "hotplug-status": "connected", "physical-device": "7:0"}))
    nodes.update(device(number, "vif", 0, {
        "mac": f"00:16:3e:00:{number // 256:02x}:{number % 256:02x}",
        "handle": "0", "tx-ring-ref": "768", "rx-ring-ref": "769",
        "event-channel": "10", "request-rx-copy": "1"}, {
        "script": "/etc/xen/scripts/vif-bridge", "bridge": "xenbr0",
        "handle": "0", "type": "vif", "hotplug-status": "connected",
        "multi-queue-max-queues": "2"}))
    return nodes


def host(count):
    """Domain 0 and COUNT guests."""
    nodes = {"/local/domain/0/name": "Domain-0",
             "/local/domain/0/memory/target": "1048576",
             "/local/domain/0/cpu/0/availability": "online",
             "/local/domain/0/cpu/1/availability": "online"}
    for number in range(1, count + 1):
        nodes.update(guest(number))
    return nodes


if __name__ == "__main__":
    import sys
    for path, value in host(int(sys.argv[1])).items():
        print(path, value, sep="\0", end="\0")
