#!/usr/bin/env python3
"""Fits the workload model (planner/sim/workload_model.h, docs/workload.md) on recorded demand, and checks the table and the generator by it.

usage: workload_fit.py PROGRAM [--print]
PROGRAM KIND SEED DAYS prints a generated series, a value each five minutes; PROGRAM alone the table. With MASU_SHARED/data/demand the fit is made
again and compared with the table and with STATISTICS below (--print: shows both instead); without, only the generator is held against them.
"""
import csv
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

STEP_S, HOUR, DAY = 300, 12, 288
BANDS = (1, HOUR, 6 * HOUR, DAY, 4 * DAY)   # block means whose variance is looked at; a level of noise for each
# Left out: half-hourly series (taxi, electricity), one of which two thirds are missing (rogue agent), two that are others at a finer step.
KINDS = {
    "jobs": ["cloudcluster-02-cpu", "cloudcluster-06-cpu", "cloudcluster-19-cpu", "cloudcluster-20-cpu", "cloudcluster-28-cpu", "cloudcluster-37-cpu"],
    "crowd": ["azure-v1-vms-group-a-cpu", "azure-v2-cpu-total", "azure-v2-mem-assigned", "alibaba2018-cpu-pct", "alibaba2018-mem-pct"],
    "requests": ["azure-v1-vm-arrivals-5min", "worldcup98-requests-5min", "nab-elb-request-count-8c0756", "nab-ec2-network-in-5abac7",
                 "nab-twitter-volume-aapl", "nab-twitter-volume-crm", "nab-twitter-volume-goog", "nab-twitter-volume-ko", "nab-twitter-volume-ups"],
    "host": ["azure-v1-vm-1985204-cpu", "nab-cpu-utilization-asg-misconfiguration", "nab-ec2-cpu-utilization-24ae8d", "nab-ec2-cpu-utilization-53ea38",
             "nab-ec2-cpu-utilization-5f5533", "nab-ec2-cpu-utilization-825cc2", "nab-grok-asg-anomaly", "nab-rds-cpu-utilization-cc0c53"],
}
DAYS, SEEDS, FIRST_S = 28, range(1, 7), 1767571200
LEVELS = ("noise_5min", "noise_1h", "noise_6h", "noise_1d", "noise_4d")
PARTS = ("weekend", "daily", "habit_1h", "habit_5min", *LEVELS)
NOMINAL = ("azure", "alibaba")     # only relative time is known: which days were a weekend is found, not read
WEEKEND_VAR = 5 / 7 * 2 / 7        # of what is 1 at weekends and 0 else
# What recorded series of a kind are like: of the same source and date as the table.
STATISTICS = {
    "jobs": {"acf_hour": 0.54, "acf_day": 0.62, "acf_week": 0.69, "q95_q50": 4.55, "q50_q05": 8.00, "bursts_per_day": 2.56},
    "crowd": {"acf_hour": 0.72, "acf_day": 0.46, "acf_week": 0.44, "q95_q50": 1.17, "q50_q05": 1.16, "bursts_per_day": 0.00},
    "requests": {"acf_hour": 0.45, "acf_day": 0.31, "acf_week": 0.31, "q95_q50": 5.75, "q50_q05": 5.27, "bursts_per_day": 1.58},
    "host": {"acf_hour": 0.63, "acf_day": 0.49, "acf_week": 0.14, "q95_q50": 1.40, "q50_q05": 1.99, "bursts_per_day": 1.36},
}


def read(path):
    """(epoch second of the first, values on a grid of five minutes, whether its date is nominal); what is missing carries the last one forward."""
    rows = [(int(float(r["timestamp"])), float(r["value"])) for r in csv.DictReader(path.open()) if r["value"]]
    first, values, at = rows[0][0] // STEP_S * STEP_S, [], 0
    for t in range(first, rows[-1][0] + 1, STEP_S):
        while at + 1 < len(rows) and rows[at + 1][0] <= t + STEP_S // 2:
            at += 1
        values.append(rows[at][1])
    return first, values, path.name.startswith(NOMINAL)


def logs(values):
    """Of shares of the mean; what is below a fiftieth of it counts as that."""
    mean = statistics.fmean(values)
    return [math.log(max(v / mean, 0.02)) for v in values]


def weight(n):
    """M[band][level]: variance of block means of unit noise of a level. The first level is new at each step, others smooth between grid points."""
    rows = []
    for block in BANDS:
        row = [1 / block]
        for grid in BANDS[1:]:
            total = 0.0
            starts = range(0, max(block, grid), block)
            for start in starts:
                points = {}
                for i in range(start, start + block):
                    x = i % grid / grid
                    s = x * x * (3 - 2 * x)
                    points[i // grid] = points.get(i // grid, 0) + (1 - s) / block
                    points[i // grid + 1] = points.get(i // grid + 1, 0) + s / block
                total += sum(p * p for p in points.values()) / SMOOTH
            row.append(total / len(starts))
        rows.append(row)
    return rows


SMOOTH = 1 - 2 * (0.5 - 13 / 35)   # mean of s^2 + (1 - s)^2
MATRIX = weight(BANDS)


def solve(v):
    """Deviations of the levels from the variances of the bands; what comes out below nothing is nothing, the others then anew."""
    active = list(range(len(BANDS)))
    while active:
        a = [[MATRIX[r][c] for c in active] + [v[r]] for r in active]
        for i in range(len(a)):
            for j in range(i + 1, len(a)):
                f = a[j][i] / a[i][i]
                a[j] = [y - f * x for x, y in zip(a[i], a[j])]
        x = [0.0] * len(a)
        for i in reversed(range(len(a))):
            x[i] = (a[i][-1] - sum(a[i][j] * x[j] for j in range(i + 1, len(a)))) / a[i][i]
        if min(x) >= 0:
            return [math.sqrt(dict(zip(active, x)).get(k, 0)) for k in range(len(BANDS))]
        active.remove(active[x.index(min(x))])
    return [0.0] * len(BANDS)


def is_weekend(t):
    return (t // 86400 + 4) % 7 in (0, 6)


def of_weekends(first, r, nominal):
    """(by how much a Saturday or Sunday is more in ln; 0 of less than two weeks; taken out of r). Nominal: the two days in a row that differ most."""
    if len(r) < 13 * DAY:
        return 0.0
    means = [statistics.fmean(r[i:i + DAY]) for i in range(0, len(r) // DAY * DAY, DAY)]
    found = []
    for shift in range(7) if nominal else (0,):
        free = [is_weekend(first + STEP_S * (i * DAY + DAY // 2) + 86400 * shift) for i in range(len(means))]
        found.append((statistics.fmean(m for m, w in zip(means, free) if w) - statistics.fmean(m for m, w in zip(means, free) if not w), shift))
    weekend, shift = max(found, key=lambda x: abs(x[0]))
    for i in range(len(r)):
        r[i] -= weekend * is_weekend(first + STEP_S * i + 86400 * shift)
    return weekend


def habit_of(first, r, block):
    """Variance of what comes again each day at the same time, by blocks of so many steps; taken out of r."""
    turns = DAY // block
    times = [[] for _ in range(turns)]
    for i in range(0, len(r) // DAY * DAY, block):
        times[(first // STEP_S + i) % DAY // block].append(statistics.fmean(r[i:i + block]))
    means = [statistics.fmean(t) for t in times]
    chance = statistics.fmean(statistics.variance(t) / len(t) for t in times)
    habit = max(0.0, statistics.pvariance(means) - chance)
    kept = habit / (habit + chance) if habit else 0.0  # so much of what was seen is habit
    for i in range(len(r)):
        r[i] -= kept * means[(first // STEP_S + i) % DAY // block]
    return habit


def of_days(first, r):
    """(half the height of the wave of a day, habit by the hour, habit by five minutes); all taken out of r."""
    n = len(r) // DAY * DAY
    turn = [2 * math.pi * ((first + STEP_S * i) % 86400) / 86400 for i in range(len(r))]
    c = 2 * sum(x * math.cos(a) for x, a in zip(r[:n], turn)) / n
    s = 2 * sum(x * math.sin(a) for x, a in zip(r[:n], turn)) / n
    middle = statistics.fmean(r)
    for i in range(len(r)):
        r[i] -= c * math.cos(turn[i]) + s * math.sin(turn[i]) + middle
    return math.hypot(c, s), habit_of(first, r, HOUR), habit_of(first, r, 1)


def of_bursts(r):
    """(count, mean height over what is around, mean minutes); taken out of r."""
    base = [statistics.median(r[max(0, i - HOUR):i + HOUR + 1]) for i in range(len(r))]
    off = [x - b for x, b in zip(r, base)]
    least = max(0.35, 4 * 1.4826 * statistics.median(abs(x) for x in off))
    bursts, last = [], -9
    for i, x in enumerate(off):
        if x <= least:
            continue
        if i - last > 2:
            bursts.append([0, 0.0])
        bursts[-1] = [bursts[-1][0] + 1, max(bursts[-1][1], x)]
        last = i
        r[i] = base[i]
    return len(bursts), *((statistics.fmean(h for _, h in bursts), statistics.fmean(5 * n for n, _ in bursts)) if bursts else (None, None))


def fit(first, values, nominal=False):
    """Variances of the parts in ln, and bursts."""
    r = logs(values)
    weekend = of_weekends(first, r, nominal)
    daily, habit_1h, habit_5min = of_days(first, r)
    count, height, minutes = of_bursts(r)
    bands = [statistics.pvariance([statistics.fmean(r[i:i + b]) for i in range(0, len(r) - b + 1, b)]) for b in BANDS]
    return {"weekend": weekend ** 2 * WEEKEND_VAR, "daily": daily ** 2 / 2, "habit_1h": habit_1h, "habit_5min": habit_5min,
            **{k: x * x for k, x in zip(LEVELS, solve(bands))},
            "less": weekend, "bursts_per_day": count / (len(r) / DAY), "burst_height": height, "burst_minutes": minutes}


def middle(rows):
    """Parameters of a kind: the median deviation, of which each part has its mean share; medians of the bursts'."""
    sums = [sum(x[k] for k in PARTS) for x in rows]
    total = statistics.median(math.sqrt(x) for x in sums)
    share = {k: statistics.fmean(x[k] / s for x, s in zip(rows, sums)) for k in PARTS}
    out = {k: total * math.sqrt(share[k]) for k in PARTS[2:]}
    sign = 1 if statistics.median(x["less"] for x in rows) > 0 else -1
    return {"daily": total * math.sqrt(2 * share["daily"]), "weekend": sign * total * math.sqrt(share["weekend"] / WEEKEND_VAR), **out,
            **{k: statistics.median([x[k] for x in rows if x[k] is not None] or [0.0]) for k in ("bursts_per_day", "burst_height", "burst_minutes")}}


def correlation(r, lag):
    if len(r) < 2 * lag:
        return None
    mean = statistics.fmean(r)
    return sum((a - mean) * (b - mean) for a, b in zip(r, r[lag:])) / (len(r) - lag) / statistics.pvariance(r)


def describe(first, values, nominal=False):
    """What the series is like, whatever the model."""
    r, q = logs(values), sorted(values)
    at = lambda p: max(q[int(p * (len(q) - 1))], 0.02 * statistics.fmean(values))
    return {"acf_hour": correlation(r, HOUR), "acf_day": correlation(r, DAY), "acf_week": correlation(r, 7 * DAY), "q95_q50": at(0.95) / at(0.5),
            "q50_q05": at(0.5) / at(0.05), "bursts_per_day": fit(first, values, nominal)["bursts_per_day"]}


def describe_all(rows):
    """Means of correlations, as parts have mean shares; geometric means of ratios; the median of bursts."""
    known = {k: [x[k] for x in rows if x[k] is not None] for k in rows[0]}
    return {k: statistics.fmean(v) if k.startswith("acf") else statistics.median(v) if k.startswith("b") else math.exp(statistics.fmean(map(math.log, v)))
            for k, v in known.items()}


def generated(program, kind, days, seeds):
    out = []
    for seed in seeds:
        text = subprocess.run([program, kind, str(seed), str(days)], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        assert len(text) == days * DAY, f"{kind}: {len(text)} values"
        out.append((FIRST_S, [float(x) for x in text]))
    return out


# How far off: a share of what is wanted, and what is little in any case. A kind is several series, and its parameters are means over them: they
# give no series of the kind exactly, so generated ones are like recorded ones, not equal. Bursts drown in noise: fewer are found than were put in.
LIKE = ({"acf_hour": 0.1, "acf_day": 0.1, "acf_week": 0.1, "q95_q50": 0.6, "q50_q05": 0.5, "bursts_per_day": 0.7}, {"acf_hour": 0.22, "acf_day": 0.22, "acf_week": 0.27,
        "bursts_per_day": 0.1})
AGAIN = ({"bursts_per_day": 0.7, "burst_height": 0.7, "burst_minutes": 0.5}, {"bursts_per_day": 0.1})
FITTED = ({}, {})


def together(parameters):
    """Neighbouring levels of noise as one: a month of five minutes tells them apart only roughly."""
    out = {k: v for k, v in parameters.items() if not k.startswith("noise")}
    for name, levels in (("noise_short", LEVELS[:2]), ("noise_hours", LEVELS[2:4]), ("noise_drift", LEVELS[4:])):
        out[name] = math.sqrt(sum(parameters[k] ** 2 for k in levels))
    return out


def near(name, kind, got, want, tolerance, share=0.15, least=0.0):
    shares, leasts = tolerance
    off = {k: abs(got[k] - want[k]) - max(shares.get(k, share) * abs(want[k]), leasts.get(k, least)) for k in want}
    bad = [f"{k} {got[k]:.3f}, wanted {want[k]:.3f}" for k in want if off[k] > 0]
    print(f"{'FAIL' if bad else 'ok'} {kind}: {name}" + (": " + "; ".join(bad) if bad else ""))
    return not bad


def main():
    program, show = sys.argv[1], "--print" in sys.argv
    table = json.loads(subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout)
    folder, good = pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data" / "demand", True
    if sorted(table) != sorted(KINDS):
        sys.exit(f"the table has {sorted(table)}, this file {sorted(KINDS)}")
    for kind, names in KINDS.items():
        made = generated(program, kind, DAYS, SEEDS)
        like = describe_all([describe(*s) for s in made])
        mean = statistics.fmean(v for _, values in made for v in values)
        if show:
            series = [read(folder / f"{n}.csv") for n in names]
            print(kind, "fit   ", {k: round(v, 3) for k, v in middle([fit(*s) for s in series]).items()})
            print(kind, "again ", {k: round(v, 3) for k, v in middle([fit(*s) for s in made]).items()})
            print(kind, "is    ", {k: round(v, 2) for k, v in describe_all([describe(*s) for s in series]).items()})
            print(kind, "made  ", {k: round(v, 2) for k, v in like.items()}, f"mean {mean:.3f}")
            continue
        good &= near("generated series are like recorded ones", kind, like, STATISTICS[kind], LIKE)
        good &= near("the mean of generated series", kind, {"mean": mean}, {"mean": 1.0}, FITTED)
        again, wanted = together(middle([fit(*s) for s in made])), together(table[kind])
        if table[kind]["bursts_per_day"] == 0:
            again, wanted = ({k: v for k, v in x.items() if not k.startswith("burst_")} for x in (again, wanted))
        deviation = math.sqrt(sum(table[kind][k] ** 2 for k in PARTS[2:]))
        good &= near("what was put in is found again", kind, again, wanted, AGAIN, 0.2, 0.15 * deviation)
        if folder.is_dir():
            series = [read(folder / f"{n}.csv") for n in names]
            good &= near("the table is what a fit gives", kind, table[kind], middle([fit(*s) for s in series]), FITTED, 0.01, 0.001)
            good &= near("the statistics are of the recorded series", kind, STATISTICS[kind], describe_all([describe(*s) for s in series]), FITTED, 0.01, 0.01)
    if not folder.is_dir():
        print("no recorded series here: the fit itself is left out")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
