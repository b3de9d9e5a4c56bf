"""masu forecast from outside: columns, errors, the score against the definitions written again here, and the goals on public splits.

usage: forecast_test.py MASU; MASU_SHARED names a folder with data/ (without it the last part is left out), MASU_BIN the release build.
"""
import csv
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

MASU = str(pathlib.Path(sys.argv[1]).resolve())
FAST = os.environ.get("MASU_BIN", MASU)
DATA = pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data"
SEASON, DAYS = 288, 6
failures = []


def masu(*arguments, program=MASU):
    return subprocess.run([program, "forecast", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"))
    if not holds:
        failures.append(name)


def series(count, seed=1):
    chance = random.Random(seed)
    return [max(0.0, 100 + 40 * math.sin(2 * math.pi * i / SEASON) + 10 * chance.gauss(0, 1)) for i in range(count)]


def write(path, values, times=True):
    with open(path, "w", encoding="ascii") as f:
        f.write("timestamp,value\n")
        for i, v in enumerate(values):
            f.write(f"{1700000000 + 300 * i},{v:.6f}\n")


def pinball(actual, forecast, q):
    e = actual - forecast
    return max(q * e, (q - 1) * e)


def score(values, splits, rows, steps):
    """The definitions of methods.md 1.4 and the data's README, on what the command printed."""
    sums = [0.0] * 4
    for k, first, origin in splits:
        window = values[first:origin]
        scale = sum(abs(window[i] - window[i - SEASON]) for i in range(SEASON, len(window))) / (len(window) - SEASON)
        actual, forecast = values[origin:origin + steps], rows[k][:steps]
        pairs = [(a, q50, q90) for a, (q50, q90) in zip(actual, forecast)]
        sums[0] += sum(abs(a - q) for a, q, _ in pairs) / len(pairs) / scale
        sums[1] += sum(pinball(a, q, 0.5) for a, q, _ in pairs) / len(pairs) / scale
        sums[2] += sum(pinball(a, q, 0.9) for a, _, q in pairs) / len(pairs) / scale
        sums[3] += sum(a <= q for a, _, q in pairs) / len(pairs)
    return [s / len(splits) for s in sums]


def rows_of(text, name):
    table = list(csv.reader(text.splitlines()))
    check("the columns are series,k,step,q50,q90", table[0] == ["series", "k", "step", "q50", "q90"], table[0])
    check("every row names the series", all(r[0] == name for r in table[1:]))
    rows = {}
    for r in table[1:]:
        rows.setdefault(int(r[1]), []).append((float(r[3]), float(r[4])))
        assert int(r[2]) == len(rows[int(r[1])])
    return rows


def definitions(folder):
    values = series(DAYS * SEASON + SEASON)
    path, splits = folder / "wave.csv", folder / "splits.csv"
    write(path, values)
    origins = [(3, 0, 5 * SEASON), (9, 100, 5 * SEASON + 100), (4, 30, 5 * SEASON + 250)]
    splits.write_text("k,series,first_train_index,origin_index,more\n" + "".join(f"{k},wave,{a},{o},x\n" for k, a, o in origins) + "0,other,0,99999,x\n")
    done = masu("--series", path, "--splits", splits, "--quantiles", "0.5,0.9", "--format", "csv")
    check("forecasts of three splits", done.returncode == 0, done.stderr)
    rows = rows_of(done.stdout, "wave")
    check("a day of steps for each split", sorted(rows) == [3, 4, 9] and all(len(r) == SEASON for r in rows.values()))
    check("the same bytes again", masu("--series", path, "--splits", splits).stdout == done.stdout)
    judged = json.loads(masu("--series", path, "--splits", splits, "--score", "--format", "json").stdout)
    check("the score names series, horizons and seconds", judged["series"] == "wave" and judged["seconds_fit"] > 0 and judged["seconds_step"] > 0, judged)
    check("the horizons are an hour and a day", [h["steps"] for h in judged["horizons"]] == [12, SEASON], judged)
    for h in judged["horizons"]:
        ours = score(values, origins, rows, h["steps"])
        theirs = [h["mase"], h["pinball50"], h["pinball90"], h["cover90"]]
        check(f"the score of {h['steps']} steps is as defined", all(abs(a - b) < 1e-6 for a, b in zip(ours, theirs)), f"{ours} {theirs}")
    text = masu("--series", path, "--splits", splits, "--score", "--format", "text").stdout
    check("the score as text has a line a horizon", "MASE" in text and text.count("%") == 2, text)
    plot = masu("--series", path, "--plot", "--quantiles", "0.1,0.5,0.9")
    check("the picture fits a terminal", plot.returncode == 0 and all(len(line) <= 110 for line in plot.stdout.splitlines()) and "now" in plot.stdout, plot.stdout)
    check("the picture is coloured only on a terminal", "\033" not in plot.stdout)
    end = json.loads(masu("--series", path, "--format", "json").stdout)
    check("without splits the forecast is from the end", end["forecasts"][0]["origin_index"] == len(values) and end["step_s"] == 300, end["series"])


def mistakes(folder):
    path, short, splits, beyond = folder / "wave.csv", folder / "short.csv", folder / "none.csv", folder / "beyond.csv"
    write(short, series(100))
    splits.write_text("series,k,first_train_index,origin_index\nelse,0,0,300\n")
    beyond.write_text("series,k,first_train_index,origin_index\nwave,0,0,300000\n")
    wrong = folder / "wrong.csv"
    wrong.write_text("timestamp,value\n1,2\n2,x\n3,4\n")
    noted = [
        (1, ["--series", folder / "absent.csv"], "absent.csv"),
        (1, ["--series", short], "a day of them (288)"),
        (1, ["--series", wrong], "wrong.csv:3: column 2"),
        (1, ["--series", path, "--splits", splits], "no split of the series wave"),
        (1, ["--series", path, "--splits", beyond], "beyond.csv:2: column 4"),
        (1, ["--series", path, "--splits", path], "no column series"),
        (64, ["--series", path, "--quantiles", "0.9,0.5"], "ascending numbers"),
        (64, ["--series", path, "--quantiles", ""], "--quantiles"),
        (64, ["--series", path, "--score"], "--splits F is missing"),
        (64, ["--series", path, "--format", "xml"], "csv, text or json"),
        (64, [], "--series F is missing"),
    ]
    for code, arguments, word in noted:
        done = masu(*arguments)
        check(f"said with exit {code}: {word}", done.returncode == code and word in done.stderr and not done.stdout, f"{done.returncode} {done.stderr}")


def goals():
    """On the public splits, averaged over the series: what the forecasts were built to reach."""
    splits = DATA / "forecast-splits.csv"
    if not splits.is_file():
        print("note  no public splits here: the goals are not judged")
        return
    with open(splits, encoding="ascii") as f:
        names = sorted({r["series"] for r in csv.DictReader(f)})
    figures = []
    for name in names:
        done = masu("--series", DATA / "demand" / f"{name}.csv", "--splits", splits, "--score", "--format", "json", program=FAST)
        figures.append(json.loads(done.stdout)["horizons"])
    wanted = [("1 h", 0, 0.60, 0.145), ("24 h", 1, 0.97, 0.32)]
    for label, i, mase, loss in wanted:
        mean = {key: sum(h[i][key] for h in figures) / len(figures) for key in ("mase", "pinball90", "cover90")}
        check(f"{label}: MASE at most {mase}", mean["mase"] <= mase, mean)
        check(f"{label}: pinball loss of the 0.9 quantile at most {loss}", mean["pinball90"] <= loss, mean)
        check(f"{label}: coverage of the 0.9 quantile within 0.87 and 0.93", 0.87 <= mean["cover90"] <= 0.93, mean)


def weekly(folder):
    """More than three weeks of history: the day of the week pays, on public series with one."""
    for name, step in (("nab-nyc-taxi", 48), ("taylor-electricity-halfhourly", 48), ("azure-v2-cpu-total", 288)):
        path = DATA / "demand" / f"{name}.csv"
        if not path.is_file():
            continue
        with open(path, encoding="ascii") as f:
            count = sum(1 for _ in f) - 1
        most = min(28, count // step - 8)
        mase = []
        for days in (14, most):
            splits = folder / f"{name}-{days}.csv"
            origins = [count - step * (1 + i) for i in range(7)]
            splits.write_text("series,k,first_train_index,origin_index\n" + "".join(f"{name},{i},{o - days * step},{o}\n" for i, o in enumerate(origins)))
            done = masu("--series", path, "--splits", splits, "--score", "--format", "json", program=FAST)
            figures = json.loads(done.stdout)["horizons"][1]
            mase.append(figures["mase"])
        check(f"{name}: a week of days is forecast better from {most} days than from 14", mase[1] < mase[0], mase)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        definitions(folder)
        mistakes(folder)
        goals()
        weekly(folder)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
