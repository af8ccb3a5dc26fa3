# SPDX-License-Identifier: GPL-2.0
"""Print what was measured, side by side, and what is aimed at."""

import math

from goals import GOALS, INSTEAD, NOISE, Goals

COLUMNS = (("switches", "switches"), ("sleeps", "wake-ups"),
           ("interrupts", "interr."), ("notifications", "notif."),
           ("thread_us", "thread µs"), ("daemon_us", "daemon µs"))


def pair(original, ours, figure):
    """'before>now' of a figure."""
    def one(figures):
        return f"{figures[figure]:.1f}" if figure in figures else "-"
    return f"{one(original)}>{one(ours)}"


def time(figures):
    return f"{figures['us']:>9.1f}" if "us" in figures else f"{'-':>9}"


def ratio(other, ours):
    """How many times as long the other one takes."""
    if "us" in other and "us" in ours:
        return f"{other['us'] / ours['us']:>9.2f}"
    return f"{'-':>9}"


def compared(results, goals, case):
    """What the original is taken to need for a case."""
    found = results.get("original", {}).get(INSTEAD.get(case, case), {})
    if "us" not in found and case in goals.fallback and "original" in results:
        return found | {"us": goals.fallback[case]}
    return found


def verdicts(goals, case, original, ours, socket):
    """The goals of a case, and whether they are reached.

    ORIGINAL and SOCKET are None if they were not to be measured.
    """
    def factor(what, other, figure, wanted):
        if figure not in ours or figure not in other:
            return (f"{what}: nothing to compare, of x{wanted}", False)
        have = other[figure] / max(ours[figure], 1e-9)
        return (f"{what} x{have:.2f} of x{wanted}", have * NOISE >= wanted)

    for (name, figure), wanted in goals.factors.items():
        if name == case and original is not None:
            yield factor(figure, original, figure, wanted)
    if case in goals.socket and socket is not None:
        yield factor("socket", socket, "us", goals.socket[case])
    for (name, figure), limit in goals.limits.items():
        if name == case:
            have = ours.get(figure, math.inf)
            yield (f"{figure} {have:.2f} of {limit}", have <= limit * NOISE)
    if ours.get("wrong"):
        yield ("every byte right", False)
    if goals.none_slower and original and "us" in original and \
            "us" in ours and ours["us"] > original["us"] * NOISE:
        yield ("slower", False)


def troubles(name, case, results):
    """What is wrong with the figures of NAME, which there should be."""
    figures = results[name].get(case)
    if figures is None:
        yield f"{name}: not measured"
        return
    if figures.get("wrong"):
        yield (f"{name}: {figures['wrong']:.0f} of {figures['count']:.0f} "
               "replies wrong")
    if "failed" in figures:
        yield f"{name}: failed" if "us" not in figures else \
            f"{name}: {figures['failed']} rounds failed"


def has_socket(case):
    return not case.startswith(("kernel-", "guest-"))


def remarks(goals, case, results):
    """What is to be said of a case, goals and troubles."""
    old = compared(results, goals, case) if "original" in results else None
    socket = results["socket"].get(case, {}) if "socket" in results else None
    if "ours" in results:
        ours = results["ours"].get(case, {})
        for text, good in verdicts(goals, case, old, ours, socket):
            yield f"{'reached' if good else 'MISSED'}: {text}"
    for name in results:
        if name != "socket" or has_socket(case):
            yield from troubles(name, case, results)
    if "us" in (old or {}) and case in goals.fallback and \
            "us" not in results["original"].get(case, {}):
        yield f"original: {old['us']} is of a run that ended"


def show(title, key, results, cases, allocations):
    """One table: a line a case."""
    goals = Goals() if allocations else GOALS[key]
    columns = (("allocations", "alloc."),) if allocations else COLUMNS
    print(f"\n{title} (µs; others original>ours; for each operation)")
    print(f"{'case':<23}{'original':>9}{'ours':>9}{'ratio':>9}"
          f"{'socket':>9}{'x socket':>9}"
          + "".join(f"{name:>13}" for _, name in columns) + "  goals")
    for case in cases:
        old = compared(results, goals, case)
        new = results.get("ours", {}).get(case, {})
        socket = results.get("socket", {}).get(case, {})
        print(f"{case:<23}{time(old)}{time(new)}{ratio(old, new)}"
              f"{time(socket)}{ratio(socket, new)}"
              + "".join(f"{pair(old, new, figure):>13}"
                        for figure, _ in columns)
              + "  " + "; ".join(remarks(goals, case, results)), flush=True)
