#!/usr/bin/env python3
"""Every failure story that this build answers has a test whose name starts with its id: stories.py ROOT.

The table is our own; what is left to later work says why. With --list the tests of each story are printed.
"""
import pathlib
import re
import sys

# id -> what goes wrong
STORIES = {
    "a1": "the fleet would choose the victim itself", "a2": "weights do not divide the target", "a3": "a neighbour is interrupted in mid drain",
    "a4": "the fleet orders a second replacement", "a5": "the fleet is modifying", "a6": "another moves the target",
    "a7": "the fleet is replaced, cancelled or expires", "a8": "need bound to one zone", "a9": "the fleet replaces members at risk itself", "a10": "the fleet never fulfils",
    "a11": "fleets of type request",
    "b1": "the group ends another to even its zones", "b2": "drained, then refused", "b3": "the group ends members itself",
    "b4": "members that are not in service", "b5": "an instance too many goes", "b6": "another scales the group, or AWS has given it up",
    "c1": "a service that can neither start nor stop", "c2": "ECS stops first and replaces later", "c3": "each fits alone, not all together",
    "c4": "a deployment begins or is stuck", "c5": "protected tasks", "c6": "standalone tasks", "c7": "drains that are not ours",
    "c8": "empty is wrong", "c9": "a crash between mark and DRAINING", "c10": "undo of the wrong thing", "c11": "data on the instance",
    "c12": "a drain cannot finish",
    "d1": "a spot notice", "d2": "the last task of a service", "d3": "a notice while it boots", "d4": "duplicates, old notices, an earlier life", "d5": "the notice never comes", "d6": "half of all interrupted at once",
    "d7": "warnings in a wave", "d8": "a zone fails and comes back", "d9": "a drought, a quota, a market that swings",
    "e1": "instances never register", "e2": "fleet and cluster do not match", "e3": "an image registers less memory",
    "e4": "an agent is away", "e5": "all agents are away", "e6": "ghosts", "e7": "no interfaces, no addresses",
    "f1": "tasks on leaving instances", "f2": "ECS backs off", "f3": "managed capacity providers", "f4": "need that capacity cannot cure",
    "f5": "from and to zero", "f6": "one need told many times", "f7": "fifty deployments at once", "f9": "partial answers",
    "g1": "Prometheus is down, slow, empty or old", "g2": "Prometheus lies",
    "g3": "a forecast that lies, is late or flat", "g4": "a cold start without history", "g5": "the clock is changed, a zone is wrong",
    "g6": "our clock is wrong or steps", "g7": "open circuit breakers lower the traffic",
    "h1": "a wrong policy", "h2": "pause and freeze", "h3": "money", "h4": "two masu on one fleet", "h5": "add, remove, add",
    "h6": "dry run", "i1": "killed at any point", "i5": "no journal", "i7": "a shared queue, a dead receiver", "i8": "a queue full of what is old",
    "j1": "reads lag writes", "j2": "a storm of throttles", "j3": "a timeout whose effect was applied",
    "j4": "a permission is missing", "j5": "endless pages, truncated bodies",
}
LATER = {
    "f8": "this build has no outside source of demand",
}
NAME = re.compile(r"\b([a-j]\d+)_[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")


def tests_of(root):
    found = {}
    for path in sorted((root / "tests").rglob("*")):
        if path.suffix not in (".c", ".py", ".js") or "node_modules" in path.parts or path.name == "stories.py":
            continue
        for m in NAME.finditer(path.read_text(errors="replace")):
            found.setdefault(m.group(1), set()).add(f"{path.relative_to(root)}: {m.group(0)}")
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    found = tests_of(root)
    missing = [s for s in STORIES if s not in found]
    if "--list" in sys.argv:
        for s, what in STORIES.items():
            print(f"{s:4} {what}")
            for name in sorted(found.get(s, [])):
                print(f"     {name}")
    for s in missing:
        print(f"story {s}: {STORIES[s]}: no test")
    print(f"{len(STORIES)} stories, {sum(len(v) for v in found.values())} tests, {len(missing)} missing; later: {', '.join(LATER)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
