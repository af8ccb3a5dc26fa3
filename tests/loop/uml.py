# SPDX-License-Identifier: GPL-2.0
"""User-mode Linux from Debian's source, without and with what finds mistakes."""

import pathlib

import kernel

HERE = pathlib.Path(__file__).resolve().parent
OUT = kernel.BUILD / "loop"
# How many objects it is made of.
ABOUT = 660
FRAGMENTS = {
    "loop": [HERE / "kernel.config"],
    "loop-debug": [HERE / "kernel.config", HERE.parent / "kunit/debug.config"],
}


def configure(name, fragment, out, make):
    kernel.step(f"configure user-mode Linux ({name})",
                OUT / f"{name}-config.log",
                "env", f"KCONFIG_ALLCONFIG={fragment}", *make, "allnoconfig")
    lost = kernel.missing(fragment, out / ".config")
    if lost:
        raise kernel.BuildError("not in the final .config: " + " ".join(lost))


def build(name):
    """The kernel from the unchanged tree; returns its build directory.

    A tree keeps its name as long as it is the same, so what was built from it
    with this configuration need not be looked at again.
    """
    tree = kernel.tree_path("--pristine")
    out = pathlib.Path(kernel.tree_path("--build", name))
    fragment = out / "fragment.config"
    wanted = f"# {tree}\n" + \
        "".join(path.read_text() for path in FRAGMENTS[name])
    done = out / "built"
    if done.exists() and fragment.read_text() == wanted:
        return out
    done.unlink(missing_ok=True)
    fragment.write_text(wanted)
    make = ["nice", "make", "-C", tree, f"O={out}", "ARCH=um",
            kernel.compiler()]
    configure(name, fragment, out, make)
    kernel.step(f"build user-mode Linux ({name})", OUT / f"{name}-build.log",
                *make, kernel.jobs(), "all", objects=out, about=ABOUT)
    done.touch()
    return out


class Uml:
    """Its first console goes to standard error, the second is the terminal."""

    terminal = "tty1"

    def __init__(self, debug):
        self.name = "loop-debug" if debug else "loop"
        self.title = "UML with KASAN" if debug else "UML"
        self.finds_leaks = debug
        # KASAN keeps what was freed, and doubles the size of large objects.
        self.memory = "2G" if debug else "1G"
        self.kdir = build(self.name)

    def command(self, archive, words, interactive):
        # On a channel that is a file, input cannot be waited for.
        channel = "fd:0,fd:1" if interactive else "null,fd:1"
        return [self.kdir / "linux", f"mem={self.memory}", "con=null",
                "ssl=null", "con0=null,fd:2", f"con1={channel}",
                "console=tty0", f"initrd={archive}", *words]
