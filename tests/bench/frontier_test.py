#!/usr/bin/env python3
"""The figures of frontier.py by hand: what a frontier is, equal waiting, equal cost, and what is not reached."""
import frontier

POINTS = [(0.03, 1.0), (0.01, 1.2), (0.02, 1.5), (0.001, 2.0)]


def close(a, b):
    return abs(a - b) < 1e-9


assert frontier.frontier(POINTS) == [(0.001, 2.0), (0.01, 1.2), (0.03, 1.0)]  # the point that another beats in both is none of it
assert close(frontier.cost_at(POINTS, 0.02), 1.1)
assert frontier.cost_at(POINTS, 0.0005) is None
assert frontier.cost_at(POINTS, 0.5) == 1.0  # who may wait more need not
assert close(frontier.waiting_at(POINTS, 1.1), 0.02)
assert frontier.waiting_at(POINTS, 0.9) is None
assert frontier.waiting_at(POINTS, 9) == 0.001

THEIRS, CLAIRVOYANT = [(0.001, 3.0), (0.03, 3.0)], [(0.0, 1.0)]
assert close(frontier.gap_closed(THEIRS, [(0.0, 1.5)], CLAIRVOYANT), 0.75)
assert close(frontier.gap_closed(THEIRS, [(0.0, 4.0)], CLAIRVOYANT), -0.5)  # where masu loses it is told
assert frontier.gap_closed(THEIRS, [(0.5, 1.0)], CLAIRVOYANT) is None
assert close(frontier.room(THEIRS, CLAIRVOYANT), 2.0)
assert close(frontier.wait_ratio([(0.04, 1.1)], POINTS), 0.5)
assert frontier.wait_ratio([(0.04, 0.5)], POINTS) is None
print("ok")
