"""The bench's figures beside those of tests/bench/baseline.json: what changed, and what is more than 10 % worse in its line's own direction.

Each line is one of three kinds. A *figure* (a ratio, a count, a size, anything that is simulated) is the same on every machine and compared as it
is. *Work* is time that a processor takes; it is compared as a multiple of the calibration (bench_calibrate: a fixed piece of work) that was measured
just before it in the same run, and `was` is told as what the kept multiple would take here and now. *Machine* is time in which disks, sockets, a
browser or the start of a process have a share that no calibration tells: shown, never judged. Nothing here is a verdict on wall time: a line that is
worse, or over its budget, is marked, and the exit code stays.

A line that reads public data is compared only with one that read them as well, one of `--full` only with one of `--full`.
"""
import fnmatch
import json
import pathlib

PATH = pathlib.Path("tests/bench/baseline.json")
WORSE = 0.10

# name -> what is better (less, more, or near a value), and of which kind it is; the first that matches
RULES = (
    ("plan-exponent", "less", "figure"),
    ("plan-5000-memory", "less", "figure"),
    ("plan-*", "less", "work"),
    ("forecast-fit", "less", "work"),
    ("forecast-step", "less", "work"),
    ("forecast-cover90-*", 0.9, "figure"),
    ("forecast-*", "less", "figure"),
    ("pack-time-*", "less", "work"),
    ("pack-*", "less", "figure"),
    ("history-size", "less", "figure"),
    ("history-query", "less", "machine"),
    ("look-cpu-*", "less", "work"),
    ("look-kept-*", "less", "figure"),
    ("calls-per-look-*", "less", "figure"),
    ("event-latency-*", "less", "figure"),  # virtual time
    ("event-own-*", "less", "work"),
    ("mass-interruption-order", "less", "figure"),
    ("page-transfer", "less", "figure"),
    ("page-*", "less", "machine"),
    ("cold-start", "less", "machine"),
    ("binary-size", "less", "figure"),
    ("headless-day", "less", "work"),
    ("spot-replaced-in-time*", "more", "figure"),
    ("spot-*", "less", "figure"),
    ("sim-28d", "less", "work"),
    ("sim-gap-closed-*", "more", "figure"),
    ("sim-*", "less", "figure"),
)
BUDGETS = {"history-size": 1024.0}  # the most that a line may say, whatever it said before
PUBLIC = ("forecast-*", "pack-*", "spot-*", "sim-gap-*", "sim-dearer-*", "sim-wait-*", "sim-cost-*")
FULL = ("spot-*", "sim-gap-*", "sim-dearer-*", "sim-wait-*", "sim-cost-*")


def any_of(globs, name):
    return any(fnmatch.fnmatchcase(name, g) for g in globs)


def rule(name):
    for glob, better, kind in RULES:
        if fnmatch.fnmatchcase(name, glob):
            return better, kind
    raise KeyError(f"{name}: baseline.py does not say what is better")


def key(name, full, public):
    """Under what a line is kept: those that are not comparable have names of their own."""
    return name + (" --full" if full and any_of(FULL, name) else "") + (" generated" if not public and any_of(PUBLIC, name) else "")


def compare(name, value, calibration_ms, kept):
    """`kept`: {value, calibration_ms} of then, or None. Returns {was, change, judged, worse}; change: (value - was) / |was|, None without both."""
    better, kind = rule(name)
    judged = kept is not None and kind != "machine"
    over = value > BUDGETS.get(name, float("inf"))
    if kept is None:
        return {"was": None, "change": None, "judged": False, "worse": over}
    was = kept["value"]
    if kind == "work":
        was *= calibration_ms / kept["calibration_ms"]
    if was == 0:
        change = 0.0 if value == 0 else None
        off = 0.0 if value == 0 else (value if better == "less" else -value)
        worse = off > 0
    else:
        change = (value - was) / abs(was)
        if better == "less":
            worse = change > WORSE
        elif better == "more":
            worse = change < -WORSE
        else:
            worse = abs(change) > WORSE and abs(value - better) > abs(was - better)
    return {"was": was, "change": change, "judged": judged, "worse": over or judged and worse}


def text(c):
    """The columns `was` and `change` of a line."""
    if c["was"] is None:
        return "was             –" + ("  WORSE" if c["worse"] else "")
    change = "      –" if c["change"] is None else f"{100 * c['change']:+6.1f} %"
    return f"was {c['was']:>12,.3f} {change}" + ("" if c["judged"] else "  not judged") + ("  WORSE" if c["worse"] else "")


def load(path=PATH):
    return json.loads(path.read_text())["benches"] if path.is_file() else {}


def keep(found, path=PATH):
    """Adds and replaces the lines that were measured; the others stay as they are."""
    kept = load(path) | found
    lines = [f'  {json.dumps(name)}: {json.dumps(kept[name])}' for name in sorted(kept)]
    path.write_text('{"benches": {\n' + ",\n".join(lines) + "\n}}\n")
