"""The command line from outside: goldens of `masu plan`, help, exit codes, and what is said about mistakes.

usage: cli_test.py MASU SOURCE_ROOT [--update]
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MASU = str(pathlib.Path(sys.argv[1]).resolve())
ROOT = pathlib.Path(sys.argv[2])
GOLDEN = ROOT / "tests/scaler/golden"
UPDATE = "--update" in sys.argv
CASES = ["drain", "lower", "end", "undo"]
failures = []


def masu(*arguments, cwd=GOLDEN, **env):
    return subprocess.run([MASU, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, check=False,
                          env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **env})


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"))
    if not holds:
        failures.append(name)


def compare(name, path, text):
    if UPDATE:
        path.write_text(text)
    wanted = path.read_text() if path.exists() else ""
    check(name, text == wanted, f"differs from {path.name}:\n{text}")


def without_hash(text):
    return re.sub(r"(policy policy\.json )[0-9a-f]{7}", r"\1HASHHAS", text)


def goldens():
    for case in CASES:
        done = masu("plan", "--policy", "policy.json", "--snapshot", f"{case}.json")
        check(f"plan of {case} exits with 2, there are changes", done.returncode == 2, done.stderr)
        compare(f"plan of {case} reads as before", GOLDEN / f"{case}.txt", without_hash(done.stdout))
        done = masu("plan", "--policy", "policy.json", "--snapshot", f"{case}.json", "--format", "json")
        compare(f"plan of {case} as JSON is as before", GOLDEN / f"{case}.plan.json", done.stdout)
        plan = json.loads(done.stdout)
        check(f"plan of {case} has actions with kind, target and reason",
              plan["actions"] and all(a["kind"] and a["target"] and " -> " in a["reason"] for a in plan["actions"]))
        check(f"plan of {case} has verdicts", bool(plan["verdicts"]))
        check(f"plan of {case} is coloured only on a terminal", "\033" not in done.stdout)


def snapshot(name, change):
    file = json.loads((GOLDEN / f"{name}.json").read_text())
    change(file)
    handle, path = tempfile.mkstemp(suffix=".json")
    with os.fdopen(handle, "w") as f:
        json.dump(file, f)
    return path


def plans():
    path = snapshot("drain", lambda f: [s.update(state="unknown") for s in f["snapshot"]["sources"].values()]
                    if isinstance(f["snapshot"]["sources"], dict) else [s.update(state="unknown") for s in f["snapshot"]["sources"]])
    done = masu("plan", "--policy", "policy.json", "--snapshot", path, "--format", "json")
    kinds = [a["kind"] for a in json.loads(done.stdout)["actions"]]
    check("v10 nothing is removed when all sources are unknown", not set(kinds) & {"drain", "terminate", "mark"}, kinds)
    os.unlink(path)
    path = snapshot("drain", lambda f: f["snapshot"].update(cluster="jbos"))
    done = masu("plan", "--policy", "policy.json", "--snapshot", path)
    check("a cluster that the policy does not name is told with the nearest", done.returncode == 1 and 'did you mean "jobs"' in done.stderr, done.stderr)
    done = masu("plan", "--policy", "policy.json", "--snapshot", path, "--cluster", "jobs")
    check("--cluster says whose settings count", done.returncode in (0, 2), done.stderr)
    os.unlink(path)
    done = masu("plan", "--policy", "policy.json", "--snapshot", "no-such-file.json")
    check("a snapshot that is not there fails", done.returncode == 1 and "no-such-file.json" in done.stderr, done.stderr)
    done = masu("plan", "--policy", "policy.json", AWS_REGION="us-east-1", AWS_ENDPOINT_URL="http://127.0.0.1:1",
                AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y", AWS_MAX_ATTEMPTS="1")
    check("AWS that cannot be reached is a failure, not an empty plan", done.returncode == 1 and done.stdout == "" and done.stderr, done.stderr)


def words():
    done = masu("--version")
    check("--version tells the version", done.returncode == 0 and re.fullmatch(r"masu \d+\.\d+\.\d+\n", done.stdout) is not None, done.stdout)
    for command in ["run", "plan", "demo", "sandbox", "check-policy", "doctor", "pause", "resume", "health", "iam-policy"]:
        done = masu(command, "--help")
        check(f"{command} --help explains itself", done.returncode == 0 and done.stdout.startswith(f"usage: masu {command}"), done.stdout)
    done = masu("plna")
    check("an unknown command is told with the nearest", done.returncode == 64 and "did you mean masu plan?" in done.stderr, done.stderr)
    done = masu("plan", "--polcy", "x")
    check("an unknown option is told with the nearest", done.returncode == 64 and "did you mean --policy?" in done.stderr, done.stderr)
    check("no command is wrong usage", masu().returncode == 64)
    check("plan without a policy is wrong usage", masu("plan").returncode == 64)
    check("run without a policy is wrong usage", masu("run").returncode == 64)
    done = masu("run", "--policy", "no-such-file.json", "--once")
    check("run with a policy that is not there fails before anything else", done.returncode == 1 and "no-such-file.json" in done.stderr, done.stderr)


def policies():
    done = masu("check-policy", "policy.json")
    check("a good policy is fine", done.returncode == 0 and "1 cluster, 1 fleet" in done.stdout, done.stdout)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "p.json"
        path.write_text('{\n  "clusters": [{"name": "a", "fleets": [{"id": "sfr-1", "mxa": 3}]}]\n}\n')
        done = masu("check-policy", "p.json", cwd=folder)
        check("a wrong key is told with its place and the nearest", done.returncode == 1 and "p.json:2:" in done.stdout and '"max"' in done.stdout, done.stdout)
        done = masu("check-policy", "p.json", "--format", "json", cwd=folder)
        check("a wrong policy as JSON is one object that says so", done.returncode == 1 and json.loads(done.stdout)["valid"] is False)
    schema = json.loads(masu("check-policy", "--schema").stdout)
    check("the schema is a JSON Schema", "$schema" in schema)
    check("the keys are listed", "max" in masu("check-policy", "--keys").stdout)


def demo():
    done = masu("demo", "--headless", "--for", "30m", "--seed", "3", "--format", "json")
    out = json.loads(done.stdout)
    keys = {"ticks", "instances", "task_seconds", "task_seconds_waited", "instance_hours", "cost_usd_micro", "drains", "tasks_killed",
            "invariant_violations", "api_calls"}
    check("demo --headless prints one object with the agreed keys", done.returncode == 0 and keys <= set(out), done.stderr)
    check("its numbers are numbers", isinstance(out["invariant_violations"], int) and isinstance(out["api_calls"]["ecs:ListTasks"], int))
    spot = {"interruptions", "interrupted_tasks", "interrupted_tasks_replaced_in_time"}
    check("demo --headless tells what interruptions took", spot <= set(out), sorted(out))
    check("demo refuses a trace that is not there", masu("demo", "--headless", "--trace", "no-such.csv").returncode == 1)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "t.csv"
        path.write_text("# from a spreadsheet\nwhen;host;orders\n2026-01-01 00:00;a;5\n2026-01-01 00:05;a;9\n")
        done = masu("demo", "--headless", "--for", "10m", "--format", "json", "--trace", "t.csv", cwd=folder)
        check("demo takes a CSV of other names and separators", done.returncode == 0 and json.loads(done.stdout)["ticks"] > 0, done.stderr)
        path.write_text("when;orders\n2026-01-01 00:00;5\n2026-01-01 00:05;many\n")
        done = masu("demo", "--headless", "--for", "10m", "--trace", "t.csv", cwd=folder)
        told = 't.csv:3: column 2: value "many": expected a number from 0 to 1e18'
        market = pathlib.Path(folder) / "m.csv"
        market.write_text("timestamp,zone,instance_type,available\n0,a,x,4\n600,a,x,1\n3000,a,x,4\n3600,a,x,1\n")
        spot = masu("demo", "--headless", "--for", "30m", "--format", "json", "--market", "m.csv", cwd=folder)
        out = json.loads(spot.stdout)
        check("demo takes a recorded market and says how many tasks were replaced in time", out["interruptions"] > 5 and
              out["interrupted_tasks"] > 0 and 0 <= out["interrupted_tasks_replaced_in_time"] <= 1, spot.stdout)
        market.write_text("timestamp,zone,instance_type,available\n0,a,x,some\n")
        for command in (["demo", "--headless"], ["sandbox"]):
            bad = masu(*command, "--market", "m.csv", cwd=folder)
            place = 'm.csv:2: column 4: value "some": expected a number available'
            check(f"{command[0]} tells the place of a mistake in a market", bad.returncode == 1 and place in bad.stderr, bad.stderr)
        check("demo tells the place of a mistake in a trace", done.returncode == 1 and told in done.stderr, done.stderr)


goldens()
plans()
words()
policies()
demo()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
