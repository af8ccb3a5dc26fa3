# SPDX-License-Identifier: GPL-2.0
"""What is measured, what it is compared with, and what is aimed at.

A goal is a factor by which a figure of ours is to be better (smaller) than
the original's, or the largest value that it may have.
"""

CASES = """
    read-8-1 read-8-4 read-8-16 write-8-1 write-8-16 read-512-1 read-2000-1
    read-2000-16 write-2000-1 write-2000-16 read-4000-1 write-4000-1
    read-8-busy
    kernel-read-1 kernel-read-16 kernel-printf-1 kernel-printf-16
    kernel-gather-10 kernel-transaction-20 kernel-watch-1 kernel-event-10
    kernel-event-1000 kernel-event-20000 vector-8-32 vector-8-256 flight-8-8
    flight-8-32 flight-8-256 flight-2000-32 guest-connect guest-resume-1000
""".split()

# The original gets these wrong: ours is compared with its single caller.
INSTEAD = {"vector-8-32": "read-8-1", "vector-8-256": "read-8-1"}

# (case, figure): how many times better
FACTORS = {
    ("read-8-1", "us"): 1.5,
    ("write-8-1", "us"): 1.5,
    ("read-8-16", "us"): 1.5,
    ("write-8-16", "us"): 1.5,
    ("write-2000-1", "us"): 1.4,
    ("write-2000-16", "us"): 1.4,
    ("flight-8-32", "us"): 1.8,
    ("vector-8-32", "us"): 2,
    ("kernel-transaction-20", "us"): 2.5,
    ("kernel-gather-10", "us"): 2,
    ("read-8-1", "thread_us"): 2,
    ("read-8-16", "thread_us"): 2,
    ("guest-connect", "sleeps"): 2,
    ("guest-connect", "us"): 1,
    ("guest-resume-1000", "us"): 8,
}

# (case, figure): at most. The thread of a single caller sleeps once until there
# is a request, and then 1.1 times, because of events, until there is a reply.
LIMITS = {
    ("read-8-1", "switches"): 4,
    ("read-8-16", "switches"): 1.8,
    ("write-2000-1", "switches"): 7,
    ("read-8-1", "sleeps"): 2.1,
    ("write-8-1", "sleeps"): 2.1,
    ("read-8-16", "sleeps"): 1.1,
    ("write-8-16", "sleeps"): 1.1,
}

# Two runs of one kernel agree within this.
NOISE = 1.01

# On two CPUs no case may be slower; these are to be faster by that much.
FACTORS_SMP = {
    ("read-8-16", "us"): 1.25,
    ("write-8-16", "us"): 1.25,
}

FIGURES = {
    "us": "µs per operation",
    "switches": "context switches",
    "interrupts": "interrupts of the driver",
    "notifications": "interrupts of the daemon",
    "sleeps": "wake-ups of the driver's thread",
    "thread_us": "µs in the driver's thread",
    "daemon_us": "µs in the daemon",
    "allocations": "allocations",
}
