#!/usr/bin/env python3
"""The snapshot's schema against what the program writes and reads: schema_test.py SCHEMA BY_HAND DUMP_PROGRAM."""
import json
import subprocess
import sys

import jsonschema

schema_path, by_hand_path, dump = sys.argv[1:4]
with open(schema_path) as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def closed(node):
    """The same schema with every object closed: a key that is written but not described is then an error."""
    if isinstance(node, dict):
        node = {k: closed(v) for k, v in node.items()}
        if "properties" in node:
            node["additionalProperties"] = False
        return node
    return [closed(v) for v in node] if isinstance(node, list) else node


strict = jsonschema.Draft202012Validator(closed(dict(schema, anyOf=[{"$ref": "#/$defs/snapshot"}])))
with open(by_hand_path) as f:
    by_hand = json.load(f)
validator.validate(by_hand)
strict.validate(by_hand)
validator.validate({"snapshot": by_hand, "memo": None})

seen = set()


def keys_of(node):
    if isinstance(node, dict):
        for k, v in node.items():
            seen.add(k)
            keys_of(v)
    elif isinstance(node, list):
        for v in node:
            keys_of(v)


lines = subprocess.run([dump, "1", "150"], check=True, capture_output=True, text=True).stdout.splitlines()
assert len(lines) == 150
for line in lines:
    snapshot = json.loads(line)
    strict.validate(snapshot)
    keys_of(snapshot)
keys_of(json.loads(subprocess.run([dump, by_hand_path], check=True, capture_output=True, text=True).stdout))

# Nothing is described that is never written, but for what only people write.
only_by_hand = {"$schema", "task"}
NOT_OF_A_SNAPSHOT = ("task", "memo", "memo_drain", "memo_stamp", "memo_target")
for name, definition in schema["$defs"].items():
    if name in NOT_OF_A_SNAPSHOT:
        continue
    missing = set(definition.get("properties", {})) - seen - only_by_hand
    assert not missing, f"{name}: {missing} are in the schema, but are never written"

# The memo is described too, in full and in its least form.
memo = {"version": 1, "at": by_hand["at"], "drains_begun": 3, "drains_finished": 1, "drains_undone": 1,
        "drains": [{"instance": "i-1", "state": "empty", "since": by_hand["at"], "deadline": None, "reason": "unneeded"}],
        "stamps": [{"kind": "order", "key": "sfr-1", "since": by_hand["at"], "until": by_hand["at"], "count": 2}],
        "targets": [{"fleet": "sfr-1", "target": 4, "sent_at": by_hand["at"]}]}
for good in (memo, {"version": 1}):
    validator.validate({"snapshot": by_hand, "memo": good})
for broken in ({}, {"version": 2}, dict(memo, drains=[{"instance": "i-1", "state": "asleep"}]), dict(memo, stamps=[{"kind": "order"}]),
               dict(memo, targets=[{"fleet": "sfr-1"}])):
    assert not validator.is_valid({"snapshot": by_hand, "memo": broken}), broken

# And the schema can refuse.
for broken in ({}, {"at": "now", "cluster": "x"}, {"at": by_hand["at"], "cluster": "x", "instances": [{"type": "c5.large"}]},
               dict(by_hand, services=[{"name": "web", "desired": -1}])):
    assert not validator.is_valid(broken), broken
