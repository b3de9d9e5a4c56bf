#!/usr/bin/env python3
"""Each route of the API answers as /openapi.json says, and /metrics is well-formed. usage: api_test.py WEB_SITE"""
import datetime
import json
import time
import tempfile
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import urllib.parse
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

# Straight to loopback, whatever proxy the environment names.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
SITE = sys.argv.pop(1)


# Stands in for masu: what it is asked, how far it is, what goes wrong.
WHATIF_PROGRAM = """#!/bin/sh
case "$*" in
*slow=2*) echo progress 500 >&2; exec sleep 60 ;;
*fail=2*) echo progress 100 >&2; echo "masu simulate: it hurts" >&2; exit 1 ;;
esac
printf '{"words": "%s"}' "$*"
"""


class Site:
    """The test site in a process of its own."""

    def __init__(self, *args):
        self.process = subprocess.Popen([SITE, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip().rstrip("/")

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers["Content-Type"], answer.read()

    def post(self, path, body, token=None, content_type="application/json"):
        headers = {"Content-Type": content_type}
        if token:
            headers["Authorization"] = "Bearer " + token
        ask = urllib.request.Request(self.url + path, data=body.encode(), headers=headers, method="POST")
        try:
            with urllib.request.urlopen(ask, timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers["Content-Type"], answer.read()

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        return status


def closed(schema):
    """The schema with every object that lists its properties closed: an undocumented key fails."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {k: closed(v) for k, v in schema.items()}
    if "properties" in out and isinstance(out.get("type"), str):
        out["additionalProperties"] = False
    return out


METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
PATH_KEYS = METHODS | {"summary", "description", "servers", "parameters", "$ref"}
OPERATION_KEYS = {"tags", "summary", "description", "externalDocs", "operationId", "parameters", "requestBody", "responses", "callbacks", "deprecated", "security", "servers"}
COMPONENTS = {"schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links", "callbacks", "pathItems"}


def schemas_in(value):
    """Every value that stands as a schema of a parameter, a body or an answer."""
    if isinstance(value, dict):
        for key, v in value.items():
            if key == "schema":
                yield v
            else:
                yield from schemas_in(v)
    elif isinstance(value, list):
        for v in value:
            yield from schemas_in(v)


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for v in value.values():
            yield from references(v)
    elif isinstance(value, list):
        for v in value:
            yield from references(v)


def operation_faults(where, path, operation, shared):
    yield from (f"{where}: unknown key {k}" for k in set(operation) - OPERATION_KEYS)
    parameters = shared + operation.get("parameters", [])
    names = [(p.get("name"), p.get("in")) for p in parameters]
    if len(set(names)) < len(names):
        yield f"{where}: a parameter stands twice"
    if {n for n, place in names if place == "path"} != set(re.findall(r"\{([^}]*)\}", path)):
        yield f"{where}: parameters of the path differ from its template"
    for p in parameters:
        if not p.get("name") or p.get("in") not in ("path", "query", "header", "cookie") or ("schema" in p) == ("content" in p):
            yield f"{where}: parameter {p}"
        if p.get("in") == "path" and p.get("required") is not True:
            yield f"{where}: {p.get('name')} of the path is required"
    answers = operation.get("responses", {})
    if not answers:
        yield f"{where}: no response"
    for status, answer in answers.items():
        if not re.fullmatch(r"[1-5](\d\d|XX)|default", status):
            yield f"{where}: status {status}"
        if not isinstance(answer.get("description"), str):
            yield f"{where} {status}: no description"
    if "requestBody" in operation and not operation["requestBody"].get("content"):
        yield f"{where}: a body without content"


def openapi_faults(doc):
    """What the meta-schema of OpenAPI 3.1 would say of the parts that are used here, as texts."""
    if not re.fullmatch(r"3\.1\.\d+", doc.get("openapi", "")) or not all(isinstance(doc.get("info", {}).get(k), str) for k in ("title", "version")):
        yield "openapi, info.title and info.version are required"
    yield from (f"unknown key {k}" for k in set(doc) - {"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs"})
    for path, item in doc["paths"].items():
        if not path.startswith("/") or set(item) - PATH_KEYS:
            yield f"{path}: {set(item) - PATH_KEYS}"
        for method in METHODS & set(item):
            yield from operation_faults(method + " " + path, path, item[method], item.get("parameters", []))
    for kind, parts in doc["components"].items():
        if kind not in COMPONENTS or any(not re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in parts):
            yield f"components: {kind}"
    for name, scheme in doc["components"].get("securitySchemes", {}).items():
        if scheme.get("type") not in ("apiKey", "http", "mutualTLS", "oauth2", "openIdConnect") or (scheme["type"] == "http" and "scheme" not in scheme):
            yield f"securitySchemes: {name}"
    for schema in [*schemas_in(doc["paths"]), *doc["components"]["schemas"].values()]:
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as fault:
            yield f"schema: {fault.message}"
    for ref in sorted(set(references(doc))):
        at = doc
        for part in ref.removeprefix("#/").split("/"):
            at = at.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(at, dict) else None
        if not ref.startswith("#/") or at is None:
            yield f"{ref} is nowhere"


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.doc = json.loads(cls.site.get("/openapi.json")[2])
        cls.tick = json.loads(cls.site.get("/api/v1/ticks?acting=true&limit=2")[2])["ticks"][1]["tick"]

    @classmethod
    def tearDownClass(cls):
        assert cls.site.close() == 0

    def check(self, path, documented, status=200, site=None):
        return self.holds(path, (site or self.site).get(path), self.doc["paths"][documented]["get"], status)

    def holds(self, path, got, described, status):
        got, content_type, body = got
        self.assertEqual(got, status, "%s: %s" % (path, body[:300]))
        content = described["responses"][str(status)]["content"]
        self.assertIn(content_type, content, path)
        schema = dict(closed(content[content_type]["schema"]))
        schema["components"] = closed(self.doc["components"])
        value = json.loads(body)
        jsonschema.Draft202012Validator(schema).validate(value)
        return value

    def test_the_description_is_openapi(self):
        self.assertEqual(list(openapi_faults(self.doc)), [])
        broken = json.loads(json.dumps(self.doc))
        del broken["paths"]["/api/v1/clusters/{name}"]["get"]["parameters"]
        broken["paths"]["/api/v1/services"]["get"]["responses"]["2OO"] = {}
        broken["components"]["schemas"]["Time"]["type"] = "strng"
        broken["components"]["schemas"]["Calendar"]["properties"]["now"]["$ref"] = "#/components/schemas/Tim"
        self.assertEqual(len(list(openapi_faults(broken))), 5)

    def test_every_json_route_answers_as_described(self):
        calls = {
            "/healthz": "/healthz",
            "/readyz": "/readyz",
            "/api/v1/clusters": "/api/v1/clusters",
            "/api/v1/clusters/{name}": "/api/v1/clusters/east?region=eu-west-1&account=123456789012",
            "/api/v1/clusters/{name}/instances": "/api/v1/clusters/east/instances",
            "/api/v1/clusters/{name}/pools": "/api/v1/clusters/east/pools",
            "/api/v1/clusters/{name}/series": "/api/v1/clusters/east/series?step=5m",
            "/api/v1/clusters/{name}/history": "/api/v1/clusters/east/history?kind=service&subject=worker&step=5m&spread=true",
            "/api/v1/clusters/{name}/subjects": "/api/v1/clusters/east/subjects",
            "/api/v1/clusters/{name}/forecast": "/api/v1/clusters/east/forecast",
            "/api/v1/clusters/{name}/alerts": "/api/v1/clusters/east/alerts",
            "/api/v1/services": "/api/v1/services?cluster=east",
            "/api/v1/limits": "/api/v1/limits?cluster=east",
            "/api/v1/series": "/api/v1/series?step=15m",
            "/api/v1/alerts": "/api/v1/alerts",
            "/api/v1/calendar": "/api/v1/calendar?cluster=east",
            "/api/v1/simulate": "/api/v1/simulate",
            "/api/v1/ticks": "/api/v1/ticks?cluster=east&limit=3",
            "/api/v1/ticks/{id}": "/api/v1/ticks/%d" % self.tick,
            "/api/v1/clusters/{name}/ticks/{id}": "/api/v1/clusters/east/ticks/%d?candidate=i-0aaa" % self.tick,
        }
        statuses = {"/readyz": 503}  # the second cluster of the site never ticked
        for documented, path in calls.items():
            with self.subTest(path):
                self.check(path, documented, statuses.get(documented, 200))
        described = {p for p, v in self.doc["paths"].items()
                     if "get" in v and "application/json" in v["get"]["responses"]["200"].get("content", {}) and p != "/openapi.json"}
        self.assertEqual(described, set(calls))

    def test_a_cluster_before_its_first_tick_is_described_too(self):
        for suffix in ("", "/alerts", "/instances", "/pools", "/series", "/subjects", "/forecast"):
            self.check("/api/v1/clusters/west" + suffix, "/api/v1/clusters/{name}" + suffix)
        self.assertEqual(self.check("/api/v1/ticks?cluster=west", "/api/v1/ticks")["ticks"], [])

    def test_pools_say_what_they_cost_hold_have_and_how_they_failed(self):
        pools = self.check("/api/v1/clusters/east/pools", "/api/v1/clusters/{name}/pools")["pools"]
        self.assertEqual(pools, [{
            "fleet": "sfr-00000000-1111-2222-3333-444444444444", "type": "m5.xlarge", "zone": "eu-west-1a", "weight_milli": 4000,
            "spot_usd_micro_per_hour": 76000, "on_demand_usd_micro_per_hour": 214000, "nominal": {"cpu_units": 4096, "memory_mib": 16384},
            "capacity": {"cpu_units": 4096, "memory_mib": 15680}, "eni_slots": 0, "measured": True, "spot_instances": 3, "on_demand_instances": 1,
            "subnets": 1, "full_subnets": 0,
            "placement_score": {"score": 3, "at": "2026-01-15T13:33:34Z"},
            "memory": {"why": ["interrupted", "out_of_stock"], "failures": 1, "last": "2026-01-15T14:03:34Z", "avoided_until": "2026-01-15T14:06:34Z"}}])

    def services(self, query=""):
        return self.check("/api/v1/services" + query, "/api/v1/services")

    def test_services_cost_their_part_of_the_instances_and_the_rest_is_free(self):
        answer = self.services("?cluster=east")
        risks = {s["name"]: s["risks"] for s in answer["services"]}
        self.assertEqual([s["name"] for s in answer["services"]], sorted(s["name"] for s in answer["services"]))
        instances = self.check("/api/v1/clusters/east/instances", "/api/v1/clusters/{name}/instances")
        names, expected, price = instances["services"], {}, 0  # one of them has not registered: nobody holds it yet
        for i in instances["instances"]:
            price += i["usd_micro_per_hour"]
            for h in i["holdings"]:
                n = h["running"] + h["pending"] + h["stopping"]
                share = (h["cpu_units"] / i["capacity"]["cpu_units"] + h["memory_mib"] / i["capacity"]["memory_mib"]) / 2
                name = names[h["service"]] if h["service"] >= 0 else None
                expected[name] = expected.get(name, 0) + n * share * i["usd_micro_per_hour"]
        for s in answer["services"]:
            self.assertAlmostEqual(s["cost"]["usd_micro_per_hour"], expected.get(s["name"], 0), delta=9, msg=s["name"])
            self.assertEqual(s["cost"]["usd_micro_per_month"], 730 * s["cost"]["usd_micro_per_hour"])
            self.assertIsNone(s["used"], "nobody measures it")
        held = sum(s["cost"]["usd_micro_per_hour"] for s in answer["services"])
        east = answer["clusters"][0]
        self.assertEqual(held + east["standalone_cost"]["usd_micro_per_hour"] + east["free_cost"]["usd_micro_per_hour"], price)
        self.assertEqual(risks["worker"], [{"code": "protected", "fact": "1 of its tasks protected from scale-in", "verdict": "holds a drain"}])
        self.assertEqual(sum(len(r) for r in risks.values()), 1)

    def test_the_right_size_of_a_service_is_told_with_its_window_and_its_price_and_else_why_not(self):
        services = {s["name"]: s for s in self.services("?cluster=east")["services"]}
        size = services["worker"]["size"]
        cpu, memory = services["worker"]["task_cpu_units"], services["worker"]["task_memory_mib"]
        self.assertGreater(size["samples"], 3900)
        self.assertEqual(size["cpu_units"], {"advice": "lower" if cpu > 142 else "fits", "reserved": cpu, "p50": 100, "p95": 100, "p99": 100, "max": 100,
                                             "suggested": 128 if cpu > 142 else cpu, "above_percent": 0})
        self.assertEqual(size["memory_mib"]["max"], 300)
        self.assertEqual(size["memory_mib"]["suggested"], 384 if memory > 426 else memory)
        self.assertFalse(size["mean_of_tasks"])
        instances = self.check("/api/v1/clusters/east/instances", "/api/v1/clusters/{name}/instances")["instances"]
        has = [i for i in instances if i["capacity"] and i["usd_micro_per_hour"]]
        half = sum(i["usd_micro_per_hour"] for i in has) / 2
        wasted = half * 412 / sum(i["capacity"]["cpu_units"] for i in has) + half * 724 / sum(i["capacity"]["memory_mib"] for i in has)
        self.assertAlmostEqual(size["wasted"]["usd_micro_per_hour"], wasted, delta=2)
        self.assertEqual(services["worker"]["requests_per_s"], 1.5)
        hour = half * 512 / sum(i["capacity"]["cpu_units"] for i in has) + half * 1024 / sum(i["capacity"]["memory_mib"] for i in has)
        self.assertAlmostEqual(services["worker"]["usd_micro_per_million_requests"], hour / 5400 * 1e6, delta=2)
        for name, s in services.items():
            if name != "worker":
                self.assertEqual((s["requests_per_s"], s["usd_micro_per_million_requests"]), (None, None))
                self.assertEqual((s["size"]["samples"], s["size"]["verdict"], s["size"]["cpu_units"], s["size"]["wasted"]), (0, "no advice", None, None))
                self.assertRegex(s["size"]["fact"], "not measured|is not kept")

    def test_what_is_used_and_what_is_forecast_stand_in_the_list(self):
        answer = self.check("/api/v1/clusters", "/api/v1/clusters")
        east, west = answer["clusters"]
        services = self.services()["services"]
        sums = {k: sum(s["used"][k] for s in services if s["used"] and s["cluster"] == "east") for k in ("cpu_units", "memory_mib")}
        self.assertEqual(east["used"] or {"cpu_units": 0, "memory_mib": 0}, sums)
        self.assertIsNone(east["need_4h_q90"])  # of memory there is no forecast
        self.assertIsNone(west["used"])
        self.assertIsNone(west["enough_until"])
        ahead = self.check("/api/v1/clusters/east/forecast", "/api/v1/clusters/{name}/forecast")["columns"]
        over = next(at for at, need in zip(ahead["at_s"], ahead["need_cpu_units_q90"]) if need > east["capacity"]["cpu_units"])
        self.assertEqual((over, east["enough_until"]), (ahead["at_s"][0], answer["now"]))  # it is not, now

    def test_the_days_of_all_clusters_are_those_of_each(self):
        window = "from=2026-01-15T12:00:00Z&to=2026-01-15T14:04:00Z&step=1m"
        answer = self.check("/api/v1/series?" + window, "/api/v1/series")
        self.assertEqual([c["cluster"] for c in answer["clusters"]], ["east", "west"])
        for c in answer["clusters"]:
            alone = self.check("/api/v1/clusters/%s/series?%s" % (c["cluster"], window), "/api/v1/clusters/{name}/series")
            self.assertEqual((answer["step_s"], answer["count"], answer["from"], answer["at_s"]),
                             (alone["step_s"], alone["count"], alone["from"], alone["columns"]["at_s"]))
            for name, values in c["columns"].items():
                self.assertEqual(values, alone["columns"][name])
        self.assertTrue(any(v is not None for v in answer["clusters"][0]["columns"]["need_cpu_units"]))
        first = self.check("/api/v1/series?limit=1&" + window, "/api/v1/series")
        second = self.check("/api/v1/series?limit=1&after=%d&%s" % (first["after"], window), "/api/v1/series")
        self.assertEqual(first["clusters"] + second["clusters"], answer["clusters"])
        self.assertEqual((second["at_s"], second["after"]), (answer["at_s"], None))
        self.assertEqual(self.check("/api/v1/series?after=2", "/api/v1/series")["clusters"], [])
        self.assertLessEqual(self.check("/api/v1/series?step=1m", "/api/v1/series")["count"], 302)
        for bad in ("after=x", "limit=0", "limit=1001", "step=no", "from=2026-01-15T14:00:00Z&to=2026-01-14T14:00:00Z"):
            self.check("/api/v1/series?" + bad, "/api/v1/series", 400)

    def test_limits_are_told_with_the_days_that_they_are_reached_on(self):
        answer = self.check("/api/v1/limits?cluster=east", "/api/v1/limits")
        fleet = [x for x in answer["limits"] if x["kind"] == "fleet"][0]
        self.assertEqual((fleet["limit"], fleet["peak_7d"], fleet["days_known"]), (24, 14, 60))
        self.assertAlmostEqual(fleet["growth_a_day"], 0.25, delta=0.02)
        day = lambda t: datetime.datetime.fromisoformat(t.replace("Z", "+00:00"))
        likely = (day(fleet["reached_q50"]) - day(answer["now"])).days
        self.assertTrue(34 <= likely <= 44, likely)
        self.assertLessEqual(fleet["reached_q90"], fleet["reached_q50"])
        self.assertEqual((len(fleet["peaks"]), len(fleet["ahead_q50"])), (91, 91))
        self.assertEqual(fleet["verdict"], "raise max before")
        for other in answer["limits"]:
            if other is not fleet:  # nothing was recorded of it
                self.assertEqual((other["days_known"], other["reached_q90"], other["ahead_q90"]), (0, None, None))
        self.assertEqual(self.check("/api/v1/limits?cluster=west", "/api/v1/limits")["limits"], [])
        self.check("/api/v1/limits", "/api/v1/limits", 400)

    def test_pages_of_services_have_each_once(self):
        whole, seen, after = self.services(), [], ""
        self.assertEqual([c["cluster"] for c in whole["clusters"]], ["east", "west"])
        self.assertEqual(whole["clusters"][1], {"cluster": "west", "account": "", "region": "eu-west-1", "tick": None, "at": None, "services": 0,
                                                "standalone_cost": None, "free_cost": None})
        while after is not None:
            page = self.services("?limit=1" + (after and "&after=" + urllib.parse.quote(after)))
            seen += page["services"]
            after = page["after"]
        self.assertEqual([s["name"] for s in seen], [s["name"] for s in whole["services"]])
        self.assertGreater(len(seen), 1)

    def test_errors_are_problems_as_described(self):
        for path, documented, status in [
            ("/api/v1/clusters/none", "/api/v1/clusters/{name}", 404),
            ("/api/v1/clusters/east?region=eu-north-1", "/api/v1/clusters/{name}", 404),
            ("/api/v1/clusters/east/series?from=yesterday", "/api/v1/clusters/{name}/series", 400),
            ("/api/v1/clusters/east/series?from=2026-01-16T00:00:00Z&to=2026-01-15T00:00:00Z", "/api/v1/clusters/{name}/series", 400),
            ("/api/v1/clusters/east/series?step=5", "/api/v1/clusters/{name}/series", 400),
            ("/api/v1/clusters/east/series?spread=perhaps", "/api/v1/clusters/{name}/series", 400),
            ("/api/v1/clusters/east/history", "/api/v1/clusters/{name}/history", 400),
            ("/api/v1/clusters/east/history?kind=weather&subject=x", "/api/v1/clusters/{name}/history", 400),
            ("/api/v1/clusters/east/history?kind=service", "/api/v1/clusters/{name}/history", 400),
            ("/api/v1/clusters/east/history?kind=service&subject=web&from=yesterday", "/api/v1/clusters/{name}/history", 400),
            ("/api/v1/clusters/east/history?kind=service&subject=nobody", "/api/v1/clusters/{name}/history", 404),
            ("/api/v1/clusters/none/history?kind=cluster", "/api/v1/clusters/{name}/history", 404),
            ("/api/v1/clusters/none/subjects", "/api/v1/clusters/{name}/subjects", 404),
            ("/api/v1/ticks?limit=201", "/api/v1/ticks", 400),
            ("/api/v1/ticks?limit=x", "/api/v1/ticks", 400),
            ("/api/v1/ticks?before=-1", "/api/v1/ticks", 400),
            ("/api/v1/ticks?acting=perhaps", "/api/v1/ticks", 400),
            ("/api/v1/ticks?cluster=none", "/api/v1/ticks", 404),
            ("/api/v1/ticks/999999", "/api/v1/ticks/{id}", 404),
            ("/api/v1/ticks/first", "/api/v1/ticks/{id}", 404),
            ("/api/v1/clusters/east/ticks/first", "/api/v1/clusters/{name}/ticks/{id}", 404),
            ("/api/v1/clusters/east/ticks/999999", "/api/v1/clusters/{name}/ticks/{id}", 404),
            ("/api/v1/clusters/west/ticks/latest", "/api/v1/clusters/{name}/ticks/{id}", 404),
            ("/api/v1/clusters/none/ticks/latest", "/api/v1/clusters/{name}/ticks/{id}", 404),
            ("/api/v1/clusters/east/ticks/latest?candidate=i-zzz", "/api/v1/clusters/{name}/ticks/{id}", 404),
            ("/api/v1/clusters/east/ticks/%d?candidate=i-0" % self.tick, "/api/v1/clusters/{name}/ticks/{id}", 400),
            ("/api/v1/services?cluster=none", "/api/v1/services", 404),
            ("/api/v1/services?limit=0", "/api/v1/services", 400),
            ("/api/v1/services?after=web", "/api/v1/services", 400),
            ("/api/v1/services?after=9:web", "/api/v1/services", 400),
            ("/assets/none.js", "/assets/{file}", 404),
            ("/assets/../embed.py", "/assets/{file}", 404),
        ]:
            with self.subTest(path):
                self.assertEqual(self.check(path, documented, status)["status"], status)

    def test_alerts_are_worst_first_and_of_their_cluster(self):
        alerts = self.check("/api/v1/alerts", "/api/v1/alerts")["alerts"]
        self.assertEqual([(a["severity"], a["id"], a["cluster"]) for a in alerts],
                         [("critical", "demand-incurable", "east"), ("critical", "journal-broken", None),
                          ("warning", "fleet-foreign", "east"), ("warning", "fleet-foreign", "east")])
        self.assertEqual(alerts[0]["target"], 'web"<b>\\&\'')
        east = self.check("/api/v1/clusters/east/alerts", "/api/v1/clusters/{name}/alerts")
        self.assertEqual([a["id"] for a in east["alerts"]], ["demand-incurable", "fleet-foreign", "fleet-foreign"])
        self.assertEqual(east["control"], {"mode": "pause", "who": "API from 10.0.0.7", "why": "incident 4711",
                                           "since": "2026-01-15T13:54:34Z", "until": "2026-01-15T15:04:34Z"})
        west = self.check("/api/v1/clusters/west/alerts", "/api/v1/clusters/{name}/alerts")
        self.assertEqual((west["alerts"], west["control"]), ([], None))
        estate = self.check("/api/v1/clusters", "/api/v1/clusters")
        self.assertEqual(estate["daemon"]["alert_count"], {"total": 1, "worst": "critical"})
        self.assertEqual([c["alert_count"] for c in estate["clusters"]], [{"total": 3, "worst": "critical"}, {"total": 0, "worst": None}])
        self.assertEqual(estate["clusters"][0]["control"]["mode"], "pause")
        ready = self.check("/readyz", "/readyz", 503)
        self.assertEqual([(c["cluster"], c["control"]["who"]) for c in ready["controls"]], [("east", "API from 10.0.0.7")])
        _, _, body = self.site.get("/api/v1/clusters/none/alerts")
        self.assertEqual(json.loads(body)["status"], 404)

    def test_posts_answer_as_described(self):
        site = Site("--token", "a token of a test")
        good = '{"mode": "pause", "why": "incident 4711", "cluster": "east", "who": "hana", "for_s": 3600}'
        try:
            for path, body, token, kind, status in [
                ("/api/v1/pause", good, "a token of a test", "application/json", 202),
                ("/api/v1/pause", good, "a token of a test", "application/json; charset=utf-8", 202),
                ("/api/v1/resume", "", "a token of a test", "application/json", 202),
                ("/api/v1/resume", '{"cluster": "west"}', "a token of a test", "application/json", 202),
                ("/api/v1/pause", good, None, "application/json", 401),
                ("/api/v1/pause", good, "a token of a tesT", "application/json", 401),
                ("/api/v1/pause", good, "a token of a test2", "application/json", 401),
                ("/api/v1/pause", good, "a token", "application/json", 401),
                ("/api/v1/pause", good, "a token of a test", "text/plain", 415),
                ("/api/v1/pause", "{" + " " * 5000 + "}", "a token of a test", "application/json", 413),
                ("/api/v1/pause", good.replace("east", "none"), "a token of a test", "application/json", 404),
                ("/api/v1/pause", good.replace("pause", "stop"), "a token of a test", "application/json", 400),
                ("/api/v1/pause", "", "a token of a test", "application/json", 400),
                ("/api/v1/pause", '{"mode": "pause"}', "a token of a test", "application/json", 400),
                ("/api/v1/resume", good, "a token of a test", "application/json", 400),
            ]:
                with self.subTest(path + " " + body[:80] + " " + str(token)):
                    value = self.holds(path, site.post(path, body, token, kind), self.doc["paths"][path]["post"], status)
                    if status == 202 and body == good:
                        self.assertEqual(value["accepted"], "pause")
                        self.assertEqual(value["who"], "hana, API from 127.0.0.1")
                        self.assertTrue(value["until"])
            for _ in range(40):
                status = site.post("/api/v1/resume", "", "a token of a test")[0]
            self.assertEqual(status, 503, "an inbox that nobody empties is full in the end")
            metrics = site.get("/metrics")[2].decode()
            self.assertIn('masu_posts_total{result="unauthorized"} 4\n', metrics)
            self.assertIn('masu_posts_total{result="accepted"} 32\n', metrics)
        finally:
            self.assertEqual(site.close(), 0)

    def test_without_a_token_nobody_may_post(self):
        got = self.holds("/api/v1/pause", self.site.post("/api/v1/pause", '{"mode": "pause", "why": "x"}', ""),
                         self.doc["paths"]["/api/v1/pause"]["post"], 403)
        self.assertIn("MASU_API_TOKEN", got["detail"])
        self.assertEqual(self.site.get("/api/v1/pause")[0], 405)
        self.assertEqual(self.site.post("/api/v1/clusters", "{}")[0], 405)

    def test_what_ifs_run_one_at_a_time_are_cancelled_and_say_why_they_failed(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "masu"
            program.write_text(WHATIF_PROGRAM)
            program.chmod(0o755)
            site = Site("--program", str(program))
            try:
                self.what_ifs(site)
                self.simulate(site, {"cluster": "east", "scale": "slow=2"})  # the site ends while one runs
            finally:
                begun = time.monotonic()
                self.assertEqual(site.close(), 0)
                self.assertLess(time.monotonic() - begun, 15)

    def simulate(self, site, ask, status=202, path="/api/v1/simulate"):
        return self.holds(path, site.post(path, ask if isinstance(ask, str) else json.dumps(ask)), self.doc["paths"][path]["post"], status)

    def ended(self, site, state):
        for _ in range(200):
            run = self.check("/api/v1/simulate", "/api/v1/simulate", 200, site)["run"]
            if run["state"] != "running":
                break
            time.sleep(0.05)
        self.assertEqual(run["state"], state, run)
        return run

    def what_ifs(self, site):
        self.assertIsNone(self.check("/api/v1/simulate", "/api/v1/simulate", 200, site)["run"])
        self.assertEqual(self.simulate(site, {"cluster": "east", "days": 3, "seeds": 2})["run"]["id"], 1)
        run = self.ended(site, "done")
        self.assertIsNone(run["change"])
        self.assertEqual(run["today"]["words"].split()[3:], "--from 3d --seeds 2 --against clairvoyant --cluster east --format json --progress".split())
        self.simulate(site, {"cluster": "east", "scale": "all=1.3", "headroom_percent": 20, "waiting_costs": 10, "lose_zone": "eu-west-1a@24h", "types": "m5.large:2",
                             "add_service": "new=256x512x3", "everybody": True})
        run = self.ended(site, "done")
        self.assertNotIn("--scale", run["today"]["words"])
        for words in ("--scale all=1.3", "--headroom 20", "--waiting-costs 10", "--lose-zone eu-west-1a@24h", "--types m5.large:2", "--add-service new=256x512x3", "--against all"):
            self.assertIn(words, run["change"]["words"])
            self.assertIn(words, run["command"])
        self.simulate(site, {"cluster": "east", "headroom_percent": 0})
        self.assertIn("--headroom 0", self.ended(site, "done")["change"]["words"])
        self.simulate(site, {"cluster": "east", "scale": "fail=2"})
        self.assertEqual(self.ended(site, "failed")["error"], "masu simulate: it hurts")
        self.simulate(site, {"cluster": "east", "scale": "slow=2"})
        for _ in range(100):
            half = self.check("/api/v1/simulate", "/api/v1/simulate", 200, site)["run"]["progress_permille"]
            if half > 500:
                break
            time.sleep(0.05)
        self.assertEqual(half, 750)  # half of the second of two
        self.simulate(site, {"cluster": "east"}, 409)
        self.simulate(site, {}, 202, "/api/v1/simulate/cancel")
        self.ended(site, "cancelled")
        for ask in ({"cluster": "none"}, ):
            self.simulate(site, ask, 404)
        for ask in ("", "[]", {}, {"cluster": "east", "days": 0}, {"cluster": "east", "days": 1.5}, {"cluster": "east", "seeds": 6}, {"cluster": "east", "cost": 1},
                    {"cluster": "east", "scale": "all=1;rm"}, {"cluster": "east", "types": "--x"}, {"cluster": "east", "types": "x" * 200}, {"cluster": "east\u0000"},
                    {"cluster": "east", "headroom_percent": 1e9}, {"cluster": "east", "everybody": 1}):
            with self.subTest(str(ask)):
                self.simulate(site, ask, 400)

    def test_what_ifs_need_a_token_where_there_is_one_and_a_journal(self):
        self.assertIn("MASU_API_TOKEN", self.simulate(self.site, {"cluster": "east"}, 403)["detail"])
        site = Site("--token", "a token of a test", "--no-history", "--program", "/bin/true")
        try:
            self.simulate(site, {"cluster": "east"}, 401)
            got = self.holds("/api/v1/simulate", site.post("/api/v1/simulate", '{"cluster": "east"}', "a token of a test"), self.doc["paths"]["/api/v1/simulate"]["post"], 503)
            self.assertIn("--state F", got["detail"])
            self.assertEqual(site.get("/api/v1/simulate/cancel")[0], 405)
        finally:
            self.assertEqual(site.close(), 0)

    def test_without_history_those_routes_say_so(self):
        site = Site("--no-history")
        try:
            self.check("/api/v1/ticks", "/api/v1/ticks", 503, site)
            self.check("/api/v1/ticks/1", "/api/v1/ticks/{id}", 503, site)
            self.check("/api/v1/clusters/east/series", "/api/v1/clusters/{name}/series", 503, site)
            self.check("/api/v1/clusters/east/history?kind=cluster", "/api/v1/clusters/{name}/history", 503, site)
            self.check("/api/v1/clusters/east/subjects", "/api/v1/clusters/{name}/subjects", 503, site)
            self.check("/api/v1/clusters/east", "/api/v1/clusters/{name}", 200, site)
        finally:
            self.assertEqual(site.close(), 0)

    def test_the_facts_arrive(self):
        cluster = self.check("/api/v1/clusters/east", "/api/v1/clusters/{name}")["cluster"]
        self.assertEqual(cluster["instances"], {"total": 4, "active": 1, "draining": 1, "coming": 1, "interrupted": 1, "spot": 3})
        self.assertEqual([p["kind"] for p in cluster["in_progress"]], ["notice", "drain", "launch", "launch"])
        drain = cluster["in_progress"][1]
        self.assertEqual(drain["holder"], {"service": "worker", "task": "t-3", "why": "protected"})
        self.assertEqual(drain["steps"][drain["step"]], "draining")
        self.assertEqual(cluster["services"][0]["name"], 'web"<b>\\&\'')
        self.assertEqual(cluster["services"][0]["waiting"], 1)
        stale = [s["kind"] for s in cluster["sources"] if s["stale"]]
        self.assertEqual(stale, ["tasks"])
        self.assertEqual(cluster["decisions"][0]["acts"][0]["capacity"], 24)
        instances = self.check("/api/v1/clusters/east/instances", "/api/v1/clusters/{name}/instances")["instances"]
        self.assertEqual([i["box"] for i in instances], ["active", "held", "coming", "interrupted"])
        self.assertEqual(instances[2]["capacity"], {"cpu_units": 4096, "memory_mib": 15680})
        self.assertIsNone(instances[2]["reserved"])

    def test_series_are_columns_of_one_length_with_gaps(self):
        series = self.check("/api/v1/clusters/east/series?from=2026-01-15T13:00:00Z&to=2026-01-15T14:10:00Z&step=5m",
                            "/api/v1/clusters/{name}/series")
        self.assertEqual(series["step_s"], 300)
        self.assertEqual({len(c) for c in series["columns"].values()}, {series["count"]})
        self.assertIsNone(series["columns"]["capacity_cpu_units"][0])
        self.assertIn(4096, series["columns"]["capacity_cpu_units"])

    def test_each_subject_has_its_history(self):
        names = self.check("/api/v1/clusters/east/subjects", "/api/v1/clusters/{name}/subjects")["subjects"]
        self.assertEqual([(s["kind"], s["subject"]) for s in names],
                         [("cluster", ""), ("service", 'web"<b>\\&\''), ("service", "worker"), ("pool", "sfr-00000000-1111-2222-3333-444444444444 m5.xlarge eu-west-1a"),
                          ("limit", "fleet sfr-00000000-1111-2222-3333-444444444444")])
        for subject in sorted(names, key=lambda s: s["kind"] == "pool"):
            query = urllib.parse.urlencode({**subject, "first": "", "last": "", "from": "2026-01-15T13:00:00Z", "to": "2026-01-15T14:10:00Z", "step": "5m", "spread": "true"})
            got = self.check("/api/v1/clusters/east/history?" + query, "/api/v1/clusters/{name}/history")
            self.assertEqual((got["kind"], got["subject"]), (subject["kind"], subject["subject"]))
            self.assertEqual({len(c) for c in got["columns"].values()}, {got["count"]})
            self.assertEqual(set(got["spread"]) | {"at_s"}, set(got["columns"]))
        self.assertEqual(got["spread"]["spot_instances"], {"samples": 30, "min": 3, "mean": 3, "p50": 3, "p95": 3, "p99": 3, "max": 3})
        self.assertIsNone(got["spread"]["boot_ms"])
        self.assertIn(76000, got["columns"]["spot_usd_micro_per_hour"])

    def test_the_calendar_tells_what_is_next_and_leaves_out_what_is_over(self):
        c = self.check("/api/v1/calendar", "/api/v1/calendar")
        self.assertEqual(c["entries"], [{
            "cluster": "east", "account": "123456789012", "region": "eu-west-1", "name": "sale \"<b>\\&'", "times": 1.5,
            "at_least": {"vcpus": 64, "memory_gib": None, "instances": None}, "date": None, "days": "mon-fri", "from": "08:00", "to": "10:00", "zone": "Asia/Tokyo",
            "next": [{"start": c["entries"][0]["next"][0]["start"], "end": c["entries"][0]["next"][0]["end"], "now": True}], "past": []}])
        self.assertEqual(self.check("/api/v1/calendar?cluster=west", "/api/v1/calendar")["entries"], [])
        self.check("/api/v1/calendar?cluster=none", "/api/v1/calendar", 404)
        self.check("/api/v1/calendar?from=yesterday", "/api/v1/calendar", 400)

    def test_the_calendar_tells_what_is_over_since_a_time(self):
        c = self.check("/api/v1/calendar?from=2026-01-05T00:00:00Z", "/api/v1/calendar")  # a Monday; now it is the Thursday after
        past = c["entries"][0]["past"]
        self.assertEqual(past[0], {"start": "2026-01-04T23:00:00Z", "end": "2026-01-05T01:00:00Z"})  # 8 to 10 in Tokyo
        self.assertEqual([w["end"] for w in past], [f"2026-01-{d:02}T01:00:00Z" for d in (5, 6, 7, 8, 9, 12, 13, 14, 15)])
        self.assertEqual(len(self.check("/api/v1/calendar?from=2000-01-01T00:00:00Z", "/api/v1/calendar")["entries"][0]["past"]) // 10, 28)

    def test_a_forecast_is_told_with_its_errors_or_why_there_is_none(self):
        f = self.check("/api/v1/clusters/east/forecast", "/api/v1/clusters/{name}/forecast")
        self.assertEqual(f["basis"], {"need_cpu_units": "time of day", "need_memory_mib": None})
        self.assertEqual((f["columns"]["need_cpu_units_q50"][287], f["columns"]["need_cpu_units_q90"][0]), (5287, 6000))
        self.assertEqual([f["columns"]["need_cpu_units_" + q][7] for q in ("q05", "q25", "q75", "q95")], [4007, 4507, 5507, 6507])
        self.assertIsNone(f["columns"]["need_memory_mib_q50"])
        self.assertEqual(f["columns"]["at_s"][1] - f["columns"]["at_s"][0], f["step_s"])
        self.assertIn("takes a day", f["why_none"])
        self.assertEqual(f["errors"], [{"of": "need_cpu_units", "ahead": "1h", "samples": 168, "mase": 0.5, "pinball50": 0.25, "pinball90": 0.125, "cover90": 0.875}])
        self.assertEqual(f["levels"], {"judged": 200, "cover": 0.925})
        none = self.check("/api/v1/clusters/west/forecast", "/api/v1/clusters/{name}/forecast")
        self.assertIsNone(none["levels"])
        self.assertEqual((none["made"], none["count"], none["columns"], none["errors"]), (None, 0, None, []))  # the page draws no steps then
        metrics = self.site.get("/metrics")[2].decode()
        self.assertIn('cluster="east",of="need_cpu_units",ahead="1h",measure="mase"} 0.5', metrics)
        self.assertIn('masu_forecast_coverage{account="123456789012",region="eu-west-1",cluster="east",of="need_cpu_units",ahead="1h"} 0.875', metrics)
        self.assertIn('masu_level_coverage{account="123456789012",region="eu-west-1",cluster="east"} 0.925', metrics)
        self.assertNotIn('masu_level_coverage{account="123456789012",region="eu-west-1",cluster="west"}', metrics)

    def test_pages_of_ticks_cover_all_once(self):
        seen, before = [], ""
        while before is not None:
            page = self.check("/api/v1/ticks?limit=7" + (before and "&before=%s" % before), "/api/v1/ticks")
            seen += [t["tick"] for t in page["ticks"]]
            before = page["older"]
        self.assertEqual(seen, sorted(set(seen), reverse=True))
        self.assertEqual(len(seen), 31)
        whole = self.check("/api/v1/ticks/%d" % self.tick, "/api/v1/ticks/{id}")["tick"]
        self.assertEqual(whole["acts"][0]["outcome"], "ok")
        self.assertEqual(whole["snapshot"]["cluster"], "east")
        self.assertTrue(whole["plan"]["actions"])

    def test_a_tick_is_explained_and_a_candidate_in_it(self):
        path = "/api/v1/clusters/{name}/ticks/{id}"
        tick = self.check("/api/v1/clusters/east/ticks/%d" % self.tick, path)["explain"]
        self.assertEqual(tick["tick"], self.tick)
        self.assertEqual(tick["actions"][0]["outcome"], "ok")
        self.assertEqual(tick["capped"][0]["wanted"], 40)
        self.assertNotIn("candidate", tick)
        one = self.check("/api/v1/clusters/east/ticks/%d?candidate=i-0bbb" % self.tick, path)["explain"]["candidate"]
        self.assertEqual(one["id"], "i-0bbb000000000002")
        self.assertEqual(one["drain"]["instance"], one["id"])
        self.assertTrue(one["history"])


class EventsTest(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.streams = []

    def tearDown(self):
        self.assertEqual(self.site.close(), 0, "open streams do not keep it from ending")
        for s in self.streams:
            s.close()

    def listen(self):
        stream = urllib.request.urlopen(self.site.url + "/api/v1/events", timeout=20)
        self.streams.append(stream)
        return stream

    def event(self, stream):
        """The next event: its name and data."""
        name = None
        while True:
            line = stream.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                return name, json.loads(line[6:])

    def tick(self):
        self.site.process.stdin.write("t")
        self.site.process.stdin.flush()

    def test_a_tick_is_told_to_all_who_listen(self):
        streams = [self.listen() for _ in range(20)]
        for s in streams:
            self.assertEqual(s.headers["Content-Type"], "text/event-stream")
            self.assertIn("default-src 'none'", s.headers["Content-Security-Policy"])
            self.assertEqual(self.event(s)[0], "hello")
        for number in (48214, 48215):
            self.tick()
            for s in streams:
                name, data = self.event(s)
                self.assertEqual((name, data["cluster"], data["tick"], data["failed"]), ("tick", "east", number, False))

    def test_streams_are_limited_and_others_are_served_beside_them(self):
        for _ in range(256):
            self.assertEqual(self.event(self.listen())[0], "hello")
        status, content_type, _ = self.site.get("/api/v1/events")
        self.assertEqual((status, content_type), (503, "application/problem+json"))
        self.assertEqual(self.site.get("/api/v1/clusters")[0], 200)
        for s in self.streams[:128]:
            s.close()
        for number in range(48214, 48230):  # who is gone is found when there is something to tell
            self.tick()
            self.assertEqual(self.event(self.streams[-1])[1]["tick"], number)
        self.assertEqual(self.event(self.listen())[0], "hello")


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? '
                    r'(NaN|[-+]?Inf|[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)$')


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        _, self.content_type, body = self.site.get("/metrics")
        self.text = body.decode()

    def tearDown(self):
        self.assertEqual(self.site.close(), 0)

    def test_the_text_format_is_well_formed(self):
        self.assertEqual(self.content_type, "text/plain; version=0.0.4; charset=utf-8")
        self.assertTrue(self.text.endswith("\n"))
        types, seen, current = {}, set(), None
        for line in self.text.splitlines():
            if line.startswith("# HELP "):
                current = line.split()[2]
                self.assertNotIn(current, types)
                self.assertRegex(line, r"\.$")
                continue
            if line.startswith("# TYPE "):
                self.assertEqual(line.split()[2], current)
                types[current] = line.split()[3]
                continue
            match = SAMPLE.match(line)
            self.assertTrue(match, line)
            parts = {"summary": "_(sum|count)$", "histogram": "_(bucket|sum|count)$"}.get(types[current])
            family = re.sub(parts, "", match[1]) if parts else match[1]
            self.assertEqual(family, current, "lines of a family stand together")
            self.assertNotIn((match[1], match[2]), seen, "a series appears once")
            seen.add((match[1], match[2]))
        for name, kind in types.items():
            self.assertTrue(name.startswith("masu_"), name)
            self.assertEqual(kind == "counter", name.endswith("_total"), name)

    def test_what_an_operator_watches_is_there(self):
        labels = 'account="123456789012",region="eu-west-1",cluster="east"'
        for line in [
            "masu_capacity_cpu_cores{%s} 4" % labels,
            "masu_need_memory_bytes{%s} 10737418240" % labels,
            "masu_waiting_tasks{%s} 1" % labels,
            'masu_instances{%s,state="draining"} 1' % labels,
            'masu_ticks_total{%s,result="ok"} 1' % labels,
            'masu_actions_total{%s,kind="set_target",outcome="ok"} 1' % labels,
            'masu_drains_total{%s,end="finished"} 3' % labels,
            'masu_source_up{%s,source="tasks"} 0' % labels,
            "masu_cost_usd_per_hour{%s} 0.442" % labels,
            'masu_api_calls_total{service="ecs",operation="DescribeServices",result="throttled"} 1',
            "masu_ready 0",
            'masu_alerts{%s,id="fleet-foreign",severity="warning"} 2' % labels,
            'masu_alerts{account="",region="",cluster="",id="journal-broken",severity="critical"} 1',
            'masu_control{%s,mode="pause"} 1' % labels,
            'masu_control{%s,mode="run"} 0' % labels,
            'masu_posts_total{result="no_token"} 0',
            'masu_web_connections{state="served"} 1',
            "masu_web_cut_off_total 0",
            'masu_events_received_total{kind="interruption"} 5',
            'masu_events_total{result="acted"} 4',
            "masu_event_queue_errors_total 2",
            'masu_event_age_seconds_bucket{le="0.5"} 0',
            'masu_event_age_seconds_bucket{le="1"} 5',
            'masu_event_age_seconds_bucket{le="+Inf"} 6',
            "masu_event_age_seconds_sum 403.1",
            "masu_event_age_seconds_count 6",
        ]:
            self.assertIn(line + "\n", self.text)

    def test_promtool_finds_nothing_to_say(self):
        promtool = shutil.which("promtool")
        if not promtool:
            self.fail("promtool is missing: it comes with Debian's package prometheus, which ./dev test installs")
        done = subprocess.run([promtool, "check", "metrics"], input=self.text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
