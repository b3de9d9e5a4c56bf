#!/usr/bin/python3
"""Every request that we can send, against botocore's service models.

usage: botocore_check.py DUMP_PROGRAM SOURCE_ROOT
The program prints JSON lines {service, operation, body}. Each body is read into parameters by the model (unknown names fail),
validated (types, required members, ranges, enums), written again by botocore's own serializer and compared with what we sent.
Every operation that the client's source defines must be among them, and be counted in a bucket of the rate budget.
Exit 77 (skipped) where botocore is not installed.
"""
import json
import os
import re
import subprocess
import sys
from urllib.parse import parse_qsl

try:
    import botocore.loaders
    import botocore.model
    import botocore.serialize
    import botocore.validate
except ImportError:
    print("botocore is not installed")
    sys.exit(77)

# The service's name in the host, where botocore calls it otherwise.
MODELS = {"servicequotas": "service-quotas", "monitoring": "cloudwatch"}
# What is newer than the installed models, with the reason: ("ecs", "Operation"): "since …", or ("ecs", "Operation.member"): "…".
NEWER = {("sqs", "ReceiveMessage.MessageSystemAttributeNames"): "since 2024; AttributeNames before"}
# Services whose JSON protocol is newer than the installed models, which describe the query protocol of the same operations.
JSON_NOW = {"sqs": {"protocol": "json", "jsonVersion": "1.0", "targetPrefix": "AmazonSQS"}}


def wanted(source):
    """Every operation that the client's source defines: all struct aws_operation, and the roles that credentials assume."""
    found = set()
    for name in sorted(os.listdir(f"{source}/scaler/aws")):
        if name.endswith(".c"):
            text = open(f"{source}/scaler/aws/{name}", encoding="utf-8").read()
            found |= set(re.findall(r'struct aws_operation \w+ = \{\s*AWS_\w+,\s*"(\w+)"', text))
            found |= set(re.findall(r'"(AssumeRole\w*)"', text))
    assert len(found) > 20, found
    return found


def query_name(name, member, protocol):
    if protocol != "ec2":
        return member.serialization.get("name", name)
    explicit = member.serialization.get("queryName")
    location = member.serialization.get("name", name)
    return explicit or location[0].upper() + location[1:]


def scalar(shape, text):
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name in ("double", "float"):
        return float(text)
    if shape.type_name == "boolean":
        assert text in ("true", "false"), text
        return text == "true"
    return text


def read_form(shape, pairs, protocol, path=""):
    """pairs: {("Filter", "1", "Name"): "x"} -> parameters."""
    if shape.type_name == "structure":
        by_wire = {query_name(n, m, protocol): (n, m) for n, m in shape.members.items()}
        groups = {}
        for key, value in pairs.items():
            groups.setdefault(key[0], {})[key[1:]] = value
        out = {}
        for wire, rest in groups.items():
            if wire not in by_wire:
                raise ValueError(f"unknown parameter {path}{wire}")
            name, member = by_wire[wire]
            out[name] = read_form(member, rest, protocol, f"{path}{wire}.")
        return out
    if shape.type_name == "list":
        groups = {}
        if protocol == "query" and not shape.serialization.get("flattened"):
            assert {key[0] for key in pairs} == {shape.member.serialization.get("name", "member")}, path
            pairs = {key[1:]: value for key, value in pairs.items()}
        for key, value in pairs.items():
            groups.setdefault(int(key[0]), {})[key[1:]] = value
        assert sorted(groups) == list(range(1, len(groups) + 1)), f"{path}: numbers {sorted(groups)}"
        return [read_form(shape.member, groups[i], protocol, path) for i in sorted(groups)]
    (key, value), = pairs.items()
    assert key == (), f"{path}: {key}"
    return scalar(shape, value)


def check_enums(shape, value, path):
    if shape.type_name == "structure":
        for name, inner in value.items():
            check_enums(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            check_enums(shape.member, inner, path)
    elif getattr(shape, "enum", None):
        assert value in shape.enum, f"{path}: {value} is not in the enum"


def reject_unknown(shape, value, path):
    if shape.type_name == "structure":
        for name, inner in value.items():
            assert name in shape.members, f"unknown parameter {path}.{name}"
            reject_unknown(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            reject_unknown(shape.member, inner, path)


def drop_newer(params, service, operation):
    """Members that the installed models do not know yet, if they are listed."""
    return {k: v for k, v in params.items() if (service, f"{operation}.{k}") not in NEWER}


def check(models, serializers, request):
    model = models[request["service"]]
    if (request["service"], request["operation"]) in NEWER:
        return
    operation = model.operation_model(request["operation"])
    protocol = model.metadata["protocol"]
    shape = operation.input_shape
    if protocol == "json":
        params = drop_newer(json.loads(request["body"]), request["service"], request["operation"])
        sent = dict(params)
    else:
        sent = dict(parse_qsl(request["body"], keep_blank_values=True, strict_parsing=True))
        assert sent["Action"] == request["operation"]
        assert sent["Version"] == model.metadata["apiVersion"]
        pairs = {tuple(k.split(".")): v for k, v in sent.items() if k not in ("Action", "Version")}
        params = read_form(shape, pairs, protocol) if shape else {}
    if shape:
        reject_unknown(shape, params, request["operation"])
        report = botocore.validate.ParamValidator().validate(params, shape)
        assert not report.has_errors(), report.generate_report()
        check_enums(shape, params, request["operation"])
    written = serializers[request["service"]].serialize_to_request(params, operation)
    body = json.loads(written["body"]) if protocol == "json" else {k: str(v) for k, v in written["body"].items()}
    assert body == sent, f"botocore would send {body}\nwe send {sent}"


def main():
    loader = botocore.loaders.Loader()
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    requests = [json.loads(line) for line in lines]
    services = {r["service"] for r in requests}
    models = {}
    for s in services:
        description = loader.load_service_model(MODELS.get(s, s), "service-2")
        description["metadata"].update(JSON_NOW.get(s, {}))
        models[s] = botocore.model.ServiceModel(description, s)
    serializers = {s: botocore.serialize.create_serializer(m.metadata["protocol"]) for s, m in models.items()}
    bad = 0
    for request in requests:
        try:
            check(models, serializers, request)
            assert request["budgeted"], "no bucket of the rate budget counts it"
        except Exception as error:  # every request is told about, not only the first
            bad += 1
            print(f"{request['service']} {request['operation']}: {error}\n  {request['body']}")
    missing = wanted(sys.argv[2]) ^ {r["operation"] for r in requests}
    if missing:
        bad += 1
        print("dump_requests.c does not send these operations of the client, or sends others:", ", ".join(sorted(missing)))
    print(f"{len(lines)} requests, {bad} wrong")
    return 1 if bad else 0


sys.exit(main())
