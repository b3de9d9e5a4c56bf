#!/usr/bin/env python3
"""A siege of the demo's server: connections that say nothing, that send a request a byte at a time, and that read large answers a few
bytes at a time, each opened anew when it is cut off. The loop goes on beside them, another client gets its page, and the server holds
a bounded number of sockets and bytes.

usage: siege_test.py MASU [CONNECTIONS]    600 unless told; the full sweep comes with 10,000"""
import http.client
import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time

TICKS = 10       # of each cluster, while the siege stands
PAGES = 10
SOCKETS_MAX = 900
SEND = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
LARGE = b"GET /api/v1/clusters/main/instances HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 4


class Siege(threading.Thread):
    """Holds `count` connections from many addresses: a third idle, a third half asked, a third half read."""

    def __init__(self, port, count):
        super().__init__(daemon=True)
        self.port, self.count, self.over, self.stands = port, count, threading.Event(), threading.Event()
        self.sockets, self.opened, self.lost = [None] * count, 0, 0

    def open(self, i):
        s = socket.socket()
        try:
            if i % 3 == 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.bind(("127.0.%d.%d" % (1 + i // 200 % 200, 1 + i % 200), 0))
            s.settimeout(0.5)
            s.connect(("127.0.0.1", self.port))
            s.setblocking(False)
            if i % 3:
                s.send(SEND if i % 3 == 1 else LARGE)
        except OSError:
            s.close()
            return None
        self.opened += 1
        return s

    def poke(self, i):
        """Something comes or goes, a little; a connection that was cut off is opened again."""
        s = self.sockets[i]
        try:
            if i % 3 == 1:
                s.send(b"x")
            alive = s.recv(16) != b""
        except (BlockingIOError, TimeoutError):
            alive = True
        except OSError:
            alive = False
        if not alive:
            s.close()
            self.lost += 1
            self.sockets[i] = None

    def run(self):
        while not self.over.is_set():
            for i in range(self.count):
                if self.over.is_set():
                    break
                if self.sockets[i]:
                    self.poke(i)
                if not self.sockets[i]:
                    self.sockets[i] = self.open(i)
            self.stands.set()
            self.over.wait(0.05)
        for s in self.sockets:
            if s:
                s.close()


class Reader:
    """The other client: each answer on a connection of its own, none may fail."""

    def __init__(self, port):
        self.port, self.slowest_s = port, 0.0

    def get(self, path):
        begin = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read()
        c.close()
        if answer.status != 200:
            raise SystemExit("%s: %d" % (path, answer.status))
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        return body

    def ticks(self):
        clusters = json.loads(self.get("/api/v1/clusters"))["clusters"]
        late = [c["name"] for c in clusters if c["status"] in ("failed", "late")]
        if late:
            raise SystemExit("late or failed: %s" % late)
        return [c["tick"] or 0 for c in clusters]

    def figure(self, name):
        return float(re.search(r"^%s (\S+)$" % re.escape(name), self.get("/metrics").decode(), re.M)[1])


def watch(demo, reader, siege):
    """Until all clusters had their ticks; what the siege saw meanwhile is held to its limits."""
    calm_from, calm_s = reader.ticks(), 2 if siege.count > 1000 else 0.5
    time.sleep(calm_s)
    calm = (reader.ticks()[0] - calm_from[0]) / calm_s
    siege.start()
    siege.stands.wait()
    begin, first, pages, most = time.monotonic(), reader.ticks(), 0, 0
    while pages < PAGES or min(now - then for now, then in zip(reader.ticks(), first)) < TICKS * len(first):
        assert b"<title>masu" in reader.get("/")
        pages += 1
        time.sleep(0.02)
        most = max(most, len(os.listdir("/proc/%d/fd" % demo.pid)))
        assert demo.poll() is None, "the demo ended"
        assert time.monotonic() - begin < 120, "the loop does not go on: %s after %s" % (reader.ticks(), first)
    took_s = time.monotonic() - begin
    cut_off, sent = reader.figure("masu_web_cut_off_total"), reader.figure("masu_web_answer_bytes")
    print("%d connections, %d opened, %d lost; %d pages, slowest answer %.0f ms; %.1f ticks/s, %.1f before; most descriptors %d, cut off %d, %d bytes on their way"
          % (siege.count, siege.opened, siege.lost, pages, reader.slowest_s * 1000, (reader.ticks()[0] - first[0]) / took_s, calm, most, cut_off, sent))
    assert most <= SOCKETS_MAX, most
    assert cut_off > 0 and siege.lost > 0
    assert sent <= 128 << 20


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 600
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 500), hard))
    if hard < count + 500:
        print("at most %d descriptors here" % hard)
        sys.exit(77)
    # The day itself keeps the usual 1,024.
    limit = "ulimit -n 1024; exec \"$@\""
    demo = subprocess.Popen(["sh", "-c", limit, "sh", sys.argv[1], "demo", "--seed", "3", "--speed", "240", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    port = next((int(found[1]) for found in (re.search(r"report +http://[\d.]+:(\d+)/", line) for line in demo.stdout) if found), None)
    threading.Thread(target=demo.stdout.read, daemon=True).start()
    reader, siege = Reader(port), Siege(port, count)
    try:
        while min(reader.ticks()) == 0:
            time.sleep(0.1)
        watch(demo, reader, siege)
    finally:
        siege.over.set()
        demo.terminate()
        errors = demo.stderr.read()
        demo.wait(60)
    if "Sanitizer" in errors:
        print(errors[-4000:])
        sys.exit(1)


if __name__ == "__main__":
    main()
