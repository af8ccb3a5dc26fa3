# SPDX-License-Identifier: GPL-2.0
"""Draw what was measured: one SVG for each machine and daemon."""

from goals import CASES, INSTEAD


def draw(results, out):
    """Write OUT/<machine>-<daemon>.svg: times of both drivers, and ratios."""
    import matplotlib.pyplot as plt     # takes a second

    for key, both in results.items():
        original, ours = both.get("original", {}), both.get("ours", {})
        cases = [case for case in CASES if "us" in ours.get(case, {}) and
                 "us" in original.get(INSTEAD.get(case, case), {})]
        if not cases:
            continue
        before = [original[INSTEAD.get(case, case)]["us"] for case in cases]
        now = [ours[case]["us"] for case in cases]
        places = range(len(cases))
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(12, 0.32 * len(cases) + 1.5), sharey=True)
        left.barh([p - 0.2 for p in places], before, 0.4, label="original",
                  color="0.7")
        left.barh([p + 0.2 for p in places], now, 0.4, label="ours",
                  color="tab:blue")
        left.set_xscale("log")
        left.set_xlabel("µs per operation")
        left.set_yticks(list(places), cases)
        left.invert_yaxis()
        left.legend()
        right.barh(list(places), [b / n for b, n in zip(before, now)],
                   color="tab:blue")
        right.axvline(1, color="black", linewidth=0.8)
        right.set_xlabel("times as fast as the original")
        figure.suptitle(key.replace(" ", ", "))
        figure.tight_layout()
        figure.savefig(out / f"{key.replace(' ', '-')}.svg")
        plt.close(figure)
