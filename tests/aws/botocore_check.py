#!/usr/bin/python3
"""Every request that we can send, against botocore's service models.

usage: botocore_check.py DUMP_PROGRAM
The program prints JSON lines {service, operation, body}. Each body is read into parameters by the model (unknown names fail),
validated (types, required members, ranges, enums), written again by botocore's own serializer and compared with what we sent.
Exit 77 (skipped) where botocore is not installed.
"""
import json
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

WANTED = {
    "ecs": {"ListClusters", "DescribeClusters", "ListContainerInstances", "DescribeContainerInstances",
            "UpdateContainerInstancesState", "ListServices", "DescribeServices", "ListTasks", "DescribeTasks",
            "DescribeTaskDefinition", "GetTaskProtection"},
    "ec2": {"DescribeInstances", "DescribeSpotFleetRequests", "DescribeSpotFleetInstances", "ModifySpotFleetRequest",
            "TerminateInstances", "CreateTags", "DeleteTags", "DescribeInstanceTypes", "DescribeSpotPriceHistory"},
    "sts": {"GetCallerIdentity"},
}


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


def check(models, serializers, request):
    model = models[request["service"]]
    operation = model.operation_model(request["operation"])
    protocol = model.metadata["protocol"]
    shape = operation.input_shape
    if protocol == "json":
        params, sent = json.loads(request["body"]), json.loads(request["body"])
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
    models = {s: botocore.model.ServiceModel(loader.load_service_model(s, "service-2"), s) for s in WANTED}
    serializers = {s: botocore.serialize.create_serializer(m.metadata["protocol"]) for s, m in models.items()}
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    seen = {s: set() for s in WANTED}
    bad = 0
    for line in lines:
        request = json.loads(line)
        seen[request["service"]].add(request["operation"])
        try:
            check(models, serializers, request)
        except Exception as error:  # every request is told about, not only the first
            bad += 1
            print(f"{request['service']} {request['operation']}: {error}\n  {request['body']}")
    if seen != WANTED:
        bad += 1
        print("not every operation was dumped, or an unexpected one was:", {s: seen[s] ^ WANTED[s] for s in WANTED})
    print(f"{len(lines)} requests, {bad} wrong")
    return 1 if bad else 0


sys.exit(main())
