"""The least that a server of the ECS and EC2 protocols may tell: required fields only, no STS, no deployments, unknown extra
fields, null in place of absent, an empty first page, tasks that are pending without a place. masu plans from it all the same."""
import http.server
import json
import os
import re
import subprocess
import sys
import threading
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


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            answer = ecs(target.split(".")[-1], json.loads(body))
            status, text = (200, json.dumps(answer)) if answer is not None else (400, '{"__type": "UnknownOperationException"}')
        else:
            action = dict(urllib.parse.parse_qsl(body))["Action"]
            answer = ec2(action)
            status, text = (200, f"<{action}Response>{answer}</{action}Response>") if answer else (
                400, "<Response><Errors><Error><Code>InvalidAction</Code><Message>no</Message></Error></Errors></Response>")
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {k: v for k, v in os.environ.items() if not re.match("AWS_|.*_proxy$", k, re.I)}
    env |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_REGION": "us-east-1"}
    policy = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"masu-emulator-{os.getpid()}.json")
    with open(policy, "w") as f:
        json.dump({"clusters": [{"name": "c", "fleets": [{"id": "sfr-1", "max": 9}], "headroom": {"percent": 0}}]}, f)
    try:
        r = subprocess.run([sys.argv[1], "plan", "--policy", policy, "--format", "json"], env=env, capture_output=True, text=True, timeout=60)
    finally:
        os.unlink(policy)
        server.shutdown()
    assert r.returncode == 2, (r.returncode, r.stderr, r.stdout)
    actions = json.loads(r.stdout)["actions"]
    assert [(a["kind"], a["target"], a["capacity"]) for a in actions] == [("set_target", "sfr-1", 3)], actions


main()
