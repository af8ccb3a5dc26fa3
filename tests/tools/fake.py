# SPDX-License-Identifier: GPL-2.0
"""A XenStore on a pseudo terminal, which a program can open as its device.

It does what a test wants of it: holds requests back until a number of them is
there, answers in another order, or wrongly, and counts.
"""

import fcntl
import os
import pty
import struct
import termios
import threading
import tty

DIRECTORY, READ, GET_PERMS, WATCH = 1, 2, 3, 4
START, END, EVENT, ERROR, PART = 6, 7, 15, 16, 22
HEADER = struct.Struct("=IIII")
PAYLOAD = 4096


class Request:
    def __init__(self, kind, number, tx, body):
        self.kind = kind
        self.number = number
        self.tx = tx
        self.words = body.split(b"\0")
        self.path = self.words[0].decode()


class Store:
    """Nodes are a dictionary of paths and values; parents come by themselves."""

    def __init__(self, nodes=None):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.device = os.ttyname(self.slave)
        self.lock = threading.Lock()
        self.output = threading.Lock()
        self.nodes = {"/": b""}
        self.below = {"/": {}}  # names, in the order in which they came
        self.watches = {}
        self.requests = []      # all there were
        self.waiting = []       # those not answered
        self.most = 0           # that were waiting at the same time
        self.part = PAYLOAD     # of a list that one message takes
        self.hook = lambda request: None
        self.first = self.tell  # when a watch is set
        self.hold = None        # numbers of requests that come together
        self.piece = None       # bytes at a time
        for path, value in (nodes or {}).items():
            self.put(path, value)

    # What is in it

    def put(self, path, value):
        if path not in self.nodes:
            above, name = path.rsplit("/", 1)
            if above and above not in self.nodes:
                self.put(above, "")
            self.below[above or "/"][name] = True
            self.below[path] = {}
        self.nodes[path] = value.encode() if isinstance(value, str) else value

    def remove(self, path):
        for name in list(self.below[path]):
            self.remove(path.rstrip("/") + "/" + name)
        above, name = path.rsplit("/", 1)
        del self.below[above or "/"][name], self.below[path], self.nodes[path]

    def names(self, path):
        return b"".join(name.encode() + b"\0" for name in self.below[path])

    # Changes that are told

    def tell(self, path):
        for watched, token in list(self.watches.items()):
            if path == watched or path.startswith(watched.rstrip("/") + "/"):
                self.send(EVENT, 0, 0, path.encode() + b"\0" + token + b"\0")

    def change(self, path, value):
        with self.lock:
            self.put(path, value)
        self.tell(path)

    def drop(self, path):
        with self.lock:
            self.remove(path)
        self.tell(path)

    def is_unread(self):
        """Whether the program has not read all that was sent."""
        left = fcntl.ioctl(self.slave, termios.FIONREAD, b"\0" * 4)
        return left != b"\0" * 4

    # Answers

    def send(self, kind, number, tx, body):
        message = HEADER.pack(kind, number, tx, len(body)) + body
        step = self.piece or len(message)
        with self.output:
            for start in range(0, len(message), step):
                piece = message[start:start + step]
                while piece:
                    piece = piece[os.write(self.master, piece):]

    def look_up(self, request):
        """Bytes, or the name of an error."""
        kind, path = request.kind, request.path
        if kind == START:
            return b"7\0"
        if kind == END:
            return b"OK\0"
        if kind == WATCH:
            self.watches[path] = request.words[1]
            return b"OK\0"
        if path not in self.nodes:
            return "ENOENT"
        if kind == READ:
            return self.nodes[path]
        if kind == GET_PERMS:
            return b"n0\0r7\0"
        names = self.names(path)
        if kind == DIRECTORY:
            return names if len(names) <= self.part else "E2BIG"
        if kind == PART:
            start = int(request.words[1])
            end = start + self.part - 3     # what else is in it
            while end < len(names) and names[end - 1]:
                end -= 1
            return b"9\0" + names[start:end] + \
                (b"\0" if end >= len(names) else b"")
        return "ENOSYS"

    def answer(self, request):
        with self.lock:
            reply = self.hook(request)
            if reply is None:
                reply = self.look_up(request)
        if isinstance(reply, str):
            self.send(ERROR, request.number, request.tx,
                      reply.encode() + b"\0")
        else:
            self.send(request.kind, request.number, request.tx, reply)
        if request.kind == WATCH:
            self.first(request.path)

    def flush(self):
        """Answer what waits, unless more has to come first; last one first."""
        if self.hold:
            if len(self.waiting) < self.hold[0]:
                return
            self.hold.pop(0)
        while self.waiting:
            self.answer(self.waiting.pop())

    def serve(self):
        """Until the terminal is closed."""
        have = b""
        while True:
            try:
                have += os.read(self.master, 65536)
            except OSError:
                return
            while len(have) >= HEADER.size:
                kind, number, tx, size = HEADER.unpack(have[:HEADER.size])
                if len(have) < HEADER.size + size:
                    break
                body = have[HEADER.size:HEADER.size + size]
                have = have[HEADER.size + size:]
                request = Request(kind, number, tx, body)
                self.requests.append(request)
                self.waiting.append(request)
            self.most = max(self.most, len(self.waiting))
            self.flush()

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *what):
        os.close(self.slave)
        self.thread.join(20)
        os.close(self.master)
