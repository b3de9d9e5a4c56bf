"""The level rule in the fluid model of bench_level: on thirteen public series its cost over the clairvoyant bound, and on generated ones that no forecast
can know, twenty seeds a kind, what it costs beside a reactive rule at equal waiting. Both are read off their own frontiers.

Run by `./dev test --full`: MASU_BENCH_LEVEL names the program, MASU_SHARED a folder with data/demand (skipped where it is not there). Prints
"ok NAME" or "FAIL NAME: why", and "level: done" at the end. The rule's knob is set with hindsight for each waiting, as in the measurements that the goals are from;
so are both knobs of the reactive rule, headroom and hold.
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
GENERATED, SEEDS = ("white", "walk", "stops"), range(1, 21)
DEARER_MEDIAN, DEARER_WORST = 1.01, 1.03          # than reactive, over the seeds of a kind
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


def run(*arguments):
    done = subprocess.run([BENCH, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr.strip()[:300] or f"exit {done.returncode}")


def measure(name):
    found, why = run(str(FOLDER / f"{name}.csv"))
    return name, found and [cost_at(found["points"], w) for w in GOALS], why


def measure_generated(job):
    """(kind, seed), its cost over that of the reactive rule at each waiting, why there is none."""
    found, why = run("--generated", job[0], str(job[1]))
    return job, found and [cost_at(found["points"], w) / cost_at(found["reactive"], w) for w in GOALS], why


def tell(ok, text):
    print(f"{'ok' if ok else 'FAIL'} level rule {text}", flush=True)
    return not ok


def public(pool):
    failed, costs = 0, []
    if not FOLDER.is_dir():
        print("level rule: no public series here, left out")
        return 0
    for name, row, why in pool.map(measure, SERIES):
        failed += tell(row, f"on {name}: " + (", ".join(f"{c:.3f} at {100 * w:g} %" for w, c in zip(GOALS, row)) if row else why))
        costs += [row] if row else []
    for i, (waiting, most) in enumerate(GOALS.items()):
        median = statistics.median(r[i] for r in costs) if costs else NEVER
        failed += tell(median <= most, f"on public series: median cost {median:.3f} of the bound at {100 * waiting:g} % waiting, wanted {most}")
    return failed


def generated(pool):
    failed, ratios = 0, {kind: [] for kind in GENERATED}
    for (kind, seed), row, why in pool.map(measure_generated, [(k, s) for k in GENERATED for s in SEEDS]):
        failed += row is None and tell(False, f"on {kind}, seed {seed}: {why}")
        ratios[kind] += [row] if row else []
    for kind, rows in ratios.items():
        for i, waiting in enumerate(GOALS):
            median, worst = (f(r[i] for r in rows) if rows else NEVER for f in (statistics.median, max))
            failed += tell(median <= DEARER_MEDIAN and worst <= DEARER_WORST, f"on {kind}: {median:.4f} of what a reactive rule costs at {100 * waiting:g} % waiting, at "
                           f"worst {worst:.4f} of {len(rows)} seeds, wanted {DEARER_MEDIAN} and {DEARER_WORST}")
    return failed


def main():
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        failed = public(pool) + generated(pool)
    print("level: done")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
