"""`masu doctor` against `masu sandbox`: every check when all is well, and each thing that can be wrong, by name.

usage: doctor_test.py MASU
"""
import concurrent.futures
import http.server
import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aws_proxy import FLEETS as SPOT_FLEETS, Proxy  # noqa: E402

# One cluster on a Spot Fleet, one on an EC2 Fleet: then every operation is asked for.
TEMPLATES = "ec2:DescribeLaunchTemplateVersions"  # only of instant fleets
FLEETS = {**SPOT_FLEETS, "jobs": SPOT_FLEETS["jobs"].replace("sfr-", "fleet-")}

MASU = str(pathlib.Path(sys.argv[1]).resolve())
failures, outputs = [], []


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}") + "\n", end="", flush=True)
    if not holds:
        failures.append(name)


class Case:
    """One run: its exit code and its checks."""

    def __init__(self, t, *arguments, policy=None, **env):
        t.policy.write_text(json.dumps(policy or t.good) if not isinstance(policy, str) else policy)
        environment = {**t.proxy.env, "AWS_MAX_ATTEMPTS": "1", **env}
        done = subprocess.run([MASU, "doctor", "--policy", str(t.policy), "--listen", "127.0.0.1:0", "--format", "json", *arguments], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={k: v for k, v in environment.items() if v is not None})
        outputs.append(done.stdout + done.stderr)
        self.code, self.told = done.returncode, done.stdout + done.stderr
        self.checks = json.loads(done.stdout)["checks"]

    def find(self, state, id_, words="", target=""):
        return [c for c in self.checks if c["state"] == state and c["id"] == id_ and words in c["what"] + " -> " + c["remedy"] and target in c["target"]]


class World:
    def __init__(self, folder):
        self.proxy, self.folder, self.policy = Proxy(MASU, "--ec2-fleet"), folder, folder / "policy.json"
        self.good = {"events": [{"queue_url": self.proxy.env["AWS_ENDPOINT_URL"] + "/111122223333/masu-events", "region": "us-east-1"}], "clusters": [{"name": name, "region": "us-east-1", "fleets": [{"id": fleet, "max": 200}]} for name, fleet in FLEETS.items()]}

    def changed(self, change):
        policy = json.loads(json.dumps(self.good))
        change(policy["clusters"])
        return policy


def actions():
    table = subprocess.run([MASU, "iam-policy", "--format", "text"], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = re.findall(r"^(read|change)\s+(\S+)", table, re.M)
    return [a for kind, a in rows if kind == "read"], {a for kind, a in rows if kind == "change"}


def all_is_well(t, reads, writes):
    t.proxy.order()
    c = Case(t, "--state", str(t.folder / "state.db"))
    check("all is well: exit 0 and nothing fails", c.code == 0 and not [k for k in c.checks if k["state"] == "fail"], c.told)
    check("every check has its five words and a remedy where it is not ok",
          all(set(k) == {"id", "state", "target", "what", "remedy"} and (k["state"] == "ok") == (k["remedy"] == "") for k in c.checks), c.checks)
    asked = t.proxy.asked()
    wanted = {a for a in reads if not a.startswith("autoscaling:") and a != TEMPLATES}  # there is no group here, and no instant fleet
    check("every read of the table was asked", wanted <= {a for a, _ in asked}, wanted - {a for a, _ in asked})
    check("h6 nothing that changes was sent but dry runs", all(dry for a, dry in asked if a in writes), asked)
    for action in ("ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"):
        check(f"a dry run of {action} was sent, one a fleet", sum(dry for a, dry in asked if a == action) == 2 and c.find("ok", "write-permission", "2 fleets", action), asked)
    for action in sorted(wanted):
        check(f"{action} is told of by name, as permitted", action == "sts:GetCallerIdentity" or c.find("ok", "permission", target=action), c.told)
    check("the queue of events is seen", c.find("ok", "queue", "brings events", "masu-events"), c.told)
    check("what cannot be asked is said plainly", c.find("warn", "write-permission", "no dry run"))
    check("clusters, fleets and members are seen", len(c.find("ok", "cluster")) == 2 and len(c.find("ok", "fleet", "active")) == 2
          and len(c.find("ok", "members", "registered in")) == 2, c.told)
    check("c1 the service that can neither start nor stop is named", c.find("warn", "drain-risk", "clock (desired 2 at 100/100 %)", "jobs"), c.told)
    check("the state was looked at, not made", c.find("ok", "state", "can be made") and not (t.folder / "state.db").exists())
    check("region, credentials and clock are told", c.find("ok", "region", "from the policy") and c.find("ok", "credentials", target="environment")
          and c.find("ok", "clock", "agrees"), c.told)
    c = Case(t, policy=t.changed(lambda cs: [k.update(mode="observe") for k in cs]))
    check("who only observes needs no write permission", c.find("ok", "write-permission", "not needed") and ("ec2:TerminateInstances", True) in t.proxy.asked(), c.told)


SPARE = {"ecs:ListClusters", "ec2:DescribeInstanceTypeOfferings", "ec2:GetSpotPlacementScores", "ec2:DescribeSpotPriceHistory", "ecs:DescribeCapacityProviders", "ec2:DescribeSubnets", "ec2:DescribeSpotInstanceRequests", "ec2:DescribeInstanceStatus",
         "ec2:DescribeSpotFleetRequestHistory", "ec2:DescribeFleetHistory", "application-autoscaling:DescribeScalableTargets",
         "application-autoscaling:DescribeScalingPolicies", "sqs:GetQueueAttributes",
         "cloudwatch:GetMetricData", "servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota", "autoscaling:DescribeScalingActivities"}


def groups_permissions(t, of_groups):
    grouped = t.changed(lambda cs: cs[0]["fleets"].append({"group": "not-there", "max": 5}))
    c = Case(t, policy=grouped)
    check("b an Auto Scaling group that is not there fails by name", c.code == 1 and c.find("fail", "fleet", "no such Auto Scaling group", "not-there"), c.told)
    check("every read of groups was asked", of_groups and set(of_groups) <= {a for a, _ in t.proxy.asked()}, (of_groups, t.proxy.asked()))
    for action in of_groups:
        t.proxy.order((action, "deny"))
        c = Case(t, policy=grouped)
        check(f"j4 {action} denied is named with the remedy", c.find("fail" if action not in SPARE else "warn", "permission", f"allow {action} on ", action), c.told)


def permissions(t, reads):
    for action in reads:
        t.proxy.order((action, "deny"))
        c = Case(t)
        if action == "sts:GetCallerIdentity":
            check("j4 an account that is not told fails", c.code == 1 and c.find("fail", "account"), c.told)
            continue
        state = "warn" if action in SPARE else "fail"
        told = c.find(state, "permission", f"allow {action} on ", action)
        check(f"j4 {action} denied is named with the remedy", told and "iam-policy" in told[0]["remedy"] and c.code == (0 if action in SPARE else 1), c.told)
        check(f"{action} denied is the only failure", [k["target"] for k in c.checks if k["state"] == "fail"] == ([] if action in SPARE else [action]), c.told)


def writes_and_silence(t):
    for action in ("ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"):
        t.proxy.order((action, "deny"))
        c = Case(t)
        check(f"{action} that is not permitted fails, by the fleet", c.code == 1 and c.find("fail", "write-permission", FLEETS["main"], action), c.told)
    t.proxy.order(("ecs:DescribeServices", "hang"))
    c = Case(t)
    check("a call without an answer fails by name and holds nothing else up", c.code == 1 and c.find("fail", "permission", "ask again", "ecs:DescribeServices")
          and len(c.find("ok", "fleet")) == 2, c.told)
    t.proxy.order(("ec2:DescribeInstanceTypes", "answer", (200, b"<half")))
    check("an answer of garbage does not end it", Case(t).code in (0, 1))
    t.proxy.order()


def instants(t):
    """An instant fleet: its template, its subnets, and whether it might launch."""
    spare = {"instant": {"name": "spare", "launch_template": "lt-0b0c5a4db0c500001", "subnets": [f"subnet-0b0c5a4db0c50000{k}" for k in (1, 2)], "types": ["m5.large", "c5.large"]},
             "max": 9}

    def policy(**changes):
        return t.changed(lambda cs: cs[0]["fleets"].append({**spare, "instant": {**spare["instant"], **changes}}))

    def case(*orders, **changes):
        t.proxy.order(*orders)
        return Case(t, policy=policy(**changes))
    c = case()
    check("an instant fleet that is well: template, subnets, dry run and permissions", c.code == 0 and c.find("ok", "template", "of lt-0b0c5a4db0c500001, image ami-", "main/spare")
          and c.find("ok", "subnets", "2 subnets with", "main/spare") and c.find("ok", "launch", "is accepted", "main/spare")
          and c.find("ok", "write-permission", target="ec2:CreateFleet") and c.find("ok", "permission", target=TEMPLATES), c.told)
    check("h6 its CreateFleet was a dry run", [dry for a, dry in t.proxy.asked() if a == "ec2:CreateFleet"] == [True], t.proxy.asked())
    c = case(launch_template="lt-00000000000000000")
    check("a template that is not there fails", c.code == 1 and c.find("fail", "template", "correct instant.launch_template", "main/spare"), c.told)
    c = case(version="77")
    check("a version that is not there fails", c.code == 1 and c.find("fail", "template", "version 77", "main/spare"), c.told)
    c = case(subnets=["subnet-0b0c5a4db0c500001", "subnet-00000000000000000"])
    check("a subnet that is not there fails by its id", c.code == 1 and c.find("fail", "subnets", "no subnet subnet-00000000000000000", "main/spare"), c.told)
    full = ("<DescribeSubnetsResponse><subnetSet>" + "".join(f"<item><subnetId>{s}</subnetId><availabilityZone>us-east-1a</availabilityZone><availableIpAddressCount>0</availableIpAddressCount></item>"
                                                             for s in spare["instant"]["subnets"]) + "</subnetSet></DescribeSubnetsResponse>").encode()
    c = case(("ec2:DescribeSubnets", "answer", (200, full)))
    check("e7 subnets without a free address are a warning", c.find("warn", "subnets", "no free address", "main/spare") and not c.find("ok", "subnets"), c.told)
    c = case(("ec2:CreateFleet", "deny"))
    check("j4 CreateFleet denied fails by its name and the fleet's", c.code == 1 and c.find("fail", "write-permission", "main/spare", "ec2:CreateFleet") and not c.find("ok", "launch"), c.told)
    c = case((TEMPLATES, "deny"))
    check("j4 the template's read denied is a warning", c.code == 0 and c.find("warn", "permission", f"allow {TEMPLATES} on *", TEMPLATES) and not c.find("fail", "template"), c.told)
    bare = ("<DescribeLaunchTemplateVersionsResponse><launchTemplateVersionSet><item><launchTemplateId>lt-0b0c5a4db0c500001</launchTemplateId><versionNumber>1</versionNumber>"
            "<launchTemplateData>%s</launchTemplateData></item></launchTemplateVersionSet></DescribeLaunchTemplateVersionsResponse>")
    c = case((TEMPLATES, "answer", (200, (bare % "").encode())))
    check("a template without an image fails", c.code == 1 and c.find("fail", "template", "names no image"), c.told)
    c = case((TEMPLATES, "answer", (200, (bare % "<imageId>ami-1</imageId>").encode())))
    check("one without an instance profile is a warning", c.code == 0 and c.find("warn", "template", "no instance profile"), c.told)
    t.proxy.order()


def credentials(t):
    none = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(t.folder)}
    c = Case(t, **none)
    check("no credentials fail with the remedy, and nothing is asked", c.code == 1 and c.find("fail", "credentials", "AWS_PROFILE") and not t.proxy.asked(), c.told)
    c = Case(t, AWS_SECRET_ACCESS_KEY="wrong")
    check("a wrong key fails", c.code == 1 and c.find("fail", "account", "SignatureDoesNotMatch"), c.told)
    role = t.proxy.env["AWS_ENDPOINT_URL"] + "/v2/credentials/9f0c2c1e-5b1d-4c55-8d6a-0c0ffee00001"
    c = Case(t, **{**none, "AWS_CONTAINER_CREDENTIALS_FULL_URI": role})
    check("a task role is told with its source and how long it is good", c.code == 0 and c.find("ok", "credentials", "good for another", "container"), c.told)
    c = Case(t, policy=t.changed(lambda cs: [k.update(account="999988887777") for k in cs]))
    check("h4 credentials of another account than the policy's fail", c.code == 1 and c.find("fail", "account", "999988887777"), c.told)
    c = Case(t, policy=t.changed(lambda cs: [k.update(region="eu-west-1") for k in cs]))
    check("a wrong region fails once, and is named", c.code == 1 and c.find("fail", "account", "eu-west-1") and sum(k["state"] == "fail" for k in c.checks) == 1, c.told)
    c = Case(t, policy=t.changed(lambda cs: [k.pop("region") for k in cs]), AWS_REGION=None, HOME=str(t.folder), AWS_EC2_METADATA_DISABLED="true")
    check("no region at all fails with the remedy", c.code == 1 and c.find("fail", "region", "AWS_REGION"), c.told)
    c = Case(t, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    check("an endpoint that cannot be reached fails once, not for each call", c.code == 1 and c.find("fail", "endpoint", "AWS_ENDPOINT_URL")
          and not c.find("fail", "permission"), c.told)
    for off_s, state in ((0, "ok"), (20, "warn"), (-20, "warn"), (120, "fail"), (-120, "fail")):
        t.proxy.date_off_s = off_s
        c = Case(t)
        check(f"g6 a clock {off_s} s off is {state}", c.find(state, "clock", "" if off_s == 0 else "behind" if off_s > 0 else "ahead"), c.told)
    t.proxy.date_off_s = 0


class Instance(http.server.BaseHTTPRequestHandler):
    """Instance metadata: a token by PUT, the region by GET with it."""

    def answer(self, text):
        self.send_response(200 if text else 401)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_PUT(self):
        self.answer(b"a-token-of-imds" if self.path == "/latest/api/token" else b"")

    def do_GET(self):
        known = self.headers.get("X-aws-ec2-metadata-token") == "a-token-of-imds" and self.path == "/latest/meta-data/placement/region"
        self.answer(b"us-east-1" if known else b"")

    def log_message(self, *_):
        pass


def region(t):
    anywhere = t.changed(lambda cs: [k.pop("region") for k in cs])
    none = {"AWS_REGION": None, "HOME": str(t.folder)}
    task = t.proxy.env["AWS_ENDPOINT_URL"] + "/v4/9f0c2c1e-5b1d-4c55-8d6a-0c0ffee00001"
    c = Case(t, policy=anywhere, ECS_CONTAINER_METADATA_URI_V4=task, **none)
    check("a task knows its region from its metadata", c.code == 0 and c.find("ok", "region", "from task metadata", "us-east-1"), c.told)
    imds = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Instance)
    threading.Thread(target=imds.serve_forever, daemon=True).start()
    c = Case(t, policy=anywhere, AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://127.0.0.1:{imds.server_address[1]}", **none)
    check("an instance knows its region from its metadata", c.code == 0 and c.find("ok", "region", "from instance metadata", "us-east-1"), c.told)
    imds.shutdown()
    imds.server_close()
    c = Case(t, policy=anywhere, ECS_CONTAINER_METADATA_URI_V4=t.proxy.env["AWS_ENDPOINT_URL"] + "/v4/nobody", **none)
    check("metadata without a task fails and is named", c.code == 1 and c.find("fail", "region", "task metadata"), c.told)


def clusters(t):
    def rename(cs):
        cs[0]["name"] = "mian"
    c = Case(t, policy=t.changed(rename))
    check("a cluster that is not there fails with the nearest", c.code == 1 and c.find("fail", "cluster", 'did you mean "main"?', "mian"), c.told)

    def swap(cs):
        cs[0]["fleets"], cs[1]["fleets"] = cs[1]["fleets"], cs[0]["fleets"]
        for k in cs:
            k["scale_out"] = {"boot_limit_s": 60}
    c = Case(t, policy=t.changed(swap))
    check("e2 fleets of the wrong clusters are told as such", c.code == 1 and len(c.find("fail", "members", "fleet and cluster do not match")) == 2, c.told)

    def lose(cs):
        cs[0]["fleets"][0]["id"] = "sfr-00000000-0000-0000-0000-000000000000"
    c = Case(t, policy=t.changed(lose))
    check("a fleet that is not there fails, and the other is still seen", c.code == 1 and c.find("fail", "fleet", "not found in us-east-1", "sfr-0000")
          and c.find("ok", "fleet", "active", FLEETS["jobs"]), c.told)

    def bound(cs):
        cs[0]["fleets"][0]["max"] = 30
        cs[1]["fleets"][0]["min"] = 150
    c = Case(t, policy=t.changed(bound))
    check("h1 a target outside of the policy's bounds is a warning", c.code == 0 and c.find("warn", "bounds", "above max 30") and c.find("warn", "bounds", "below min 150"), c.told)


def fleets_made_up(t):
    """Fleets that the sandbox's world has not: answers by order."""
    def fleet(id_, inner, state="active", type_="maintain"):
        return (f"<item><spotFleetRequestId>{id_}</spotFleetRequestId><spotFleetRequestState>{state}</spotFleetRequestState><createTime>2026-01-01T00:00:00.000Z</createTime>"
                f"<spotFleetRequestConfig><type>{type_}</type><targetCapacity>3</targetCapacity><fulfilledCapacity>3</fulfilledCapacity>{inner}</spotFleetRequestConfig>"
                "<tagSet><item><key>masu:owner</key><value>other-masu</value></item></tagSet></item>")

    def ec2_fleet(id_, inner, state="active"):
        return (f"<item><fleetId>{id_}</fleetId><fleetState>{state}</fleetState><type>maintain</type><fulfilledCapacity>3</fulfilledCapacity><targetCapacitySpecification>"
                f"<totalTargetCapacity>3</totalTargetCapacity></targetCapacitySpecification>{inner}"
                "<tagSet><item><key>masu:owner</key><value>other-masu</value></item></tagSet></item>")

    def told(spot, ec2):
        spot = "<DescribeSpotFleetRequestsResponse><spotFleetRequestConfigSet>" + spot + "</spotFleetRequestConfigSet></DescribeSpotFleetRequestsResponse>"
        ec2 = "<DescribeFleetsResponse><fleetSet>" + ec2 + "</fleetSet></DescribeFleetsResponse>"
        t.proxy.order(("ec2:DescribeSpotFleetRequests", "answer", (200, spot.encode())), ("ec2:DescribeFleets", "answer", (200, ec2.encode())))
        return Case(t)
    soon = "<validUntil>2099-01-01T00:00:00Z</validUntil>"
    past = "<validUntil>2020-01-01T00:00:00Z</validUntil>"
    c = told(fleet(FLEETS["main"], soon, type_="request"), ec2_fleet(FLEETS["jobs"], soon, state="deleted_running"))
    check("a11 a fleet of type request cannot be resized: fails", c.code == 1 and c.find("fail", "fleet", "type request", FLEETS["main"]), c.told)
    check("a7 a cancelled fleet fails with its successor as remedy", c.find("fail", "fleet", "deleted_running", FLEETS["jobs"]), c.told)
    c = told(fleet(FLEETS["main"], past), ec2_fleet(FLEETS["jobs"], soon + "<spotOptions><maintenanceStrategies><capacityRebalance><replacementStrategy>launch"
                                                    "</replacementStrategy></capacityRebalance></maintenanceStrategies></spotOptions>", state="modifying"))
    check("a7 a fleet past its ValidUntil fails", c.find("fail", "expiry", "has ended"), c.told)
    check("a9 capacity rebalancing is a conflict", c.find("warn", "conflict", "capacity rebalancing", FLEETS["jobs"]), c.told)
    check("h4 a fleet of another owner fails", c.code == 1 and c.find("fail", "conflict", 'belongs to "other-masu"'), c.told)
    own = Case(t, policy={"owner": "other-masu", **t.good})
    check("h4 a fleet of one's own owner does not", not own.find("fail", "conflict"), own.told)
    check("a5 a fleet that is being modified is a warning", c.find("warn", "fleet", "is modifying", FLEETS["jobs"]), c.told)
    t.proxy.order()


def types_outside(t):
    policy = json.loads(json.dumps(t.good))
    for cluster in policy["clusters"]:
        for fleet in cluster["fleets"]:
            fleet["requirements"] = {"vcpus_min": 1, "exclude": ["m5.*"]}
    c = Case(t, policy=policy)
    check("types that the policy's requirements do not mean are a conflict", c.code == 0 and c.find("warn", "conflict", "may launch m5.") and c.find("warn", "conflict", "excluded by name"), c.told)
    scored = t.changed(lambda cs: [k.update(scale_out={"placement_scores_s": 3600}) for k in cs])
    c = Case(t, policy=scored)
    check("scores of fleets with three types are fine", c.code == 0 and not c.find("warn", "conflict", "EC2 scores none"), c.told)
    for cluster in policy["clusters"]:
        for fleet in cluster["fleets"]:
            fleet["requirements"] = {"vcpus_min": 1}
    check("and those that they mean are none", not Case(t, policy=policy).find("warn", "conflict", "may launch"))


def on_demand(t):
    def ask(cs):
        cs[0]["on_demand_base"] = 2
        cs[0]["fleets"][0]["on_demand_percent"] = 50
    c = Case(t, policy=t.changed(ask))
    check("less on demand than the policy asks for is told, of the fleet and of the cluster", c.code == 0 and c.find("warn", "on-demand", "0 of target", FLEETS["main"])
          and c.find("warn", "on-demand", "0 instances run on demand, on_demand_base is 2", "main"), c.told)
    check("a cluster that asks for none is not told of", not c.find("warn", "on-demand", target="jobs") and not c.find("warn", "on-demand", target=FLEETS["jobs"]), c.told)

    def group(distribution):
        mixed = f"<MixedInstancesPolicy><InstancesDistribution>{distribution}</InstancesDistribution></MixedInstancesPolicy>" if distribution else ""
        body = ("<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName><MinSize>0</MinSize>"
                f"<MaxSize>9</MaxSize><DesiredCapacity>3</DesiredCapacity>{mixed}</member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>")
        t.proxy.order(("autoscaling:DescribeAutoScalingGroups", "answer", (200, body.encode())))
        return Case(t, policy=t.changed(lambda cs: cs[0]["fleets"].append({"group": "web", "max": 5, "on_demand_base": 1, "on_demand_percent": 20})))
    less = group("<OnDemandBaseCapacity>1</OnDemandBaseCapacity><OnDemandPercentageAboveBaseCapacity>0</OnDemandPercentageAboveBaseCapacity>")
    check("a group whose distribution asks for less disagrees", less.find("warn", "on-demand", "launches base 1 and 0 % above it on demand, the policy asks for base 1 and 20 %", "web"),
          less.told)
    check("one whose distribution asks for as much does not", group("<OnDemandBaseCapacity>2</OnDemandBaseCapacity><OnDemandPercentageAboveBaseCapacity>20"
          "</OnDemandPercentageAboveBaseCapacity>").find("ok", "on-demand", "which the policy asks for", "web"))
    check("one without mixed instances is told of", group("").find("warn", "on-demand", "has no mixed instances policy", "web"))
    t.proxy.order()


def other_hands(t):
    scaled = json.dumps({"ScalableTargets": [{"ServiceNamespace": "ec2", "ResourceId": "spot-fleet-request/" + FLEETS["main"], "MinCapacity": 2, "MaxCapacity": 9,
                                              "ScalableDimension": "ec2:spot-fleet-request:TargetCapacity", "RoleARN": "arn:aws:iam::1:role/r",
                                              "CreationTime": 1767225600.0}]}).encode()
    provider = json.dumps({"capacityProviders": [{"name": "cp-a", "status": "ACTIVE", "autoScalingGroupProvider": {
        "autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:1:autoScalingGroup:x:autoScalingGroupName/g", "managedScaling": {"status": "ENABLED"},
        "managedDraining": "ENABLED"}}]}).encode()
    nobody = b'{"ScalableTargets":[]}'
    t.proxy.order(("application-autoscaling:DescribeScalableTargets", "answer", (200, scaled)))
    c = Case(t)
    check("h4 another scaler on a fleet fails, with its bounds", c.code == 1 and c.find("fail", "conflict", "2 … 9", FLEETS["main"]) and not c.find("ok", "conflict", target="main"), c.told)
    check("and the cluster without one is told as free of it", c.find("ok", "conflict", "no other scaler", "jobs"), c.told)
    t.proxy.order(("application-autoscaling:DescribeScalableTargets", "answer", (200, nobody)), ("ecs:DescribeCapacityProviders", "answer", (200, provider)))
    c = Case(t)
    check("f3 a capacity provider that ECS scales and drains is told", c.code == 0 and c.find("warn", "conflict", "scales and drains", "cp-a")
          and len(c.find("ok", "conflict")) == 2, c.told)
    history = ("<DescribeSpotFleetRequestHistoryResponse><historyRecordSet><item><timestamp>2026-01-01T00:00:00Z</timestamp><eventType>error</eventType>"
               "<eventInformation><eventSubType>spotInstanceCountLimitExceeded</eventSubType><eventDescription>Max spot instance count exceeded</eventDescription>"
               "</eventInformation></item></historyRecordSet></DescribeSpotFleetRequestHistoryResponse>").encode()
    t.proxy.order(("ec2:DescribeSpotFleetRequestHistory", "answer", (200, history)),
                  ("ec2:DescribeFleetHistory", "answer", (200, history.replace(b">error<", b">service-error<").replace(b"DescribeSpotFleetRequestHistory", b"DescribeFleetHistory"))))
    c = Case(t)
    check("a10 what keeps a fleet from its target is told", {k["target"] for k in c.find("warn", "fleet-errors", "spotInstanceCountLimitExceeded")} == set(FLEETS.values()), c.told)
    t.proxy.order()


class Measures(http.server.BaseHTTPRequestHandler):
    """The hosts' cAdvisors, 127.x for 10.x, each with its own page of the sandbox; and a Prometheus."""

    def do_GET(self):
        host = self.connection.getsockname()[0].replace("127.", "10.", 1)
        ask = urllib.request.Request(f"http://127.0.0.1:{self.server.sandbox_port}/metrics", headers={"Host": host + ":8080"})
        with urllib.request.urlopen(ask, timeout=10) as r:
            self.say(r.read())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.say(b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"f":"a"},"value":[1,"7"]},{"metric":{"f":"b"},"value":[1,"5"]}]}}')

    def say(self, body):
        self.send_response(200 if self.client_address[0].startswith("127.") else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def measured(t):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Measures)
    server.sandbox_port, port = t.proxy.sandbox_port, server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def use(cadvisor, prometheus):
        def change(cs):
            cs[0]["usage"] = {"cadvisor": {"port": cadvisor}}
            cs[1]["usage"] = {"prometheus": {"url": f"http://127.0.0.1:{prometheus}", "overflow_query": "turned_away"}}
        return t.changed(change)
    t.proxy.order(("ec2:DescribeInstances", "replace", b"<privateIpAddress>10.", b"<privateIpAddress>127."))
    c = Case(t, policy=use(port, port))
    shown = c.find("ok", "usage", "cAdvisor on 3 of its hosts", "main")
    check("the hosts' cAdvisors are asked at their private addresses", shown and int(re.search(r"shows (\d+) containers", shown[0]["what"])[1]) > 3, c.told)
    check("a Prometheus is asked the policy's query", c.find("ok", "usage", "measures 12 tasks of 2 families", "jobs"), c.told)
    check("and for open circuit breakers", c.find("ok", "usage", "counts 2 series, some above 0", "jobs"), c.told)
    server.shutdown()
    server.server_close()
    c = Case(t, policy=use(port, port))
    check("g7_a_count_of_open_breakers_that_is_not_told_fails", c.find("fail", "usage", "overflow_query tells nothing", "jobs"), c.told)
    check("g1 a source of use that does not answer fails, with the host", c.code == 1 and c.find("fail", "usage", "tells nothing", "jobs")
          and re.match(r"i-\w+ at 127\.\S+:", c.find("fail", "usage", "", "main")[0]["what"]), c.told)


class Alive(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def host(t):
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen()
    c = Case(t, "--listen", f"127.0.0.1:{held.getsockname()[1]}")
    check("an address that another holds fails", c.code == 1 and c.find("fail", "listen", "give another --listen"), c.told)
    held.close()
    alive = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Alive)
    threading.Thread(target=alive.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{alive.server_address[1]}"
    check("an address where masu answers is a warning", Case(t, "--listen", address).find("warn", "listen", "a masu answers"))
    done = subprocess.run([MASU, "health", "--listen", address], check=False, stderr=subprocess.PIPE, text=True)
    check("health says that it is alive", done.returncode == 0, done.stderr)
    check("health of all interfaces asks on loopback", subprocess.run([MASU, "health", "--listen", "0.0.0.0:" + address.split(":")[1]], check=False).returncode == 0)
    alive.shutdown()
    alive.server_close()
    done = subprocess.run([MASU, "health", "--listen", address, "--timeout", "1s"], check=False, stderr=subprocess.PIPE, text=True)
    check("health says that it is not", done.returncode == 1 and "healthz" in done.stderr, done.stderr)
    for path, words in ((str(t.folder / "no/such/state.db"), "nothing can be made"), (str(t.folder), "is not a file"), ("/proc/state.db", "nothing can be made")):
        c = Case(t, "--state", path)
        check(f"i5 a state that cannot be kept fails: {words}", c.code == 1 and c.find("fail", "state", "without a journal"), c.told)


def words(t):
    c = Case(t, policy='{\n  "clusters": [{"name": "a", "fleets": [{"id": "sfr-1", "mxa": 3}]}]\n}')
    check("a wrong policy fails with its place, and AWS is not asked", c.code == 1 and c.find("fail", "policy") and "policy.json:2:" in c.told and not t.proxy.asked(), c.told)
    bare = subprocess.run([MASU, "doctor"], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check("without a policy it is wrong usage", bare.returncode == 64 and "--policy F is missing" in bare.stderr)
    t.policy.write_text(json.dumps(t.good))
    text = subprocess.run([MASU, "doctor", "--policy", str(t.policy), "--listen", "127.0.0.1:0"], check=False, stdout=subprocess.PIPE, text=True, env=t.proxy.env).stdout
    lines = text.splitlines()
    check("the text is one line a check: state, id, target, what -> remedy", all(re.match(r"(ok  |warn|FAIL)  [a-z-]+ ", line) for line in lines[:-2]), text)
    check("the columns are aligned", len({re.match(r"\S+\s+\S+\s+", line).end() for line in lines[:-2] if "cannot be asked" not in line and "  clock" not in line}) == 1, text)
    check("its last line counts", re.fullmatch(r"\d+ ok, \d+ warnings?, 0 failures", lines[-1]), text)
    check("no colour into a pipe", "\033" not in text)
    master, slave = pty.openpty()
    child = subprocess.Popen([MASU, "doctor", "--policy", str(t.policy), "--listen", "127.0.0.1:0"], stdout=slave, env={**t.proxy.env, "TERM": "xterm"})
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    child.wait(timeout=30)
    check("colour on a terminal", b"\033[32mok" in seen, seen[:200])


# A run mostly waits for the rate budget, so the parts go on side by side, each in a world of its own.
def in_own_world(part, folder):
    folder.mkdir()
    t = World(folder)
    try:
        part(t)
        t.proxy.order()
        return t.proxy.env["AWS_SECRET_ACCESS_KEY"]
    finally:
        t.proxy.close()


def main():
    reads, writes = actions()
    of_groups = [a for a in reads if a.startswith("autoscaling:")]
    others = [a for a in reads if a not in of_groups and a != TEMPLATES]
    half = len(others) // 2
    parts = [lambda t: (all_is_well(t, reads, writes), writes_and_silence(t), words(t)), lambda t: groups_permissions(t, of_groups),
             lambda t: permissions(t, others[:half]), lambda t: permissions(t, others[half:]), lambda t: (credentials(t), region(t)),
             lambda t: (clusters(t), fleets_made_up(t)), lambda t: (types_outside(t), other_hands(t), host(t)), lambda t: (on_demand(t), measured(t)), instants]
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(max_workers=len(parts)) as pool:
        secrets = list(pool.map(in_own_world, parts, [pathlib.Path(name) / str(i) for i in range(len(parts))]))
        check("no secret was printed in any run", not [o for o in outputs if any(x in o for x in secrets)])
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
