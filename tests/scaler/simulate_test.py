"""masu simulate from outside: scenarios and their mistakes, what-ifs, the same bytes twice, the table, the frontier.

usage: simulate_test.py MASU SOURCE_ROOT; MASU_BIN the release build, which makes it fast.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

MASU = os.environ.get("MASU_BIN", str(pathlib.Path(sys.argv[1]).resolve()))
MASU = MASU if pathlib.Path(MASU).is_file() else str(pathlib.Path(sys.argv[1]).resolve())
if subprocess.run([MASU, "simulate", "--help"], capture_output=True, check=False).returncode != 0:  # a release build from before this command
    MASU = str(pathlib.Path(sys.argv[1]).resolve())
DOCS = pathlib.Path(sys.argv[2]) / "docs"
ALL = ["masu", "reservation-threshold", "ecs-managed-scaling", "reactive", "reactive-headroom", "yesterday", "safety-stock", "all-on-demand", "clairvoyant"]
failures = []


def masu(*arguments):
    return subprocess.run([MASU, "simulate", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"))
    if not holds:
        failures.append(name)


def trace(folder):
    path = folder / "steps.csv"
    path.write_text("timestamp,value\n" + "".join(f"{1700000000 + 600 * i},{40 if i // 6 % 2 else 80}\n" for i in range(144)))
    return path


def schema():
    written = masu("--schema").stdout
    check("the schema in docs is what the program writes (masu simulate --schema > docs/scenario.schema.json)", written == (DOCS / "scenario.schema.json").read_text())
    try:
        import jsonschema
    except ImportError:
        print("note  no jsonschema here")
        return
    validator = jsonschema.Draft202012Validator(json.loads(written))
    jsonschema.Draft202012Validator.check_schema(json.loads(written))
    example = json.loads((DOCS / "scenario.json").read_text())
    validator.validate(example)
    for key, value in (("period_s", 1), ("allocation", "cheap"), ("services", []), ("perod_s", 60), ("losses", [{"zone": "us-east-1a"}])):
        check(f"the schema refuses {key} = {value}", not validator.is_valid({**example, key: value}))


def runs(folder):
    path = trace(folder)
    quick = ("--trace", path, "--tasks", 40, "--for", "8h", "--format", "json")
    first = masu(*quick, "--against", "all", "--seeds", 2)
    check("all rules run", first.returncode == 0 and first.stderr == "", first.stderr + first.stdout[:500])
    document = json.loads(first.stdout)
    check("each rule has a run for each seed", [(r["policy"], r["seed"]) for r in document["runs"]] == [(p, s) for p in ALL for s in (1, 2)])
    for r in document["runs"]:
        fields = all(isinstance(r[k], int) for k in ("seed", "cost_usd_micro", "bound_usd_micro", "task_seconds", "task_seconds_waited", "interruptions"))
        check(f"{r['policy']} {r['seed']}: fields", fields and len(r["params"]) == 1 and r["violations"] == [], r)
        check(f"{r['policy']} {r['seed']}: more than the bound, or it waits",
              r["cost_usd_micro"] >= r["bound_usd_micro"] > 0 or r["task_seconds_waited"] > 0.01 * r["task_seconds"], r)
    numbers = {k for r in document["runs"] for k, v in r.items() if isinstance(v, (int, float)) and k != "seed"} | {"violations"}
    spread = {k for r in document["rows"] for k, v in r.items() if isinstance(v, dict) and k != "params"}
    check("every number has its method", numbers | spread <= set(document["method"]), (numbers | spread) - set(document["method"]))
    costs = [r["cost_usd_micro"] / 1e6 for r in document["runs"] if r["policy"] == "reactive"]
    row = next(r for r in document["rows"] if r["policy"] == "reactive")
    check("and its spread over the seeds", len(document["rows"]) == len(ALL) and len(spread) == 11 and
          [round(row["cost_usd"][k], 5) for k in ("least", "mean", "most")] == [round(x, 5) for x in (min(costs), sum(costs) / 2, max(costs))], row)
    check("the same seeds give the same bytes", masu(*quick, "--against", "all", "--seeds", 2).stdout == first.stdout)
    other = json.loads(masu(*quick, "--against", "reactive", "--no-masu", "--seeds", 1, "--seed", 2).stdout)["runs"]
    same = next(r for r in document["runs"] if r["policy"] == "reactive" and r["seed"] == 2)
    check("a seed alone is that seed among others", other == [same], other)
    return path


def whatifs(path):
    quick = ("--trace", path, "--tasks", 40, "--for", "6h", "--seeds", 1, "--format", "json", "--no-masu", "--against", "reactive-headroom,safety-stock,clairvoyant",
             "--spot-price", 40)

    def first(*more):
        done = masu(*quick, *more)
        return json.loads(done.stdout)["runs"] if done.returncode == 0 else [{"failed": done.stderr}] * 3

    plain = first()
    doubled, more = first("--scale", "web=3"), first("--add-service", "new=1024x2048x10")
    check("three times a service asks for more", doubled[0]["task_seconds"] > 1.2 * plain[0]["task_seconds"], doubled[0])
    check("one more service costs more", more[0]["bound_usd_micro"] > 1.2 * plain[0]["bound_usd_micro"], more[0])
    check("another type changes the bound", first("--types", "r5.2xlarge:2,m5.2xlarge:2")[0]["bound_usd_micro"] > plain[0]["bound_usd_micro"])
    dear, free = first("--headroom", 40)[0], first("--headroom", 0)[0]
    check("headroom costs, and none is less than what is usual", dear["cost_usd_micro"] > plain[0]["cost_usd_micro"] > free["cost_usd_micro"] and list(free["params"].values()) == [0], (dear, free))
    priced = ("--trace", path, "--tasks", 40, "--for", "6h", "--seeds", 1, "--format", "json", "--against", "masu", "--spot-price", 40, "--waiting-costs", 5)
    bare, both = (json.loads(masu(*priced, *more).stdout)["runs"][0] for more in ([], ["--headroom", 60]))
    check("headroom stands beside a price of waiting", both["instances_mean"] > bare["instances_mean"], (bare, both))
    check("a higher quantile costs", first("--quantile", "0.999")[1]["cost_usd_micro"] > plain[1]["cost_usd_micro"])
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    zone = first("--lose-zone", ",".join(f"{z}@2h-3h" for z in zones))
    pool = first("--lose-pool", ",".join(f"{t}.xlarge/{z}@2h-3h" for z in zones for t in ("c5", "m5", "r5")))
    check("a lost zone interrupts", zone[0]["interruptions"] > plain[0]["interruptions"], zone[0])
    check("so do lost pools", pool[0]["interruptions"] > plain[0]["interruptions"], pool[0])


def settings(folder, path):
    policy = folder / "policy.json"
    policy.write_text(json.dumps({"clusters": [{"name": "any", "fleets": [{"id": "sfr-00000000-0000-0000-0000-000000000000", "max": 9}], "scale_in": {"enabled": False}, "scale_out": {"waiting_costs": 3}}]}))
    quick = ("--trace", path, "--tasks", 40, "--for", "6h", "--seeds", 1, "--format", "json", "--against", "masu")
    plain, never = (json.loads(masu(*quick, *more).stdout)["runs"][0] for more in ([], ["--policy", policy]))
    check("the price of waiting is told as the policy has it", never["params"] == {"waiting_costs": 3} and plain["params"] == {"waiting_costs": 0}, (plain, never))
    check("masu's settings are the policy's", never["drains"] == 0 < plain["drains"] and never["cost_usd_micro"] > plain["cost_usd_micro"], (plain, never))


def faces(folder, path):
    picture = folder / "frontier.svg"
    done = masu("--trace", path, "--tasks", 24, "--for", "4h", "--seeds", 2, "--no-masu", "--against", "reactive-headroom,clairvoyant", "--plot", picture)
    lines = done.stdout.splitlines()
    rows = [line for line in lines if line.startswith(("reactive-headroom", "clairvoyant"))]
    check("a sweep has five points a rule", done.returncode == 0 and len(rows) == 10, done.stderr + done.stdout)
    head = next(line for line in lines if line.startswith("rule "))
    check("the table is aligned", all(len(line) == len(head) for line in rows), done.stdout)
    apart = [lines[i + 1].split() for i, line in enumerate(lines) if line.startswith("reactive-headroom")]
    check("what differs between the seeds is below, of every column", any(len(v) >= 7 and all("-" in x for x in v) for v in apart), done.stdout)
    check("how it was measured is said", "seeds 1 to 2" in done.stdout and "shortest time" in done.stdout)
    root = xml.fromstring(picture.read_text())
    check("the frontier has a line for each rule", len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2)
    check("nothing is drawn over the terminal's line where there is none", done.stderr == "")
    scenario = masu("--scenario", DOCS / "scenario.json", "--for", "3h", "--seeds", 1, "--against", "clairvoyant", "--format", "json")
    check("the example scenario runs", scenario.returncode == 0 and json.loads(scenario.stdout)["scenario"] == "shop", scenario.stderr)
    seen = {}
    for kind in ("steady", "profile", "jobs", "crowd", "requests", "host"):
        text = folder / "models.json"
        text.write_text(json.dumps({"services": [{"name": "a", "cpu_units": 512, "memory_mib": 512, "tasks": 50, "follows": kind}], "for_s": 21600, "warmup_s": 3600}))
        done = masu("--scenario", text, "--seeds", 2, "--no-masu", "--against", "all-on-demand", "--format", "json")
        seen[kind] = [r["task_seconds"] for r in json.loads(done.stdout)["runs"]]
    check("each workload model is a demand of its own, and of each seed", len({s for v in seen.values() for s in v}) == 11 and len(set(seen["steady"])) == 1, seen)


def past(folder):
    journal = folder / "past.db"
    demo = subprocess.run([MASU, "demo", "--headless", "--for", "3h", "--state", str(journal)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    check("masu demo keeps its journal where it is told", demo.returncode == 0 and journal.is_file(), demo.stderr)
    again = subprocess.run([MASU, "demo", "--headless", "--for", "1h", "--state", str(journal)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    check("and never into one that is there", again.returncode == 64 and "is there already" in again.stderr, again.stderr)
    quick = ("--history", journal, "--cluster", "main", "--from", "150m", "--seeds", 1, "--no-masu", "--against", "reactive-headroom,clairvoyant", "--format", "json")
    first = masu(*quick)
    check("a recorded past is simulated", first.returncode == 0 and first.stderr == "", first.stderr)
    document = json.loads(first.stdout)
    check("it is the cluster's, as long as was asked for", document["scenario"] == "main" and document["for_s"] == 9000, document)
    left = document["left_out"]
    check("what is not recorded is said", left[-1] == "deployments and shortages of capacity: they are not recorded" and
          any(s.startswith("tasks of no service, ") for s in left), left)
    check("the same bytes twice", masu(*quick).stdout == first.stdout)
    grown = json.loads(masu(*quick, "--scale", "all=2").stdout)["runs"]
    check("twice everything is twice the work", 1.9 < grown[1]["task_seconds"] / document["runs"][1]["task_seconds"] < 2.1, grown[1])
    for arguments, word, code in (
        (["--history", journal], "--cluster NAME, one of main, jobs", 1),
        (["--history", journal, "--cluster", "mian"], "did you mean \"main\"", 1),
        (["--history", journal, "--cluster", "main", "--from", "soon"], "--from soon: expected a time", 64),
        (["--history", folder / "absent.db"], "there is no journal", 1),
        (["--history", journal, "--trace", journal], "leave out --scenario and --trace", 64),
        (["--trace", journal, "--from", "3d"], "are of --history F", 64),
    ):
        done = masu(*arguments)
        check(f"said with exit {code}: {word}", done.returncode == code and word in done.stderr and not done.stdout, f"{done.returncode} {done.stderr}")


def mistakes(folder, path):
    made = []

    def scenario(text):
        made.append(folder / f"wrong{len(made)}.json")
        made[-1].write_text(text)
        return ["--scenario", made[-1]]

    noted = [
        (1, scenario('{\n  "perod_s": 60}'), "wrong0.json:2:"),
        (1, scenario('{"perod_s": 60}'), "did you mean period_s?"),
        (1, scenario('{"period_s": 1}'), "period_s: expected a whole number from 10 to 3600"),
        (1, scenario('{"services": [{"name": "a", "cpu_units": 1, "memory_mib": 5, "tasks": 3, "follows": "me"}]}'), "services[0].follows: expected trace, profile, steady, jobs, crowd, requests or host"),
        (1, scenario('{"services": [{"name": "a"}]}'), "cpu_units is missing"),
        (1, scenario('{"types": [{"name": "x9.huge"}]}'), "x9.huge"),
        (1, scenario('{"losses": [{"zone": "us-east-1a", "from_s": 9, "to_s": 3}]}'), "ends before it begins"),
        (1, scenario('{"warmup_s": 3600, "for_s": 3600, "period_s": 60}'), "nothing would be counted"),
        (1, scenario('{"trace": "absent.csv"}'), "absent.csv"),
        (1, scenario('{"trace": 3}'), "trace: expected a text"),
        (1, scenario('{'), "json:1"),
        (1, ["--trace", folder / "absent.csv"], "absent.csv"),
        (1, ["--trace", path, "--policy", path], "steps.csv"),
        (64, ["--trace", path, "--against", "reactiv"], "did you mean reactive?"),
        (64, ["--trace", path, "--scale", "serch=2"], "did you mean search"),
        (64, ["--trace", path, "--scale", "web=x"], "SERVICE=TIMES"),
        (64, ["--trace", path, "--lose-zone", "us-east-1a@5h-3h"], "@FROM-TO"),
        (64, ["--trace", path, "--lose-pool", "c5.xlarge"], "TYPE/ZONE"),
        (64, ["--trace", path, "--add-service", "web=1x1x1"], "already"),
        (64, ["--trace", path, "--add-service", "new=1"], "NAME=CPUxMIBxTASKS"),
        (64, ["--trace", path, "--types", "m5.large:0"], "TYPE:WEIGHT"),
        (64, [], "--scenario F, --trace F or --history F is missing"),
    ]
    for code, arguments, word in noted:
        done = masu(*arguments)
        check(f"said with exit {code}: {word}", done.returncode == code and word in done.stderr and not done.stdout, f"{done.returncode} {done.stderr}")


def faults():
    """Twenty seeds through a day of faults, and the command that runs one again."""
    done = masu("--faults", "--seeds", 20, "--format", "json")
    out = json.loads(done.stdout or "{}").get("runs", [])
    broken = [f"{v['id']} at {v['at_s']} s {v['text']} -> {r['again']}" for r in out for v in r["violations"]]
    check("twenty seeds through a day of faults break no invariant", done.returncode == 0 and len(out) == 20 and not broken, broken or done.stderr)
    check("and kill no task", out and not any(r["tasks_killed"] for r in out))
    check("they meet faults of every kind, on every kind of fleet", {r["fleet"] for r in out} == {"spot-fleet", "ec2-fleet", "auto-scaling", "instant"}
          and len({f["kind"] for r in out for f in r["schedule"]}) == 13 and all(r["faults_met"] > 20 for r in out))
    if not out:
        return
    again = masu(*out[4]["again"].split()[2:], "--format", "json")
    check("the command that is told runs the same again, to the byte", json.loads(again.stdout)["runs"] == [out[4]], again.stderr)
    items = ",".join(str(f["item"]) for f in out[4]["schedule"][:2])
    part = json.loads(masu("--faults", "--seed", out[4]["seed"], "--only", items, "--for", "6h", "--format", "json").stdout)["runs"][0]
    check("--only takes items of the schedule", [f["item"] for f in part["schedule"]] == [1, 2] and part["for_s"] == 6 * 3600, part)
    wire = json.loads(masu("--faults", "--on-wire", "--seed", 55, "--for", "3h", "--format", "json").stdout)["runs"][0]
    check("a seed on the wire breaks nothing either", wire["violation_count"] == 0 and wire["tasks_killed"] == 0 and wire["faults_met"] > 10
          and "--on-wire" in wire["again"], wire)
    text = masu("--faults", "--seed", 5, "--for", "3h")
    check("one seed tells its schedule", text.returncode == 0 and text.stdout.startswith("seed 5 on ec2-fleet, 3 h: ") and "\n  1  " in text.stdout.replace("    1  ", "  1  "), text.stdout)
    for code, arguments, word in [(64, ["--only", "999"], "has faults 1 to"), (64, ["--fleet", "zeppelin"], "expected spot-fleet"),
                                  (64, ["--trace", "x.csv"], "a world of its own")]:
        done = masu("--faults", *arguments)
        check(f"said with exit {code}: {word}", done.returncode == code and word in done.stderr, f"{done.returncode} {done.stderr}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        schema()
        path = runs(folder)
        whatifs(path)
        settings(folder, path)
        faces(folder, path)
        past(folder)
        mistakes(folder, path)
        faults()
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
