#!/usr/bin/env python3
"""The comparison with the baseline by hand: each direction, the threshold, times as multiples of a calibration, what is not judged, and the file."""
import pathlib
import tempfile

import baseline


def then(value, calibration_ms=20.0):
    return {"value": value, "calibration_ms": calibration_ms}


def compare(name, value, kept, calibration_ms=20.0):
    return baseline.compare(name, value, calibration_ms, kept)


def close(a, b):
    return abs(a - b) < 1e-9


# less is better: 10 % more is not yet worse, 11 % is; less never is
assert not compare("binary-size", 1.099, then(1.0))["worse"]
assert compare("binary-size", 1.11, then(1.0))["worse"]
assert not compare("binary-size", 0.2, then(1.0))["worse"]
assert close(compare("binary-size", 1.11, then(1.0))["change"], 0.11)

# more is better, and it may be below zero
assert compare("sim-gap-closed-ecs-managed", 0.5, then(0.6))["worse"]
assert not compare("sim-gap-closed-ecs-managed", 0.7, then(0.6))["worse"]
assert compare("sim-gap-closed-best-baseline", -0.5, then(-0.4))["worse"]
assert not compare("sim-gap-closed-best-baseline", -0.3, then(-0.4))["worse"]

# near a value: further off on either side
assert compare("forecast-cover90-1h", 0.78, then(0.9))["worse"]
assert compare("forecast-cover90-1h", 1.0, then(0.88))["worse"]
assert not compare("forecast-cover90-1h", 0.9, then(0.7))["worse"]

# work is compared by the calibration: a machine half as fast takes twice as long, and that is no change
same = compare("plan-5000", 80.0, then(40.0, 20.0), 40.0)
assert close(same["was"], 80.0) and close(same["change"], 0) and not same["worse"]
assert compare("plan-5000", 80.0, then(40.0, 20.0), 20.0)["worse"]
assert compare("plan-5000", 44.0, then(40.0, 20.0), 19.0)["worse"]

# what hangs on the machine is shown and not judged; what was never kept is neither
shown = compare("page-first-paint", 400.0, then(100.0))
assert close(shown["change"], 3.0) and not shown["judged"] and not shown["worse"]
new = compare("plan-100", 1.0, None)
assert new["was"] is None and new["change"] is None and not new["worse"]

# a line with a budget is within it, however little it grew
assert compare("history-size", 1024.1, then(1000.0))["worse"]
assert not compare("history-size", 1023.9, then(1000.0))["worse"]
assert compare("history-size", 1024.1, None)["worse"] and "WORSE" in baseline.text(compare("history-size", 1024.1, None))

# from nothing to something
assert compare("calls-per-look-2000", 3.0, then(0.0))["worse"]
assert not compare("calls-per-look-2000", 0.0, then(0.0))["worse"]
assert compare("sim-wait-share", 0.01, then(0.0))["change"] is None

assert "WORSE" in baseline.text(compare("binary-size", 2.0, then(1.0)))
assert "+100.0 %" in baseline.text(compare("binary-size", 2.0, then(1.0)))
assert "not judged" in baseline.text(shown) and "WORSE" not in baseline.text(shown)
assert "–" in baseline.text(new)

# what cannot be compared has another name
assert baseline.key("plan-100", True, False) == "plan-100"
assert len({baseline.key("spot-headroom-cost", full, public) for full in (False, True) for public in (False, True)}) == 4

# every line of the tree's file is one that has a rule
for line in baseline.load(pathlib.Path(__file__).parent / "baseline.json"):
    baseline.rule(line.split()[0])
try:
    baseline.rule("unheard-of")
    raise SystemExit("a line without a rule passed")
except KeyError:
    pass

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "baseline.json"
    assert baseline.load(path) == {}
    baseline.keep({"plan-100": then(1.0), "binary-size": then(2.0)}, path)
    baseline.keep({"plan-100": then(3.0)}, path)
    assert baseline.load(path) == {"binary-size": then(2.0), "plan-100": then(3.0)}
print("ok")
