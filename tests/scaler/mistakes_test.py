"""A policy with each kind of mistake, through the real binary: exit 1, the place to the column, and a remedy.

usage: mistakes_test.py MASU
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

MASU = str(pathlib.Path(sys.argv[1]).resolve())
failures = []
GOOD = '{"clusters": [{"name": "a", "fleets": [{"id": "sfr-1", "max": 3}]}]}'
FLEET = '{"id": "sfr-1", "max": 3}'

# what, bytes, line:column of the first error, what the words must hold
CASES = [
    ("an empty file", b"", "1:1", "-> the file is empty"),
    ("a file of blank lines", b"\n\n  \n", "", "-> the file is empty"),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD.encode(), "1:", "-> save the file without a byte order mark"),
    ("UTF-16", GOOD.encode("utf-16"), "1:1", "-> save the file as UTF-8"),
    ("Latin-1", '{"clusters": [{"name": "caf\xe9", "fleets": []}]}'.encode("latin-1"), "1:27", "-> save the file as UTF-8"),
    ("a truncated file", GOOD[:40].encode(), "1:40", "-> the file ends too early"),
    ("a string that does not end", b'{\n  "clusters": [{"name": "a\n', "2:", " -> "),
    ("text behind the object", GOOD.encode() + b" x", "1:70", "-> one object, and nothing behind it"),
    ("a comment", b"{\n  // production\n" + GOOD[1:].encode(), "2:3", "-> JSON has no comments"),
    ("single quotes", b"{'clusters': []}", "1:2", "-> strings stand in double quotes"),
    ("a trailing comma", GOOD.replace("3}", "3,}").encode(), "1:65", "-> no comma before the closing bracket"),
    ("a missing comma", GOOD.replace('", "max', '" "max').encode(), "1:", "a comma, a quote or a bracket may be missing"),
    ("a duplicate key", GOOD.replace('"max": 3', '"max": 3, "max": 4').encode(), "1:", "duplicate object key"),
    ("deep nesting of arrays", b"[" * 100000, "1:2049", "-> no policy nests that deep"),
    ("deep nesting of objects", b'{"a":' * 5000 + b"1" + b"}" * 5000, "1:", "-> no policy nests that deep"),
    ("binary garbage", bytes(random.Random(7).randbytes(5000)), "1:", " -> "),
    ("a NUL byte", b'{"clusters\0": []}', "1:10", " -> leave it out"),
    ("an escaped NUL", GOOD.replace('"a"', '"a\\u0000"').encode(), "1:", " -> leave it out"),
    ("a number too long", GOOD.replace("3", "9" * 30).encode(), "1:", "-> a number of at most 18 digits"),
    ("an array at the root", b"[]", "1:1", '-> {"clusters": […]}'),
    ("a string at the root", b'"x"', "1:1", "expected an object"),
    ("no clusters", b"{}", "1:1", '-> add "clusters"'),
    ("an empty list of clusters", b'{"clusters": []}', "1:14", "at least one"),
    ("a cluster that is a word", b'{"clusters": ["production"]}', "1:15", "-> {…}"),
    ("no fleets", b'{"clusters": [{"name": "a"}]}', "1:15", '-> add "fleets"'),
    ("no max", GOOD.replace(', "max": 3', "").encode(), "1:40", '-> add "max"'),
    ("a quoted number", GOOD.replace("3", '"3"').encode(), "1:63", "without quotes"),
    ("a fraction", GOOD.replace("3", "3.5").encode(), "1:63", "expected a whole number"),
    ("null", GOOD.replace("3", "null").encode(), "1:63", "null, expected a whole number"),
    ("below its bound", GOOD.replace("3", "-1").encode(), "1:63", "-> 0 to 100,000"),
    ("above its bound", GOOD.replace('"name"', '"period_s": 100000, "name"').encode(), "1:28", "-> 5 to 300"),
    ("an unknown key", GOOD.replace('"max"', '"mxa"').encode(), "1:", '-> did you mean "max"'),
    ("an unknown key near nothing", GOOD.replace('"name"', '"xyzzy": 1, "name"').encode(), "1:16", "-> known keys here: "),
    ("a key in the wrong place", GOOD.replace('"clusters"', '"max": 3, "clusters"').encode(), "1:2", '"max" belongs in clusters[].fleets[]'),
    ("an unknown word", GOOD.replace('"name"', '"mode": "actt", "name"').encode(), "1:24", '-> did you mean "act"?'),
    ("an empty name", GOOD.replace('"a"', '""').encode(), "1:24", "is empty"),
    ("a name that ECS would not take", GOOD.replace('"a"', '"my cluster"').encode(), "1:24", "is no name of an ECS cluster"),
    ("a name with an escape sequence", GOOD.replace('"a"', '"a\\u001b[2J"').encode(), "1:24", "-> up to 255 letters"),
    ("two entries of one cluster", json.dumps({"clusters": [json.loads(GOOD)["clusters"][0], {"name": "a", "fleets": [{"id": "sfr-2", "max": 3}]}]}).encode(),
     "1:", '"a" is also clusters[0]'),
    ("a fleet twice", GOOD.replace(FLEET, FLEET + ", " + FLEET).encode(), "1:", "-> a fleet belongs to one cluster, once"),
    ("a fleet of two clusters", json.dumps({"clusters": [json.loads(GOOD)["clusters"][0], {"name": "b", "fleets": [{"id": "sfr-1", "max": 3}]}]}).encode(),
     "1:", "-> a fleet belongs to one cluster, once"),
    ("min above max", GOOD.replace('"max": 3', '"min": 5, "max": 3').encode(), "1:63", "-> at most 3, or raise max"),
]


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"))
    if not holds:
        failures.append(name)


def masu(*arguments):
    done = subprocess.run([MASU, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                          env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
                               "AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"})
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def contents(path):
    for name, text, place, words in CASES:
        path.write_bytes(text)
        code, told = masu("check-policy", str(path))
        check(f"{name}: exit 1, at {place or 'its place'}, with the remedy", code == 1 and f"{path}:{place}" in told and words in told and " -> " in told, f"exit {code}\n{told[:600]}")
        check(f"{name}: nothing that acts on a terminal", "\033" not in told and "\0" not in told, repr(told[:300]))
        code, told = masu("run", "--policy", str(path), "--once", "--listen", "127.0.0.1:0")
        check(f"{name}: a daemon does not start with it", code == 1 and words in told and '"event":"start"' not in told, f"exit {code}\n{told[:600]}")


def files(folder):
    def refused(name, path, words):
        for command in (["check-policy", str(path)], ["run", "--once", "--policy", str(path)], ["plan", "--policy", str(path)]):
            code, told = masu(*command)
            check(f"{name}, masu {command[0]}: exit 1 with its name and the remedy", code == 1 and str(path) in told and words in told and " -> " in told, f"exit {code}\n{told[:400]}")
    refused("a file that is not there", folder / "none.json", "No such file")
    refused("a folder", folder, "Is a directory")
    large = folder / "large.json"
    large.write_bytes(b'{"clusters": [' + b" " * (20 << 20) + b"]}")
    refused("20 MB", large, "larger than 1 MiB")
    refused("a device without an end", pathlib.Path("/dev/zero"), "larger than 1 MiB")
    loop = folder / "loop.json"
    loop.symlink_to(loop)
    refused("a link to itself", loop, "ymbolic links")


with tempfile.TemporaryDirectory() as tmp:
    policy = pathlib.Path(tmp) / "policy.json"
    policy.write_text(GOOD)
    check("the policy without a mistake is fine", masu("check-policy", str(policy))[0] == 0)
    contents(policy)
    files(pathlib.Path(tmp))
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
