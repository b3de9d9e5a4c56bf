"""SIGHUP with each kind of policy: taken over, or the old one kept, in words, with the way on.

usage: reload_test.py MASU
"""
import copy
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aws_proxy import FLEETS, Proxy  # noqa: E402

MASU = str(pathlib.Path(sys.argv[1]).resolve())
SECOND = "sfr-00000000-0000-0000-0000-000000000000"
failures = []


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"), flush=True)
    if not holds:
        failures.append(name)


class Daemon:
    def __init__(self, proxy, folder, policy):
        self.policy, self.log = folder / "policy.json", folder / "log"
        self.policy.write_text(json.dumps(policy))
        self.p = subprocess.Popen([MASU, "run", "--policy", str(self.policy), "--listen", "127.0.0.1:0", "--dry-run"], stdout=open(self.log, "w"),
                                  stderr=subprocess.STDOUT, env=proxy.env)

    def events(self, word):
        return [e for e in map(json.loads, (line for line in self.log.read_text().splitlines() if line.startswith("{"))) if e["event"] == word]

    def wait_for(self, word, count):
        until = time.monotonic() + 30
        while len(self.events(word)) < count and time.monotonic() < until and self.p.poll() is None:
            time.sleep(0.05)
        return self.events(word)

    def reload(self, policy):
        """The line that it says to this policy."""
        before = len(self.events("policy"))
        self.policy.write_text(policy if isinstance(policy, str) else json.dumps(policy))
        self.p.send_signal(signal.SIGHUP)
        return (self.wait_for("policy", before + 1)[before:] or [{"message": "nothing", "detail": ""}])[0]


def main():
    first = {"clusters": [{"name": n, "region": "us-east-1", "period_s": 5, "fleets": [{"id": f, "max": 200}]} for n, f in FLEETS.items()]}
    first["clusters"][0]["fleets"].append({"id": SECOND, "max": 5})

    def changed(change):
        policy = copy.deepcopy(first)
        change(policy["clusters"])
        return policy
    with tempfile.TemporaryDirectory() as name:
        proxy = Proxy(MASU)
        try:
            d = Daemon(proxy, pathlib.Path(name), first)
            d.wait_for("tick", 2)
            for what, policy, words, detail in (
                ("h1 a cluster more", changed(lambda cs: cs.append({"name": "new", "fleets": [{"id": "sfr-new", "max": 1}]})), "restart to change clusters", 'adds "new"'),
                ("h1 a cluster less", changed(lambda cs: cs.pop()), "restart to change clusters", 'drops "jobs"'),
                ("clusters in another order", changed(lambda cs: cs.reverse()), "restart to change clusters", "another order"),
                ("h1 a broken one", '{"clusters": [', "cannot be used -> the old one is kept", "policy.json:1:"),
                ("h1 one that is not there any more", None, "cannot be used -> the old one is kept", "No such file"),
            ):
                if policy is None:
                    d.policy.unlink()
                    d.p.send_signal(signal.SIGHUP)
                    told = d.wait_for("policy", len(d.events("policy")) + 1)[-1]
                else:
                    told = d.reload(policy)
                check(f"{what}: the old one is kept, in words", words in told["message"] and detail in told["detail"] and told["level"] == "error", told)
            less = changed(lambda cs: cs[0]["fleets"].pop())
            told = d.reload(less)
            asked = re.search(r'"confirm": "([0-9a-f]{16})"', told["detail"])
            check("l14 a dropped fleet waits for confirmation, and says how", "waits for confirmation" in told["message"] and SECOND in told["detail"] and asked, told)
            told = d.reload({**less, "confirm": "0000000000000000"})
            check("l14 another hash does not confirm it", "waits for confirmation" in told["message"], told)
            told = d.reload({**less, "confirm": asked[1] if asked else ""})
            check("l14 its own hash does, and holds new drains", "no new drain for 10 minutes" in told["message"], told)
            told = d.reload({**less, "confirm": asked[1] if asked else ""})
            check("the same again changes nothing", told["message"] == "unchanged", told)
            told = d.reload(changed(lambda cs: cs[0].update(headroom={"percent": 50})))
            check("a fleet more and another setting are taken over", "no new drain for 10 minutes" in told["message"], told)
            ticks = len(d.events("tick"))
            check("it goes on ticking", len(d.wait_for("tick", ticks + 2)) >= ticks + 2)
            d.p.send_signal(signal.SIGTERM)
            check("and ends as it should", d.p.wait(timeout=20) == 0)
        finally:
            proxy.close()
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
