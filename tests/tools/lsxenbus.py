#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""lsxenbus against a XenStore that does what a case wants: lsxenbus.py [CASE...]

Needs no Xen, no kernel and no root. The program is compiled with sanitizers for
addresses and undefined behaviour. Prints TAP; the last line is "N passed, N
failed".
"""

import json
import pathlib
import re
import select
import signal
import subprocess
import sys
import threading
import time
import traceback

import domains
import fake

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
OUT = REPO / "build/tools/asan"
PROGRAM = OUT / "lsxenbus/lsxenbus"
SECONDS = 30        # nothing here takes that long
STATS = re.compile(r"requests (\d+) waits (\d+) time [\d.]+ ms\n")

SMALL = {"/a": "1", "/a/x": "two words", "/a/y": "", "/a/y/deep": "3"}


class Failure(Exception):
    pass


def check(found, wanted):
    if found != wanted:
        raise Failure(f"found:\n{found}\nnot:\n{wanted}")


def lsxenbus(store, *words):
    return subprocess.run(
        [PROGRAM, "-d", store.device, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=SECONDS, text=True)


def shown(store, *words, status=0, stderr=""):
    done = lsxenbus(store, *words)
    if done.returncode != status or done.stderr != stderr:
        raise Failure(f"status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def counted(store, *words):
    """Requests and waits, by the program's own account."""
    done = lsxenbus(store, "--stats", *words)
    found = STATS.fullmatch(done.stderr)
    if done.returncode or not found:
        raise Failure(f"status {done.returncode}\n{done.stderr}")
    return int(found[1]), int(found[2])


class Watching:
    """lsxenbus --watch, picture by picture."""

    def __init__(self, store, *words):
        self.process = subprocess.Popen(
            [PROGRAM, "-d", store.device, "--watch",
             *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            text=True)
        # A picture that does not come shall not keep the others waiting.
        self.timer = threading.Timer(SECONDS, self.process.kill)
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure("it has ended, or was too slow")
        return line

    def picture(self):
        lines = [self.line()]
        while lines[-1] != "\n":
            lines.append(self.line())
        return "".join(lines[:-1])


# === What is shown ===

def tree_is_indented():
    with fake.Store(SMALL) as store:
        check(shown(store, "/a"), '/a = "1"\n x = "two words"\n y = ""\n'
                                  '  deep = "3"\n')


def several_paths_are_shown_one_after_the_other():
    with fake.Store(SMALL) as store:
        check(shown(store, "/a/y/", "/a/x"),
              '/a/y = ""\n deep = "3"\n/a/x = "two words"\n')


def root_of_the_store_is_a_path():
    with fake.Store({"/a/b": "1"}) as store:
        check(shown(store, "--table", "/"),
              'PATH  VALUE\n/     ""\n/a    ""\n/a/b  "1"\n')


def table_has_permissions():
    with fake.Store(SMALL) as store:
        check(shown(store, "--table", "--perms", "/a"),
              'PATH       PERMS  VALUE\n'
              '/a         n0,r7  "1"\n'
              '/a/x       n0,r7  "two words"\n'
              '/a/y       n0,r7  ""\n'
              '/a/y/deep  n0,r7  "3"\n')


def tree_has_permissions():
    with fake.Store({"/a": "1"}) as store:
        check(shown(store, "--perms", "/a"), '/a = "1"   (n0,r7)\n')


def names_are_sorted_as_people_count():
    nodes = {f"/n/{i}": "" for i in (10, 9, 1, 100, 2)}
    with fake.Store(nodes) as store:
        found = json.loads(shown(store, "--json", "/n"))
    check([child["name"] for child in found[0]["children"]],
          ["1", "2", "9", "10", "100"])


def every_byte_is_printable():
    with fake.Store({"/v": bytes(range(256))}) as store:
        found = shown(store, "/v")
    escapes = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    check(found, '/v = "' + "".join(
        escapes.get(i) or (chr(i) if 32 <= i < 127 else f"\\x{i:02x}")
        for i in range(256)) + '"\n')


def json_is_valid_for_every_value():
    texts = ["", "plain", 'a"b\\c', "\0\1\n\t\x7f", "größe ✓ 𝄞"]
    rest = [bytes(range(256)), b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80", b"\xe2\x9c", b"\x80", b"\xf8\x88\x80\x80\x80"]
    nodes = {f"/v/t{i}": text for i, text in enumerate(texts)}
    nodes.update({f"/v/x{i}": value for i, value in enumerate(rest)})
    with fake.Store(nodes) as store:
        found = json.loads(shown(store, "--json", "--perms", "/v"))
    check(found, [{
        "path": "/v", "value": "", "perms": ["n0", "r7"], "children":
        [{"name": f"t{i}", "value": text, "perms": ["n0", "r7"]}
         for i, text in enumerate(texts)] +
        [{"name": f"x{i}", "value_hex": value.hex(), "perms": ["n0", "r7"]}
         for i, value in enumerate(rest)]}])


def json_has_every_path_and_error():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: \
            "EACCES" if request.path == "/a/y" else None
        found = json.loads(shown(store, "--json", "/a", "/b", status=1))
    check(found, [
        {"path": "/a", "value": "1", "children": [
            {"name": "x", "value": "two words"},
            {"name": "y", "error": "EACCES"}]},
        {"path": "/b", "error": "ENOENT"}])


def values_and_lists_may_be_as_long_as_a_message():
    nodes = {"/l/v": b"x" * 4096}
    nodes.update({f"/l/m/{i:03}{'n' * 252}": "" for i in range(16)})
    with fake.Store(nodes) as store:
        found = json.loads(shown(store, "--json", "/l"))
        check([request for request in store.requests
               if request.kind == fake.PART], [])
    check(len(found[0]["children"][0]["children"]), 16)
    check(found[0]["children"][1]["value"], "x" * 4096)


# === Domains ===

def domains_are_a_table():
    nodes = domains.host(2)
    nodes["/local/domain/1/device/vif/1/state"] = "6"
    nodes["/local/domain/1/device/vif/2/state"] = "strange"
    nodes["/local/domain/1/device/vif/3/handle"] = "0"
    nodes["/local/domain/10/name"] = "a name\n"
    with fake.Store(nodes) as store:
        check(shown(store), """\
ID  NAME      MEM/MiB  VCPUS  CONSOLE     DEVICES
0   Domain-0  1024     2      -           -
1   guest-1   128      1      /dev/pts/1  vbd/51712=connected vif/0=connected \
vif/1=closed vif/2=strange vif/3=-
2   guest-2   128      1      /dev/pts/2  vbd/51712=connected vif/0=connected
10  a name\\n  -        -      -           -
""")


def domains_are_json():
    with fake.Store(domains.host(1)) as store:
        check(json.loads(shown(store, "--domains", "--json")), [
            {"id": "0", "name": "Domain-0", "memory_kib": 1048576, "vcpus": 2,
             "console": None, "devices": []},
            {"id": "1", "name": "guest-1", "memory_kib": 131072, "vcpus": 1,
             "console": "/dev/pts/1", "devices": [
                 {"class": "vbd", "id": "51712", "state": "connected"},
                 {"class": "vif", "id": "0", "state": "connected"}]}])


def domains_are_a_tree():
    with fake.Store({"/local/domain/3/name": "x",
                     "/local/domain/3/store/port": "1"}) as store:
        check(shown(store, "--domains", "--tree"),
              '/local/domain\n 3 = ""\n  name = "x"\n')


def no_domains_are_no_error():
    with fake.Store() as store:
        check(shown(store),
              "ID  NAME  MEM/MiB  VCPUS  CONSOLE  DEVICES\n")
        check(shown(store, "--json"), "[]\n")


def domains_that_may_not_be_listed_are_an_error():
    with fake.Store() as store:
        store.hook = lambda request: "EACCES"
        check(shown(store, status=1).splitlines()[1:],
              ["/local/domain ! EACCES"])


# === Waits ===

def one_wait_for_each_level():
    with fake.Store(SMALL) as store:
        check(counted(store, "/a"), (8, 3))
        check(counted(store, "/a/x"), (2, 1))
        check(counted(store, "--perms", "/a"), (12, 3))
        check(counted(store, "--transaction", "/a"), (10, 5))


def level_is_in_flight_before_it_is_answered():
    """The store answers nothing of a level until all of it has come."""
    with fake.Store(SMALL) as store:
        store.hold = [2, 4, 2]
        check(shown(store, "/a"), '/a = "1"\n x = "two words"\n y = ""\n'
                                  '  deep = "3"\n')


def number_of_domains_does_not_count():
    waits = []
    for count in (1, 50, 300):
        with fake.Store(domains.host(count)) as store:
            waits.append([counted(store)[1], counted(store, "/local")[1],
                          counted(store, "/")[1]])
    check(waits, 3 * [[4, 8, 9]])


def no_more_in_flight_than_a_file_takes():
    nodes = {f"/m/{i}": str(i) for i in range(3000)}
    with fake.Store(nodes) as store:
        store.part = 1 << 20
        store.hook = lambda request: b"".join(
            b"%d\0" % i for i in range(700)) \
            if request.kind == fake.DIRECTORY and request.path == "/m" \
            else None
        store.hold = [2, 1024]
        check(counted(store, "/m"), (1402, 2))
        check(store.most, 1024)


# === What changes meanwhile, and what is refused ===

def node_that_vanishes_is_left_out():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: \
            "ENOENT" if request.path == "/a/y" else None
        check(shown(store, "/a"), '/a = "1"\n x = "two words"\n')


def node_that_vanishes_between_two_answers_is_left_out():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: "ENOENT" if request.path == "/a/y" and \
            request.kind == fake.READ else None
        check(shown(store, "/a"), '/a = "1"\n x = "two words"\n')


def path_that_does_not_exist_is_an_error():
    with fake.Store(SMALL) as store:
        check(shown(store, "/b", "/a/x", status=1),
              '/b ! ENOENT\n/a/x = "two words"\n')


def refused_node_is_shown():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: \
            "EACCES" if request.path == "/a/y" else None
        check(shown(store, "/a"),
              '/a = "1"\n x = "two words"\n y ! EACCES\n')
        check(shown(store, "--table", "/a").splitlines()[-1], "/a/y  ! EACCES")


def other_errors_are_shown_and_told():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: "EIO" if request.path == "/a/y" and \
            request.kind == fake.DIRECTORY else None
        check(shown(store, "/a", status=1),
              '/a = "1"\n x = "two words"\n y = "" ! EIO\n')


# === Long lists ===

LONG = {f"/n/child-{i:04}": str(i) for i in range(1000)}


def long_list(found):
    return [(child["name"], child["value"])
            for child in json.loads(found)[0]["children"]] == \
        [(f"child-{i:04}", str(i)) for i in range(1000)]


def long_list_comes_in_parts():
    with fake.Store(LONG) as store:
        check(long_list(shown(store, "--json", "/n")), True)
        check([request.words[1] for request in store.requests
               if request.kind == fake.PART], [b"0", b"4092", b"8184"])
        check(counted(store, "/n"), (2005, 5))


def list_that_ends_with_a_part_is_complete():
    with fake.Store({f"/n/{i}": "" for i in range(8)}) as store:
        store.part = 8
        check(shown(store, "/n").count("\n"), 9)


def list_that_changes_is_begun_again():
    with fake.Store(LONG) as store:
        def hook(request):
            parts = [each for each in store.requests
                     if each.kind == fake.PART]
            if request.kind == fake.PART and len(parts) == 1:
                return b"8\0" + b"child-old\0" * 3
            return None
        store.hook = hook
        check(long_list(shown(store, "--json", "/n")), True)


def list_that_always_changes_is_given_up():
    with fake.Store(LONG) as store:
        store.hook = lambda request: b"%d\0x\0" % len(store.requests) \
            if request.kind == fake.PART else None
        check(shown(store, "/n", status=1), '/n = "" ! EAGAIN\n')


def long_list_of_a_store_without_parts():
    with fake.Store(LONG) as store:
        store.hook = lambda request: \
            "ENOSYS" if request.kind == fake.PART else None
        check(shown(store, "/n", status=1), '/n = "" ! E2BIG\n')


def part_that_leads_nowhere_is_an_error():
    with fake.Store(LONG) as store:
        for nonsense in (b"", b"1", b"1\0", b"9" * 40 + b"\0x\0\0"):
            store.hook = lambda request: \
                nonsense if request.kind == fake.PART else None
            check(shown(store, "/n", status=1), '/n = "" ! EINVAL\n')


# === Transactions ===

def transaction_holds_all():
    with fake.Store(SMALL) as store:
        shown(store, "--transaction", "/a")
        check([request.tx for request in store.requests], [0] + 9 * [7])
        check([store.requests[0].kind, store.requests[-1].kind,
               store.requests[-1].words[0]], [fake.START, fake.END, b"T"])


def picture_that_does_not_belong_together_is_not_shown():
    """What was read first has changed when the transaction ends."""
    with fake.Store({"/a": "old"}) as store:
        def hook(request):
            if request.kind == fake.END and store.nodes["/a"] == b"old":
                store.put("/a", "new")
                return "EAGAIN"
            return None
        store.hook = hook
        check(shown(store, "--transaction", "/a"), '/a = "new"\n')


def transaction_that_was_lost_is_begun_again():
    with fake.Store(SMALL) as store:
        lost = ["/a/x"]
        store.hook = lambda request: "EAGAIN" if lost and \
            request.path == "/a/x" and lost.pop() else None
        check(shown(store, "-t", "/a/x"), '/a/x = "two words"\n')
        check([request.words[0] for request in store.requests
               if request.kind == fake.END], [b"F", b"T"])


def transaction_that_never_succeeds_is_given_up():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: \
            "EAGAIN" if request.kind == fake.END else None
        check(shown(store, "-t", "/a/x", status=1, stderr="lsxenbus: "
                    "others write too often for a transaction\n"), "")


def transaction_that_is_refused_is_an_error():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: \
            "ENOSPC" if request.kind == fake.START else None
        check(shown(store, "-t", "/a", status=1, stderr="lsxenbus: "
                    "cannot start a transaction: ENOSPC\n"), "")


# === Watches ===

def asked(store, since):
    return sorted({request.path for request in store.requests[since:]})


def change_is_shown():
    with fake.Store(SMALL) as store, Watching(store, "/a") as watching:
        check(watching.picture(), shown_small("3"))
        since = len(store.requests)
        store.change("/a/y/deep", "4")
        check(watching.picture(), shown_small("4"))
        check(asked(store, since), ["/a/y/deep"])


def shown_small(deep):
    return '/a = "1"\n x = "two words"\n y = ""\n' \
           f'  deep = "{deep}"\n'


def new_node_is_shown_with_what_is_above_it():
    with fake.Store(SMALL) as store, Watching(store, "/a") as watching:
        watching.picture()
        since = len(store.requests)
        store.change("/a/b/c/d", "new")
        check(watching.picture(),
              '/a = "1"\n b = ""\n  c = ""\n   d = "new"\n'
              ' x = "two words"\n y = ""\n  deep = "3"\n')
        check(asked(store, since), ["/a/b", "/a/b/c", "/a/b/c/d"])


def removed_node_is_not_shown():
    with fake.Store(SMALL) as store, Watching(store, "/a") as watching:
        watching.picture()
        store.drop("/a/y")
        check(watching.picture(), '/a = "1"\n x = "two words"\n')
        store.drop("/a/x")
        check(watching.picture(), '/a = "1"\n')


def path_may_come_and_go():
    with fake.Store() as store, Watching(store, "/a/b") as watching:
        check(watching.picture(), "/a/b ! ENOENT\n")
        store.change("/a/b/c", "1")
        check(watching.picture(), '/a/b = ""\n c = "1"\n')
        store.drop("/a/b")
        check(watching.picture(), "/a/b ! ENOENT\n")


def event_of_the_path_itself_asks_for_all():
    """Which is what the driver sends if there were too many."""
    with fake.Store(SMALL) as store, Watching(store, "/a") as watching:
        watching.picture()
        with store.lock:
            store.put("/a/y/deep", "5")
        store.tell("/a")
        check(watching.picture(), shown_small("5"))


def events_in_a_burst_are_all_seen():
    nodes = {f"/b/{i}/{j}": "old" for i in range(9) for j in range(9)}
    with fake.Store(nodes) as store, \
            Watching(store, "--json", "/b") as watching:
        watching.line()
        for i in range(9):
            for j in range(9):
                store.change(f"/b/{i}/{j}", "new")
            store.change(f"/b/{i}", "parent")
            store.change(f"/b/{i}/{i}/deeper", "child")
        found = ""
        while '"old"' in found or found.count('"child"') != 9:
            found = watching.line()
        check(found.count('"new"'), 81)
        check(found.count('"parent"'), 9)


def change_between_watch_and_picture_is_shown():
    """It changes when it has been read, before the first picture."""
    with fake.Store(SMALL) as store:
        def hook(request):
            if request.kind == fake.READ and request.path == "/a/x" and \
                    store.nodes["/a/x"] != b"late":
                store.put("/a/x", "late")
                store.tell("/a/x")
                return b"early"
            return None
        store.hook = hook
        with Watching(store, "/a/x") as watching:
            check(watching.picture(), '/a/x = "early"\n')
            check(watching.picture(), '/a/x = "late"\n')


def nothing_is_read_before_the_first_event():
    """Else a change could be taken for it, if the two are merged.

    It is stopped until the reply to its watch is there to be read, and then
    goes on until it has read that and waits again.
    """
    with fake.Store(SMALL) as store:
        started, early = threading.Event(), []

        def hook(request):
            if request.kind == fake.WATCH:
                started.wait(SECONDS)
                watching.process.send_signal(signal.SIGSTOP)
            return None

        def first(path):
            until(store.is_unread)
            watching.process.send_signal(signal.SIGCONT)
            until(lambda: not store.is_unread() and
                  is_asleep(watching.process.pid))
            early.extend(select.select([store.master], [], [], 0)[0])
            store.tell(path)
        store.hook, store.first = hook, first
        with Watching(store, "/a") as watching:
            started.set()
            check(watching.picture(), shown_small("3"))
        check(early, [])


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)


def is_asleep(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


def domains_are_watched():
    with fake.Store(domains.host(1)) as store, Watching(store) as watching:
        check(watching.picture().count("\n"), 3)
        since = len(store.requests)
        # Nobody sees the first, so only the second makes a picture.
        store.change("/local/domain/1/data/x", "1")
        store.change("/local/domain/1/device/vif/0/state", "5")
        check("vif/0=closing\n" in watching.picture(), True)
        check(asked(store, since), ["/local/domain/1/device/vif/0/state"])
        store.drop("/local/domain/1/device/vif/0")
        check("vif" in watching.picture(), False)
        store.change("/local/domain/7/name", "seven")
        check("7   seven" in watching.picture(), True)
        store.change("/local/domain/7/console/tty", "/dev/pts/7")
        check("/dev/pts/7" in watching.picture(), True)
        store.drop("/local/domain/1")
        check("guest-1" in watching.picture(), False)


def watched_transaction_is_read_anew():
    with fake.Store(SMALL) as store, \
            Watching(store, "--transaction", "/a") as watching:
        watching.picture()
        since = len(store.requests)
        store.change("/a/x", "new")
        check(' x = "new"\n' in watching.picture(), True)
        check({request.tx for request in store.requests[since + 1:]}, {7})
        check(asked(store, since + 1),
              ["/a", "/a/x", "/a/y", "/a/y/deep", "T"])


def watch_that_is_refused_is_an_error():
    with fake.Store(SMALL) as store:
        store.hook = lambda request: \
            "E2BIG" if request.kind == fake.WATCH else None
        check(shown(store, "--watch", "/a", status=1, stderr="lsxenbus: "
                    "cannot watch /a: E2BIG\n"), "")


# === The stream ===

def replies_may_come_in_pieces():
    for piece in (1, 3, 17):
        with fake.Store(SMALL) as store:
            store.piece = piece
            check(shown(store, "/a"), shown_small("3"))


def nonsense_ends_the_program():
    def unknown(store, request):
        store.send(request.kind, request.number + 1, 0, b"x")

    def twice(store, request):
        store.send(request.kind, request.number, 0, b"x")
        store.send(request.kind, request.number, 0, b"x")

    def type_of_another(store, request):
        store.send(fake.PART, request.number, 0, b"x")

    def too_long(store, request):
        store.send(request.kind, request.number, 0, b"x" * 5000)

    def half_an_event(store, request):
        store.send(fake.EVENT, 0, 0, b"/a\0")

    def foreign_event(store, request):
        store.send(fake.EVENT, 0, 0, b"/a\x0077\0")

    for nonsense in (unknown, twice, type_of_another, too_long, half_an_event,
                     foreign_event):
        with fake.Store(SMALL) as store:
            store.answer = lambda request: nonsense(store, request)
            done = lsxenbus(store, "/a")
            check((nonsense.__name__, done.returncode,
                   done.stderr.startswith("lsxenbus: the store ")),
                  (nonsense.__name__, 1, True))


def answer_to_what_was_not_sent_ends_the_program():
    """It has an id, but the terminal has no room for it yet."""
    path = "/" + 2900 * "p"
    with fake.Store({f"{path}/{i}": "" for i in range(100)}) as store:
        def hook(request):
            if request.path != path:
                store.hook = lambda request: None
                store.send(fake.READ, 201, 0, b"x")
            return None
        store.hook = hook
        done = lsxenbus(store, path)
        check((done.returncode, done.stderr),
              (1, "lsxenbus: the store answers what was not asked\n"))
        check(len(store.requests) < 200, True)


def device_that_is_missing_is_told():
    done = subprocess.run([PROGRAM, "--device",
                           "/nowhere/x"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=SECONDS)
    check((done.returncode, done.stdout, done.stderr),
          (1, "", "lsxenbus: /nowhere/x: No such file or directory\n"))


# === Options ===

def wrong_options_are_refused():
    with fake.Store(SMALL) as store:
        for words in (["--tree", "--json", "/a"], ["--domains", "/a"], [""],
                      ["--perms"], ["--nonsense"], ["/" + 3100 * "x"]):
            done = lsxenbus(store, *words)
            check((words, done.returncode, done.stdout, bool(done.stderr)),
                  (words, 2, "", True))
        check(store.requests, [])


def help_names_every_option_of_the_manual():
    with fake.Store() as store:
        text = shown(store, "--help")
        check(shown(store, "--version").split()[0], "lsxenbus")
    manual = (REPO / "tools/xen/lsxenbus.8").read_text().replace("\\-", "-")
    for option in re.findall(r"--[a-z]+", text):
        check((option, option in manual), (option, True))


def output_that_cannot_be_written_is_an_error():
    with fake.Store(SMALL) as store, open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "-d",
                               store.device, "/a"], stdout=full,
                              stderr=subprocess.PIPE, timeout=SECONDS)
        check(done.returncode, 1)


def main(names):
    subprocess.run(["make", "-s", "-C", REPO / "tools/xen", f"O={OUT}",
                    "CFLAGS=-O1 -g -fsanitize=address,undefined "
                    "-fno-sanitize-recover=all"], check=True)
    cases = [case for name, case in globals().items()
             if callable(case) and case.__module__ == __name__ and
             not isinstance(case, type) and case.__code__.co_argcount == 0]
    passed = failed = 0
    for case in cases:
        if names and case.__name__ not in names:
            continue
        try:
            case()
        except Exception:       # a case that cannot go on has failed
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {passed + failed} - {case.__name__}", flush=True)
        else:
            passed += 1
            print(f"ok {passed + failed} - {case.__name__}", flush=True)
    print(f"1..{passed + failed}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or not passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
