#!/usr/bin/env python3
"""The figures of frontier.py by hand: what a frontier is, equal waiting, equal cost, and what is not reached."""
import json
import pathlib
import tempfile

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
assert close(frontier.gap_closed([THEIRS], [(0.0, 1.5)], CLAIRVOYANT), 0.75)
assert close(frontier.gap_closed([THEIRS], [(0.0, 4.0)], CLAIRVOYANT), -0.5)  # where masu loses it is told
assert frontier.gap_closed([THEIRS], [(0.5, 1.0)], CLAIRVOYANT) is None
assert close(frontier.room([THEIRS], CLAIRVOYANT), 2.0)
assert close(frontier.wait_ratio([(0.04, 1.1)], POINTS), 0.5)
assert frontier.wait_ratio([(0.04, 0.5)], POINTS) is None

# each by its own line: at 0.02 the second costs 3.7, though one from the begin of the first to its end would cost 1.3
assert frontier.least_at([[(0.0, 2.0)], [(0.0, 9.0), (0.03, 1.0)]], 0.02) == 2.0
assert close(frontier.least_at([[(0.0, 2.0), (0.01, 1.9)], [(0.02, 1.0)]], 0.015), 1.9)
assert frontier.least_at([[(0.02, 1.0)]], 0.01) is None

room, gap, dearer = frontier.at_level([THEIRS], [(0.0, 1.5)], CLAIRVOYANT, 0.005)
assert close(room, 2.0) and close(gap, 0.75) and close(dearer, -0.5)
assert frontier.at_level([[(0.01, 2.0)]], [(0.0, 1.5)], CLAIRVOYANT, 0.005) is None  # the others cannot wait so little
assert close(frontier.at_level([THEIRS], [(0.01, 1.5)], CLAIRVOYANT, 0.005)[2], 3.0)  # masu cannot: it counts as twelve times the bound
assert frontier.at_level([CLAIRVOYANT], [(0.0, 1.02)], CLAIRVOYANT, 0.005)[1] == 0.0

RULES = {"masu": [(0.004, 1.5), (0.02, 1.2)], "ecs-managed-scaling": [(0.002, 3.0), (0.03, 2.0)], "yesterday": [(0.0, 4.0), (0.015, 1.1)], "clairvoyant": [(0.0, 1.0)]}
RULES |= {r: [(0.0, 9.0)] for r in frontier.SIMPLE if r not in RULES} | {"masu-brisk": [(0.0, 1.0)]}
# at 0.1 % masu does not reach what yesterday does; at 0.5 % it is cheaper; at 1.5 and 3 % yesterday is
assert [(level, rule, our is None) for level, rule, _, our in frontier.losses(RULES)] == [(0.001, "yesterday", True), (0.015, "yesterday", False), (0.03, "yesterday", False)]

SPARE = {r: [[10 * w, 0.0, 1.0, c] for w, c in points] for r, points in RULES.items()}
LOST = frontier.losses(RULES)
assert frontier.why(LOST[0], RULES, SPARE).keys() == {"yesterday"}  # masu has no point there
assert all(close(a, b) for a, b in zip(frontier.why(LOST[1], RULES, SPARE)["masu"], [0.15, 0.0, 1.0, 1.29375]))  # between its points, as its cost
assert frontier.why(LOST[2], RULES, SPARE) == {"masu": [0.2, 0.0, 1.0, 1.2], "yesterday": [0.15, 0.0, 1.0, 1.1]}  # beyond the last: the last
RUN = {"instances_mean": 10.0, "utilisation": 0.5, "booting_mean": 1.0, "draining_mean": 0.5, "empty_mean": 2.0}
assert frontier.spare_of([RUN, RUN | {"empty_mean": 1.0}]) == [1.0, 0.5, 1.5, 2.0]

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "frontier.json"
    small, full = frontier.Frontier("masu", False), frontier.Frontier("masu", True)
    small.keep(path)
    assert not path.exists()  # nothing was swept
    small.points = full.points = {"wave": RULES}
    small.spare = full.spare = {"wave": SPARE}
    # others: 4 at no waiting, 1.1 at 1.5 %, so 3.0333 at 0.5 %; masu 1.48125 there, 1.29375 at 1.5 %
    assert close(small.gap_at(0.005), (4 - 2.9 / 3 - 1.48125) / (3 - 2.9 / 3)) and close(small.gap_at(0.015), (1.1 - 1.29375) / 0.1)
    assert small.gap_at(0.015, "masu-brisk") == 1.0 and small.gap(frontier.SIMPLE, "masu-brisk") == 1.0
    assert small.dearer() != small.dearer()  # room everywhere: there is no elsewhere
    flat = RULES | {r: [(0.0, 1.03)] for r in frontier.SIMPLE} | {"masu": [(0.0, 1.04)]}
    steep = RULES | {"clairvoyant": [(0.0, 0.5)]}
    both = frontier.Frontier("masu", False)
    both.points = {"wave": RULES, "steep": steep, "flat": flat}
    assert close(both.dearer(), 1.04 / 1.03 - 1)
    assert close(both.gap_at(0.015), ((1.1 - 1.29375) / 0.1 + (1.1 - 1.29375) / 0.6) / 2)  # flat leaves no room
    small.keep(path)
    told = json.loads(path.read_text())
    assert told["full"] is False and told["traces"]["wave"]["points"]["masu"] == [[0.004, 1.5], [0.02, 1.2]]
    assert close(told["traces"]["wave"]["gap_closed_ecs_managed"], round(frontier.gap_closed([RULES["ecs-managed-scaling"]], RULES["masu"], RULES["clairvoyant"]), 5))
    assert told["traces"]["wave"]["lost"][1] == [0.015, "yesterday", 1.1, 1.29375, {"masu": [0.15, 0.0, 1.0, 1.29375], "yesterday": [0.15, 0.0, 1.0, 1.1]}]
    assert [level for level, _ in told["traces"]["wave"]["best_baseline_at"]["masu-brisk"]] == [0.005, 0.015]
    full.keep(path)
    small.keep(path)
    assert json.loads(path.read_text())["full"] is True  # a smaller run does not replace it

    # What a run that was broken off measured counts for the next one of the same binary, and for no other.
    binary = pathlib.Path(folder) / "masu"
    binary.write_bytes(b"one")
    begun = frontier.Frontier(binary, True)
    assert begun.go_on(path) == {}
    begun.keep_part({"wave": {"masu": [(0.004, 1.5)]}, "steep": {}}, path)
    assert frontier.Frontier(binary, True).go_on(path) == {"wave": {"masu": [(0.004, 1.5)]}}
    binary.write_bytes(b"two")
    assert frontier.Frontier(binary, True).go_on(path) == {}
print("ok")
