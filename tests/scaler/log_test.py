"""What the daemon says: JSON lines with stable keys off a terminal, text on one, and never a secret, whatever goes wrong.

usage: log_test.py MASU
"""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aws_proxy import FLEETS, Proxy  # noqa: E402

MASU = str(pathlib.Path(sys.argv[1]).resolve())
TASK_ID = "9f0c2c1e-5b1d-4c55-8d6a-0c0ffee00001"
API_TOKEN, CONTAINER_TOKEN = "api-token-0123456789abcdef", "container-token-0123456789abcdef"
PROFILE_SECRET, SESSION_TOKEN = "profile/secret+0123456789abcdefghijklmnop", "session-token-" + "0123456789abcdef" * 20
failures, said = [], []


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"), flush=True)
    if not holds:
        failures.append(name)


def run(what, arguments, env):
    done = subprocess.run([MASU, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=120, env=env)
    said.append((what, done.stdout + done.stderr))
    return done


def lines(proxy, policy, folder):
    proxy.order(("ecs:DescribeServices", "deny"))
    done = run("one look", ["run", "--policy", policy, "--once", "--state", str(folder / "a.db")], proxy.env)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    check("off a terminal every line is one JSON object", done.returncode == 0 and len(objects) >= 5 and all(isinstance(o, dict) for o in objects), done.stdout[:500])
    check("each begins with time, level, event, message", all(list(o)[:4] == ["time", "level", "event", "message"] for o in objects), done.stdout[:500])
    check("times are UTC, levels are known", all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", o["time"]) and o["level"] in ("debug", "info", "warn", "error") for o in objects))
    ticks = [o for o in objects if o["event"] == "tick"]
    check("a tick's line names its cluster and number", {o["cluster"] for o in ticks} == set(FLEETS) and all(o["tick"] > 0 for o in ticks), ticks)
    sources = [o for o in objects if o["event"] == "source"]
    check("j4 a denied read is told with its action's name and the cluster", sources and all("DescribeServices: AccessDeniedException" in o["message"] and o["cluster"] in FLEETS for o in sources if o["source"] == "services"), sources)
    check("nothing is on stderr", done.stderr == "", done.stderr)


def terminal(proxy, policy):
    proxy.order()
    master, slave = pty.openpty()
    child = subprocess.Popen([MASU, "run", "--policy", policy, "--once"], stdout=slave, stderr=slave, env={**proxy.env, "TERM": "xterm"})
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    child.wait(timeout=60)
    text = seen.decode()
    said.append(("a terminal", text))
    check("on a terminal it is text", '{"time"' not in text and re.search(r"^\S+Z (\S*info\S*) +tick  done  cluster=main", text, re.M), text[:500])
    check("and short: a line for each thing that happened", len(text.splitlines()) < 20, text)


def credentials(proxy, folder):
    """Ways of having credentials, the last three of them refused."""
    env = {k: v for k, v in proxy.env.items() if not k.startswith("AWS_") or k in ("AWS_REGION", "AWS_ENDPOINT_URL")}
    env.update(HOME=str(folder), AWS_EC2_METADATA_DISABLED="true", MASU_API_TOKEN=API_TOKEN)
    files = folder / "credentials"
    files.write_text(f"[p]\naws_access_key_id = AKIASANDBOXDAEMON000\naws_secret_access_key = {PROFILE_SECRET}\naws_session_token = {SESSION_TOKEN}\n"
                     f"[broken]\naws_access_key_id = A\naws_secret_access_key {PROFILE_SECRET}\n")
    role = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": proxy.env["AWS_ENDPOINT_URL"] + "/v2/credentials/" + TASK_ID, "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN}
    return {
        "keys": {**proxy.env, "MASU_API_TOKEN": API_TOKEN},
        "a task role": {**env, **role},
        "a wrong secret and a token": {**env, "AWS_ACCESS_KEY_ID": "AKIASANDBOXDAEMON000", "AWS_SECRET_ACCESS_KEY": PROFILE_SECRET, "AWS_SESSION_TOKEN": SESSION_TOKEN},
        "a profile": {**env, "AWS_SHARED_CREDENTIALS_FILE": str(files), "AWS_PROFILE": "p"},
        "a broken profile": {**env, "AWS_SHARED_CREDENTIALS_FILE": str(files), "AWS_PROFILE": "broken"},
    }


def secrets(proxy, policy, folder):
    faults = {"nothing": [], "every call denied": [("*", "deny")], "signatures explained, line by line": [("ec*", "echo", "\n")],
              "signatures explained, on one line": [("ec*", "echo", " ")], "the token comes back": [("*", "answer", (403, json.dumps({"__type": "Odd", "message": "you said " + SESSION_TOKEN}).encode()))], "STS explains": [("sts:*", "echo", " ")],
              "garbage": [("e*", "answer", (200, b"\x00<{garbage"))], "a failure": [("*:Describe*", "answer", (500, b""))]}
    for way, env in credentials(proxy, folder).items():
        for fault, order in faults.items():
            if fault == "the token comes back" and way not in ("a wrong secret and a token", "a profile"):
                continue  # it is theirs
            proxy.order(*order)
            what = f"{way}, {fault}"
            env = {**env, "AWS_MAX_ATTEMPTS": "1"}
            run(what + ": run", ["run", "--policy", policy, "--once", "--state", str(folder / "secrets.db")], env)
            if fault in ("nothing", "the token comes back", "signatures explained, on one line", "STS explains"):
                run(what + ": doctor", ["doctor", "--policy", policy, "--listen", "127.0.0.1:0"], env)
                run(what + ": plan", ["plan", "--policy", policy, "--format", "json"], env)
    proxy.order()
    for words in (["run", "--policy", policy, "--token-file", str(folder / "no-such-token")], ["run", "--polcy", API_TOKEN[:4]]):
        run("a mistake on the command line", words, {**proxy.env, "MASU_API_TOKEN": API_TOKEN})


def pages(proxy, policy, folder):
    log = open(folder / "log", "w+")
    p = subprocess.Popen([MASU, "run", "--policy", policy, "--listen", "127.0.0.1:0", "--state", str(folder / "secrets.db")], stdout=log, stderr=log,
                         env={**proxy.env, "MASU_API_TOKEN": API_TOKEN})
    url, until = None, time.monotonic() + 30
    while url is None and time.monotonic() < until:
        found = re.search(r'"url":"([^"]+)"', (folder / "log").read_text())
        url = found and found[1]
        time.sleep(0.05)
    for path in ("", "metrics", "api/v1/clusters", "api/v1/daemon", "openapi.json", "healthz", "readyz", "no/such/page"):
        try:
            said.append((f"GET /{path}", urllib.request.urlopen(url + path, timeout=10).read().decode("utf-8", "replace")))
        except urllib.error.HTTPError as e:
            said.append((f"GET /{path}", e.read().decode("utf-8", "replace")))
    p.send_signal(signal.SIGTERM)
    p.wait(timeout=30)
    said.append(("its log", (folder / "log").read_text()))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "policy.json").write_text(json.dumps({"clusters": [{"name": n, "region": "us-east-1", "fleets": [{"id": f, "max": 200}]} for n, f in FLEETS.items()]}))
        proxy, policy = Proxy(MASU), str(folder / "policy.json")
        try:
            lines(proxy, policy, folder)
            terminal(proxy, policy)
            secrets(proxy, policy, folder)
            pages(proxy, policy, folder)
            known = {"the secret key": proxy.env["AWS_SECRET_ACCESS_KEY"], "a profile's secret": PROFILE_SECRET, "a session token": SESSION_TOKEN,
                     "the API token": API_TOKEN, "the container's token": CONTAINER_TOKEN}
            known.update({f"a secret of the task role, {i}": s for i, s in enumerate(sorted(proxy.secrets))})
            check("the task role gave secrets to look for", len(proxy.secrets) >= 2, proxy.secrets)
            for path in folder.glob("*.db*"):
                said.append((path.name, path.read_bytes().decode("latin-1")))
            for what, secret in known.items():
                found = [w for w, text in said if secret[:24] in text]
                check(f"{what} is in none of {len(said)} outputs", not found, found[:5])
        finally:
            proxy.close()
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
