"""The least that a server of the ECS and EC2 protocols may tell: required fields only, no STS, no deployments, unknown extra
fields, null in place of absent, an empty first page, tasks that are pending without a place. masu plans from it all the same.
And a server that knows no filter of DescribeInstances, and answers TerminateInstances without naming anybody: a drain comes to its
end there as elsewhere."""
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ARN = "arn:aws:ecs:us-east-1:000000000000:"
BOX, SERVICE = ARN + "container-instance/c/1", ARN + "service/c/web"


def ecs(operation, q):
    amounts = [{"name": "CPU", "type": "INTEGER", "integerValue": 4096}, {"name": "MEMORY", "type": "INTEGER", "integerValue": 15000}]
    if operation == "ListContainerInstances":
        return {"containerInstanceArns": [BOX], "nextToken": None} if q.get("nextToken") else {"containerInstanceArns": [], "nextToken": "t"}
    if operation == "DescribeContainerInstances":
        return {"failures": [], "containerInstances": [
            {"containerInstanceArn": BOX, "ec2InstanceId": "i-1", "status": "ACTIVE", "agentConnected": True, "runningTasksCount": 0,
             "pendingTasksCount": 0, "registeredResources": amounts, "remainingResources": amounts, "attributes": None, "novel": {"x": [1]}}]}
    if operation == "ListServices":
        return {"serviceArns": [SERVICE]}
    if operation == "DescribeServices":
        return {"services": [{"serviceArn": SERVICE, "serviceName": "web", "status": "ACTIVE", "desiredCount": 9, "runningCount": 0,
                              "pendingCount": 9, "taskDefinition": ARN + "task-definition/web:1", "launchType": "EC2", "events": None}]}
    if operation == "ListTasks":
        return {"taskArns": []}
    if operation == "DescribeTaskDefinition":
        return {"taskDefinition": {"taskDefinitionArn": ARN + "task-definition/web:1", "family": "web", "revision": 1,
                                   "containerDefinitions": [{"name": "a", "cpu": 1024, "memory": 1024}]}}
    return None


def ec2(action):
    return {
        "DescribeSpotFleetRequests":
            "<spotFleetRequestConfigSet><item><spotFleetRequestId>sfr-1</spotFleetRequestId><novel>1</novel>"
            "<spotFleetRequestState>active</spotFleetRequestState><spotFleetRequestConfig><launchSpecifications><item>"
            "<instanceType>m5.xlarge</instanceType></item></launchSpecifications><targetCapacity>1</targetCapacity>"
            "</spotFleetRequestConfig></item></spotFleetRequestConfigSet>",
        "DescribeInstances":
            "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name>"
            "</instanceState><instanceType>m5.xlarge</instanceType><launchTime>2026-01-01T00:00:00.000Z</launchTime><tagSet><item>"
            "<key>aws:ec2spot:fleet-request-id</key><value>sfr-1</value></item></tagSet></item></instancesSet></item></reservationSet>",
        "DescribeInstanceTypes":
            "<instanceTypeSet><item><instanceType>m5.xlarge</instanceType><vCpuInfo><defaultVCpus>4</defaultVCpus></vCpuInfo>"
            "<memoryInfo><sizeInMiB>16384</sizeInMiB></memoryInfo></item></instanceTypeSet>",
    }.get(action)


class Drain:
    """Two instances of a fleet, one of them marked by us, DRAINING and empty. What masu changes stays changed."""

    def __init__(self):
        self.target, self.ended = 2, []
        self.since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))

    def ecs(self, operation, q):
        boxes = {f"{ARN}container-instance/c/{n}": (f"i-{n}", "DRAINING" if n == 2 else "ACTIVE") for n in (1, 2) if f"i-{n}" not in self.ended}
        amounts = [{"name": "CPU", "type": "INTEGER", "integerValue": 4096}, {"name": "MEMORY", "type": "INTEGER", "integerValue": 15000}]
        if operation == "ListContainerInstances":
            return {"containerInstanceArns": list(boxes)}
        if operation == "DescribeContainerInstances":
            return {"failures": [], "containerInstances": [
                {"containerInstanceArn": arn, "ec2InstanceId": boxes[arn][0], "status": boxes[arn][1], "agentConnected": True,
                 "runningTasksCount": 0, "pendingTasksCount": 0, "registeredResources": amounts, "remainingResources": amounts}
                for arn in q["containerInstances"] if arn in boxes]}
        return {"ListServices": {"serviceArns": []}, "ListTasks": {"taskArns": []}}.get(operation)

    def ec2(self, q):
        if q["Action"] == "ModifySpotFleetRequest":
            self.target = int(q["TargetCapacity"])
            return "<return>true</return>"
        if q["Action"] == "TerminateInstances":
            self.ended.append(q["InstanceId.1"])
            return "<instancesSet/>"
        if q["Action"] == "DescribeSpotFleetRequests":
            return ec2(q["Action"]).replace("<targetCapacity>1<", f"<targetCapacity>{self.target}<")
        if q["Action"] == "DescribeInstances":  # whatever the filter: both
            one = ec2(q["Action"])
            mark = f"<tagSet><item><key>masu:drain</key><value>owner=masu;at={self.since};reason=unneeded</value></item>"
            two = one.replace("i-1", "i-2").replace("<tagSet>", mark)
            return (one + two).replace("</reservationSet><reservationSet>", "")
        return ec2(q["Action"])


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            answer = self.server.ecs(target.split(".")[-1], json.loads(body))
            status, text = (200, json.dumps(answer)) if answer is not None else (400, '{"__type": "UnknownOperationException"}')
        else:
            q = dict(urllib.parse.parse_qsl(body))
            action = q["Action"]
            answer = self.server.ec2(q)
            status, text = (200, f"<{action}Response>{answer}</{action}Response>") if answer else (
                400, "<Response><Errors><Error><Code>InvalidAction</Code><Message>no</Message></Error></Errors></Response>")
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def masu(folder, ecs_answer, ec2_answer, *arguments):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.ecs, server.ec2 = ecs_answer, ec2_answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {k: v for k, v in os.environ.items() if not re.match("AWS_|.*_proxy$", k, re.I)}
    env |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_REGION": "us-east-1"}
    policy = os.path.join(folder, "policy.json")
    with open(policy, "w") as f:
        json.dump({"clusters": [{"name": "c", "fleets": [{"id": "sfr-1", "max": 9}], "headroom": {"percent": 0}}]}, f)
    try:
        return subprocess.run([sys.argv[1], *arguments, "--policy", policy], env=env, capture_output=True, text=True, timeout=60)
    finally:
        server.shutdown()


def plans_from_the_least(folder):
    r = masu(folder, ecs, lambda q: ec2(q["Action"]), "plan", "--format", "json")
    assert r.returncode == 2, (r.returncode, r.stderr, r.stdout)
    actions = json.loads(r.stdout)["actions"]
    assert [(a["kind"], a["target"], a["capacity"]) for a in actions] == [("set_target", "sfr-1", 3)], actions


def ends_a_drain_without_filters(folder):
    world, words = Drain(), []
    until = time.monotonic() + 45
    while not world.ended and time.monotonic() < until:
        r = masu(folder, world.ecs, world.ec2, "run", "--once", "--listen", "127.0.0.1:0", "--state", os.path.join(folder, "state.db"))
        assert r.returncode == 0, (r.returncode, r.stdout, r.stderr)
        words += [e for e in map(json.loads, r.stdout.splitlines()) if "outcome" in e]
        time.sleep(2)  # empty in two looks, so far apart
    assert (world.target, world.ended) == (1, ["i-2"]), (world.target, world.ended, words, r.stdout)
    assert any(e["event"] == "claim" for e in words), words  # a server without tags: nobody can own a fleet there, and nothing waits
    assert [(e["event"], e["outcome"]) for e in words if e["event"] != "claim"] == [("set_target", "ok"), ("terminate", "ok")], words


def main():
    with tempfile.TemporaryDirectory() as folder:
        plans_from_the_least(folder)
        ends_a_drain_without_filters(folder)


main()
