"""The level rule on thirteen public series in the fluid model of bench_level: cost over the clairvoyant bound, read off its own frontier.

Run by `./dev test --full`: MASU_BENCH_LEVEL names the program, MASU_SHARED a folder with data/demand (skipped where it is not there). Prints
"ok NAME" or "FAIL NAME: why", and "level: done" at the end. The rule's knob is set with hindsight for each waiting, as in the measurements that the goals are from.
"""
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys

BENCH = os.environ.get("MASU_BENCH_LEVEL", "build-test/tests/bench/bench_level")
FOLDER = pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data" / "demand"
SERIES = [
    "cloudcluster-28-cpu-30s", "worldcup98-requests-1min-jun22-jul05", "cloudcluster-02-cpu", "cloudcluster-06-cpu", "cloudcluster-20-cpu",
    "cloudcluster-37-cpu", "azure-v1-vm-arrivals-5min", "azure-v1-vms-group-a-cpu", "azure-v2-cpu-total", "alibaba2018-cpu-pct",
    "nab-twitter-volume-goog", "nab-elb-request-count-8c0756", "nab-nyc-taxi",
]
GOALS = {0.001: 1.20, 0.005: 1.06, 0.015: 1.01}  # waiting -> the most that the median may cost over the bound
NEVER = 12.0                                      # what "not reached" counts as


def cost_at(points, waiting):
    """Linear between the points that no other beats in both."""
    frontier, best = [], float("inf")
    for p in sorted(points, key=lambda p: (p["waiting"], p["cost"])):
        if p["cost"] < best:
            best = p["cost"]
            frontier.append((p["waiting"], best))
    if waiting < frontier[0][0]:
        return NEVER
    for (x0, c0), (x1, c1) in zip(frontier, frontier[1:]):
        if x0 <= waiting <= x1:
            return c0 + (c1 - c0) * (waiting - x0) / (x1 - x0)
    return frontier[-1][1]


def measure(name):
    done = subprocess.run([BENCH, str(FOLDER / f"{name}.csv")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return name, None, done.stderr.strip()[:300]
    points = json.loads(done.stdout)["points"]
    return name, [cost_at(points, w) for w in GOALS], ""


def main():
    if not FOLDER.is_dir():
        print("level rule: no public series here, left out\nlevel: done")
        return 0
    failed, costs = 0, []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for name, row, why in pool.map(measure, SERIES):
            failed += row is None
            if row is None:
                print(f"FAIL level rule on {name}: {why}", flush=True)
                continue
            costs.append(row)
            print(f"ok level rule on {name}: " + ", ".join(f"{c:.3f} at {100 * w:g} %" for w, c in zip(GOALS, row)), flush=True)
    for i, (waiting, most) in enumerate(GOALS.items()):
        median = statistics.median(r[i] for r in costs) if costs else NEVER
        failed += median > most
        print(f"{'ok' if median <= most else 'FAIL'} level rule: median cost {median:.3f} of the bound at {100 * waiting:g} % waiting, wanted {most}", flush=True)
    print("level: done")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
