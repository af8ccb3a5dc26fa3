# SPDX-License-Identifier: GPL-2.0
"""Draw what was measured: one SVG for each machine and daemon."""

from goals import CASES, INSTEAD

HEIGHT = 0.27   # of a bar, where the cases are one apart


def sockets(results, cases):
    """What the socket took, by the places of those CASES that it has."""
    found = results.get("socket", {})
    return {place: found[case]["us"] for place, case in enumerate(cases)
            if "us" in found.get(case, {})}


def draw(results, out):
    """Write OUT/<machine>-<daemon>.svg: times of drivers and socket, ratios."""
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
        socket = sockets(both, cases)
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(12, 0.36 * len(cases) + 1.5), sharey=True)
        left.barh([p - HEIGHT for p in places], before, HEIGHT,
                  label="original", color="0.7")
        left.barh(places, now, HEIGHT, label="ours", color="tab:blue")
        left.barh([p + HEIGHT for p in socket], socket.values(), HEIGHT,
                  label="the daemon's socket", color="tab:orange")
        left.set_xscale("log")
        left.set_xlabel("µs per operation")
        left.set_yticks(list(places), cases)
        left.invert_yaxis()
        left.legend()
        right.barh([p - HEIGHT / 2 for p in places],
                   [b / n for b, n in zip(before, now)], HEIGHT,
                   label="as the original", color="0.7")
        right.barh([p + HEIGHT / 2 for p in socket],
                   [us / now[p] for p, us in socket.items()], HEIGHT,
                   label="as the daemon's socket", color="tab:orange")
        right.axvline(1, color="black", linewidth=0.8)
        right.set_xlabel("times as fast")
        right.legend()
        figure.suptitle(key.replace(" ", ", "))
        figure.tight_layout()
        figure.savefig(out / f"{key.replace(' ', '-')}.svg")
        plt.close(figure)
