#!/usr/bin/env python3
"""./dev bench: speed and size, each figure beside a baseline measured in the same run, and beside what it was; never a verdict on wall time.

usage: bench.py [--full] [--only GLOB] [--format json] [--keep]
JSON: {"benches": [{"name", "value", "unit", "baseline", "ratio", "was", "change", "judged", "worse"}]}; ratio = value / baseline, null where there is
none; was = the value kept in tests/bench/baseline.json, change = (value - was) / |was|; worse: by more than 10 % (baseline.py). --keep renews
that file with what was measured, and frontier.json.
"""
import argparse
import contextlib
import csv
import fnmatch
import json
import math
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import baseline
import frontier
from packs import Packs

BIN = os.environ.get("MASU_BIN", "build/masu")
DIR = os.environ.get("MASU_BENCH_DIR", "build-bench/tests/bench")
SIZES = (100, 300, 1000, 3000, 5000)


def run(*command):
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        sys.exit(f"bench: {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return time.monotonic() - begin, done.stdout, done.stderr


def run_cpu(*command):
    """CPU seconds and standard output: on a machine that has nothing else to do, the time it takes; on another, still that."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = run(*command)[1]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out


class Plans:
    """Plans of each size are measured once and shared by the rows that read them."""

    def __init__(self):
        self.by_size = {}

    def get(self, n):
        if n not in self.by_size:
            _, out, err = run(f"{DIR}/bench_plan", str(n))
            sys.stderr.write(err)
            self.by_size[n] = json.loads(out)
        return self.by_size[n]

    def exponent(self):
        xs = [math.log(n) for n in SIZES]
        ys = [math.log(self.get(n)["plan_ms"]) for n in SIZES]
        mx, my = statistics.fmean(xs), statistics.fmean(ys)
        return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


class Looks:
    """One run of the look over 40 clusters, 500 services, 2,000 instances: CPU and calls."""

    def __init__(self):
        self.figures = None

    def get(self, name):
        if self.figures is None:
            _, out, err = run(f"{DIR}/bench_look")
            sys.stderr.write(err)
            self.figures = json.loads(out)
        return self.figures[name]


class Page:
    """The page in a real Chromium, and 200 requests a second beside the loop: 40 clusters, 500 services, 2,000 instances, 90 days."""

    def __init__(self):
        self.figures = None

    def get(self, name):
        if self.figures is None:
            self.figures = json.loads(run("node", "tests/web/browser/bench.js", f"{DIR}/bench_page")[1])
        return self.figures[name]


class Events:
    """Notices answered while 40 clusters are polled with 300 ms in each call, and 200 of 400 instances interrupted in ten seconds."""

    def __init__(self):
        self.figures = None

    def get(self, name):
        if self.figures is None:
            _, out, err = run(f"{DIR}/bench_events")
            sys.stderr.write(err)
            self.figures = json.loads(out)
        return self.figures[name]


class History:
    """13 months of 40 clusters, 500 services and 480 pools, generated: what they take, and the slowest chart of them."""

    def __init__(self):
        self.figures = None

    def get(self, name):
        if self.figures is None:
            self.figures = json.loads(run(f"{DIR}/bench_history")[1])
        return self.figures[name]


class Spot:
    """Days of the default world on recorded spot markets with recorded demand (generated ones where there is no MASU_SHARED), the planner
    folded over it.

    Costs are by task-hour served, so that a policy that lets tasks wait does not look cheap. Each run is made once.
    """

    def __init__(self, full):
        self.runs, self.days, self.seeds = {}, "7" if full else "2", range(1, 6) if full else (7,)
        data = pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data"
        self.markets = sorted(str(p) for kind in ("availability", "preemption") for p in (data / "spot").glob(f"spot-{kind}-*.csv")) or ["generated"]
        self.demand = [str(p) for p in (data / "demand" / f"{n}.csv" for n in ("azure-v2-cpu-total", "nab-nyc-taxi", "worldcup98-requests-5min")) if p.is_file()]

    def get(self, headroom, fleets):
        for k, key in enumerate((m, s, headroom, fleets) for m in self.markets for s in self.seeds):
            if key not in self.runs:
                _, out, err = run(f"{DIR}/bench_spot", key[0], self.days, str(key[1]), headroom, fleets, "default",
                                  *(self.demand[k % len(self.demand):][:1] if self.demand else []))
                sys.stderr.write(err)
                self.runs[key] = json.loads(out)
            yield self.runs[key]

    def cost(self, fleets):
        return statistics.fmean(r["usd_per_task_hour"] for r in self.get("production", fleets))

    def in_time(self, headroom):
        runs = list(self.get(headroom, "spot"))
        tasks = sum(r["interrupted_tasks"] for r in runs)
        return sum(r["in_time"] * r["interrupted_tasks"] for r in runs) / tasks if tasks else 1.0

    def headroom_cost(self):
        more, less = list(self.get("production", "spot")), list(self.get("none", "spot"))
        return sum(a["instances_mean"] - b["instances_mean"] for a, b in zip(more, less)) / sum(b["need_mean"] for b in less)


KEYS = ("mase", "pinball50", "pinball90", "cover90")


class Forecasts:
    """The public splits (methods.md 1.4 defines the figures), means over the series; without them generated days, with no baseline.

    The baseline of each figure is the best of R's methods on average, from the file beside the splits; ours is measured in this run.
    """

    def __init__(self):
        self.data = pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data"
        self.figures, self.theirs = None, {}

    def generated(self, folder):
        chance = random.Random(5)
        series, splits = folder / "wave.csv", folder / "splits.csv"
        rows = [f"{1700000000 + 300 * i},{max(0, 100 + 40 * math.sin(i / 45.8) + 10 * chance.gauss(0, 1)):.3f}" for i in range(16 * 288)]
        series.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
        splits.write_text("series,k,first_train_index,origin_index\n" + "".join(f"wave,{i},{20 * i},{14 * 288 + 20 * i}\n" for i in range(10)))
        return [series], splits

    def baselines(self):
        path = self.data / "forecast-baseline.csv"
        rows = list(csv.DictReader(path.open())) if path.is_file() else []
        for steps in (12, 288):
            methods = {}
            for r in rows:
                if r["half"] == "shared" and r["origins"] == "all20" and int(r["horizon_steps"]) == steps and not r["method"].startswith("direct"):
                    methods.setdefault(r["method"], []).append(r)
            means = [{key: statistics.fmean(float(r[key]) for r in m) for key in (*KEYS, "seconds")} for m in methods.values()]
            for key in KEYS if means else ():
                self.theirs[key, steps] = min((m[key] for m in means), key=(lambda v: abs(v - 0.9)) if key == "cover90" else None)
            if means:  # what the one that is best an hour ahead takes for a fit and its forecast
                self.theirs["seconds", steps] = min(means, key=lambda m: m["mase"])["seconds"]

    def measure(self):
        with tempfile.TemporaryDirectory() as folder:
            splits = self.data / "forecast-splits.csv"
            if splits.is_file():
                names = sorted({r["series"] for r in csv.DictReader(splits.open())})
                series = [self.data / "demand" / f"{n}.csv" for n in names]
                self.baselines()
            else:
                series, splits = self.generated(pathlib.Path(folder))
            self.figures = [json.loads(run(BIN, "forecast", "--series", str(s), "--splits", str(splits), "--score", "--format", "json")[1]) for s in series]

    def get(self, key, steps=None):
        if self.figures is None:
            self.measure()
        if steps is None:
            ours = 1000 * statistics.fmean(f[key] for f in self.figures)
            theirs = self.theirs.get(("seconds", 12)) if key == "seconds_fit" else None
            return ours, "ms", theirs and 1000 * theirs
        ours = statistics.fmean(h[key] for f in self.figures for h in f["horizons"] if h["steps"] == steps)
        return ours, "", self.theirs.get((key, steps))


class Calibration:
    """Milliseconds of a fixed piece of work, measured anew before each line whose time is compared by it."""

    def __init__(self):
        self.last_ms = None

    def get(self, name):
        if self.last_ms is None or baseline.rule(name)[1] == "work":
            self.last_ms = json.loads(run(f"{DIR}/bench_calibrate")[1])["ms"]
        return self.last_ms


def cold_start():
    """Start to exit of a command that does nothing but start; baseline: the same for /bin/true."""
    ours = statistics.median(run(BIN, "--version")[0] for _ in range(11))
    base = statistics.median(run("/bin/true")[0] for _ in range(11))
    return ours * 1000, base * 1000


def demo_serves(*more):
    """Start of `masu demo` to the page and the estate's numbers read from it, in milliseconds; baseline: the budget. Median of five."""
    def once():
        begin = time.monotonic()
        with subprocess.Popen([BIN, "demo", "--listen", "127.0.0.1:0", "--for", "30d", *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo, contextlib.ExitStack() as end:
            end.callback(demo.terminate)
            url = next((line.split()[-1] for line in demo.stdout if line.split()[:1] == ["report"]), None) or sys.exit("bench: masu demo ended without an address")
            assert b"<title>" in urllib.request.urlopen(url, timeout=30).read()
            while not json.load(urllib.request.urlopen(url + "api/v1/clusters", timeout=30))["clusters"]:
                time.sleep(0.005)
            return 1000 * (time.monotonic() - begin)
    return statistics.median(once() for _ in range(5)), "ms", 2000.0


def headless_day():
    """CPU seconds for a virtual day of two clusters; baseline: the virtual day itself."""
    seconds, out = run_cpu(BIN, "demo", "--headless", "--for", "24h", "--seed", "7", "--format", "json")
    json.loads(out)
    return seconds, 86400.0


def simulated_month():
    """CPU seconds for 28 days of 100 instances under a reactive rule, a decision a minute; baseline: those days themselves."""
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "wave.csv"
        rows = (f"{1700000000 + 300 * i},{100 + 40 * math.sin(i / 45.8) + 10 * math.sin(i / 7):.3f}" for i in range(28 * 288 + 1))
        trace.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
        seconds, out = run_cpu(BIN, "simulate", "--trace", str(trace), "--tasks", "800", "--for", "28d", "--warmup", "0s", "--no-masu", "--against", "reactive",
                              "--seeds", "1", "--format", "json")
        assert 90 < json.loads(out)["runs"][0]["instances_mean"] < 115
    return seconds, 28 * 86400.0


def main():
    p = argparse.ArgumentParser(prog="./dev bench")
    p.add_argument("--full", action="store_true", help="spot markets for a week and with five seeds, not for two days with one; all recorded demand, kept in frontier.json; goes on where a run was broken off")
    p.add_argument("--only", default="*", metavar="GLOB")
    p.add_argument("--format", choices=("text", "json"), default="text")
    p.add_argument("--keep", action="store_true", help="what was measured becomes what the next runs are compared with")
    a = p.parse_args()
    plans, looks, events, spot, forecasts, history = Plans(), Looks(), Events(), Spot(a.full), Forecasts(), History()
    curves = frontier.Frontier(BIN, a.full)
    rows = {f"plan-{n}": (lambda n=n: (plans.get(n)["plan_ms"], "ms", plans.get(n)["naive_ms"])) for n in SIZES}
    rows["plan-exponent"] = lambda: (plans.exponent(), "", None)
    rows["plan-5000-memory"] = lambda: (plans.get(5000)["memory_mib"], "MiB", None)
    rows["forecast-fit"] = lambda: forecasts.get("seconds_fit")
    rows["forecast-step"] = lambda: forecasts.get("seconds_step")  # all steps of a day, from a fitted model
    for key in KEYS:
        for label, steps in (("1h", 12), ("24h", 288)):
            rows[f"forecast-{key}-{label}"] = lambda key=key, steps=steps: forecasts.get(key, steps)
    rows |= Packs(pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data", f"{DIR}/bench_pack").rows()
    rows["history-size"] = lambda: (history.get("size_mib"), "MiB", 1024.0)  # baseline: the budget
    rows["history-query"] = lambda: (history.get("query_ms"), "ms", None)
    rows["look-cpu-2000"] = lambda: (looks.get("look_ms"), "ms", None)  # CPU of the mean of ten looks; see bench_look.c
    rows["calls-per-look-2000"] = lambda: (looks.get("calls"), "", None)
    rows["look-kept-2000"] = lambda: (looks.get("kept_mib"), "MiB", None)
    rows["event-latency-p50"] = lambda: (events.get("p50_ms"), "ms", None)  # received -> the last call that answers it is issued
    rows["event-latency-p99"] = lambda: (events.get("p99_ms"), "ms", None)
    rows["event-own-p99"] = lambda: (events.get("own_p99_ms"), "ms", None)
    rows["mass-interruption-order"] = lambda: (events.get("mass_ms"), "ms", None)  # after the last of the notices
    page = Page()
    for name, figure, unit in (("first-paint", "paint_ms", "ms"), ("ready", "ready_ms", "ms"), ("transfer", "transfer_kib", "KiB"),
                               ("long-task", "long_ms", "ms"), ("chart-api", "chart_ms", "ms"), ("load-tick-slowdown", "slowdown", "ratio")):
        rows["page-" + name] = lambda figure=figure, unit=unit: (page.get(figure), unit, page.get("floor_ms") if figure == "paint_ms" else None)
    rows["page-demo-serves"] = demo_serves
    rows["page-demo-serves-90d"] = lambda: demo_serves("--history", "90d")[:2] + (None,)  # the history is generated first
    rows["cold-start"] = lambda: (lambda v: (v[0], "ms", v[1]))(cold_start())
    rows["binary-size"] = lambda: (os.path.getsize(BIN) / 1048576, "MiB", None)
    rows["headless-day"] = lambda: (lambda v: (v[0], "s", v[1]))(headless_day())
    rows["spot-cost-vs-ondemand"] = lambda: (spot.cost("spot") / spot.cost("on-demand"), "ratio", 1.0)
    rows["spot-cost-vs-single-pool"] = lambda: (spot.cost("spot") / spot.cost("single"), "ratio", 1.0)
    rows["spot-replaced-in-time"] = lambda: (spot.in_time("production"), "share", None)
    rows["spot-replaced-in-time-no-headroom"] = lambda: (spot.in_time("none"), "share", None)
    rows["spot-headroom-cost"] = lambda: (spot.headroom_cost(), "of the mean need", None)
    rows["sim-28d"] = lambda: (lambda v: (v[0], "s", v[1]))(simulated_month())
    for ours in frontier.OURS:
        of = "" if ours == "masu" else ours.removeprefix("masu")
        rows["sim-gap-closed-ecs-managed" + of] = lambda ours=ours: (curves.gap(["ecs-managed-scaling"], ours), "share", None)
        rows["sim-gap-closed-best-baseline" + of] = lambda ours=ours: (curves.gap(frontier.SIMPLE, ours), "share", None)  # at each waiting, with hindsight
        for level in frontier.JUDGED:
            rows[f"sim-gap-closed-best-baseline-{100 * level:g}{of}"] = lambda level=level, ours=ours: (curves.gap_at(level, ours), "share", None)
        rows["sim-dearer-best-baseline" + of] = lambda ours=ours: (curves.dearer(ours), "share", None)  # where there is no room for better
    rows["sim-wait-vs-ecs-managed"] = lambda: (curves.wait(), "ratio", 1.0)  # at equal cost
    rows["sim-cost-vs-bound"] = lambda: (curves.of_example(1), "ratio", 1.0)  # of policies/examples/production-spot.json
    rows["sim-wait-share"] = lambda: (curves.of_example(0), "share", None)
    also = {"event-own-p99": "event-latency-own-p99", "mass-interruption-order": "spot-mass-interruption-order"}  # found with their kin too
    chosen = [n for n in rows if fnmatch.fnmatch(n, a.only) or fnmatch.fnmatch(also.get(n, n), a.only)]
    if not chosen:
        sys.exit(f"bench: no row matches {a.only}; rows: {', '.join(rows)}")
    benches, found, kept, calibration = [], {}, baseline.load(), Calibration()
    public = (pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data").is_dir()
    for name in chosen:
        calibration_ms = calibration.get(name)
        value, unit, base = rows[name]()
        key = baseline.key(name, a.full, public)
        change = baseline.compare(name, value, calibration_ms, kept.get(key))
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in change.items()}
        found[key] = {"value": round(value, 6), "unit": unit, "calibration_ms": round(calibration_ms, 3)}
        benches.append({"name": name, "value": round(value, 4), "unit": unit, "baseline": base and round(base, 4),
                        "ratio": round(value / base, 6) if base else None} | rounded)
        if a.format == "text":
            beside = f"baseline {base:>12,.3f} {unit:<4} x {value / base:<10.4f}" if base else " " * 39
            print(f"{name:<32} {value:>12,.3f} {unit:<4} {beside} {baseline.text(change)}", flush=True)
    if a.keep:
        baseline.keep({k: v for k, v in found.items() if not math.isnan(v["value"])})
        curves.keep()
    if a.format == "json":
        print(json.dumps({"benches": benches}, indent=1))
    worse = [b["name"] for b in benches if b["worse"]]
    if worse:
        sys.stderr.write(f"bench: more than {100 * baseline.WORSE:.0f} % worse than tests/bench/baseline.json, or over budget: {', '.join(worse)}\n")


main()
