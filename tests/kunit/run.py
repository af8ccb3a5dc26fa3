#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the KUnit suites: run.py plain|debug|coverage|smp...

A tier is a machine and a kernel configuration, made of the fragments in TIERS.
All but smp run in user-mode Linux: the kernel's own kunit.py configures and
builds it. smp runs on two processors under QEMU, with KCSAN. kunit.py reads the
results of all. The kernel is booted here, because a scan for leaks and the
carrying out of coverage need a first process (init, in this directory), and
kunit.py halts before one.

plain and debug boot twice: once with every suite but xenstore_waterline, once
with that one alone, because it makes lockdep complain and lockdep then goes
quiet. Logs and results go to build/kunit. Last line: "N passed, N failed".
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import kcsan                                            # noqa: E402
import kernel                                           # noqa: E402
import splats                                           # noqa: E402
from machines import Qemu, Uml                          # noqa: E402

OUT = kernel.BUILD / "kunit"

TIERS = {
    "plain": (Uml, ["base", "uml", "plain"]),
    "debug": (Uml, ["base", "uml", "plain", "debug"]),
    "coverage": (Uml, ["base", "uml", "coverage"]),
    "smp": (Qemu, ["base", "plain", "smp"]),
}
LONE_SUITE = "xenstore_waterline"
LONE_MODULE = "xenstore_waterline_kunit"

# Where a stream of results begins, and how one without results goes on.
STREAM = re.compile(r"^(?=(?:\[[ .0-9]*\] )?KTAP version 1$)", re.M)
EMPTY = re.compile(r"^.*KTAP version 1\n(?:\[[ .0-9]*\] )?1\.\.0\n")


class Tier:
    """One configuration: its build directory, its boots, its score."""

    def __init__(self, name, tree):
        self.name = name
        self.machine, fragments = TIERS[name]
        self.configs = [HERE / f"{fragment}.config" for fragment in fragments]
        self.tree = tree
        self.build = pathlib.Path(kernel.tree_path("--build", f"kunit-{name}"))
        self.out = OUT / name
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.passed = 0
        self.failed = 0

    def fail(self, what):
        print(f"not ok {self.name}: {what}")
        self.failed += 1

    def check(self, good, what):
        if good:
            print(f"ok {self.name}: {what}")
            self.passed += 1
        else:
            self.fail(what)

    def make_initrd(self):
        root = self.out / "root"
        for name in ("bin", "proc", "sys", "dev"):
            (root / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        shutil.copy(HERE / "init", root / "init")
        if self.name == "coverage":
            (root / "modules").mkdir()
            for module in self.build.glob("drivers/xen/*/**/*.ko"):
                shutil.copy(module, root / "modules")
        subprocess.run("find . | cpio --quiet -o -H newc >../initrd", shell=True,
                       cwd=root, check=True)
        shutil.rmtree(root)

    def boot(self, name, *params):
        """Boot, keep and return the log; None if it did not power off."""
        log = self.out / f"{name}.log"
        command = self.machine.command(self, [
            "rdinit=/init", "panic=-1", "kunit.enable=1", *params])
        seconds = self.machine.seconds
        start = time.monotonic()
        try:
            with log.open("w") as sink:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink,
                               stderr=subprocess.STDOUT, timeout=seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"{name}: no end after {seconds} s, see {log}")
            return None
        print(f"  {self.name}: booted {name}, "
              f"{time.monotonic() - start:.0f} s", file=sys.stderr)
        text = log.read_text(errors="replace").replace("\r", "")
        if not any(end in text for end in self.machine.ended):
            self.fail(f"{name}: the kernel did not come to its end, see {log}")
        return text

    def score(self, name, text):
        """Count the suites in a log, as kunit.py reads them."""
        # kunit.py reads the first stream of results only. There is one of
        # the built-in suites (maybe empty) and one of each module.
        # Its first line is kept as it is: it shows how long a prefix is.
        streams = STREAM.split(text)[1:]
        suites = []
        for number, stream in enumerate(streams):
            if not EMPTY.search(stream):
                suites += self.parse(f"{name}.{number}", stream)
        if not suites:
            self.fail(f"{name}: no result, see {self.out / name}.log")
        for suite in suites:
            self.score_suite(suite)

    def parse(self, name, stream):
        """The suites of one stream of results, through kunit.py."""
        log = self.out / f"{name}.ktap"
        results = self.out / f"{name}.json"
        log.write_text(stream)
        parse = ["python3", "tools/testing/kunit/kunit.py", "parse",
                 f"--json={results}", log]
        with (self.out / f"{name}.parse").open("w") as sink:
            subprocess.run(parse, cwd=self.tree, stdout=sink, stderr=sink)
        try:
            return json.loads(results.read_text())["sub_groups"]
        except (OSError, ValueError):
            self.fail(f"{name}: cannot be read, see {log}")
            return []

    def score_suite(self, suite):
        counts = {"PASS": 0, "FAIL": 0, "SKIP": 0, "ERROR": 0}
        bad = []
        for case in cases(suite):
            counts[case["status"]] += 1
            if case["status"] in ("FAIL", "ERROR"):
                bad.append(case["name"])
        self.passed += counts["PASS"]
        self.failed += counts["FAIL"] + counts["ERROR"]
        print(f"{'not ok' if bad else 'ok'} {self.name}: {suite['name']}: "
              f"{counts['PASS']} passed, {len(bad)} failed, "
              f"{counts['SKIP']} skipped" +
              (f" ({', '.join(bad)})" if bad else ""))

    def check_log(self, name, text):
        complaints = splats.complaints(text)
        self.check(not complaints, f"{name}: no complaint of the kernel")
        self.show(name, complaints)

    def show(self, name, lines):
        """What has been found in a log, and where."""
        for line in lines[:10]:
            print(f"    {line}")
        if lines:
            print(f"    see {self.out / name}.log")

    def check_races(self, name, text):
        """Look at what KCSAN reported; return the rest of the log."""
        self.check("Brought up 1 node, 2 CPUs" in text,
                   f"{name}: ran on two processors")
        self.check(kcsan.watched(text), f"{name}: KCSAN watched to the end")
        reports = kcsan.Reports(text, kcsan.functions(self.build))
        self.check(reports.provoked, f"{name}: a race on purpose is reported")
        self.check(not reports.ours, f"{name}: no data race")
        self.show(name, reports.titles())
        print(f"  {self.name}: {len(reports.others)} data races in other parts "
              "of the kernel", file=sys.stderr)
        return "\n".join(reports.rest)

    def run_all(self):
        text = self.boot("all", "kunit.filter_glob=xen*",
                         f"kunit.filter=module!={LONE_MODULE}")
        if text is None:
            return
        self.score("all", text)
        if self.name == "smp":
            text = self.check_races("all", text)
        self.check_log("all", text)
        if self.name == "debug":
            self.check("leak scan finished" in text, "all: scanned for leaks")

    def run_lone(self):
        if not any(self.tree.glob("drivers/xen/*/tests/waterline_kunit.c")):
            self.fail(f"{LONE_SUITE}: no such suite")
            return
        text = self.boot(LONE_SUITE, f"kunit.filter_glob={LONE_SUITE}")
        if text is None:
            return
        self.score(LONE_SUITE, text)
        if self.name != "debug":
            self.check_log(LONE_SUITE, text)
        else:
            self.check("possible circular locking" in text,
                       f"{LONE_SUITE}: lockdep reported the violation")

    def run(self):
        try:
            self.machine.build(self)
        except kernel.BuildError as error:
            return self.fail(error)
        self.make_initrd()
        self.run_all()
        if self.name in ("plain", "debug"):
            self.run_lone()


def cases(suite):
    """The cases of a suite; one with parameters counts as one."""
    yield from suite["test_cases"]
    for group in suite["sub_groups"]:
        statuses = {case["status"] for case in cases(group)}
        worst = next((s for s in ("ERROR", "FAIL", "PASS", "SKIP")
                      if s in statuses), "ERROR")
        yield {"name": group["name"], "status": worst}


def main():
    if len(sys.argv) < 2 or not set(sys.argv[1:]) <= set(TIERS):
        print(__doc__)
        return 2
    groups = {TIERS[name][0].packages for name in sys.argv[1:]}
    subprocess.run([kernel.SCRIPTS / "setup.sh", *groups], check=True)
    tree = pathlib.Path(kernel.tree_path("--overlay"))
    passed = failed = 0
    for name in sys.argv[1:]:
        tier = Tier(name, tree)
        tier.run()
        passed += tier.passed
        failed += tier.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.BuildError as failure:
        sys.exit(f"kunit: {failure}")
