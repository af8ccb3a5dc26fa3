# SPDX-License-Identifier: GPL-2.0
"""Print what was measured, side by side, and what is aimed at."""

from goals import CASES, FACTORS, FACTORS_SMP, INSTEAD, LIMITS, NOISE

COLUMNS = (("switches", "switches"), ("sleeps", "wake-ups"),
           ("interrupts", "interr."), ("notifications", "notif."),
           ("thread_us", "thread µs"), ("daemon_us", "daemon µs"))


def pair(original, ours, figure):
    """'before>now' of a figure."""
    def one(figures):
        return f"{figures[figure]:.1f}" if figure in figures else "-"
    return f"{one(original)}>{one(ours)}"


def verdicts(machine, case, original, ours):
    """The goals of a case, and whether they are reached."""
    factors = FACTORS if machine == "counted" else FACTORS_SMP
    for (name, figure), factor in factors.items():
        if name == case and figure in original and figure in ours:
            have = original[figure] / max(ours[figure], 1e-9)
            yield (f"{figure} x{have:.2f} of x{factor}", have * NOISE >= factor)
    if machine != "counted":
        if "us" in original and "us" in ours and \
                ours["us"] > original["us"] * NOISE:
            yield ("slower", False)
        return
    for (name, figure), limit in LIMITS.items():
        if name == case and figure in ours:
            yield (f"{figure} {ours[figure]:.2f} of {limit}",
                   ours[figure] <= limit * NOISE)


def show(title, machine, results, allocations):
    """One table: a line a case."""
    original, ours = results.get("original", {}), results.get("ours", {})
    columns = (("allocations", "alloc."),) if allocations else COLUMNS
    print(f"\n{title} (original>ours, for each operation)")
    print(f"{'case':<23}{'original':>9}{'ours':>9}{'ratio':>7}  "
          + "".join(f"{name:>13}" for _, name in columns) + "  goals")
    for case in CASES:
        new = ours.get(case, {})
        old = original.get(INSTEAD.get(case, case), {})
        if case not in ours and case not in original:
            continue
        line = f"{case:<23}"
        line += f"{old['us']:>9.1f}" if "us" in old else f"{'-':>9}"
        line += f"{new['us']:>9.1f}" if "us" in new else f"{'-':>9}"
        line += f"{old['us'] / new['us']:>7.2f}  " \
            if "us" in old and "us" in new else f"{'-':>7}  "
        line += "".join(f"{pair(old, new, figure):>13}"
                        for figure, _ in columns)
        said = [f"{'reached' if good else 'MISSED'}: {text}"
                for text, good in verdicts(machine, case, old, new)
                if not allocations]
        for name, figures in (("original", original.get(case, {})),
                              ("ours", new)):
            if figures.get("wrong"):
                said.append(f"{name}: {figures['wrong']:.0f} of "
                            f"{figures['count']:.0f} replies wrong")
            if "status" in figures:
                said.append(f"{name}: failed")
        print(line + "  " + "; ".join(said), flush=True)
