# SPDX-License-Identifier: GPL-2.0
"""What must not stand in the log of a kernel."""

import re

SPLATS = {
    "BUG": r"\bBUG:",
    "WARNING": r"\bWARNING:",
    "KASAN report": r"KASAN",
    "lockdep report": r"possible circular locking|"
                      r"possible recursive locking|INFO: .*(?:lock|key)",
    "memory leak": r"unreferenced object",
    "hung task": r"blocked for more than|hung_task|soft lockup|rcu.*stall|"
                 r"INFO: .*(?:rcu|RCU|hung)",
    "Oops": r"\bOops\b|general protection fault|Kernel panic|"
            r"Unable to handle|Panic on CPU",
}
ANY = re.compile("|".join(SPLATS.values()))
TRACE = "Call Trace:"
# A forced allocation failure says so with a trace of its own.
FORCED = "FAULT_INJECTION: forcing a failure"


def by_kind(text):
    """For each kind the lines of TEXT that have it."""
    return {kind: [line for line in text.splitlines()
                   if re.search(pattern, line)]
            for kind, pattern in SPLATS.items()}


def complaints(text):
    """The lines of TEXT with a splat, and each trace that is not accounted for."""
    lines = text.splitlines()
    traces = [line for line in lines if TRACE in line]
    return [line for line in lines if ANY.search(line)] + \
        traces[text.count(FORCED):]
