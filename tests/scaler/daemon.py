"""`masu run` as a process, for tests: the sandbox it talks to, its policy, its log as events, and the list of what failed.

The test that imports it is given the path of masu as its first argument.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

MASU = sys.argv[1]
# The fleets of the world of seed 7.
FLEETS = {"main": "sfr-3216565c-2817-9480-8c90-4b1099e119ea", "jobs": "sfr-b3e9d367-2025-44ee-ab11-58a9de25aec1"}
failures = []


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"), flush=True)
    if not holds:
        failures.append(name)


def start_sandbox():
    p = subprocess.Popen([MASU, "sandbox", "--listen", "127.0.0.1:0", "--seed", "7"], stdout=subprocess.PIPE, text=True)
    env = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
    while "AWS_REGION" not in env:
        line = p.stdout.readline()
        if not line:
            raise SystemExit("the sandbox did not start")
        m = re.match(r"export (\w+)=(\S+)", line)
        if m:
            env[m[1]] = m[2]
    return p, env


def write_policy(path, period_s=10, headroom=5):
    path.write_text(json.dumps({"clusters": [
        {"name": name, "region": "us-east-1", "period_s": period_s, "headroom": {"percent": headroom}, "fleets": [{"id": fleet, "max": 200}]}
        for name, fleet in FLEETS.items()]}))


class Daemon:
    def __init__(self, folder, env, *arguments, **popen):
        self.log = folder / "log"
        self.out = open(self.log, "w")
        self.p = subprocess.Popen([MASU, "run", "--policy", str(folder / "policy.json"), "--listen", "127.0.0.1:0", *arguments],
                                  stdout=self.out, stderr=subprocess.STDOUT, env=env, **popen)

    def events(self, word):
        return [e for e in (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")) if e.get("event") == word]

    def wait_for(self, word, holds=lambda e: True, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.p.poll() is None:
            found = [e for e in self.events(word) if holds(e)]
            if found:
                return found[0]
            time.sleep(0.05)
        found = [e for e in self.events(word) if holds(e)]
        return found[0] if found else None

    def stop(self, number=signal.SIGTERM):
        began = time.monotonic()
        if self.p.poll() is None:
            self.p.send_signal(number)
        code = self.p.wait(timeout=20)
        self.out.close()
        return code, time.monotonic() - began
