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
            if len(order) == 4:
                while not (folder / "frontier.part.json").exists():
                    time.sleep(0.01)
                raise KeyboardInterrupt
            return TRACES["day"][job[1]]

        def keep_part(self, swept, path=None):
            super().keep_part(swept, folder / "frontier.json")

    broken = Swept("masu", True)
    broken.traces = [pathlib.Path("wave.csv"), pathlib.Path("day.csv")]
    try:
        broken.measure()
    except KeyboardInterrupt:
        pass
    part = json.loads((folder / "frontier.part.json").read_text())["traces"]
    assert {r for _, r in order[:2]} == {"masu"}  # the longest begin first
    assert any(t["points"].get("masu") == [[0.001, 3.0]] for t in part.values())

    whole = frontier.Frontier("masu", True)
    whole.points = TRACES
    whole.keep(folder / "frontier.json")
    assert not (folder / "frontier.part.json").exists() and len(list((folder / "frontier").glob("*.svg"))) == len(frontier.RULES)
print("ok")
