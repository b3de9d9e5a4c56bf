"""`masu run` as a process, against `masu sandbox` as another: signals, reload, dry run, one tick, the page.

usage: run_test.py MASU
"""
import datetime
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
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


class Hook(http.server.BaseHTTPRequestHandler):
    """A webhook that fails twice before it listens."""
    seen, refusals = [], 2

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if Hook.refusals > 0:
            Hook.refusals -= 1
            self.send_error(503)
            return
        Hook.seen.append((self.headers["Authorization"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(url, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(url + path, data=None if body is None else json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        with e:
            return e.code, json.loads(e.read())


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()


def controls(url):
    return {c["name"]: c["control"] and c["control"]["mode"] for c in ask(url, "api/v1/clusters")[1]["clusters"]}


def people_hold_it_back(folder, env):
    token = "a-token-of-this-test"
    (folder / "token").write_text(token + "\n")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write_policy(folder / "policy.json", period_s=60)
    policy = json.loads((folder / "policy.json").read_text())
    policy["alerts"] = {"webhook_url": f"http://127.0.0.1:{server.server_port}/hook", "webhook_level": "info",
                        "webhook_headers": [{"name": "Authorization", "value_env": "HOOK_AUTH"}]}
    (folder / "policy.json").write_text(json.dumps(policy))
    d = Daemon(folder, {**env, "HOOK_AUTH": "Bearer hook"}, "--state", str(folder / "held.db"), "--api-token-file", str(folder / "token"))
    url = d.wait_for("listen")["url"]
    check("both have ticked", d.wait_for("tick", lambda e: e["cluster"] == "main") and d.wait_for("tick", lambda e: e["cluster"] == "jobs", 60))
    check("a POST without the token is refused and logged", ask(url, "api/v1/pause", {"mode": "pause", "why": "x"})[0] == 401
          and d.wait_for("post", lambda e: e.get("status") == 401))
    ticks = len(d.events("tick"))
    status, answer = ask(url, "api/v1/pause", {"mode": "freeze", "why": "incident 4711", "cluster": "jobs", "who": "hana"}, token)
    check("a POST with it is accepted", status == 202 and answer["who"] == "hana, API from 127.0.0.1", answer)
    check("h2 the cluster is held within seconds of a period of a minute", until(lambda: controls(url) == {"main": None, "jobs": "freeze"}, 10), controls(url))
    check("its tick came at once", until(lambda: any(e["cluster"] == "jobs" for e in d.events("tick")[ticks:]), 10))
    d.p.send_signal(signal.SIGUSR1)
    check("h2 SIGUSR1 pauses all and thaws nothing", until(lambda: controls(url) == {"main": "pause", "jobs": "freeze"}), controls(url))
    ready = ask(url, "readyz")[1]
    check("readyz tells who holds it", {c["cluster"] for c in ready["controls"]} == {"main", "jobs"}, ready)
    check("the log tells it once", len([e for e in d.events("control") if e["cluster"] == "main"]) == 1, d.events("control"))
    check("the webhook hears of it after its failures, with its secret", until(lambda: any(a["id"] == "mode" for _, b in Hook.seen for a in b["alerts"])
          and all(h == "Bearer hook" for h, _ in Hook.seen), 30), Hook.seen)
    d.stop()
    d = Daemon(folder, {**env, "HOOK_AUTH": "Bearer hook"}, "--state", str(folder / "held.db"), "--api-token-file", str(folder / "token"))
    url = d.wait_for("listen")["url"]
    check("h2 a restart finds it as it was", until(lambda: controls(url) == {"main": "pause", "jobs": "freeze"}), controls(url))
    def cli(*words, **more):
        return subprocess.run([MASU, *words, "--listen", url.split("/")[2]], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "USER": "hana", **more})
    done = cli("pause", "--cluster", "main", "--mode", "freeze", "--why", "incident 4712", "--for", "1h", "--api-token-file", str(folder / "token"))
    check("h2 masu pause holds a cluster, and says until when", done.returncode == 0 and re.fullmatch(r"freeze: main, until \S+Z\n", done.stdout), done)
    check("h2 it holds", until(lambda: controls(url) == {"main": "freeze", "jobs": "freeze"}), controls(url))
    done = cli("resume", "--cluster", "main", "--format", "json", MASU_API_TOKEN=token)
    check("h2 masu resume lets that cluster go on", done.returncode == 0 and json.loads(done.stdout)["accepted"] == "resume"
          and until(lambda: controls(url)["main"] is None), done)
    for words, said in ((("pause", "--why", "x"), "set MASU_API_TOKEN"), (("pause", "--why", "x", "--mode", "stop", "--api-token-file", str(folder / "token")), "add-only"),
                        (("pause", "--why", "x", "--cluster", "mian", "--api-token-file", str(folder / "token")), "mian")):
        done = cli(*words, MASU_API_TOKEN="")
        check(f"what masu pause cannot do is a failure with words: {said}", done.returncode == 1 and said in done.stderr, done)
    check("masu pause without a why is wrong usage", cli("pause").returncode == 64)
    d.p.send_signal(signal.SIGUSR2)
    check("SIGUSR2 resumes all", until(lambda: controls(url) == {"main": None, "jobs": None}), controls(url))
    (folder / "policy.json").write_text("{")
    d.p.send_signal(signal.SIGHUP)
    d.wait_for("policy", lambda e: "the old one is kept" in e["message"])
    d.p.send_signal(signal.SIGUSR1)  # a tick, so that what is wrong is told without waiting for the next
    check("a refused policy is an alert of the daemon", until(lambda: "policy-refused" in [a["id"] for a in ask(url, "api/v1/alerts")[1]["alerts"]]),
          ask(url, "api/v1/alerts")[1])
    code, took = d.stop()
    check("with all this it ends as cleanly", code == 0 and took < 10, f"exit {code} after {took:.1f} s")
    server.shutdown()


def aws_is_away(folder, env):
    """I6: an outage of AWS makes the daemon unready, never unhealthy: a restart would help nobody."""
    write_policy(folder / "policy.json", period_s=5)
    d = Daemon(folder, {**env, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"})
    url = d.wait_for("listen")["url"]
    told = until(lambda: "tick-failing" in [a["id"] for a in ask(url, "api/v1/alerts")[1]["alerts"]], 60)
    check("ticks that fail are an alert", told, ask(url, "api/v1/alerts")[1])
    check("i6 healthz is green while AWS is away", ask(url, "healthz")[0] == 200)
    status, ready = ask(url, "readyz")
    check("i6 readyz is red, and says why", status == 503 and ready["detail"], ready)
    code, took = d.stop()
    check("it ends within 10 s all the same", code == 0 and took < 10, f"exit {code} after {took:.1f} s")


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


def the_clock_steps(folder, env):
    """The machine's wall clock is set back by an hour while the daemon runs, and it is one ahead where the next one starts."""
    write_policy(folder / "policy.json", period_s=5)
    set_to = folder / "clock"
    preload = subprocess.run(["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    env = {**env, "LD_PRELOAD": preload, "FAKETIME_TIMESTAMP_FILE": str(set_to), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
           "ASAN_OPTIONS": ":".join(filter(None, (env["ASAN_OPTIONS"], "verify_asan_link_order=0")))}
    set_to.write_text("+0\n")
    d = Daemon(folder, env)
    check("both tick by a clock that may be set", d.wait_for("tick", lambda e: e["cluster"] == "main") and d.wait_for("tick", lambda e: e["cluster"] == "jobs"))
    set_to.write_text("-1h\n")
    ticks = len(d.events("tick"))
    check("g6 v35 an hour back stops no tick", until(lambda: len(d.events("tick")) >= ticks + 4, 30), d.log.read_text()[-1500:])
    stamps = [e["time"] for e in d.events("tick")]
    check("g6 the log's times go on", stamps == sorted(stamps), stamps)
    url = d.wait_for("listen")["url"]
    check("g6 an alert tells of the machine's clock", until(lambda: "clock-off" in [a["id"] for a in ask(url, "api/v1/alerts")[1]["alerts"]]), ask(url, "api/v1/alerts")[1])
    d.stop()
    set_to.write_text("-1h\n")
    d = Daemon(folder, env)
    check("g6 whose machine is an hour late at the start goes by AWS's time", until(
        lambda: any(abs(datetime.datetime.fromisoformat(e["time"].replace("Z", "+00:00")).timestamp() - time.time()) < 60 for e in d.events("tick")), 30), d.log.read_text()[-1500:])
    d.stop()


def plan_reads_the_state(folder, env):
    """Of a policy that prices waiting: what a minute of history is not enough for is said, and so is how to have it."""
    write_policy(folder / "policy.json")
    policy = json.loads((folder / "policy.json").read_text())
    policy["clusters"] = policy["clusters"][:1]
    policy["clusters"][0]["scale_out"] = {"waiting_costs": 10}
    (folder / "policy.json").write_text(json.dumps(policy))
    path, before = folder / "state.db", (folder / "state.db").read_bytes()
    for arguments, says in ((["--state", str(path)], f"main is planned without forecast: {path} has too little"), ([], "main is planned without forecast -> --state F")):
        done = subprocess.run([MASU, "plan", "--policy", str(folder / "policy.json"), *arguments], env=env, capture_output=True, text=True, check=False)
        check("plan says what it has no history for " + " ".join(arguments[:1]), done.returncode in (0, 2) and says in done.stderr and "\nplan " in done.stdout, done.stderr)
    check("plan only reads the state", path.read_bytes() == before)
    done = subprocess.run([MASU, "plan", "--policy", str(folder / "policy.json"), "--state", str(folder / "none.db")], env=env, capture_output=True, text=True, check=False)
    check("plan with a state that is not there fails", done.returncode == 1 and "there is no journal" in done.stderr, done.stderr)


def main():
    sandbox, env = start_sandbox()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_policy(folder / "policy.json")
            daemon_lives(folder, env)
            people_hold_it_back(folder, env)
            aws_is_away(folder, env)
            write_policy(folder / "policy.json")
            the_clock_steps(folder, env)
            write_policy(folder / "policy.json")
            daemon_comes_back(folder, env)
            wrong_ways(folder, env)
            done = subprocess.run([MASU, "plan", "--policy", str(folder / "policy.json"), "--format", "json"], env=env, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
            check("plan looks at AWS by itself", done.returncode in (0, 2) and len(json.loads(done.stdout)["plans"]) == 2, done.stderr)
            plan_reads_the_state(folder, env)
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=20)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
