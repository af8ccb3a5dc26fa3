# SPDX-License-Identifier: GPL-2.0
"""Build kernels: above all that of the Xen tests, from any tree."""

import os
import pathlib
import re
import shutil
import subprocess

import arch

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
# The kernel that the driver goes into; the usual one has no directory of its own,
# nor has the usual processor.
KERNEL = os.environ.get("KERNEL", "6.12")
BUILD = REPO / "build" / ("" if KERNEL == "6.12" else KERNEL) / \
    ("" if arch.NATIVE else arch.ARCH)
SCRIPTS = REPO / "scripts"
# How many objects it is made of; and without what run.config leaves out.
ABOUT = 1400
ABOUT_SMALL = 1250
FRAGMENTS = (HERE / "kernel.config", HERE / f"kernel-{arch.ARCH}.config")

# As in scripts/lib.sh, for what is called from here.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or
                     pathlib.Path.home() / ".cache") / "xenbus"
os.environ.update(CCACHE_BASEDIR=str(CACHE), CCACHE_DEPEND="true")


class BuildError(Exception):
    """There is no kernel to test."""


def options(text):
    """The CONFIG_ lines of a .config or fragment, as a dictionary."""
    found = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", text, re.M))
    found.update((name, "n") for name in
                 re.findall(r"^# (CONFIG_\w+) is not set$", text, re.M))
    return found


def missing(fragment, config):
    """Options FRAGMENT asks for that are not in the final configuration.

    Its last paragraph may be of those that not every kernel has.
    """
    have = options(config.read_text())
    wanted = fragment.read_text().split("# Not in every kernel:")[0]
    return [f"{name}={value}" for name, value in options(wanted).items()
            if have.get(name, "n") != value]


def step(title, log, *command, objects=None, about=0, cwd=None):
    """Run a long command with a sign of life now and then.

    It makes objects below OBJECTS, ABOUT so many if nothing is there yet.
    """
    count = ["-o", objects, "-n", str(about)] if objects else []
    if subprocess.run([SCRIPTS / "step.sh", *count, title, log,
                       *command], cwd=cwd).returncode:
        raise BuildError(f"{title} failed")


def compiler(prefix=""):
    """What make is told to compile with."""
    return f"CC={'ccache ' if shutil.which('ccache') else ''}{prefix}gcc"


def jobs():
    """What make is told of how much it may do at once: one of them waits for a disk."""
    return f"--jobs={os.environ.get('JOBS') or (os.cpu_count() or 1) + 1}"


def make_command(directory, *arguments):
    """How make is called for every kernel: the same gives the same."""
    cross = [f"CROSS_COMPILE={arch.PREFIX}"] if arch.PREFIX else []
    return ["nice", "make", "-C", directory, *arguments, f"ARCH={arch.ARCH}",
            *cross, compiler(arch.PREFIX), "KBUILD_BUILD_TIMESTAMP=@0",
            "KBUILD_BUILD_USER=xenbus", "KBUILD_BUILD_HOST=xenbus"]


def build(tree, out, name, fragments=FRAGMENTS, about=ABOUT):
    """Configure TREE with FRAGMENTS and build it in OUT; return the kernel.

    What is up to date is not built again. It is made of ABOUT so many objects.
    """
    tree, out = pathlib.Path(tree), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    make = make_command(tree, f"O={out}")

    allconfig = out / "fragment.config"
    wanted = "".join(part.read_text() for part in fragments)
    if not allconfig.exists() or allconfig.read_text() != wanted:
        allconfig.unlink(missing_ok=True)
        fragment = out / "wanted.config"
        fragment.write_text(wanted)
        step(f"configure {name}", out / "config.log",
             "env", f"KCONFIG_ALLCONFIG={fragment}", *make, "allnoconfig")
        lost = missing(fragment, out / ".config")
        if lost:
            raise BuildError("not in the final .config: " + " ".join(lost))
        fragment.rename(allconfig)
    step(f"build {name}", out / "build.log", *make, jobs(), arch.IMAGE,
         objects=out, about=0 if (out / "vmlinux").exists() else about)
    return out / "arch" / arch.ARCH.replace("x86_64", "x86") / "boot" / \
        arch.IMAGE


def module(bzimage, source, place):
    """Compile the module in SOURCE for the kernel that BZIMAGE belongs to.

    It is built in PLACE, below build/; return the path of its .ko.
    """
    out = pathlib.Path(bzimage).resolve().parents[3]
    place = BUILD / place
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place)
    if not (out / "Module.symvers").exists():
        shutil.copy(out / "vmlinux.symvers", out / "Module.symvers")
    for what, *goal in (("prepare", "modules_prepare"),
                        ("build", f"M={place}", "modules")):
        step(f"module {place.name}: {what}",
             place.parent / f"{place.name}-{what}.log",
             *make_command(out), *goal)
    return next(place.glob("*.ko"))


def tree_path(*arguments):
    """What scripts/kernel-tree.sh prints."""
    done = subprocess.run([SCRIPTS / "kernel-tree.sh", *arguments],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise BuildError("no kernel tree")
    return done.stdout.strip()


def counting(tree, plain, name):
    """TREE as it is in PLAIN, but counting allocations; little is rebuilt."""
    out = plain.with_name(plain.name + "-counting")
    if not out.exists():
        shutil.copytree(plain, out, symlinks=True)
    statistics = out / "counting.config"
    statistics.write_text("CONFIG_SLUB_STATS=y\n")
    return build(tree, out, f"{name}, counting allocations",
                 (statistics, *FRAGMENTS))


def one(kind, place, name, count):
    tree, out = tree_path(kind), pathlib.Path(tree_path("--build", place))
    bzimage = build(tree, out, name)
    return counting(tree, out, name) if count else bzimage


def overlaid(count=False):
    """The kernel with our driver, up to date."""
    return one("--overlay", "xen", "the kernel with this driver", count)


def first():
    """A kernel with our driver to look at: that of the tests if there is one.

    Else a smaller one, which takes less time to build.
    """
    out = pathlib.Path(tree_path("--build", "xen"))
    if (out / "vmlinux").exists() or not arch.NATIVE:
        return overlaid()
    return build(tree_path("--overlay"), tree_path("--build", "run"),
                 "a small kernel with this driver",
                 (FRAGMENTS[0], HERE / "run.config", *FRAGMENTS[1:]),
                 ABOUT_SMALL)


def original(count=False):
    """The same kernel, same configuration, with the driver it came with."""
    return one("--pristine", "xen-original", "the original kernel", count)
