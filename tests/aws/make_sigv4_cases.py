#!/usr/bin/env python3
"""Computes sigv4_cases.json: signing cases of our own, by python's hmac, independent of scaler/aws/sigv4.c.

Run by hand when a case is added: python3 tests/aws/make_sigv4_cases.py > tests/aws/sigv4_cases.json
"""
import hashlib
import hmac
import json
import posixpath
import re
import sys
from urllib.parse import quote, unquote_to_bytes

SECRET = "Sl0wB0at/T0+ExampleSecretKeyForMasuTests"
KEY_ID = "AKIAMASUTESTS0000001"
DATE = "20260214T080910Z"


def normal_path(path):
    if not path:
        return "/"
    p = posixpath.normpath(re.sub("/+", "/", path))
    return p + "/" if path.endswith("/") and p != "/" else p


def canonical(case):
    path = case["path"] or "/"
    if not case["s3"]:
        path = quote(normal_path(path), safe="/~")
    pairs = []
    for part in filter(None, case["query"].split("&")):
        name, _, value = part.partition("=")
        pairs.append((quote(unquote_to_bytes(name), safe="~"), quote(unquote_to_bytes(value), safe="~")))
    headers = {}
    for name, value in case["headers"]:
        headers.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = sorted(headers)
    return "\n".join(
        [case["method"], path, "&".join(f"{n}={v}" for n, v in sorted(pairs))]
        + [f"{n}:{','.join(headers[n])}" for n in names]
        + ["", ";".join(names), hashlib.sha256(case["body"].encode()).hexdigest()]
    )


def solve(case):
    text = canonical(case)
    scope = f"{DATE[:8]}/{case['region']}/{case['service']}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", DATE, scope, hashlib.sha256(text.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in (DATE[:8], case["region"], case["service"], "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return dict(case, canonical=text, to_sign=to_sign, key=key.hex(), signature=signature)


def case(name, method="GET", path="/", query="", body="", region="ap-northeast-1", service="ecs", s3=False, headers=()):
    base = [["Host", f"{service}.{region}.amazonaws.com"], ["X-Amz-Date", DATE]]
    return dict(name=name, method=method, path=path, query=query, body=body, region=region, service=service, s3=s3,
                headers=base + [list(h) for h in headers])


CASES = [
    case("a JSON call", "POST", body='{"cluster":"rice"}', headers=[
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices")]),
    case("a form call with a session token", "POST", service="ec2", body="Action=DescribeInstances&Version=2016-11-15",
         headers=[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("X-Amz-Security-Token", "abc//+==")]),
    case("an empty path", path=""),
    case("dots and slashes are resolved", path="//a/./b//../c"),
    case("a slash at the end stays", path="/a/b/../c/"),
    case("more dots than folders", path="/../../x"),
    case("an encoded path is encoded again", path="/k%20v/%C3%A9~"),
    case("s3 leaves the path alone", "PUT", path="/a//b/../c%20d", s3=True, service="s3", body="lease",
         headers=[("X-Amz-Content-SHA256", hashlib.sha256(b"lease").hexdigest())]),
    case("query is sorted by encoded name and value", query="b=2&B=1&a=z&a=Z&a=&c"),
    case("query is decoded and encoded anew", query="x=%7e%2f%2B&y=a b&%41=1"),
    case("a broken escape is a percent sign", query="x=%zz&y=%4"),
    case("equal headers join in their order", headers=[("X-Multi", "two"), ("x-multi", "one"), ("X-Multi", "two")]),
    case("white space inside a value", headers=[("X-Space", "  a \t b\n   c ")]),
    case("names that begin alike", headers=[("X-Ab", "1"), ("X-A", "2"), ("X-A-B", "3")]),
]

json.dump({"access_key_id": KEY_ID, "secret": SECRET, "amz_date": DATE, "cases": [solve(c) for c in CASES]}, sys.stdout, indent=1)
print()
