# SPDX-License-Identifier: GPL-2.0
"""Draw what was measured: one SVG for each machine and daemon."""

import math
import re

from goals import CASES, INSTEAD

HEIGHT = 0.27   # of a bar, where the cases are one apart
COLOURS = {"original": "0.7", "ours": "tab:blue", "socket": "tab:orange"}


def times(results, cases):
    """The µs of each case, by what took them; NaN where there is no figure."""
    def of(name, case):
        return results.get(name, {}).get(case, {}).get("us", math.nan)
    return {"original": [of("original", INSTEAD.get(case, case))
                         for case in cases],
            "ours": [of("ours", case) for case in cases],
            "socket": [of("socket", case) for case in cases]}


def bars(axes, all_series):
    """Bars of all series, side by side for each case."""
    for number, (name, series) in enumerate(all_series.items()):
        shift = (number - (len(all_series) - 1) / 2) * HEIGHT
        axes.barh([place + shift for place in range(len(series))], series,
                  HEIGHT, label=name, color=COLOURS[name])
    axes.legend()


def draw(results, out):
    """Write OUT/<machine>-<daemon>.svg: times of drivers and socket, ratios."""
    import matplotlib.pyplot as plt     # takes a second

    for key, found in results.items():
        cases = [case for case in CASES
                 if "us" in found.get("ours", {}).get(case, {})]
        if not cases:
            continue
        took = times(found, cases)
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(12, 0.36 * len(cases) + 1.5), sharey=True)
        bars(left, took)
        left.set_xscale("log")
        left.set_xlabel("µs per operation")
        left.set_yticks(range(len(cases)), cases)
        left.invert_yaxis()
        bars(right, {name: [other / ours
                            for other, ours in zip(took[name], took["ours"])]
                     for name in ("original", "socket")})
        right.axvline(1, color="black", linewidth=0.8)
        right.set_xlabel("times as long as ours")
        figure.suptitle(key.replace(" ", ", "))
        figure.tight_layout()
        plot = out / f"{key.replace(' ', '-')}.svg"
        figure.savefig(plot)
        # It goes into patches, which have no blanks at the end of a line.
        plot.write_text(re.sub(" +$", "", plot.read_text(), flags=re.M))
        plt.close(figure)
