"""`masu iam-policy`: what it prints allows every operation that scaler/aws can send, on the things of the policy, and nothing else.

usage: iam_policy_test.py MASU SOURCE_ROOT
"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MASU, ROOT = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
failures = []
MEMBER_TAG, EC2_MEMBER_TAG = "ec2:ResourceTag/aws:ec2spot:fleet-request-id", "ec2:ResourceTag/aws:ec2:fleet-id"
OF_ONE_KIND = {"sfr-": {"ec2:ModifySpotFleetRequest", "ec2:DescribeSpotFleetInstances", "ec2:DescribeSpotFleetRequestHistory"},
               "fleet-": {"ec2:ModifyFleet", "ec2:DescribeFleets", "ec2:DescribeFleetInstances", "ec2:DescribeFleetHistory"}}
OF_INSTANT = {"ec2:CreateFleet", "ec2:DescribeLaunchTemplateVersions"}  # only where the policy has an instant fleet; with it AWS asks for two more
ASKED_BESIDES = {"ec2:RunInstances", "iam:PassRole"}
NO_PERMISSION = {"sts:GetCallerIdentity"}  # AWS answers it to anybody


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"))
    if not holds:
        failures.append(name)


def masu(*arguments, **env):
    return subprocess.run([MASU, "iam-policy", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **env})


def operations():
    """What the client can send, as its source declares it."""
    found = set()
    for path in sorted((ROOT / "scaler/aws").glob("*.c")):
        for service, name in re.findall(r'\{AWS_([A-Z0-9_]+), "(\w+)"', path.read_text()):
            found.add(f"{service.lower().replace('_', '-')}:{name.removesuffix('Batch')}")  # IAM allows a batch as its single action
    return found


def group_of(fleet):
    """Each fleet of the policy here has an Auto Scaling group beside it."""
    return "asg-" + fleet.rsplit("-", 1)[1]


def resource(action, account, region, cluster, fleet):
    """The resource and condition keys that AWS checks a call with (Service Authorization Reference), for one cluster and fleet."""
    ecs, ec2 = f"arn:aws:ecs:{region}:{account}:", f"arn:aws:ec2:{region}:{account}:"
    own = ecs + "cluster/" + cluster
    forms = {
        "ecs:DescribeClusters": own, "ecs:ListContainerInstances": own, "ecs:DeregisterContainerInstance": own,
        "ecs:DescribeContainerInstances": f"{ecs}container-instance/{cluster}/0123456789abcdef",
        "ecs:UpdateContainerInstancesState": f"{ecs}container-instance/{cluster}/0123456789abcdef",
        "ecs:DescribeServices": f"{ecs}service/{cluster}/web", "ecs:DescribeTasks": f"{ecs}task/{cluster}/0123456789abcdef",
        "ecs:GetTaskProtection": f"{ecs}task/{cluster}/0123456789abcdef",
        "ec2:DescribeSpotFleetRequestHistory": f"{ec2}spot-fleet-request/{fleet}",
        "ec2:DescribeFleetHistory": f"{ec2}fleet/{fleet}", "ec2:DescribeFleetInstances": f"{ec2}fleet/{fleet}", "ec2:ModifyFleet": f"{ec2}fleet/{fleet}",
        "ec2:DescribeSpotFleetInstances": f"{ec2}spot-fleet-request/{fleet}", "ec2:ModifySpotFleetRequest": f"{ec2}spot-fleet-request/{fleet}",
    }
    if action.startswith("sqs:"):
        return f"arn:aws:sqs:{region}:{account}:events-{region}", {}
    if action.startswith("autoscaling:") and not action.startswith("autoscaling:Describe"):
        return (f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:00000000-0000-4000-8000-000000000000:autoScalingGroupName/{group_of(fleet)}",
                {"aws:TagKeys": ["masu:owner"]})
    keys = {"ecs:cluster": own} if action.startswith("ecs:") else {EC2_MEMBER_TAG if fleet.startswith("fleet-") else MEMBER_TAG: fleet, "aws:TagKeys": ["masu:drain"]}
    instance = f"{ec2}instance/i-0123456789abcdef0"
    return forms.get(action, instance if action in ("ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags") else "*"), keys


def holds(operator, wanted, value):
    wanted = wanted if isinstance(wanted, list) else [wanted]
    values = value if isinstance(value, list) else [value]
    like = {"StringEquals": lambda p, v: p == v, "StringLike": lambda p, v: fnmatch.fnmatchcase(v, p), "ArnLike": lambda p, v: fnmatch.fnmatchcase(v, p)}
    quantifier, _, plain = operator.rpartition(":")
    one = lambda v: any(like[plain](p, v) for p in wanted)  # noqa: E731
    return all(one(v) for v in values) if quantifier == "ForAllValues" else value is not None and any(one(v) for v in values)


def allowed(document, action, arn, keys):
    for s in document["Statement"]:
        assert s["Effect"] == "Allow"
        if action not in s["Action"] or not any(fnmatch.fnmatchcase(arn, r) for r in s["Resource"]):
            continue
        if all(holds(operator, wanted, keys.get(key)) for operator, by_key in s.get("Condition", {}).items() for key, wanted in by_key.items()):
            return True
    return False


def every_service_operation():
    """Every operation that AWS knows, from botocore where there is one."""
    try:
        import botocore.session
    except ImportError:
        return set()
    session = botocore.session.get_session()
    return {f"{service}:{name}" for service in ("ecs", "ec2", "sts", "autoscaling", "iam", "cloudwatch", "application-autoscaling", "sqs")
            for name in session.get_service_model(service).operation_names}


def narrowed(folder, sent):
    path = pathlib.Path(folder) / "policy.json"
    path.write_text(json.dumps({"events": [{"queue_url": f"https://sqs.{r}.amazonaws.com/111122223333/events-{r}"} for r in ("eu-west-1", "us-east-2")], "clusters": [
        {"name": "prod", "region": "eu-west-1", "account": "111122223333", "fleets": [
            {"id": "sfr-aaaa", "max": 9}, {"id": "sfr-bbbb", "max": 9}, {"group": "asg-aaaa", "max": 9}, {"group": "asg-bbbb", "max": 9}]},
        {"name": "arn:aws:ecs:us-east-2:111122223333:cluster/jobs", "fleets": [
            {"id": "sfr-cccc", "max": 9}, {"group": "asg-cccc", "max": 9}, {"id": "fleet-dddd", "max": 9}, {"group": "asg-dddd", "max": 9}]}]}))
    whole, reads = json.loads(masu("--policy", path).stdout), json.loads(masu("--policy", path, "--read-only").stdout)
    own = [("111122223333", "eu-west-1", "prod", "sfr-aaaa"), ("111122223333", "eu-west-1", "prod", "sfr-bbbb"), ("111122223333", "us-east-2", "jobs", "sfr-cccc"),
           ("111122223333", "us-east-2", "jobs", "fleet-dddd")]
    foreign = [("111122223333", "eu-west-1", "other", "sfr-zzzz"), ("111122223333", "eu-west-1", "prod2", "sfr-aaaa2"),
               ("999988887777", "eu-west-1", "prod", "sfr-zzzz"), ("111122223333", "us-east-1", "prod", "sfr-zzzz"),
               ("111122223333", "us-east-2", "other", "fleet-zzzz"), ("111122223333", "eu-west-1", "jobs", "fleet-dddd")]
    writes = {"ecs:UpdateContainerInstancesState", "ecs:DeregisterContainerInstance", "ec2:ModifySpotFleetRequest", "ec2:ModifyFleet", "ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags",
              "sqs:ReceiveMessage", "sqs:DeleteMessage",
              *(a for a in sent if a.startswith("autoscaling:") and not a.startswith("autoscaling:Describe"))}
    for action in sorted(sent - NO_PERMISSION - OF_INSTANT):
        here = [o for o in own if not any(action in kind and not o[3].startswith(of) for of, kind in OF_ONE_KIND.items())]
        mine = [allowed(whole, action, *resource(action, *o)) for o in here]
        check(f"{action} is allowed on what the policy names", all(mine), mine)
        theirs = [allowed(whole, action, *resource(action, *o)) for o in foreign if not action.startswith("sqs:") or o[:2] not in [m[:2] for m in own]]
        unnarrowable = resource(action, *here[0])[0] == "*" and action not in ("ecs:ListServices", "ecs:ListTasks")
        check(f"{action} is allowed on nothing else", unnarrowable or not any(theirs), theirs)
        check(f"{action} is {'not ' if action in writes else ''}in the read-only policy", allowed(reads, action, *resource(action, *here[0])) == (action not in writes))
    arn, keys = resource("ec2:CreateTags", *own[0])
    member = {"ec2:ResourceTag/aws:autoscaling:groupName": "asg-aaaa", "aws:TagKeys": ["masu:drain"]}
    check("members of a group may be marked, and of no other", allowed(whole, "ec2:CreateTags", arn, member)
          and not allowed(whole, "ec2:CreateTags", arn, {**member, "ec2:ResourceTag/aws:autoscaling:groupName": "asg-zzzz"}))
    path.write_text(json.dumps({"clusters": [{"name": "prod", "fleets": [{"id": "sfr-aaaa", "max": 9}]}]}))
    check("without a group nothing about groups is asked for", "autoscaling:Set" not in masu("--policy", path).stdout and '"autoscaling:Describe' not in masu("--policy", path).stdout)
    check("only tags of masu may be set", not allowed(whole, "ec2:CreateTags", arn, {**keys, "aws:TagKeys": ["masu:drain", "Name"]}))
    fleet = resource("ec2:ModifySpotFleetRequest", *own[0])[0]
    check("a fleet may be claimed, and tagged with nothing else", allowed(whole, "ec2:CreateTags", fleet, {"aws:TagKeys": ["masu:owner"]})
          and not allowed(whole, "ec2:CreateTags", fleet, {"aws:TagKeys": ["Name"]}) and not allowed(whole, "ec2:DeleteTags", fleet, {"aws:TagKeys": ["masu:owner"]}))
    check("a fleet of others cannot be claimed", not allowed(whole, "ec2:CreateTags", resource("ec2:ModifySpotFleetRequest", *foreign[0])[0], {"aws:TagKeys": ["masu:owner"]}))
    check("an instance of no fleet cannot be ended", not allowed(whole, "ec2:TerminateInstances", arn, {}))
    ec2_fleet = resource("ec2:ModifyFleet", *own[3])[0]
    check("an EC2 Fleet may be claimed", allowed(whole, "ec2:CreateTags", ec2_fleet, {"aws:TagKeys": ["masu:owner"]}))
    path.write_text(json.dumps({"clusters": [{"name": "prod", "region": "eu-west-1", "account": "111122223333", "fleets": [{"id": "sfr-aaaa", "max": 9}]}]}))
    spot_only = masu("--policy", path).stdout
    check("a policy without EC2 Fleets allows nothing of them", "ec2:ModifyFleet" not in spot_only and "ec2:DescribeFleets" not in spot_only and ":fleet/" not in spot_only, spot_only)
    path.write_text(json.dumps({"clusters": [{"name": "prod", "region": "eu-west-1", "account": "111122223333", "fleets": [{"tag": "Fleet=web", "max": 9}]}]}))
    by_tag = json.loads(masu("--policy", path).stdout)
    for action, id in (("ec2:ModifyFleet", "fleet-new"), ("ec2:ModifySpotFleetRequest", "sfr-new"), ("ec2:TerminateInstances", "fleet-new"), ("ec2:TerminateInstances", "sfr-new")):
        check(f"{action} is allowed on whichever fleet carries the tag, {id}", allowed(by_tag, action, *resource(action, "111122223333", "eu-west-1", "prod", id)))
    check("an instance of no fleet cannot be ended there", not allowed(by_tag, "ec2:TerminateInstances", arn, {}))
    check("a policy without instant fleets allows no launch and passes no role", "CreateFleet" not in spot_only and "PassRole" not in spot_only and "RunInstances" not in spot_only)
    path.write_text(json.dumps({"clusters": [{"name": "prod", "region": "eu-west-1", "account": "111122223333", "fleets": [
        {"instant": {"name": "spare", "launch_template": "lt-1", "subnets": ["subnet-1"], "types": ["c5.large"]}, "max": 9}]}]}))
    instant = json.loads(masu("--policy", path).stdout)
    ec2 = "arn:aws:ec2:eu-west-1:111122223333:"
    for action in ("ec2:CreateFleet", "ec2:RunInstances"):
        check(f"{action} is allowed there, in its region and account", all(allowed(instant, action, ec2 + r, {}) for r in ("fleet/f", "launch-template/lt-1", "subnet/s"))
              and not allowed(instant, action, "arn:aws:ec2:us-east-1:111122223333:subnet/s", {}))
    check("the image may be anybody's", allowed(instant, "ec2:RunInstances", "arn:aws:ec2:eu-west-1::image/ami-1", {}))
    role = "arn:aws:iam::111122223333:role/ecs"
    check("a role is passed to EC2 only", allowed(instant, "iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})
          and not allowed(instant, "iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"}))
    for action in ("ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"):
        keys = {"ec2:ResourceTag/masu:fleet": "prod/spare", "aws:TagKeys": ["masu:drain"]}
        check(f"{action} is allowed on its members, by their tag", allowed(instant, action, ec2 + "instance/i-1", keys)
              and not allowed(instant, action, ec2 + "instance/i-1", {**keys, "ec2:ResourceTag/masu:fleet": "other/spare"}))
    check("what is launched may be tagged while it is", allowed(instant, "ec2:CreateTags", ec2 + "instance/i-1", {"ec2:CreateAction": "CreateFleet"})
          and not allowed(instant, "ec2:CreateTags", ec2 + "instance/i-1", {}))
    check("nothing of fleets with a target", "ModifyFleet" not in json.dumps(instant) and "ModifySpotFleetRequest" not in json.dumps(instant))
    path.write_text('{"clusters": [{"name": "prod", "fleets": []}]}')
    done = masu("--policy", path)
    check("a wrong policy prints no policy", done.returncode == 1 and done.stdout == "" and f"{path}:1:" in done.stderr, done.stderr)


def unnarrowed(sent):
    done = masu()
    document = json.loads(done.stdout)
    listed = [a for s in document["Statement"] for a in s["Action"]]
    check("the operations of the client and the actions of the policy are the same: a new one needs its row in scaler/permissions.c",
          set(listed) == (sent - NO_PERMISSION) | ASKED_BESIDES, sorted(set(listed) ^ ((sent - NO_PERMISSION) | ASKED_BESIDES)))
    check("no action has a wildcard", not any("*" in a for a in listed))
    others = {a for a in every_service_operation() - sent - ASKED_BESIDES if allowed(document, a, *resource(a, "111122223333", "us-east-1", "c", "sfr-1"))}
    check("no other operation of AWS is allowed", not others, others)
    check("without a policy every change is still narrowed to a kind of thing",
          all(s["Resource"] != ["*"] for s in document["Statement"] if s["Sid"].startswith("Change")))
    check("a statement's id is its own, and of letters", len({s["Sid"] for s in document["Statement"]}) == len(document["Statement"])
          and all(s["Sid"].isalpha() for s in document["Statement"]))
    check("AWS_REGION stands in where nothing names a region", "arn:aws-cn:ecs:cn-north-1:*:cluster/*" in masu(AWS_REGION="cn-north-1").stdout)
    check("a region that is none is not used", "arn:aws:ecs:*:*:cluster/*" in masu(AWS_REGION="../evil").stdout)
    table = masu("--format", "text").stdout
    check("the table names every operation with its reason", all(re.search(rf"^(read|change)\s+{a}\s+\S.*", table, re.M) for a in sent), table)


with tempfile.TemporaryDirectory() as name:
    asked = operations()
    check("the source names operations", len(asked) >= 20, asked)
    unnarrowed(asked)
    narrowed(name, asked)
    many = pathlib.Path(name) / "many.json"
    many.write_text(json.dumps({"clusters": [{"name": f"cluster-{i}", "region": "eu-west-1", "fleets": [{"id": f"sfr-{i}", "max": 1}]} for i in range(40)]}))
    check("a policy longer than IAM takes is told", "6144" in masu("--policy", many).stderr)
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
