#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the KUnit suites in user-mode Linux: run.py plain|debug|coverage...

A tier is a kernel configuration, made of the fragments in TIERS.
The kernel's own kunit.py configures, builds and reads the results. The kernel
is booted here, because a scan for leaks and the carrying out of coverage need
a first process (init, in this directory), and kunit.py halts before one.

Each tier boots twice: once with every suite but xenstore_waterline, once with
that one alone, because it makes lockdep complain and lockdep then goes quiet.
Logs and results go to build/kunit. Last line: "N passed, N failed".
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
OUT = REPO / "build/kunit"
STEP = REPO / "scripts/step.sh"
TREE = REPO / "scripts/kernel-tree.sh"

TIERS = {
    "plain": ["base", "plain"],
    "debug": ["base", "plain", "debug"],
    "coverage": ["base", "coverage"],
}
LONE_SUITE = "xenstore_waterline"
LONE_MODULE = "xenstore_waterline_kunit"
BOOT_SECONDS = 600

# What a log must not contain, whatever the tests say.
SPLAT = re.compile(r"BUG:|WARNING:|KASAN:|KCSAN:|possible circular locking|"
                   r"INFO: .*(lock|rcu|hung)|unreferenced object|"
                   r"sleeping function called|Kernel panic|Oops|Call Trace:")
# Where a stream of results begins, and how one without results goes on.
STREAM = re.compile(r"^(?=(?:\[[ .0-9]*\] )?KTAP version 1$)", re.M)
EMPTY = re.compile(r"^.*KTAP version 1\n(?:\[[ .0-9]*\] )?1\.\.0\n")
# A forced allocation failure says so with a trace of its own.
FORCED = re.compile(r"FAULT_INJECTION: forcing a failure")


def output(*command):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


class Tier:
    """One configuration: its build directory, its boots, its score."""

    def __init__(self, name, tree):
        self.name = name
        self.tree = tree
        self.build = pathlib.Path(output(TREE, "--build", f"kunit-{name}"))
        self.out = OUT / name
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.passed = 0
        self.failed = 0

    def fail(self, what):
        print(f"not ok {self.name}: {what}")
        self.failed += 1

    def ok(self, what):
        print(f"ok {self.name}: {what}")
        self.passed += 1

    def kunit_py(self, verb, *options):
        configs = [f"--kunitconfig={HERE / fragment}.config"
                   for fragment in TIERS[self.name]]
        compiler = "ccache gcc" if shutil.which("ccache") else "gcc"
        return subprocess.run(
            [STEP, "-o", self.build, f"{self.name}: {verb}",
             self.out / f"{verb}.log",
             "python3", "tools/testing/kunit/kunit.py", verb, "--arch=um",
             f"--build_dir={self.build}", f"--make_options=CC={compiler}",
             *configs, *options], cwd=self.tree).returncode == 0

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
        coverage = self.out / "coverage"
        coverage.mkdir(exist_ok=True)
        command = [self.build / "linux", "mem=1G", "console=tty", "con=null",
                   "con0=null,fd:1", f"initrd={self.out}/initrd",
                   "rdinit=/init", f"coverage_dir={coverage}",
                   "panic=-1", "kunit.enable=1", *params]
        start = time.monotonic()
        try:
            with log.open("w") as sink:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink,
                               stderr=subprocess.STDOUT, timeout=BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            self.fail(f"{name}: no end after {BOOT_SECONDS} s, see {log}")
            return None
        print(f"  {self.name}: booted {name}, "
              f"{time.monotonic() - start:.0f} s", file=sys.stderr)
        text = log.read_text(errors="replace")
        if "reboot: System halted" not in text and \
                "reboot: Power down" not in text:
            self.fail(f"{name}: the kernel did not power off, see {log}")
        return text

    def score(self, name):
        """Count the suites in a log, as kunit.py reads them."""
        log = self.out / f"{name}.log"
        # kunit.py reads the first stream of results only. There is one of
        # the built-in suites (maybe empty) and one of each module.
        # Its first line is kept as it is: it shows how long a prefix is.
        streams = STREAM.split(log.read_text(errors="replace"))[1:]
        suites = []
        for number, stream in enumerate(streams):
            if not EMPTY.search(stream):
                suites += self.parse(f"{name}.{number}", stream)
        if not suites:
            self.fail(f"{name}: no result, see {log}")
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
        splats = [line for line in text.splitlines()
                  if SPLAT.search(line) and "Call Trace:" not in line]
        traces = text.count("Call Trace:") - len(FORCED.findall(text))
        if splats or traces > 0:
            self.fail(f"{name}: the kernel complained, "
                      f"see {self.out / name}.log")
            print("\n".join(f"    {line}" for line in splats[:10]))
        else:
            self.ok(f"{name}: no complaint in the log")

    def run_all(self):
        text = self.boot("all", "kunit.filter_glob=xen*",
                         f"kunit.filter=module!={LONE_MODULE}")
        if text is None:
            return
        self.score("all")
        self.check_log("all", text)
        if self.name == "debug":
            if "leak scan finished" in text:
                self.ok("all: scanned for leaks")
            else:
                self.fail("all: no scan for leaks")

    def run_lone(self):
        if not any(self.tree.glob("drivers/xen/*/tests/waterline_kunit.c")):
            self.fail(f"{LONE_SUITE}: no such suite")
            return
        text = self.boot(LONE_SUITE, f"kunit.filter_glob={LONE_SUITE}")
        if text is None:
            return
        self.score(LONE_SUITE)
        if self.name != "debug":
            self.check_log(LONE_SUITE, text)
        elif "possible circular locking" in text:
            self.ok(f"{LONE_SUITE}: lockdep reported the violation")
        else:
            self.fail(f"{LONE_SUITE}: lockdep did not report the violation")

    def run(self):
        if not self.kunit_py("config"):
            return self.fail("not every option could be set")
        if not self.kunit_py("build", f"--jobs={jobs()}"):
            return self.fail("does not build")
        self.make_initrd()
        self.run_all()
        if self.name != "coverage":
            self.run_lone()


def cases(suite):
    """The cases of a suite; one with parameters counts as one."""
    yield from suite["test_cases"]
    for group in suite["sub_groups"]:
        statuses = {case["status"] for case in cases(group)}
        worst = next((s for s in ("ERROR", "FAIL", "PASS", "SKIP")
                      if s in statuses), "ERROR")
        yield {"name": group["name"], "status": worst}


def jobs():
    return int(output("nproc"))


def main():
    if len(sys.argv) < 2 or not set(sys.argv[1:]) <= set(TIERS):
        print(__doc__)
        return 2
    subprocess.run([REPO / "scripts/setup.sh", "uml"], check=True)
    tree = pathlib.Path(output(TREE, "--overlay"))
    passed = failed = 0
    for name in sys.argv[1:]:
        tier = Tier(name, tree)
        tier.run()
        passed += tier.passed
        failed += tier.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
