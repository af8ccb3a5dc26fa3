# SPDX-License-Identifier: GPL-2.0
"""Build the kernel of the Xen tests from any tree, original or overlaid."""

import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
BUILD = REPO / "build"
CACHE = pathlib.Path(
    os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "xenbus"
FRAGMENT = HERE / "kernel.config"


class BuildError(Exception):
    pass


def options(text):
    """The CONFIG_ lines of a .config or fragment, as a dictionary."""
    found = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", text, re.M))
    found.update((name, "n") for name in
                 re.findall(r"^# (CONFIG_\w+) is not set$", text, re.M))
    return found


def missing(fragments, config):
    """Requested options that are not in the final configuration."""
    have = options(config.read_text())
    want = {}
    for fragment in fragments:
        want.update(options(fragment.read_text()))
    return [f"{name}={value}" for name, value in want.items()
            if have.get(name, "n") != value]


def build(tree, out, extra=()):
    """Configure and build TREE into OUT; return the bzImage.

    EXTRA names further fragments. Nothing is rebuilt that is up to date.
    """
    tree, out = pathlib.Path(tree), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    fragments = [FRAGMENT, *map(pathlib.Path, extra)]
    allconfig = out / "fragment.config"
    wanted = "".join(f.read_text() for f in fragments)
    make = ["nice", "make", "-C", str(tree), f"O={out}", "ARCH=x86_64",
            "KBUILD_BUILD_TIMESTAMP=@0", "KBUILD_BUILD_USER=xenbus",
            "KBUILD_BUILD_HOST=xenbus"]

    log = out / "build.log"
    with log.open("w") as sink:
        def run(*targets, env=None):
            done = subprocess.run([*make, *targets], stdout=sink, stderr=sink,
                                  stdin=subprocess.DEVNULL,
                                  env={**os.environ, **(env or {})})
            if done.returncode:
                sink.flush()
                raise BuildError(
                    f"make {' '.join(targets)} failed, see {log}:\n" +
                    "\n".join(log.read_text().splitlines()[-20:]))

        if not (out / ".config").exists() or \
                not allconfig.exists() or allconfig.read_text() != wanted:
            allconfig.write_text(wanted)
            run("allnoconfig", env={"KCONFIG_ALLCONFIG": str(allconfig)})
        lost = missing(fragments, out / ".config")
        if lost:
            allconfig.unlink()
            raise BuildError("not in the final .config: " + " ".join(lost))
        run(f"-j{os.cpu_count()}", "bzImage")
    return out / "arch/x86/boot/bzImage"


def image():
    """The bzImage of the overlaid kernel, built when it is not up to date.

    scripts/kernel-tree.sh and scripts/overlay.sh make the tree.
    """
    tree = subprocess.run([REPO / "scripts/kernel-tree.sh", "--overlay"],
                          check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()[-1]
    return build(tree, CACHE / "build-xen")


if __name__ == "__main__":
    import sys
    if len(sys.argv) < 3:
        sys.exit("usage: kernel.py TREE OUT [FRAGMENT...]")
    try:
        print(build(sys.argv[1], sys.argv[2], sys.argv[3:]))
    except BuildError as error:
        sys.exit(str(error))
