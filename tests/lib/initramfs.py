# SPDX-License-Identifier: GPL-2.0
"""Build the initial file systems of dom0 and of the guests."""

import atexit
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import arch
from arch import LIB, LOADER
from kernel import BUILD, HERE, REPO
from version import XEN

# Gone with the process: several runs may go on at the same time.
WORK = pathlib.Path(tempfile.mkdtemp(prefix="xenbus-initramfs."))
atexit.register(shutil.rmtree, WORK, ignore_errors=True)

GUEST = HERE / "guest"
DEBIAN = HERE / "debian"
USER = HERE.parent / "user"

DAEMONS = ("xenstored", "oxenstored")
DOM0_TOOLS = (*DAEMONS, "xl", "libxl-save-helper", "xen-init-dom0",
              "xenconsoled", "xenconsole", "xenstore-control",
              "test-xenstore",
              *(() if arch.NATIVE else ("init-dom0less",)))
STORE_TOOLS = [f"usr/bin/xenstore-{tool}" for tool in (
    "chmod", "exists", "list", "ls", "read", "rm", "watch", "write")]


def packages(name="xen", version=XEN):
    """The directory Xen's, or other, packages are unpacked in."""
    done = subprocess.run([REPO / f"scripts/{name}-packages.sh"], check=True,
                          stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "XEN": version})
    return pathlib.Path(done.stdout.strip())


def tools(xen, names):
    """The paths in XEN of programs that are of no use but to its version.

    The plug-ins of oxenstored are needed with it.
    """
    place = next(xen.glob("usr/lib/xen-[0-9]*"))
    paths = [place / "bin" / name for name in names]
    if "oxenstored" in names:
        paths += sorted(place.glob("ocaml/**/*.cmxs"))
    return [str(path.relative_to(xen)) for path in paths]


def needed(elf):
    text = subprocess.run(["readelf", "-d", elf], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def find_library(xen, name):
    for place in (LIB, "usr" / LIB, "lib64", "usr/lib64"):
        path = xen / place / name
        if path.exists():
            return path
    raise FileNotFoundError(f"{name}: not in the unpacked packages")


class Files:
    """An archive in the making; nothing is in it yet."""

    def __init__(self, name):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=WORK))

    def add(self, source, target):
        target = self.root / target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(pathlib.Path(source).resolve(), target)

    def add_all(self, files):
        for source, target in (files or {}).items():
            self.add(source, target)

    def pack(self):
        """Write the archive and return its path."""
        archive = self.root.with_suffix(".cpio.gz")
        names = subprocess.run(["find", ".", "-mindepth", "1", "-print0"],
                               cwd=self.root, check=True,
                               stdout=subprocess.PIPE).stdout
        cpio = subprocess.run(
            ["cpio", "--null", "-o", "-H", "newc", "-R", "0:0", "--quiet"],
            cwd=self.root, input=names, check=True,
            stdout=subprocess.PIPE).stdout
        archive.write_bytes(gzip.compress(cpio, 1))
        return archive


class Tree(Files):
    """A root file system in the making."""

    def __init__(self, name, init=None, busybox="/bin/busybox"):
        super().__init__(name)
        for part in ("bin", "dev", "etc", "proc", "root", "run", "sys",
                     "tmp", "var/log", "var/lib/xen", LIB, "lib64"):
            (self.root / part).mkdir(parents=True)
        (self.root / "var/run").symlink_to("/run")
        (self.root / "var/lock").symlink_to("/run")
        self.add(busybox, "bin/busybox")
        self.add(GUEST / "agent", "bin/agent")
        self.add(init or GUEST / f"init-{name}", "init")

    def add_programs(self, xen, programs):
        """PROGRAMS from the packages, and every library they need."""
        todo = [xen / program for program in programs]
        for program in programs:
            self.add(xen / program, program)
        seen = set()
        names = ["libgcc_s.so.1"]       # glibc loads it for pthread_cancel
        while todo or names:
            names = names or needed(todo.pop())
            while names:
                name = names.pop()
                if name not in seen:
                    seen.add(name)
                    library = find_library(xen, name)
                    self.add(library, LIB / name)
                    todo.append(library)
        self.add(find_library(xen, os.path.basename(LOADER)), LOADER)


def busybox(xen):
    """That of this system; for another processor the packages have one."""
    # Debian 13 has no /bin of its own.
    return "/bin/busybox" if arch.NATIVE else \
        next(xen.glob("**/bin/busybox"))


def user_programs(prefix=arch.PREFIX):
    """Compile tests/user; return its programs."""
    out = BUILD / f"{prefix}user"
    cross = [f"CC={prefix}gcc"] if prefix else []
    subprocess.run(["make", "-s", "-C", USER, f"OUT={out}", *cross],
                   check=True)
    return [path for path in sorted(out.iterdir())
            if path.is_file() and os.access(path, os.X_OK)]


def add_tools(tree, place="bin"):
    """Compile tools/xen; its programs go to PLACE."""
    out = BUILD / "tools/static"
    cross = [f"CC={arch.PREFIX}gcc"] if arch.PREFIX else []
    subprocess.run(["make", "-s", "-C", REPO / "tools/xen", f"O={out}",
                    "LDFLAGS=-static", *cross], check=True)
    tree.add(out / "lsxenbus/lsxenbus", f"{place}/lsxenbus")


def guest_archive(xen, extra=None, more=()):
    """What a guest boots from; MORE is for tools()."""
    tree = Tree("domu", busybox=busybox(xen))
    tree.add_programs(xen, tools(xen, more) + STORE_TOOLS)
    for program in user_programs():
        tree.add(program, f"tests/{program.name}")
    tree.add(GUEST / "net-up", "bin/net-up")
    for name in ("poweroff", "reboot"):
        tree.add(GUEST / "down", f"sbin/{name}")
    tree.add_all(extra)
    return tree.pack()


def dom0_archive(bzimage, extra=None, guest_extra=None):
    """The archive dom0 boots from: it holds BZIMAGE for its guests.

    EXTRA says which other files it gets, source to target; GUEST_EXTRA says
    the same for guests.
    """
    xen = packages()
    guest = guest_archive(xen, guest_extra)
    tree = Tree("dom0", busybox=busybox(xen))
    tree.add_programs(xen, tools(xen, DOM0_TOOLS) + STORE_TOOLS)
    for program in user_programs():
        tree.add(program, f"tests/{program.name}")
    add_tools(tree)
    for script in (GUEST / "scripts").iterdir():
        tree.add(script, f"etc/xen/scripts/{script.name}")
    for script in (GUEST / "bin").iterdir():
        tree.add(script, f"bin/{script.name}")
    for config in GUEST.glob("*.cfg"):
        tree.add(config, f"etc/xen/{config.name}")
    tree.add(GUEST / "xl.conf", "etc/xen/xl.conf")
    tree.add(xen / "etc/xen/oxenstored.conf", "etc/xen/oxenstored.conf")
    tree.add(bzimage, "boot/bzImage")
    tree.add(guest, "boot/domu.cpio.gz")
    tree.add_all(extra)
    return tree.pack()


def debian_archive(bzimage):
    """What a dom0 boots from that is a Debian with systemd and libvirt.

    It is the system as it is in the cache, and behind it the files of ours.
    """
    done = subprocess.run([DEBIAN / "archive.sh"], check=True, text=True,
                          stdout=subprocess.PIPE)
    files = Files("debian")
    for path in (DEBIAN / "root").rglob("*"):
        if path.is_file():
            files.add(path, path.relative_to(DEBIAN / "root"))
    for name in ("agent", "bin/guest", "bin/guest-up"):
        files.add(GUEST / name, f"usr/local/bin/{pathlib.Path(name).name}")
    (files.root / "usr/local/bin/usleep").symlink_to("/bin/busybox")
    (files.root / "var/log/xen/console").mkdir(parents=True)
    add_tools(files, "usr/local/bin")
    files.add(bzimage, "boot/bzImage")
    files.add(guest_archive(packages()), "boot/domu.cpio.gz")
    whole = WORK / "debian.cpio"
    with whole.open("wb") as out:
        for part in (pathlib.Path(done.stdout.strip()), files.pack()):
            with part.open("rb") as source:
                shutil.copyfileobj(source, out)
    return whole
