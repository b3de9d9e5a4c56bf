"""`masu run` as a process, against `masu sandbox` as another: signals, reload, dry run, one tick, the page.

usage: run_test.py MASU
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.request

from daemon import MASU, Daemon, check, failures, start_sandbox, write_policy


def daemon_lives(folder, env):
    d = Daemon(folder, env, "--state", str(folder / "state.db"))
    check("both clusters tick", d.wait_for("tick", lambda e: e["cluster"] == "main" and e["instances"] > 0)
          and d.wait_for("tick", lambda e: e["cluster"] == "jobs" and e["instances"] > 0), d.log.read_text()[-2000:])
    listen = d.wait_for("listen")
    page = json.loads(urllib.request.urlopen(listen["url"] + "api/v1/clusters", timeout=5).read())
    check("the page knows both", [c["name"] for c in page["clusters"]] == ["main", "jobs"], page)
    check("no bad source and no error", not d.events("source") and all(e["message"] == "done" for e in d.events("tick")), d.log.read_text()[-2000:])

    (folder / "policy.json").write_text('{"clusters": []')
    d.p.send_signal(signal.SIGHUP)
    kept = d.wait_for("policy", lambda e: "the old one is kept" in e["message"])
    check("SIGHUP with a broken policy keeps the old one and says where it is broken", kept and "policy.json:" in kept["detail"], kept)
    write_policy(folder / "policy.json", headroom=20)
    d.p.send_signal(signal.SIGHUP)
    check("SIGHUP reads a good policy and holds new drains", d.wait_for("policy", lambda e: "no new drain for 10 minutes" in e["message"]),
          d.log.read_text()[-2000:])
    code, took = d.stop()
    check("SIGTERM ends it cleanly within 10 s", code == 0 and took < 10, f"exit {code} after {took:.1f} s")
    check("its last word is that it was told to stop", d.events("stop")[0]["message"] == "told to stop")


def daemon_comes_back(folder, env):
    d = Daemon(folder, env, "--state", str(folder / "state.db"))
    opened = d.wait_for("state")
    check("a second life opens the state of the first", opened and opened["fresh"] == 0 and opened["after_crash"] == 0, opened)
    d.wait_for("tick")
    code, _ = d.stop(signal.SIGINT)
    check("SIGINT ends it cleanly, too", code == 0, code)
    d = Daemon(folder, env, "--state", str(folder / "state.db"))
    d.wait_for("tick")
    d.p.kill()
    d.stop()
    d = Daemon(folder, env, "--state", str(folder / "state.db"), "--once")
    code, _ = (d.p.wait(timeout=60), None)
    check("after a hard end the next life knows it", d.wait_for("state")["after_crash"] == 1, d.log.read_text()[-500:])
    check("--once makes one tick of each cluster and ends", code == 0 and len(d.events("tick")) == 2, d.log.read_text()[-2000:])
    d.out.close()


def wrong_ways(folder, env):
    d = Daemon(folder, {**env, "AWS_SECRET_ACCESS_KEY": "wrong"}, "--once")
    code = d.p.wait(timeout=60)
    check("a wrong key is refused by AWS and told", code == 1 and "SignatureDoesNotMatch" in d.log.read_text(), d.log.read_text()[-800:])
    policy = json.loads((folder / "policy.json").read_text())
    for c in policy["clusters"]:
        c["account"] = "999988887777"
    (folder / "policy.json").write_text(json.dumps(policy))
    d = Daemon(folder, env, "--once")
    code = d.p.wait(timeout=60)
    check("h4 credentials of another account than the policy's are refused", code == 1 and "999988887777" in d.log.read_text(), d.log.read_text()[-800:])
    write_policy(folder / "policy.json")
    d = Daemon(folder, env, "--once", "--state", "/proc/no/such/state.db")
    code = d.p.wait(timeout=60)
    check("i5 a state that cannot be opened makes it add-only, not dead", code == 0 and any("nothing is removed" in e["consequence"] for e in d.events("state")),
          d.log.read_text()[-800:])


def main():
    sandbox, env = start_sandbox()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_policy(folder / "policy.json")
            daemon_lives(folder, env)
            write_policy(folder / "policy.json")
            daemon_comes_back(folder, env)
            wrong_ways(folder, env)
            done = subprocess.run([MASU, "plan", "--policy", str(folder / "policy.json"), "--format", "json"], env=env, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
            check("plan looks at AWS by itself", done.returncode in (0, 2) and len(json.loads(done.stdout)["plans"]) == 2, done.stderr)
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=20)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
