"""Told to stop: `masu run` ends within 10 s and exit 0 whatever it is at, with no change half issued and none begun after.

usage: stop_test.py MASU
"""
import fcntl
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aws_proxy import FLEETS, Proxy  # noqa: E402

MASU = str(pathlib.Path(sys.argv[1]).resolve())
CHANGES = {"ecs:UpdateContainerInstancesState", "ec2:ModifySpotFleetRequest", "ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"}
LIMIT_S = 10
failures = []


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"), flush=True)
    if not holds:
        failures.append(name)


def write_policy(folder, headroom):
    (folder / "policy.json").write_text(json.dumps({"clusters": [
        {"name": name, "region": "us-east-1", "period_s": 10, "headroom": {"percent": headroom}, "fleets": [{"id": fleet, "max": 400}]}
        for name, fleet in FLEETS.items()]}))


class Daemon:
    def __init__(self, proxy, folder, wrap=(), stdout=None, keep=False, **env):
        self.proxy, self.state, self.log = proxy, folder / "state.db", folder / "log"
        for path in () if keep else folder.glob("state.db*"):
            path.unlink()
        self.out = open(self.log, "w")
        self.p = subprocess.Popen([*wrap, MASU, "run", "--policy", str(folder / "policy.json"), "--listen", "127.0.0.1:0", "--state", str(self.state)],
                                  stdout=stdout or self.out, stderr=subprocess.STDOUT, env={**proxy.env, **env})

    def until(self, holds, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.p.poll() is None:
            if holds():
                return True
            time.sleep(0.02)
        return holds()

    def asked(self, *operations):
        return self.until(lambda: any(o in operations for o, _ in self.proxy.asked()))

    def events(self, word):
        return [e for e in (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")) if e.get("event") == word]

    def stop(self, number=signal.SIGTERM, pid=None):
        began = time.monotonic()
        os.kill(pid or self.p.pid, number)
        try:
            code = self.p.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.p.kill()
            code = "killed"
        self.out.close()
        return code, time.monotonic() - began, began

    def ended_well(self, name, number=signal.SIGTERM, pid=None):
        code, took, began = self.stop(number, pid)
        check(f"{name}: ends in time, exit 0", code == 0 and took < LIMIT_S, f"exit {code} after {took:.1f} s\n{self.log.read_text()[-1500:]}")
        with self.proxy.lock:
            late = [o for o, dry, at in self.proxy.calls if o in CHANGES and at > began + 0.05]
        check(f"{name}: no change is begun after the signal", not late, late)

    def journal(self):
        """(kind, outcome or None) of every intent."""
        with sqlite3.connect(f"file:{self.state}?mode=ro", uri=True) as db:
            return db.execute("SELECT kind, outcome FROM intents LEFT JOIN outcomes ON outcomes.intent = intents.id ORDER BY intents.id").fetchall()


def in_a_look(proxy, folder):
    for operation in ("ecs:DescribeServices", "ec2:DescribeSpotFleetRequests", "sts:GetCallerIdentity"):
        proxy.order((operation, "hang"))
        d = Daemon(proxy, folder)
        check(f"{operation} was asked", d.asked(operation), d.log.read_text())
        d.ended_well(f"i6 {operation} hangs")
        check(f"{operation} hangs: the last word is that it was told to stop", [e["message"] for e in d.events("stop")] == ["told to stop"], d.log.read_text()[-800:])


def in_a_change(proxy, folder):
    proxy.order(("ec2:ModifySpotFleetRequest", "late", 3))
    d = Daemon(proxy, folder)
    check("an order is on the wire", d.asked("ec2:ModifySpotFleetRequest"), d.log.read_text()[-1500:])
    d.ended_well("a change whose answer takes 3 s")
    check("its answer was waited for and its outcome is in the journal", d.journal()[-1:] == [("set_target", "ok")], d.journal())
    proxy.order(("ec2:ModifySpotFleetRequest", "hang"))
    d = Daemon(proxy, folder)
    d.asked("ec2:ModifySpotFleetRequest")
    d.ended_well("a change that is never answered", signal.SIGINT)
    check("its intent is in the journal with a failed outcome: the next life looks", d.journal()[-1:] == [("set_target", "failed")], d.journal())
    proxy.order()
    d = Daemon(proxy, folder, keep=True)
    check("the next life is no crash's", d.until(lambda: d.events("state")) and (d.events("state")[0]["fresh"], d.events("state")[0]["after_crash"]) == (0, 0), d.log.read_text()[:500])
    d.ended_well("the next life")


def at_any_moment(proxy, folder):
    chance = random.Random(1)
    for i in range(12):
        proxy.order()
        d = Daemon(proxy, folder)
        d.until(lambda: d.log.read_text() != "")  # main has begun
        time.sleep(chance.random() * 0.6)
        d.ended_well(f"told at a random moment, {i}", chance.choice((signal.SIGTERM, signal.SIGINT)))
        if d.state.exists() and d.state.stat().st_size > 0:
            check(f"every intent has its outcome, {i}", all(outcome for _, outcome in d.journal()), d.journal())


def told_else_at_the_start(proxy, folder):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        proxy.order()
        d = Daemon(proxy, folder)
        d.until(lambda: d.log.read_text() != "")
        os.kill(d.p.pid, number)
        check(f"{number.name} at the start does not end it", d.until(lambda: d.events("tick")) and d.p.poll() is None, d.log.read_text()[-500:])
        d.ended_well(f"after {number.name}")


def told_twice(proxy, folder):
    proxy.order(("ecs:*", "hang"))
    d = Daemon(proxy, folder)
    d.asked("ecs:DescribeClusters", "ecs:ListContainerInstances")
    os.kill(d.p.pid, signal.SIGTERM)
    d.ended_well("told twice")
    proxy.order()
    d = Daemon(proxy, folder)
    d.until(lambda: d.events("tick"))
    end = time.monotonic() + LIMIT_S
    while d.p.poll() is None and time.monotonic() < end:  # to the very end, while it closes its state as well
        d.p.send_signal(signal.SIGTERM)
    d.out.close()
    check("told without end: ends in time, exit 0", d.p.poll() == 0, f"exit {d.p.poll()}")


def as_pid_1(proxy, folder):
    """As in a container: signals have no default action there."""
    wrap = ("unshare", "--pid", "--fork", "--kill-child")
    if subprocess.run([*wrap, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("skip as PID 1: needs the right to make a PID namespace")
        return
    for moment in ("first look", "start"):
        proxy.order(("ecs:DescribeServices", "hang"))
        d = Daemon(proxy, folder, wrap)
        if moment == "start":
            d.until(lambda: d.log.read_text() != "")
        else:
            d.asked("ecs:DescribeServices")
        pid = int(pathlib.Path(f"/proc/{d.p.pid}/task/{d.p.pid}/children").read_text().split()[0])
        d.ended_well(f"as PID 1, at the {moment}", pid=pid)


def with_slow_readers(proxy, folder):
    proxy.order()
    d = Daemon(proxy, folder)
    d.until(lambda: d.events("listen"))
    port = int(d.events("listen")[0]["url"].rsplit(":", 1)[1].strip("/"))
    idle, half = socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port))
    half.sendall(b"GET /api/v1/clusters HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    d.ended_well("readers of the page that hang")
    idle.close()
    half.close()
    read, write = os.pipe()
    os.write(write, b" " * fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096))  # full from the beginning
    proxy.order()
    d = Daemon(proxy, folder, stdout=write)
    os.close(write)
    looks = lambda: sum(o == "ec2:DescribeSpotFleetRequests" for o, _ in proxy.asked())  # noqa: E731
    check("i6 a log that nobody reads does not stop the loop", d.until(lambda: looks() >= 2, 60), looks())
    d.ended_well("i6 a log that nobody reads")
    os.close(read)


def name_server_hangs(proxy, folder):
    """getaddrinfo cannot be cancelled: nobody may wait for it."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("127.0.0.53", 53))
        probe = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode
    except OSError:
        probe = 1
    if probe != 0:
        print("skip a name server that hangs: needs port 53 and the right to make a mount namespace")
        return
    (folder / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:20 attempts:3\n")
    proxy.order()
    wrap = ("unshare", "--mount", "sh", "-c", f'mount --bind {folder}/resolv.conf /etc/resolv.conf && exec "$@"', "sh")
    d = Daemon(proxy, folder, wrap, AWS_ENDPOINT_URL="http://aws.nowhere.example:8000")
    server.settimeout(30)
    check("the name was asked for", bool(server.recv(512)))
    d.ended_well("a name server that hangs")
    server.close()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        proxy = Proxy(MASU)
        try:
            write_policy(folder, headroom=5)
            in_a_look(proxy, folder)
            told_twice(proxy, folder)
            told_else_at_the_start(proxy, folder)
            as_pid_1(proxy, folder)
            with_slow_readers(proxy, folder)
            name_server_hangs(proxy, folder)
            write_policy(folder, headroom=100)
            at_any_moment(proxy, folder)
            in_a_change(proxy, folder)
        finally:
            proxy.close()
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
