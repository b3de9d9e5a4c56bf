#!/usr/bin/env python3
"""The pictures of frontier_draw.py, and what a sweep that is broken off leaves behind."""
import json
import pathlib
import tempfile
import time
import xml.etree.ElementTree as xml

import frontier
import frontier_draw

TRACES = {"wave": {r: [(0.0, 2.0), (0.01, 1.5), (0.02, 1.8)] for r in frontier.RULES}, "day": {r: [(0.001, 3.0)] for r in frontier.RULES}}

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    paths = frontier_draw.draw(TRACES, folder / "frontier")
    assert [p.stem for p in paths] == frontier.RULES  # one a policy
    root = xml.fromstring(paths[0].read_text())
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 and len(lines[0].get("points").split()) == 2  # a line a trace, of what no other point beats
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 4

    order = []

    class Swept(frontier.Frontier):
        def sweep(self, job):
            order.append(job)
            if len(order) >= 4:
                while not (folder / "frontier.part.json").exists():
                    time.sleep(0.01)
                raise KeyboardInterrupt
            return TRACES["day"]["masu"]

        def keep_part(self, swept, path=None):
            super().keep_part(swept, folder / "frontier.json")

        def go_on(self, path=None):
            return super().go_on(folder / "frontier.json")

    binary = folder / "masu"
    binary.write_bytes(b"one")
    broken = Swept(binary, True)
    broken.traces = [pathlib.Path("wave.csv"), pathlib.Path("day.csv")]
    try:
        broken.measure()
    except KeyboardInterrupt:
        pass
    part = json.loads((folder / "frontier.part.json").read_text())["swept"]
    assert {r for _, r in order[:2]} <= set(frontier.OURS)  # the longest begin first
    assert any(rules.get("masu") == [[0.001, 3.0]] for rules in part.values())

    del order[:]
    again = Swept(binary, True)
    again.traces = broken.traces
    try:
        again.measure()
    except KeyboardInterrupt:
        pass
    assert not any(rule in part.get(trace.stem, {}) for trace, rule in order)  # what is measured is not swept again

    whole = frontier.Frontier("masu", True)
    whole.points = TRACES
    whole.keep(folder / "frontier.json")
    assert not (folder / "frontier.part.json").exists() and len(list((folder / "frontier").glob("*.svg"))) == len(frontier.RULES)
print("ok")
