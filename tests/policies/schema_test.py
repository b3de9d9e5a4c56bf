#!/usr/bin/env python3
"""The policy's schema is one, takes the examples and refuses mistakes: schema_test.py POLICIES_FOLDER."""
import json
import pathlib
import sys

import jsonschema

folder = pathlib.Path(sys.argv[1])
schema = json.loads((folder / "policy.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
examples = sorted((folder / "examples").glob("*.json"))
assert len(examples) >= 2
for example in examples:
    validator.validate(json.loads(example.read_text()))

fleet = {"id": "sfr-1", "max": 4}
for broken in ({}, {"clusters": []}, {"clusters": [{"name": "a", "fleets": []}]}, {"clusters": [{"name": "a", "fleets": [{"id": "sfr-1"}]}]},
               {"clusters": [{"name": "a", "fleets": [fleet], "period": 3}]}, {"clusters": [{"name": "a", "fleets": [fleet], "period_s": 1}]},
               {"clusters": [{"name": "a", "fleets": [fleet], "scale_in": {"on_deadline": "stop"}}]}):
    assert not validator.is_valid(broken), broken
