"""Measured use, from a real Prometheus that scrapes the sandbox; and from servers that lie, stall and flood.

usage: usage_test.py MASU. Exit 77 (skipped) where Debian's package prometheus is not installed.
"""
import http.server
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from daemon import FLEETS, MASU, check, failures, start_sandbox

FAMILY = "container_label_com_amazonaws_ecs_task_definition_family"
LINE = re.compile(r"(\w+)\{(.*)\} (\S+)$")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def page_of(base):
    """What the sandbox's cAdvisors show: (name, labels as text, value)."""
    text = urllib.request.urlopen(base + "/cadvisor/metrics", timeout=10).read().decode()
    return [m.groups() for m in map(LINE.match, text.splitlines()) if m]


def write_past(folder, base):
    """An hour before now, as blocks of Prometheus: each container as it is, its counter as steep as between two looks."""
    first, began = page_of(base), time.time()
    time.sleep(1.0)
    second, now = page_of(base), time.time()
    before = {(n, l): float(v) for n, l, v in first}
    out = ["# TYPE container_cpu_usage_seconds counter", "# TYPE container_memory_working_set_bytes gauge"]
    rows = {"container_cpu_usage_seconds_total": [], "container_memory_working_set_bytes": []}
    cores = {}
    for name, labels, text in second:
        value = float(text)
        if (name, labels) not in before:
            continue
        slope = (value - before[name, labels]) / (now - began) if name.endswith("_total") else 0
        cores[name, labels] = slope
        for k in range(3700, 9, -30):
            rows[name].append(f"{name}{{{labels},job=\"cadvisor\",instance=\"sandbox\"}} {1e6 + value - slope * k if slope else value:.6f} {now - k:.3f}")
    out = [out[0], *rows["container_cpu_usage_seconds_total"], out[1], *rows["container_memory_working_set_bytes"], "# EOF", ""]
    (folder / "past.txt").write_text("\n".join(out))
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "past.txt"), str(folder / "data")], check=True,
                   capture_output=True)
    return cores, second


def start_prometheus(folder, base, *more):
    port = free_port()
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "cadvisor", "metrics_path": "/cadvisor/metrics", "static_configs": [
            {"targets": [urllib.parse.urlsplit(base).netloc], "labels": {"instance": "sandbox"}}]}]}))
    p = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                          f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10d", *more],
                         stdout=subprocess.DEVNULL, stderr=open(folder / "prometheus.log", "w"))
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + 20
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url + "/-/ready", timeout=1).read()
            return p, url
        except OSError:
            time.sleep(0.1)
    raise SystemExit("prometheus did not start: " + (folder / "prometheus.log").read_text()[-2000:])


def plan(folder, env, prometheus, cluster="main", **usage):
    """The plan of one look; its cluster verdict about use, and the snapshot's shapes are in it."""
    path = folder / "policy.json"
    path.write_text(json.dumps({"clusters": [{"name": cluster, "region": "us-east-1", "fleets": [{"id": FLEETS[cluster], "max": 200}],
                                              "usage": {"prometheus": prometheus, **usage}}]}))
    began = time.monotonic()
    done = subprocess.run([MASU, "plan", "--policy", str(path), "--format", "json"], env=env, capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 2):
        check("masu plan runs", False, done.stderr[-2000:])
        return {"fact": "", "verdict": ""}, 0
    verdicts = {v["target"]: v for v in json.loads(done.stdout)["verdicts"]}
    return verdicts.get(cluster + " usage", {"fact": "no verdict", "verdict": ""}), time.monotonic() - began


def of_prometheus(folder, env):
    base = env["AWS_ENDPOINT_URL"]
    cores, page = write_past(folder, base)
    p, url = start_prometheus(folder, base)
    try:
        time.sleep(2.5)  # a scrape, and another
        told, _ = plan(folder, env, {"url": url})
        m = re.match(r"(\d+) of (\d+) tasks measured .*; (\d+) % of CPU and (\d+) % of memory used", told["fact"])
        check("a real Prometheus tells what tasks use", m and told["verdict"] == "scale-in is proven on it too", told)
        if m:
            check("nearly all tasks are measured", int(m[1]) >= 0.9 * int(m[2]) > 10, told)
            check("neither nothing nor twice as much", 10 <= int(m[3]) <= 70 and 10 <= int(m[4]) <= 80, told)
        # By hand: what all containers of the cluster use, against what the query that masu asks says.
        hand = sum(v for (name, labels), v in cores.items() if name.endswith("_total") and 'ecs_cluster="main"' in labels)
        query = f'sum(rate(container_cpu_usage_seconds_total{{container_label_com_amazonaws_ecs_cluster=~"(.*/)?main"}}[5m]))'
        answer = json.load(urllib.request.urlopen(url + "/api/v1/query?" + urllib.parse.urlencode({"query": query}), timeout=10))
        asked = float(answer["data"]["result"][0]["value"][1])
        check("the root and the tasks' own groups are not counted again", 0.7 * hand < asked < 1.3 * hand, (hand, asked))
        backfills(folder, env, url)
        told, _ = plan(folder, env, {"url": url, "cpu_query": "sum by ("})
        check("g1_a_wrong_query_is_unknown_and_says_so", "bad_data" in told["fact"] and "held" in told["verdict"], told)
        told, _ = plan(folder, env, {"url": url, "tasks_query": 'absent_metric{a="b"}'})
        check("g1_an_empty_answer_is_unknown", "answers nothing" in told["fact"] and "held" in told["verdict"], told)
        told, _ = plan(folder, env, {"url": url}, on_unknown="reservation", stale_s=30)
        check("what is known counts whatever the policy does about the unknown", told["verdict"] == "scale-in is proven on it too", told)
    finally:
        p.terminate()
        p.wait(timeout=20)
    told, took = plan(folder, env, {"url": url})
    check("g1_a_stopped_prometheus_is_unknown", "held" in told["verdict"] and took < 20, (told, took))
    p, url = start_prometheus(folder, base, "--query.max-samples=50")
    try:
        told, _ = plan(folder, env, {"url": url})
        check("g1_a_query_over_the_servers_own_limit_is_unknown", "too many samples" in told["fact"], told)
    finally:
        p.terminate()
        p.wait(timeout=20)


def backfill(folder, env, days, *more):
    return subprocess.run([MASU, "backfill", "--policy", str(folder / "policy.json"), "--state", str(folder / "state.db"), "--days", str(days), *more], env=env,
                          capture_output=True, text=True, timeout=120)


def backfills(folder, env, url):
    """The newest day first; the next run goes on where it was, and the present day is asked for again."""
    first = backfill(folder, env, 2)
    lines = re.findall(r"^main (\d{4}-\d\d-\d\d): (\d) series, (\d+) points$", first.stdout, re.M)
    check("backfill fills two days and says so", first.returncode == 0 and len(lines) == 2 and lines[0][0] > lines[1][0], (first.stdout, first.stderr))
    check("an hour of five minutes in four series", lines and 4 * 9 <= sum(int(n) for _, _, n in lines) <= 4 * 15, lines)
    again = backfill(folder, env, 4)
    days = re.findall(r"^main (\S+):", again.stdout, re.M)
    check("it goes on where it was", len(days) == 3 and lines and days[0] == lines[0][0] and lines[1][0] not in days, (again.stdout, again.stderr))


def from_cloudwatch(folder, env):
    """The sandbox has recorded since it began, in minutes of its own: what a day's question brings is another test's."""
    done = backfill(folder, env, 1, "--from", "cloudwatch")
    check("backfill asks CloudWatch as well", done.returncode == 0 and re.search(r"^main \d{4}-\d\d-\d\d: \d series, \d+ points$", done.stdout, re.M), (done.stdout, done.stderr))
    check("and knows how large its fleets' units are", "not known" not in done.stdout, done.stdout)
    done = backfill(folder, env, 1, "--from", "nowhere")
    check("another source is wrong usage", done.returncode == 64 and "neither" in done.stderr, done.stderr)


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        mode, now = self.path.split("/")[1], time.time()
        many = self.path.endswith("query_range")
        if mode == "flood":  # ten million samples, a gigabyte and more; it is cut off long before
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"f":"x"},"values":[')
            chunk = f'[{now:.3f},"0.123456789"],'.encode() * 1000
            try:
                for _ in range(10000):
                    self.wfile.write(chunk)
                    Liar.sent += len(chunk)
            except OSError:
                self.close_connection = True
            return
        values = {"nan": '"NaN"', "negative": '"-5"', "infinite": '"+Inf"', "huge": '"1e300"'}
        if mode == "garbage":
            body = "<html>It works!</html>"
        else:
            point = f"[{now:.3f},{values[mode]}]"
            value = f'"values":[{point}]' if many else f'"value":{point}'
            body = f'{{"status":"success","data":{{"resultType":"{"matrix" if many else "vector"}","result":[{{"metric":{{"{FAMILY}":"main-web"}},{value}}}]}}}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def of_liars(folder, env):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    Liar.sent = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for mode in ["flood", "garbage", "nan", "negative"]:
        told, took = plan(folder, env, {"url": f"http://127.0.0.1:{server.server_address[1]}/{mode}"})
        zero = re.match(r"0 of \d+ tasks measured", told["fact"])
        check(f"g2_what_a_liar_tells_is_unknown ({mode})", ("held" in told["verdict"] or zero) and took < 20, (told, took))
    check("g1_ten_million_samples_are_cut_off", Liar.sent < 200 << 20, Liar.sent)
    check("and cost no memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def main():
    sandbox, env = start_sandbox()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            of_liars(folder, env)
            from_cloudwatch(folder, env)
            if not shutil.which("prometheus") or not shutil.which("promtool"):
                print("no prometheus on this machine")
                return 1 if failures else 77
            of_prometheus(folder, env)
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=20)
    return 1 if failures else 0


sys.exit(main())
