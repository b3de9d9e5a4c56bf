"""A virtual AWS for tests of the binary: `masu sandbox` as a process, and before it a proxy that can fail single operations.

The proxy passes bytes on as they are, so that signatures hold; it keeps a record of what was asked.
"""
import email.utils
import fnmatch
import html
import http.client
import http.server
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

# The fleets of the world of seed 7.
FLEETS = {"main": "sfr-3216565c-2817-9480-8c90-4b1099e119ea", "jobs": "sfr-b3e9d367-2025-44ee-ab11-58a9de25aec1"}
DENIED = {"ecs": (400, b'{"__type":"AccessDeniedException","message":"User: arn:aws:sts::1:x is not authorized to perform this"}'),
          "ec2": (403, b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized. Encoded authorization "
                       b"failure message: AbCd</Message></Error></Errors><RequestID>1</RequestID></Response>"),
          "cloudwatch": (403, b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"),
          "sts": (403, b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")}


def operation_of(headers, body):
    """("ecs:ListTasks", is it a dry run), as IAM calls it"""
    scope = re.search(r"Credential=[^/]*/\d+/[^/]*/([a-z0-9-]+)/", headers.get("Authorization", ""))
    if "X-Amz-Target" in headers:
        return f"{scope[1] if scope else '?'}:{headers['X-Amz-Target'].rsplit('.', 1)[-1]}", False
    form = dict(urllib.parse.parse_qsl(body.decode("latin-1")))
    service = scope[1].replace("monitoring", "cloudwatch") if scope else "?"
    return f"{service}:{form.get('Action', '?')}", form.get("DryRun") == "true"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self):
        p = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation, dry = operation_of(self.headers, body)
        with p.lock:
            p.calls.append((operation, dry, time.monotonic()))
            fault = next((f for f in p.faults if fnmatch.fnmatchcase(operation, f[0])), None)
        if fault and fault[1] == "hang":
            p.released.wait(60)  # no answer, no effect
            self.close_connection = True
            return
        if fault and fault[1] == "deny":
            self.answer(*DENIED.get(operation.split(":")[0], DENIED["ecs"]))
            return
        if fault and fault[1] == "answer":
            self.answer(*fault[2])
            return
        if fault and fault[1] == "echo":
            self.answer(403, self.echo(operation.split(":")[0], fault[2]))
            return
        upstream = http.client.HTTPConnection("127.0.0.1", p.sandbox_port, timeout=30)
        upstream.request(self.command, self.path, body, dict(self.headers.items()))
        r = upstream.getresponse()
        content = r.read()
        upstream.close()
        if self.path.startswith("/v2/credentials/"):
            keys = json.loads(content)
            p.secrets |= {keys["SecretAccessKey"], keys["Token"]}
        if fault and fault[1] == "replace":
            content = content.replace(*fault[2:])
        if fault and fault[1] == "late":
            p.released.wait(fault[2])  # the effect is there, the answer takes its time
        self.answer(r.status, content, r.getheader("Content-Type", ""))
        with p.lock:
            p.answered.append((operation, r.status, time.monotonic()))

    do_POST = do_GET = pass_on

    def echo(self, service, between):
        """As AWS explains a signature that does not match: with the canonical request, every signed header in it."""
        canonical = between.join(f"{k.lower()}:{v}" for k, v in self.headers.items())
        text = f"The request signature we calculated does not match.{between}The Canonical String should have been{between}{canonical}"
        if service == "ecs":
            return json.dumps({"__type": "InvalidSignatureException", "message": text}).encode()
        return f"<R><Error><Code>SignatureDoesNotMatch</Code><Message>{html.escape(text)}</Message></Error></R>".encode()

    def answer(self, status, content, content_type="text/xml"):
        try:
            self.send_response_only(status)
            self.send_header("Date", email.utils.formatdate(time.time() + self.server.proxy.date_off_s, usegmt=True))
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass  # the client went away


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that went away


class Proxy:
    def __init__(self, masu, *arguments):
        self.env = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        self.sandbox = subprocess.Popen([masu, "sandbox", "--listen", "127.0.0.1:0", "--seed", "7", *arguments], stdout=subprocess.PIPE, text=True)
        while "AWS_REGION" not in self.env:
            line = self.sandbox.stdout.readline()
            if not line:
                raise SystemExit("the sandbox did not start")
            m = re.match(r"export (\w+)=(\S+)", line)
            if m:
                self.env[m[1]] = m[2]
        self.sandbox_port = int(self.env["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])
        self.lock, self.faults, self.calls, self.answered, self.date_off_s = threading.Lock(), [], [], [], 0
        self.secrets = set()  # that were given out
        self.released = threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.proxy = self
        self.env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def order(self, *faults):
        """Faults from now on: (glob, "deny"), (glob, "hang"), (glob, "late", seconds), (glob, "answer", (status, bytes)),
        (glob, "replace", bytes, others in the answer), (glob, "echo", what stands between lines). Forgets the calls so far."""
        with self.lock:
            self.faults, self.calls, self.answered = list(faults), [], []
        self.released.set()
        self.released = threading.Event()

    def asked(self):
        with self.lock:
            return [(operation, dry) for operation, dry, _ in self.calls]

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.sandbox.terminate()
        self.sandbox.wait(timeout=20)
