#!/usr/bin/python3
"""Official clients against the sandbox on a socket: Debian's awscli with real signatures, and botocore's models and parsers.

Usage: awscli_test.py SERVER   (a program that takes the options of `masu sandbox`)
Skipped (exit 77) where awscli or botocore is not installed. Each check prints a line; the first that fails ends the test.
"""
import datetime
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

AWS = "/usr/bin/aws"  # Debian's; another `aws` may come first on PATH
PERSON = ("AKIASANDBOXPERSON000", "sandbox/secret+of/a+person/000000000000")
# Members newer than the botocore under test.
NEWER = {"availabilityZoneRebalancing", "availabilityZoneId", "ScalableTargetARN"}

try:
    import botocore.exceptions
    import botocore.session
except ImportError:
    botocore = None


class Server:
    """masu sandbox on a free port; what it prints is what a person would paste into a shell."""

    shell = None

    def __init__(self, program, *options):
        self.process = subprocess.Popen([program, "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, text=True)
        self.exports = {}
        while "AWS_REGION" not in self.exports:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("the sandbox did not start")
            if line.startswith("export "):
                name, value = line[len("export "):].strip().split("=", 1)
                self.exports[name] = value
        self.url = self.exports["AWS_ENDPOINT_URL"]

    def stop(self):
        if self.shell is not None:
            self.shell.stdin.close()
            self.shell.wait(timeout=30)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def check(what, holds, shown=""):
    print(("ok      " if holds else "FAILED  ") + what, shown if not holds else "", flush=True)
    if not holds:
        raise SystemExit(1)


# ---- botocore: answers hold nothing that the models do not know -------------------------------------------------------------
def unknown_json(shape, value, path):
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {m.serialization.get("name", k): m for k, m in shape.members.items()}
        for key, member in value.items():
            if key not in names and key not in NEWER:
                yield f"{path}.{key}"
            elif key in names:
                yield from unknown_json(names[key], member, f"{path}.{key}")
    elif shape.type_name == "list":
        for item in value:
            yield from unknown_json(shape.member, item, path + "[]")


def tag(element):
    return element.tag.rsplit("}", 1)[-1]


def flattened(shape):
    """SQS's lists and maps have no element of their own around their items."""
    return shape.type_name in ("list", "map") and shape.serialization.get("flattened")


def unknown_xml(shape, element, path):
    if shape.type_name == "structure":
        names = {m.serialization.get("name", k): m for k, m in shape.members.items() if not flattened(m)}
        names |= {m.member.serialization["name"]: m.member for m in shape.members.values() if flattened(m) and m.type_name == "list"}
        names |= {m.serialization["name"]: m.value for m in shape.members.values() if flattened(m) and m.type_name == "map"}
        for child in element:
            if tag(child) in names:
                yield from unknown_xml(names[tag(child)], child, f"{path}.{tag(child)}")
            elif tag(child) not in NEWER:
                yield f"{path}.{tag(child)}"
    elif shape.type_name == "list":
        for child in element:
            if tag(child) != shape.member.serialization.get("name", "member"):
                yield f"{path}.{tag(child)} as a list item"
            yield from unknown_xml(shape.member, child, path + "[]")


class Clients:
    def __init__(self, server, key=None):
        self.session = botocore.session.Session()
        self.server = server
        self.key = key or (server.exports["AWS_ACCESS_KEY_ID"], server.exports["AWS_SECRET_ACCESS_KEY"])
        self.unknown = []
        self.checked = 0

    def client(self, service):
        client = self.session.create_client(service, region_name=self.server.exports["AWS_REGION"], endpoint_url=self.server.url,
                                            aws_access_key_id=self.key[0], aws_secret_access_key=self.key[1],
                                            config=botocore.config.Config(retries={"max_attempts": 0}))
        client.meta.events.register(f"response-received.{service}", lambda **k: self.look(client, **k))
        return client

    def look(self, client, response_dict, context, event_name, **_):
        operation = client.meta.service_model.operation_model(event_name.rsplit(".", 1)[-1])
        if response_dict is None or response_dict["status_code"] != 200 or operation.output_shape is None:
            return
        self.checked += 1
        if client.meta.service_model.protocol == "json":
            self.unknown += unknown_json(operation.output_shape, json.loads(response_dict["body"]), operation.name)
            return
        root = ElementTree.fromstring(response_dict["body"])
        wrapper = operation.output_shape.serialization.get("resultWrapper")
        if wrapper:
            root = next(c for c in root if tag(c) == wrapper)
        self.unknown += [u for u in unknown_xml(operation.output_shape, root, operation.name) if not u.endswith(".requestId")]


def refused(what, code, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        check(what, error.response["Error"]["Code"] == code, error)
        return error.response
    check(what, False, "it was answered")
    return None


def ecs_reads(clients):
    ecs = clients.client("ecs")
    arns = ecs.list_clusters()["clusterArns"]
    check("two clusters are listed", len(arns) == 2, arns)
    clusters = ecs.describe_clusters(clusters=arns + ["nope"], include=["STATISTICS"])
    cluster = max(clusters["clusters"], key=lambda c: c["registeredContainerInstancesCount"])
    name = cluster["clusterName"]
    check("clusters are described", cluster["status"] == "ACTIVE" and cluster["activeServicesCount"] > 1, cluster)
    check("an unknown cluster is a failure", clusters["failures"][0]["reason"] == "MISSING")
    instances = ecs.list_container_instances(cluster=name, status="ACTIVE")["containerInstanceArns"]
    described = ecs.describe_container_instances(cluster=name, containerInstances=instances[:100], include=["TAGS"])["containerInstances"]
    one = described[0]
    registered = {r["name"]: r for r in one["registeredResources"]}
    attributes = {a["name"]: a.get("value") for a in one["attributes"]}
    check("container instances tell resources", registered["CPU"]["integerValue"] >= 1024 and registered["MEMORY"]["integerValue"] > 1000, one)
    check("and attributes", attributes["ecs.instance-type"] and attributes["ecs.availability-zone"].startswith("us-east-1"), attributes)
    check("and when they registered", one["registeredAt"].year >= 2026 and one["agentConnected"] is True)
    services = [a for page in ecs.get_paginator("list_services").paginate(cluster=name) for a in page["serviceArns"]]
    check("services come in pages of ten", len(services) == cluster["activeServicesCount"], services)
    service = ecs.describe_services(cluster=name, services=services[:10])["services"][0]
    check("services tell counts and deployments", service["desiredCount"] >= 0 and service["deployments"][0]["status"] == "PRIMARY", service)
    check("and their percents", service["deploymentConfiguration"]["maximumPercent"] >= 100)
    tasks = [a for page in ecs.get_paginator("list_tasks").paginate(cluster=name) for a in page["taskArns"]]
    check("tasks come in pages of a hundred", len(set(tasks)) == len(tasks) > 20, len(tasks))
    task = ecs.describe_tasks(cluster=name, tasks=tasks[:100])["tasks"][0]
    check("tasks tell where they run", task["lastStatus"] and task["containerInstanceArn"].startswith("arn:aws:ecs:"), task)
    definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    check("task definitions tell containers", definition["containerDefinitions"][0]["essential"] is True, definition)
    mine = [t for t in tasks if t][:1]
    protection = ecs.get_task_protection(cluster=name, tasks=mine)
    check("protection is told", len(protection["protectedTasks"]) + len(protection["failures"]) == 1, protection)
    check("there are no capacity providers", ecs.describe_capacity_providers()["capacityProviders"] == [])
    refused("a wrong cluster is refused", "ClusterNotFoundException", ecs.list_tasks, cluster="nope")
    return name, instances


def ec2_reads(clients):
    ec2 = clients.client("ec2")
    fleets = ec2.describe_spot_fleet_requests()["SpotFleetRequestConfigs"]
    config = fleets[0]["SpotFleetRequestConfig"]
    check("spot fleets tell target and weights", config["TargetCapacity"] > 0 and config["FulfilledCapacity"] > 0 and config["Type"] == "maintain"
          and config["LaunchTemplateConfigs"][0]["Overrides"][0]["WeightedCapacity"] > 0, config)
    fleet = fleets[0]["SpotFleetRequestId"]
    members = ec2.describe_spot_fleet_instances(SpotFleetRequestId=fleet)["ActiveInstances"]
    filters = [{"Name": "tag:aws:ec2spot:fleet-request-id", "Values": [fleet]}, {"Name": "instance-state-name", "Values": ["pending", "running"]}]
    pages = list(ec2.get_paginator("describe_instances").paginate(Filters=filters, PaginationConfig={"PageSize": 5}))
    instances = [i for page in pages for r in page["Reservations"] for i in r["Instances"]]
    check("instances are found by the fleet's tag, in pages", {i["InstanceId"] for i in instances} == {m["InstanceId"] for m in members} and len(pages) > 1,
          (len(instances), len(members)))
    one = instances[0]
    check("instances tell state, type, zone and time", one["State"]["Name"] in ("pending", "running") and one["Placement"]["AvailabilityZone"]
          and one["LaunchTime"].year >= 2026 and one["InstanceLifecycle"] == "spot", one)
    types = ec2.describe_instance_types(InstanceTypes=[one["InstanceType"]])["InstanceTypes"][0]
    check("types tell vCPUs, memory and interfaces", types["VCpuInfo"]["DefaultVCpus"] >= 1 and types["MemoryInfo"]["SizeInMiB"] >= 1024
          and types["NetworkInfo"]["MaximumNetworkInterfaces"] >= 2 and types["ProcessorInfo"]["SupportedArchitectures"], types)
    prices = ec2.describe_spot_price_history(InstanceTypes=[one["InstanceType"]], ProductDescriptions=["Linux/UNIX"])["SpotPriceHistory"]
    check("prices are decimal strings", 0 < float(prices[0]["SpotPrice"]) < 100, prices)
    status = ec2.describe_instance_status(InstanceIds=[one["InstanceId"]])["InstanceStatuses"]
    check("status is told", status == [] or status[0]["InstanceStatus"]["Status"] == "ok", status)
    requests = ec2.describe_spot_instance_requests(Filters=[{"Name": "instance-id", "Values": [one["InstanceId"]]}])["SpotInstanceRequests"]
    check("spot requests are told", requests[0]["Status"]["Code"] == "fulfilled", requests)
    history = ec2.describe_spot_fleet_request_history(SpotFleetRequestId=fleet, StartTime="2026-01-01T00:00:00Z")["HistoryRecords"]
    check("the fleet's history is told", any(h["EventInformation"]["EventSubType"] == "launched" for h in history), history[:2])
    check("zones, regions, subnets and offerings are told", len(ec2.describe_availability_zones()["AvailabilityZones"]) == 3
          and ec2.describe_regions()["Regions"][0]["RegionName"] == "us-east-1" and len(ec2.describe_subnets()["Subnets"]) == 3
          and ec2.describe_instance_type_offerings(LocationType="availability-zone")["InstanceTypeOfferings"])
    refused("one unknown id fails the call", "InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-0ffffffffffffffff"])
    dry = refused("a dry run of a termination is told as such", "DryRunOperation", ec2.terminate_instances, InstanceIds=[one["InstanceId"]], DryRun=True)
    check("with status 412", dry["ResponseMetadata"]["HTTPStatusCode"] == 412)
    return fleet, config["TargetCapacity"], [i["InstanceId"] for i in instances]


def writes(clients, cluster, arns, fleet, target, ids):
    ecs, ec2 = clients.client("ecs"), clients.client("ec2")
    ec2.create_tags(Resources=ids[:2], Tags=[{"Key": "masu:drain", "Value": "2026-01-15T12:34:56Z <test> & more"}])
    found = ec2.describe_instances(Filters=[{"Name": "tag:masu:drain", "Values": ["*"]}])["Reservations"]
    tags = {t["Key"]: t["Value"] for t in found[0]["Instances"][0]["Tags"]}
    check("tags are set and read back", len(found) == 2 and tags["masu:drain"] == "2026-01-15T12:34:56Z <test> & more", tags)
    ec2.delete_tags(Resources=ids[:2], Tags=[{"Key": "masu:drain"}])
    check("and deleted", ec2.describe_instances(Filters=[{"Name": "tag-key", "Values": ["masu:drain"]}])["Reservations"] == [])
    changed = ecs.update_container_instances_state(cluster=cluster, containerInstances=arns[:1], status="DRAINING")
    check("an instance drains", changed["containerInstances"][0]["status"] == "DRAINING" and changed["failures"] == [])
    check("and is listed so", ecs.list_container_instances(cluster=cluster, status="DRAINING")["containerInstanceArns"] == arns[:1])
    ecs.update_container_instances_state(cluster=cluster, containerInstances=arns[:1], status="ACTIVE")
    check("a fleet is modified", ec2.modify_spot_fleet_request(SpotFleetRequestId=fleet, TargetCapacity=target + 2,
                                                               ExcessCapacityTerminationPolicy="noTermination")["Return"] is True)
    refused("but not twice at once", "FleetNotInModifiableState", ec2.modify_spot_fleet_request, SpotFleetRequestId=fleet, TargetCapacity=target)


def roomiest(instances):
    """ARNs of those that take tasks, most memory first: what others leave free hangs on the time of day."""
    memory = {i["containerInstanceArn"]: r["integerValue"] for i in instances for r in i["remainingResources"] if r["name"] == "MEMORY" and i["status"] == "ACTIVE"}
    return sorted(memory, key=memory.get, reverse=True)


def ecs_again(clients, cluster):
    ecs = clients.client("ecs")
    arns = ecs.list_container_instances(cluster=cluster, status="ACTIVE")["containerInstanceArns"]
    return roomiest(ecs.describe_container_instances(cluster=cluster, containerInstances=arns[:100])["containerInstances"])


def placement(clients, cluster, arns):
    ecs = clients.client("ecs")
    definition = ecs.register_task_definition(
        family="boto", networkMode="bridge", containerDefinitions=[{"name": "a", "image": "i", "cpu": 32, "memory": 128, "memoryReservation": 64}],
        placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}])["taskDefinition"]
    check("a definition is registered", definition["revision"] == 1 and definition["placementConstraints"][0]["type"] == "memberOf", definition)
    put = ecs.put_attributes(cluster=cluster, attributes=[{"name": "rack", "value": "7", "targetId": arns[1]}])["attributes"]
    check("an attribute is put", put[0]["targetId"] == arns[1], put)
    listed = ecs.list_attributes(cluster=cluster, targetType="container-instance", attributeName="rack")["attributes"]
    check("and listed", [a["value"] for a in listed] == ["7"], listed)
    found = ecs.list_container_instances(cluster=cluster, filter="attribute:rack == 7 && agentConnected == true")["containerInstanceArns"]
    check("and found by", found == [arns[1]], found)
    refused("a bad filter is refused", "InvalidParameterException", ecs.list_container_instances, cluster=cluster, filter="rack == 7")
    here = [{"type": "memberOf", "expression": "attribute:rack == 7"}]
    run = ecs.run_task(cluster=cluster, taskDefinition="boto", count=2, group="night", placementConstraints=here + [{"type": "distinctInstance"}],
                       overrides={"cpu": "64", "containerOverrides": [{"name": "a", "memory": 96}]})
    check("a task is run where its rules allow", run["tasks"][0]["containerInstanceArn"] == arns[1] and run["tasks"][0]["group"] == "night", run)
    check("and refused with the reason", "DistinctInstance" in run["failures"][0]["reason"], run)
    start = ecs.start_task(cluster=cluster, taskDefinition="boto", containerInstances=[arns[2]])
    check("a task is started where the caller says", start["tasks"][0]["containerInstanceArn"] == arns[2], start)
    stopped = ecs.stop_task(cluster=cluster, task=start["tasks"][0]["taskArn"], reason="test")["task"]
    check("and stopped", stopped["desiredStatus"] == "STOPPED", stopped)
    service = ecs.create_service(cluster=cluster, serviceName="boto", taskDefinition="boto", desiredCount=1, placementConstraints=here,
                                 placementStrategy=[{"type": "spread", "field": "attribute:rack"}, {"type": "binpack", "field": "cpu"}])["service"]
    check("a service is created", service["placementStrategy"][0]["field"] == "attribute:rack" and service["desiredCount"] == 1, service)
    refused("a bad constraint is refused", "InvalidParameterException", ecs.create_service, cluster=cluster, serviceName="bad", taskDefinition="boto",
            desiredCount=1, placementConstraints=[{"type": "memberOf", "expression": "attribute:x ="}])
    service = ecs.update_service(cluster=cluster, service="boto", desiredCount=2, placementConstraints=[], forceNewDeployment=True)["service"]
    check("and updated", service["desiredCount"] == 2 and len(service["deployments"]) == 2 and service["placementConstraints"] == [], service)
    ecs.delete_attributes(cluster=cluster, attributes=[{"name": "rack", "targetId": arns[1]}])
    check("an attribute is deleted", ecs.list_attributes(cluster=cluster, targetType="container-instance", attributeName="rack")["attributes"] == [])
    inactive = ecs.deregister_task_definition(taskDefinition="boto:1")["taskDefinition"]
    check("a definition is deregistered", inactive["status"] == "INACTIVE", inactive)
    refused("and not run", "ClientException", ecs.run_task, cluster=cluster, taskDefinition="boto:1")
    refused("an instance with tasks is not deregistered", "InvalidParameterException", ecs.deregister_container_instance, cluster=cluster, containerInstance=arns[1])
    gone = ecs.deregister_container_instance(cluster=cluster, containerInstance=arns[1], force=True)["containerInstance"]
    check("but by force", gone["status"] == "INACTIVE", gone)
    settings = ecs.list_account_settings(name="awsvpcTrunking", effectiveSettings=True)["settings"]
    check("settings are told", settings[0]["value"] == "disabled", settings)
    check("clusters tell settings when asked", ecs.describe_clusters(clusters=[cluster], include=["SETTINGS"])["clusters"][0]["settings"] != [])


def owners(clients, fleet):
    ec2, scaling, quotas = clients.client("ec2"), clients.client("application-autoscaling"), clients.client("service-quotas")
    ec2.create_tags(Resources=[fleet], Tags=[{"Key": "masu:owner", "Value": "test"}])
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [fleet]}, {"Name": "key", "Values": ["masu:owner"]}])["Tags"]
    check("a fleet is tagged", [(t["ResourceType"], t["Value"]) for t in tags] == [("spot-fleet-request", "test")], tags)
    shown = {t["Key"]: t["Value"] for t in ec2.describe_spot_fleet_requests(SpotFleetRequestIds=[fleet])["SpotFleetRequestConfigs"][0]["Tags"]}
    check("and shows it", shown["masu:owner"] == "test", shown)
    ec2.delete_tags(Resources=[fleet], Tags=[{"Key": "masu:owner", "Value": "other"}])
    check("a tag of another value stays", ec2.describe_tags(Filters=[{"Name": "tag:masu:owner", "Values": ["test"]}])["Tags"] != [])
    ec2.delete_tags(Resources=[fleet], Tags=[{"Key": "masu:owner"}])
    check("and goes", ec2.describe_tags(Filters=[{"Name": "tag:masu:owner", "Values": ["*"]}])["Tags"] == [])
    subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["us-east-1b"]}])["Subnets"][0]
    check("a subnet tells its free addresses", 0 < subnet["AvailableIpAddressCount"] < 8187, subnet)
    name = {"ServiceNamespace": "ec2", "ResourceId": "spot-fleet-request/" + fleet, "ScalableDimension": "ec2:spot-fleet-request:TargetCapacity"}
    check("nobody scales the fleet", scaling.describe_scalable_targets(ServiceNamespace="ec2")["ScalableTargets"] == [])
    scaling.register_scalable_target(**name, MinCapacity=1, MaxCapacity=9)
    scaling.put_scaling_policy(**name, PolicyName="cpu", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
        "TargetValue": 60.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "EC2SpotFleetRequestAverageCPUUtilization"}})
    targets = scaling.describe_scalable_targets(ServiceNamespace="ec2", ResourceIds=[name["ResourceId"]])["ScalableTargets"]
    check("until somebody does", targets[0]["MaxCapacity"] == 9 and targets[0]["CreationTime"].year >= 2026, targets)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ec2")["ScalingPolicies"]
    check("by a policy", policies[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60.0, policies)
    scaling.deregister_scalable_target(**name)
    refused("a target that is gone is not found", "ObjectNotFoundException", scaling.deregister_scalable_target, **name)
    check("a quota is told", quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-34B43A08")["Quota"]["Value"] == 5000.0)
    refused("one that was never applied is not", "NoSuchResourceException", quotas.get_service_quota, ServiceCode="ec2", QuotaCode="L-3819A6DF")
    check("but has a default", quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode="L-3819A6DF")["Quota"]["Value"] == 0.0)


def identities(server, clients):
    sts = clients.client("sts")
    check("the caller has a name", sts.get_caller_identity()["Arn"].endswith(":user/daemon"))
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{sts.get_caller_identity()['Account']}:role/ops", RoleSessionName="test")["Credentials"]
    check("a role gives keys that expire", role["AccessKeyId"].startswith("ASIA") and role["Expiration"].year >= 2026)
    check("a person has another name", Clients(server, PERSON).client("sts").get_caller_identity()["Arn"].endswith(":user/person"))
    wrong = Clients(server, ("AKIANOBODY0000000000", "x"))
    refused("STS refuses an unknown key", "InvalidClientTokenId", wrong.client("sts").get_caller_identity)
    refused("ECS refuses an unknown key", "UnrecognizedClientException", wrong.client("ecs").list_clusters)
    refused("EC2 refuses an unknown key", "AuthFailure", wrong.client("ec2").describe_instances)
    forged = Clients(server, (server.exports["AWS_ACCESS_KEY_ID"], "x"))
    refused("a wrong secret is refused", "InvalidSignatureException", forged.client("ecs").list_clusters)


def queues(clients):
    """botocore of Debian speaks SQS's query protocol, and asks at the host and path of the queue's URL."""
    sqs = clients.client("sqs")
    url = sqs.create_queue(QueueName="boto", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    check("a queue is found by its name", sqs.get_queue_url(QueueName="boto")["QueueUrl"] == url, url)
    refused("an unknown one is not", "AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="nobody")
    check("both queues are listed", len(sqs.list_queues()["QueueUrls"]) == 2)
    text = '{"a": "<&>", "b": "ü"}'
    sent = sqs.send_message(QueueUrl=url, MessageBody=text)
    got = sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    check("a message comes as it was sent", [m["Body"] for m in got] == [text] and got[0]["MD5OfBody"] == sent["MD5OfMessageBody"], got)
    check("and tells how often it came", got[0]["Attributes"]["ApproximateReceiveCount"] == "1", got)
    again = sqs.receive_message(QueueUrl=url, AttributeNames=["All"], WaitTimeSeconds=10)["Messages"]  # hidden for a second
    check("and again, when its visibility ends", again[0]["MessageId"] == got[0]["MessageId"] and again[0]["ReceiptHandle"] != got[0]["ReceiptHandle"], again)
    done = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": again[0]["ReceiptHandle"]}, {"Id": "y", "ReceiptHandle": "no"}])
    check("a batch tells each entry", done["Successful"][0]["Id"] == "x" and done["Failed"][0]["Code"] == "ReceiptHandleIsInvalid", done)
    count = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    check("and nothing is left", count["ApproximateNumberOfMessages"] == "0" and count["QueueArn"].endswith(":boto"), count)
    check("a poll of an empty queue ends", "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1))
    refused("a wrong handle is refused", "ReceiptHandleIsInvalid", sqs.delete_message, QueueUrl=url, ReceiptHandle="no")


# ---- awscli -----------------------------------------------------------------------------------------------------------------
def environment(server, key=None):
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": server.exports["AWS_REGION"], "AWS_ACCESS_KEY_ID": (key or server.exports["AWS_ACCESS_KEY_ID"]),
            "AWS_SECRET_ACCESS_KEY": server.exports["AWS_SECRET_ACCESS_KEY"]}


def aws(server, *arguments, key=None):
    return subprocess.run([AWS, "--endpoint-url", server.url, "--output", "json", *arguments], env=environment(server, key), capture_output=True,
                          text=True, timeout=120, check=False)


def shell(server, *arguments):
    if server.shell is None:
        server.shell = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), "aws_shell.py")], env=environment(server), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server.shell.stdin.write(json.dumps(["--endpoint-url", server.url, "--output", "json", *arguments]) + "\n")
    server.shell.stdin.flush()
    return json.loads(server.shell.stdout.readline())


def answer(server, *arguments):
    code, out, err = shell(server, *arguments)
    check("aws " + " ".join(arguments)[:90], code == 0, err)
    return json.loads(out) if out.strip() else None


def written(server, cluster, host, fleet):
    """Each operation that changes or tells of rules and owners, by hand."""
    here = ["--cluster", cluster]
    answer(server, "ecs", "register-task-definition", "--family", "hand", "--container-definitions", '[{"name":"a","image":"i","memory":64}]')
    answer(server, "ecs", "put-attributes", *here, "--attributes", f"name=desk,value=1,targetId={host}")
    listed = answer(server, "ecs", "list-attributes", *here, "--target-type", "container-instance", "--attribute-name", "desk")["attributes"]
    check("an attribute put by hand is listed", len(listed) == 1, listed)
    check("and filters", answer(server, "ecs", "list-container-instances", *here, "--filter", "attribute:desk exists")["containerInstanceArns"] == [host])
    rule = ["--placement-constraints", "type=memberOf,expression=attribute:desk == 1"]
    run = answer(server, "ecs", "run-task", *here, "--task-definition", "hand", *rule, "--placement-strategy", "type=spread,field=host")
    check("a task runs where it may", run["tasks"][0]["containerInstanceArn"] == host, run)
    start = answer(server, "ecs", "start-task", *here, "--task-definition", "hand", "--container-instances", host)
    answer(server, "ecs", "stop-task", *here, "--task", start["tasks"][0]["taskArn"])
    group = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/hand/0123456789abcdef"
    answer(server, "ecs", "create-service", *here, "--service-name", "hand", "--task-definition", "hand", "--desired-count", "1", *rule,
           "--load-balancers", f"targetGroupArn={group},containerName=a,containerPort=80")
    told = answer(server, "ecs", "describe-services", *here, "--services", "hand")["services"][0]["loadBalancers"]
    check("its target group is told", told == [{"targetGroupArn": group, "containerName": "a", "containerPort": 80}], told)
    answer(server, "ecs", "update-service", *here, "--service", "hand", "--desired-count", "0")
    answer(server, "ecs", "delete-attributes", *here, "--attributes", f"name=desk,targetId={host}")
    answer(server, "ecs", "deregister-container-instance", *here, "--container-instance", host, "--force")
    answer(server, "ecs", "deregister-task-definition", "--task-definition", "hand:1")
    answer(server, "ecs", "describe-capacity-providers")
    answer(server, "ecs", "list-account-settings", "--effective-settings")
    answer(server, "ec2", "create-tags", "--resources", fleet, "--tags", "Key=masu:owner,Value=hand")
    check("tags of a fleet", len(answer(server, "ec2", "describe-tags", "--filters", "Name=key,Values=masu:owner")["Tags"]) == 1)
    answer(server, "ec2", "delete-tags", "--resources", fleet, "--tags", "Key=masu:owner")
    answer(server, "ec2", "describe-spot-fleet-request-history", "--spot-fleet-request-id", fleet, "--start-time", "2026-01-01T00:00:00Z")
    answer(server, "ec2", "describe-spot-instance-requests", "--filters", "Name=state,Values=active")
    answer(server, "ec2", "describe-subnets")
    scores = answer(server, "ec2", "get-spot-placement-scores", "--instance-types", "m5.large", "m5.xlarge", "c5.xlarge", "--target-capacity", "5",
                    "--single-availability-zone", "--region-names", "us-east-1")["SpotPlacementScores"]
    check("placement scores are told for each zone", len(scores) == 3 and all(1 <= s["Score"] <= 10 and s["AvailabilityZoneId"] for s in scores), scores)
    answer(server, "ec2", "describe-instance-type-offerings", "--location-type", "availability-zone")
    name = ["--service-namespace", "ec2", "--resource-id", "spot-fleet-request/" + fleet, "--scalable-dimension", "ec2:spot-fleet-request:TargetCapacity"]
    answer(server, "application-autoscaling", "register-scalable-target", *name, "--min-capacity", "1", "--max-capacity", "5")
    answer(server, "application-autoscaling", "describe-scaling-policies", "--service-namespace", "ec2")
    check("a scalable target", len(answer(server, "application-autoscaling", "describe-scalable-targets", "--service-namespace", "ec2")["ScalableTargets"]) == 1)
    answer(server, "application-autoscaling", "deregister-scalable-target", *name)
    url = answer(server, "sqs", "create-queue", "--queue-name", "hand")["QueueUrl"]
    queue = ["--queue-url", url]
    answer(server, "sqs", "send-message", *queue, "--message-body", "hello")
    got = answer(server, "sqs", "receive-message", *queue, "--wait-time-seconds", "2")["Messages"][0]
    check("a message by hand", got["Body"] == "hello", got)
    answer(server, "sqs", "change-message-visibility", *queue, "--receipt-handle", got["ReceiptHandle"], "--visibility-timeout", "60")
    answer(server, "sqs", "delete-message", *queue, "--receipt-handle", got["ReceiptHandle"])
    answer(server, "sqs", "delete-message-batch", *queue, "--entries", f"Id=a,ReceiptHandle={got['ReceiptHandle']}")
    check("none is left", answer(server, "sqs", "get-queue-attributes", *queue, "--attribute-names", "All")["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0")
    check("it has a url", answer(server, "sqs", "get-queue-url", "--queue-name", "hand")["QueueUrl"] == url)
    answer(server, "sqs", "list-queues")
    answer(server, "service-quotas", "get-service-quota", "--service-code", "ec2", "--quota-code", "L-34B43A08")
    now, queries = datetime.datetime.now(datetime.timezone.utc), [
        {"Id": "a", "MetricStat": {"Metric": {"Namespace": "AWS/ECS", "MetricName": name, "Dimensions": [{"Name": "ClusterName", "Value": cluster}]}, "Period": 60, "Stat": "Average"}}
        for name in ["MemoryReservation"]]
    told = answer(server, "cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(queries), "--start-time", (now - datetime.timedelta(hours=1)).isoformat(),
                  "--end-time", (now + datetime.timedelta(hours=1)).isoformat())["MetricDataResults"][0]
    check("CloudWatch tells what is reserved", told["StatusCode"] == "Complete" and told["Values"] and all(5 < v <= 100 for v in told["Values"])
          and len(told["Values"]) == len(told["Timestamps"]), told)
    told = answer(server, "ecs", "describe-services", "--cluster", "main", "--services", "web")["services"][0]["loadBalancers"][0]["targetGroupArn"]
    queries[0]["MetricStat"] = {"Metric": {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCountPerTarget",
                                           "Dimensions": [{"Name": "TargetGroup", "Value": told.split(":", 5)[5]}]}, "Period": 60, "Stat": "Sum"}
    told = answer(server, "cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(queries), "--start-time", (now - datetime.timedelta(hours=1)).isoformat(),
                  "--end-time", (now + datetime.timedelta(hours=1)).isoformat())["MetricDataResults"][0]
    check("and what load balancers sent to a target", told["StatusCode"] == "Complete" and told["Values"] and all(v > 0 for v in told["Values"]), told)
    answer(server, "service-quotas", "get-aws-default-service-quota", "--service-code", "ec2", "--quota-code", "L-3819A6DF")


def command_line(server):
    run = aws(server, "ecs", "list-clusters")
    check("aws runs as a program", run.returncode == 0, run.stderr)
    clusters = json.loads(run.stdout)["clusterArns"]
    described = answer(server, "ecs", "describe-clusters", "--clusters", *clusters)["clusters"]
    cluster = max(described, key=lambda c: c["registeredContainerInstancesCount"])["clusterName"]
    arns = answer(server, "ecs", "list-container-instances", "--cluster", cluster)["containerInstanceArns"]
    instances = answer(server, "ecs", "describe-container-instances", "--cluster", cluster, "--container-instances", *arns[:3])["containerInstances"]
    check("describes three container instances", len(instances) == 3 and all(i["ec2InstanceId"].startswith("i-") for i in instances))
    services = answer(server, "ecs", "list-services", "--cluster", cluster)["serviceArns"]
    check("describes services", len(answer(server, "ecs", "describe-services", "--cluster", cluster, "--services", *services[:3])["services"]) == 3)
    fleet = answer(server, "ec2", "describe-spot-fleet-requests")["SpotFleetRequestConfigs"][0]["SpotFleetRequestId"]
    check("describes the fleet's instances", answer(server, "ec2", "describe-spot-fleet-instances", "--spot-fleet-request-id", fleet)["ActiveInstances"])
    ids = [i["ec2InstanceId"] for i in instances]
    check("describes instances", len(answer(server, "ec2", "describe-instances", "--instance-ids", *ids)["Reservations"]) == 3)
    answer(server, "ec2", "create-tags", "--resources", ids[0], "--tags", "Key=note,Value=by hand")
    answer(server, "ecs", "update-container-instances-state", "--cluster", cluster, "--container-instances", arns[0], "--status", "DRAINING")
    rooms = answer(server, "ecs", "describe-container-instances", "--cluster", cluster, "--container-instances", *arns[1:100])["containerInstances"]
    written(server, cluster, roomiest(rooms)[0], fleet)
    check("knows who calls", answer(server, "sts", "get-caller-identity")["Arn"].endswith("user/daemon"))
    run = aws(server, "ecs", "list-clusters", key="AKIANOBODY0000000000")
    check("a wrong key is refused", run.returncode not in (0, None) and "UnrecognizedClientException" in run.stderr, run.stderr)
    run = aws(server, "ec2", "describe-instances", key="AKIANOBODY0000000000")
    check("by EC2 too", run.returncode not in (0, None) and "AuthFailure" in run.stderr, run.stderr)


# ---- Auto Scaling groups ----------------------------------------------------------------------------------------------------------
def group_calls(clients):
    asg = clients.client("autoscaling")
    groups = [g for page in asg.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 1}) for g in page["AutoScalingGroups"]]
    check("two groups are told, page by page", len(groups) == 2, groups)
    group = groups[0]
    name, member = group["AutoScalingGroupName"], group["Instances"][0]
    check("with weights and members", group["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"][0]["WeightedCapacity"]
          and member["LifecycleState"] == "InService" and group["DesiredCapacity"] > 0, group)
    one = asg.describe_auto_scaling_instances(InstanceIds=[member["InstanceId"]])["AutoScalingInstances"][0]
    check("members tell their group", one["AutoScalingGroupName"] == name, one)
    asg.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=group["DesiredCapacity"] + 1)
    refused("not above the maximum", "ValidationError", asg.set_desired_capacity, AutoScalingGroupName=name, DesiredCapacity=group["MaxSize"] + 1)
    asg.set_instance_protection(AutoScalingGroupName=name, InstanceIds=[member["InstanceId"]], ProtectedFromScaleIn=True)
    asg.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
    asg.create_or_update_tags(Tags=[{"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "masu:owner", "Value": "a", "PropagateAtLaunch": False}])
    group = asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:masu:owner", "Values": ["a"]}])["AutoScalingGroups"][0]
    check("protection, processes and tags are told", group["SuspendedProcesses"][0]["ProcessName"] == "AZRebalance"
          and any(i["ProtectedFromScaleIn"] for i in group["Instances"]) and group["Tags"][0]["Key"] == "masu:owner", group)
    asg.resume_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
    ended = asg.terminate_instance_in_auto_scaling_group(InstanceId=member["InstanceId"], ShouldDecrementDesiredCapacity=True)["Activity"]
    check("a member is ended with decrement", ended["StatusCode"] == "InProgress" and member["InstanceId"] in ended["Description"], ended)
    check("activities", asg.describe_scaling_activities(AutoScalingGroupName=name)["Activities"][0]["StatusCode"])
    check("no refresh", asg.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"] == [])
    check("no policy", asg.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"] == [])
    check("no hook", asg.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"] == [])
    check("no warm pool", asg.describe_warm_pool(AutoScalingGroupName=name)["Instances"] == [])
    hook = {"LifecycleHookName": "drain", "AutoScalingGroupName": name, "InstanceId": member["InstanceId"]}
    refused("no hook to complete", "ValidationError", asg.complete_lifecycle_action, LifecycleActionResult="CONTINUE", **hook)
    refused("no heartbeat to record", "ValidationError", asg.record_lifecycle_action_heartbeat, **hook)
    return name


def groups(program):
    server = Server(program, "--speed", "1", "--groups")
    try:
        clients = Clients(server)
        name = group_calls(clients)
        check("nothing unknown about groups", clients.unknown == [] and clients.checked > 10, (clients.checked, clients.unknown[:10]))
        told = answer(server, "autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", name)["AutoScalingGroups"]
        check("awscli reads a group", told[0]["AutoScalingGroupName"] == name, told)
        group_by_hand(server, told[0])
    finally:
        server.stop()


def group_by_hand(server, group):
    """The other operations of a group, each once."""
    name, member = group["AutoScalingGroupName"], group["Instances"][-1]["InstanceId"]
    here = ["--auto-scaling-group-name", name]
    answer(server, "autoscaling", "set-desired-capacity", *here, "--desired-capacity", str(group["DesiredCapacity"] + 1))
    one = answer(server, "autoscaling", "describe-auto-scaling-instances", "--instance-ids", member)["AutoScalingInstances"]
    check("awscli reads a member", one[0]["AutoScalingGroupName"] == name, one)
    for operation, key in (("describe-scaling-activities", "Activities"), ("describe-instance-refreshes", "InstanceRefreshes"),
                           ("describe-policies", "ScalingPolicies"), ("describe-lifecycle-hooks", "LifecycleHooks"), ("describe-warm-pool", "Instances")):
        told = answer(server, "autoscaling", operation, *here)
        check("with what it is asked for", isinstance(told[key], list), told)
    answer(server, "autoscaling", "set-instance-protection", *here, "--instance-ids", member, "--no-protected-from-scale-in")
    answer(server, "autoscaling", "suspend-processes", *here, "--scaling-processes", "AZRebalance")
    answer(server, "autoscaling", "resume-processes", *here, "--scaling-processes", "AZRebalance")
    answer(server, "autoscaling", "create-or-update-tags", "--tags",
           f"ResourceId={name},ResourceType=auto-scaling-group,Key=masu:mode,Value=pause,PropagateAtLaunch=false")
    hook = ["--lifecycle-hook-name", "drain", *here, "--instance-id", member]
    for operation in (["complete-lifecycle-action", "--lifecycle-action-result", "CONTINUE"], ["record-lifecycle-action-heartbeat"]):
        code, _, err = shell(server, "autoscaling", *operation, *hook)
        check("awscli is told that there is no hook", code != 0 and "ValidationError" in err, err)
    ended = answer(server, "autoscaling", "terminate-instance-in-auto-scaling-group", "--instance-id", member, "--should-decrement-desired-capacity")
    check("and ends a member", member in ended["Activity"]["Description"], ended)


# ---- EC2 Fleets -------------------------------------------------------------------------------------------------------------------
def ec2_fleet_calls(clients):
    ec2 = clients.client("ec2")
    fleets = ec2.describe_fleets()["Fleets"]
    fleet = fleets[0]
    target, name = fleet["TargetCapacitySpecification"], fleet["FleetId"]
    check("one EC2 Fleet is told, with type, state and target", len(fleets) == 1 and fleet["Type"] == "maintain" and fleet["FleetState"] == "active"
          and target["TotalTargetCapacity"] > 0 and fleet["FulfilledCapacity"] > 0, fleet)
    check("by its id too", ec2.describe_fleets(FleetIds=[name])["Fleets"][0]["FleetId"] == name)
    refused("an unknown one is refused", "InvalidFleetId.NotFound", ec2.describe_fleets, FleetIds=["fleet-00000000-0000-4000-8000-000000000000"])
    members = ec2.describe_fleet_instances(FleetId=name)["ActiveInstances"]
    check("its members are told", members and all(m["InstanceId"].startswith("i-") for m in members), members)
    changed = ec2.modify_fleet(FleetId=name, ExcessCapacityTerminationPolicy="no-termination",
                               TargetCapacitySpecification={"TotalTargetCapacity": target["TotalTargetCapacity"] + 1, "OnDemandTargetCapacity": 0})
    check("a new target is taken", changed["Return"] is True, changed)
    shown = ec2.describe_fleets(FleetIds=[name])["Fleets"][0]
    check("and shown at once or after modifying", shown["FleetState"] in ("modifying", "active"), shown)
    check("its history begins somewhere", "HistoryRecords" in ec2.describe_fleet_history(FleetId=name, StartTime="2026-01-01T00:00:00Z"))
    return name


def launches(server, clients):
    ec2 = clients.client("ec2")
    config = [{"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-0b0c5a4db0c500001", "Version": "$Latest"},
               "Overrides": [{"InstanceType": "m5.large", "SubnetId": "subnet-0b0c5a4db0c500001"}, {"InstanceType": "c5.large", "AvailabilityZone": "us-east-1b"}]}]
    asked = {"Type": "instant", "ClientToken": "t-1", "LaunchTemplateConfigs": config, "SpotOptions": {"AllocationStrategy": "price-capacity-optimized"},
             "TargetCapacitySpecification": {"TotalTargetCapacity": 2, "DefaultTargetCapacityType": "spot"},
             "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "masu:fleet", "Value": "main/spare"}]}]}
    made = ec2.create_fleet(**asked)
    ids = [i for x in made["Instances"] for i in x["InstanceIds"]]
    check("a fleet of type instant tells its instances", len(ids) == 2 and made["Instances"][0]["Lifecycle"] == "spot" and made.get("Errors", []) == [], made)
    check("the same token makes no second one", ec2.create_fleet(**asked)["FleetId"] == made["FleetId"])
    refused("with other content it is refused", "IdempotentParameterMismatch", ec2.create_fleet, **{**asked, "TargetCapacitySpecification": {"TotalTargetCapacity": 3}})
    told = ec2.describe_fleets(FleetIds=[made["FleetId"]])["Fleets"][0]
    check("it is told by its id", told["Type"] == "instant" and told["Instances"][0]["InstanceIds"], told)
    refused("a dry run says that it would be allowed", "DryRunOperation", ec2.create_fleet, **{**asked, "ClientToken": "t-2", "DryRun": True})
    versions = ec2.describe_launch_template_versions(LaunchTemplateId="lt-0b0c5a4db0c500001", Versions=["$Latest"])["LaunchTemplateVersions"]
    check("its launch template is told", len(versions) == 1 and versions[0]["DefaultVersion"] and versions[0]["LaunchTemplateData"]["ImageId"], versions)
    refused("a template that is not there", "InvalidLaunchTemplateId.NotFound", ec2.describe_launch_template_versions, LaunchTemplateId="lt-00000000000000000")
    refused("a version that is not there", "InvalidLaunchTemplateId.VersionNotFound", ec2.describe_launch_template_versions, LaunchTemplateId="lt-0b0c5a4db0c500001", Versions=["9"])
    file = json.dumps(config)
    cli = answer(server, "ec2", "create-fleet", "--type", "instant", "--launch-template-configs", file, "--target-capacity-specification",
                 "TotalTargetCapacity=1,DefaultTargetCapacityType=on-demand")
    check("awscli launches one on demand", cli["Instances"][0]["Lifecycle"] == "on-demand", cli)


def until_active(server, name):
    """A fleet that was modified takes no other target for some seconds."""
    for _ in range(60):
        _, out, _ = shell(server, "ec2", "describe-fleets", "--fleet-ids", name)
        if json.loads(out)["Fleets"][0]["FleetState"] == "active":
            return
        time.sleep(0.5)


def ec2_fleets(program):
    server = Server(program, "--speed", "1", "--ec2-fleet")
    try:
        clients = Clients(server)
        name = ec2_fleet_calls(clients)
        launches(server, clients)
        check("nothing unknown about EC2 Fleets", clients.unknown == [] and clients.checked > 5, (clients.checked, clients.unknown[:10]))
        check("awscli reads an EC2 Fleet", answer(server, "ec2", "describe-fleets", "--fleet-ids", name)["Fleets"][0]["FleetId"] == name)
        check("its members", answer(server, "ec2", "describe-fleet-instances", "--fleet-id", name)["ActiveInstances"])
        answer(server, "ec2", "describe-fleet-history", "--fleet-id", name, "--start-time", "2026-01-01T00:00:00Z")
        template = answer(server, "ec2", "describe-launch-template-versions", "--launch-template-id", "lt-0b0c5a4db0c500001", "--versions", "$Default")
        check("a launch template", template["LaunchTemplateVersions"][0]["DefaultVersion"], template)
        until_active(server, name)
        told = answer(server, "ec2", "modify-fleet", "--fleet-id", name, "--target-capacity-specification", "TotalTargetCapacity=9")
        check("and sets a target", told is None or told.get("Return") is True, told)
        run = aws(server, "ec2", "modify-fleet", "--fleet-id", name, "--target-capacity-specification", "TotalTargetCapacity=-1")
        check("and is told why a target is wrong", run.returncode != 0 and "TotalTargetCapacity" in run.stderr, run.stderr)
    finally:
        server.stop()


def main():
    if botocore is None or not os.path.exists(AWS):
        print("awscli or botocore is not installed: skipped")
        sys.exit(77)
    server = Server(sys.argv[1], "--speed", "1")
    try:
        clients = Clients(server)
        cluster, arns = ecs_reads(clients)
        fleet, target, ids = ec2_reads(clients)
        writes(clients, cluster, arns, fleet, target, ids)
        placement(clients, cluster, ecs_again(clients, cluster))
        owners(clients, fleet)
        queues(clients)
        identities(server, clients)
        check("no answer holds a member that the models do not know", clients.unknown == [] and clients.checked > 30, (clients.checked, clients.unknown[:10]))
        command_line(server)
        groups(sys.argv[1])
        ec2_fleets(sys.argv[1])
    finally:
        code = server.stop()
    check("SIGTERM ends it with 0", code == 0, code)


main()
