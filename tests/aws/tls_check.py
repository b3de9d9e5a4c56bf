#!/usr/bin/env python3
"""The curl transport and the environment: AWS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY. usage: tls_check.py HTTP_GET_PROGRAM

Exit 77 (skipped) where there is no openssl program to make a certificate with.
"""
import http.server
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading

PROGRAM = sys.argv[1]


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"rice")

    def log_message(self, *args):
        pass


class Proxy(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_CONNECT(self):
        Proxy.asked.append(self.path)
        self.send_error(403)

    do_GET = do_CONNECT

    def log_message(self, *args):
        pass


def start(handler, context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def get(url, ca_file=None, **variables):
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and k != "AWS_CA_BUNDLE"}
    done = subprocess.run([PROGRAM, url] + ([ca_file] if ca_file else []), env={**clean, **variables}, capture_output=True, text=True, timeout=30)
    print(url, variables, "->", done.stdout.strip(), done.stderr.strip())
    return done.stdout


def main():
    if not shutil.which("openssl"):
        print("no openssl program")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        key, cert = f"{folder}/key.pem", f"{folder}/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        port, proxy = start(Page, context), start(Proxy)
        good, other = f"https://localhost:{port}/", f"https://127.0.0.1:{port}/"
        assert get(good).startswith("error https://localhost"), "an unknown certificate must be refused"
        assert get(good, AWS_CA_BUNDLE=cert) == "status 200 rice\n"
        assert get(other, AWS_CA_BUNDLE=cert).startswith("error "), "the name must fit the certificate"
        assert get(good, ca_file=cert) == "status 200 rice\n", "who is asked may have an authority of his own"
        assert get(good, ca_file="/dev/null", AWS_CA_BUNDLE=cert).startswith("error "), "which counts alone"
        assert not Proxy.asked
        through = get("https://ecs.masu.invalid/", AWS_CA_BUNDLE=cert, HTTPS_PROXY=f"http://127.0.0.1:{proxy}")
        assert through.startswith("error ") and Proxy.asked == ["ecs.masu.invalid:443"], Proxy.asked
        assert "unknown effect" not in through, "the request never left"
        past = get("https://ecs.masu.invalid/", AWS_CA_BUNDLE=cert, HTTPS_PROXY=f"http://127.0.0.1:{proxy}", NO_PROXY="masu.invalid")
        assert past.startswith("error https://ecs.masu.invalid") and len(Proxy.asked) == 1, Proxy.asked
        # What is local goes round every proxy, whatever the variables say; anything else goes through. (Which addresses are
        # local, those of metadata among them, is a test of its own: nobody is asked there from here.)
        plain, trap = start(Page), start(Proxy)
        everything = {n: f"http://127.0.0.1:{trap}" for n in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")}
        Proxy.asked.clear()
        for host in ("127.0.0.1", "localhost"):
            assert get(f"http://{host}:{plain}/", **everything) == "status 200 rice\n", host
        assert not Proxy.asked, Proxy.asked
        assert get("http://metadata.invalid/", **everything).startswith("status ") and Proxy.asked, "other hosts use the proxy"
    print("8 cases right")
    return 0


sys.exit(main())
