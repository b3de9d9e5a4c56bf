// A stand-in for the daemon's web server, for states that are hard to provoke in a demo: it serves web/assets under the same
// headers, and answers of the shapes in web/API.md made from a small seeded world. It decides nothing that the page shows.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const ASSETS = new URL("../../../web/assets/", import.meta.url);
const bundle = (...part) => execFileSync("python3", [fileURLToPath(new URL("../bundle.py", ASSETS)), fileURLToPath(ASSETS), ...part], { maxBuffer: 1 << 24 });
/** The modules as the daemon serves them. */
export const SCRIPT = bundle();
const STYLE = bundle("style");
/** The page as the daemon serves it: its style in it. */
const PAGE = (await readFile(new URL("index.html", ASSETS), "utf8")).replace('<link rel="stylesheet" href="/assets/app.css">', "<style>" + STYLE + "</style>");
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml" };
const CSP = "default-src 'none'; script-src 'self'; style-src 'sha256-" + createHash("sha256").update(STYLE).digest("base64") + "'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
export const NOW = Date.parse("2026-01-15T14:04:50Z");
const TICK = 48213;
const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z/, "Z");

function rng(seed) {
  let s = seed >>> 0;
  return () => ((s = (Math.imul(s, 1664525) + 1013904223) >>> 0), s / 4294967296);
}

const TYPES_OF = {
  "m5.2xlarge": [8192, 31744, 168000, 496000], "c5.2xlarge": [8192, 15360, 151000, 340000], "r5.2xlarge": [8192, 63283, 184000, 504000],
  "c5.4xlarge": [16384, 30720, 294000, 680000],
};
const SERVICES = [
  ["search-shard", 2048, 24576, 8], ["storefront", 1024, 1536, 26], ["search-api", 1024, 3072, 12], ["recommend", 2048, 6144, 6],
  ["image-resize", 1536, 2048, 7], ["feed-api", 512, 2048, 18], ["session", 512, 1024, 16], ["checkout", 1024, 2048, 7],
  ["profile-api", 512, 1024, 8], ["catalog-api", 512, 1536, 10], ["auth", 256, 512, 12], ["geo", 256, 1024, 8], ["translate", 512, 3072, 6],
  ["comment-api", 256, 768, 14], ["history-api", 256, 1024, 9], ["mailer", 256, 512, 6], ["checkout-worker", 512, 2048, 1],
];
const HOSTILE = ["<script>alert(1)</script>", "‮gnp.exe", "服务名-🍣-".repeat(9), "a".repeat(255), "x\" onload=\"alert(1)", "&amp;lt;b&gt;", "مرحبا-خدمة"];

function makeInstances(seed, count, names, special) {
  const rand = rng(seed);
  const pools = [["m5.2xlarge", false], ["c5.2xlarge", true], ["m5.2xlarge", true], ["r5.2xlarge", true], ["c5.4xlarge", true]];
  const out = [];
  for (let i = 0; i < count; i++) {
    const [type, spot] = pools[Math.floor(i / 3) % pools.length];
    const zone = "ap-northeast-1" + "acd"[i % 3];
    const [cpu, mem, priceSpot, price] = TYPES_OF[type];
    const id = "i-0" + Math.floor(rand() * 2 ** 40).toString(16).padStart(10, "0") + Math.floor(rand() * 2 ** 24).toString(16).padStart(6, "0");
    out.push({
      id, type, zone, arch: "x86_64", spot, fleet: "sfr-7f2a90c1-1111-4444-8888-0123456789ab", weight_milli: 8000, box: "active", ecs: "ACTIVE", ec2: "running",
      agent_connected: true, launched: iso(NOW - Math.floor(rand() * 30) * 3_600_000 - 600_000), registered: iso(NOW - 500_000), capacity: { cpu_units: cpu, memory_mib: mem },
      reserved: { cpu_units: 256, memory_mib: 512 }, usd_micro_per_hour: spot ? priceSpot : price, tasks_known: true,
      holdings: [{ service: names.length, shape: "agent:3", cpu_units: 128, memory_mib: 256, running: 2, pending: 0, stopping: 0, protected: 0, daemon: true }],
      drain: null, mark: "", notice: null, rebalance: null, event: null, kept_by_tag: false, verdict: { code: "keep", fact: "its tasks fit on 0 of 19 others", verdict: "keep" },
    });
  }
  if (special) {
    const coming = out[9];
    Object.assign(coming, { box: "coming", ecs: "UNREGISTERED", launched: iso(NOW - 70_000), registered: null, holdings: [], reserved: { cpu_units: 0, memory_mib: 0 }, verdict: null });
    Object.assign(out[3], { box: "draining", ecs: "DRAINING", mark: "1", drain: { state: "draining", since: iso(NOW - 400_000), state_since: iso(NOW - 390_000), deadline: iso(NOW + 900_000), held: false, reason: "its 9 tasks fit on 4 others -> drain" }, verdict: { code: "go_on", fact: "5 of 9 tasks left, deadline " + iso(NOW + 900_000), verdict: "go on draining" } });
    Object.assign(out[4], { box: "held", ecs: "DRAINING", mark: "1", drain: { state: "draining", since: iso(NOW - 1_400_000), state_since: iso(NOW - 1_390_000), deadline: iso(NOW + 380_000), held: true, reason: "its 7 tasks fit on 3 others -> drain" }, verdict: { code: "go_on", fact: "1 task of checkout-worker protected, deadline " + iso(NOW + 380_000), verdict: "wait" } });
    Object.assign(out[11], { box: "interrupted", ecs: "DRAINING", notice: iso(NOW - 71_000), verdict: { code: "drain", fact: "spot notice at 14:03:41, 13 tasks", verdict: "drain now" } });
    Object.assign(out[20], { box: "foreign", ecs: "DRAINING", verdict: { code: "foreign", fact: "DRAINING without masu's mark", verdict: "a person's: not touched" } });
    Object.assign(out[17], { box: "disconnected", agent_connected: false, verdict: { code: "hold", fact: "agent not connected for 4 min", verdict: "hold" } });
  }
  return out;
}

function place(instances, services, seed) {
  const rand = rng(seed);
  services.forEach(([, cpu, mem, n], s) => {
    for (let k = 0; k < n; k++) {
      const start = Math.floor(rand() * instances.length);
      for (let j = 0; j < instances.length; j++) {
        const it = instances[(start + j) % instances.length];
        if (it.box === "coming" || ((it.box === "draining" || it.box === "held" || it.box === "interrupted") && it.holdings.length > 2)) continue;
        if (it.reserved.cpu_units + cpu > it.capacity.cpu_units || it.reserved.memory_mib + mem > it.capacity.memory_mib) continue;
        it.reserved.cpu_units += cpu;
        it.reserved.memory_mib += mem;
        const have = it.holdings.find((x) => x.service === s);
        if (have) have.running++;
        else it.holdings.push({ service: s, shape: services[s][0] + ":1", cpu_units: cpu, memory_mib: mem, running: 1, pending: 0, stopping: 0, protected: it.box === "held" ? 1 : 0, daemon: false });
        break;
      }
    }
  });
}

const zero = () => ({ cpu_units: 0, memory_mib: 0 });
const add = (a, b) => ({ cpu_units: a.cpu_units + b.cpu_units, memory_mib: a.memory_mib + b.memory_mib });

/** Every type in every zone; in a special world one was out of stock, one lost instances, one has no address. */
function makePools(instances, opt) {
  const fleet = "sfr-7f2a90c1-1111-4444-8888-0123456789ab";
  const out = [];
  for (const [type, [cpu, mem, spot, demand]] of Object.entries(TYPES_OF))
    for (const z of "acd") {
      const zone = "ap-northeast-1" + z;
      const on = instances.filter((i) => i.type === type && i.zone === zone);
      out.push({ fleet, type, zone, weight_milli: 8000, spot_usd_micro_per_hour: spot, on_demand_usd_micro_per_hour: demand, nominal: { cpu_units: cpu, memory_mib: Math.round(mem / 0.97) },
        capacity: { cpu_units: cpu, memory_mib: mem }, eni_slots: 3, measured: type !== "c5.4xlarge", spot_instances: on.filter((i) => i.spot).length, on_demand_instances: on.filter((i) => !i.spot).length, subnets: 2, full_subnets: 0, memory: null });
    }
  if (opt.special) {
    out[4].memory = { why: ["out_of_stock", "interrupted"], failures: 2, last: iso(NOW - 100_000), avoided_until: iso(NOW + 260_000) };
    out[7].memory = { why: ["slow"], failures: 1, last: iso(NOW - 1_900_000), avoided_until: null };
    out[8].full_subnets = 1;
    out[11].full_subnets = 2;
    out.push({ ...out[0], type: opt.hostile ? HOSTILE[0] : "m6i.large", zone: "", spot_usd_micro_per_hour: null, on_demand_usd_micro_per_hour: null, nominal: null, capacity: null, eni_slots: null, measured: false, spot_instances: 0, on_demand_instances: 0 });
  }
  return out;
}

/** The alerts of a world that has some: one of each severity, hostile names among them. */
function alertsIn(opt, cluster) {
  const one = (severity, id, target, minutes, what, remedy) => ({ id, severity, cluster, account: "123456789012", region: "ap-northeast-1", target, since: iso(NOW - minutes * 60_000), what, remedy });
  return opt.alerts ? [
    one("critical", "demand-incurable", opt.hostile ? HOSTILE[0] : "search-shard", 15, "3 tasks of search-shard need 512 GiB each, the largest type of the fleets has 64 GiB.", "Add a type with more memory to a fleet, or make the task smaller."),
    one("warning", "fleet-read-only", "sfr-7f2a90c1-1111-4444-8888-0123456789ab", 130, "The fleet carries masu:owner=masu-staging.", "Let one of the two daemons go, or remove the tag."),
    one("info", "orphan-kept", "i-0ea9156934543d656", 3, "An instance that never registered is kept for inspection.", "End it when you have looked."),
  ] : [];
}
const CONTROL = { mode: "pause", who: "hana, API from 10.0.0.7", why: "incident 4711", since: iso(NOW - 600_000), until: iso(NOW + 3_600_000) };

function makeCluster(name, seed, opt) {
  const services = (opt.hostile ? HOSTILE.map((n, i) => [n, 256 + 256 * (i % 4), 1024, 4 + i]) : SERVICES).map((s) => [...s]);
  if (opt.scale) for (const s of services) s[3] = Math.ceil(s[3] * opt.scale);
  const instances = makeInstances(seed, opt.count, services, opt.special);
  place(instances, services, seed + 1);
  const names = services.map((s) => s[0]).concat("agent");
  const active = instances.filter((i) => i.box === "active");
  const capacity = active.reduce((a, i) => add(a, i.capacity), zero());
  const reserved = active.reduce((a, i) => add(a, i.reserved), zero());
  const waiting = opt.special ? 2 : 0;
  const need = add(reserved, waiting ? { cpu_units: 4096 + 2048, memory_mib: 49152 } : { cpu_units: Math.round(capacity.cpu_units * 0.05), memory_mib: Math.round(capacity.memory_mib * 0.05) });
  const count = (box) => instances.filter((i) => box.includes(i.box)).length;
  const cost = instances.reduce((a, i) => a + i.usd_micro_per_hour, 0);
  const spot = instances.filter((i) => i.spot).length;
  const rows = services.map(([n, cpu, mem, want], s) => {
    const on = instances.filter((i) => i.holdings.some((x) => x.service === s));
    const running = on.reduce((a, i) => a + i.holdings.filter((x) => x.service === s).reduce((b, x) => b + x.running, 0), 0);
    const waits = opt.special && s === 0 ? 2 : 0;
    return { name: n, kind: "replica", desired: running + waits || want, running, pending: 0, waiting: waits, waiting_since: waits ? iso(NOW - 71_000) : null, shape: n + ":12", task_cpu_units: cpu, task_memory_mib: mem, reserved: { cpu_units: running * cpu, memory_mib: running * mem }, instances: on.length, deploying: s === 5, crash_looping: false, last_event: "" };
  });
  rows.push({ name: "agent", kind: "daemon", desired: instances.length * 2, running: instances.length * 2, pending: 0, waiting: 0, waiting_since: null, shape: "agent:3", task_cpu_units: 128, task_memory_mib: 256, reserved: { cpu_units: instances.length * 256, memory_mib: instances.length * 512 }, instances: instances.length, deploying: false, crash_looping: false, last_event: "" });
  const summary = {
    name, account: "123456789012", region: "ap-northeast-1", status: opt.status || "ok", status_detail: opt.status_detail || "", mode: opt.mode || "act", dry_run: !!opt.dry, policy_hash: "3f2a91c0de3f2a91", period_ms: 30000,
    tick: TICK, at: iso(NOW - (opt.age_ms ?? 16_000)), duration_ms: 9, next_tick: iso(NOW + 14_000), instances: { total: instances.length, active: active.length, draining: count(["draining", "held", "empty"]), coming: count(["coming"]), interrupted: count(["interrupted"]), spot },
    capacity, reserved, need, used: opt.special ? { cpu_units: Math.round(reserved.cpu_units * 0.42), memory_mib: Math.round(reserved.memory_mib * 0.63) } : null,
    need_4h_q90: opt.special ? { cpu_units: Math.round(need.cpu_units * 1.08), memory_mib: Math.round(need.memory_mib * 1.08) } : null, enough_until: opt.special ? iso(NOW + 2_410_000) : null, waiting_tasks: waiting, waiting_since: waiting ? iso(NOW - 71_000) : null, drains_in_progress: count(["draining", "held", "empty"]), drains_total: { begun: 12, finished: 9, undone: 1 },
    cost_usd_micro_per_hour: cost, saved_usd_micro_per_hour: instances.reduce((a, i) => a + TYPES_OF[i.type][3] - i.usd_micro_per_hour, 0), spot_permyriad: Math.round((10000 * spot) / instances.length), stale_sources: opt.stale ? 1 : 0,
    control: opt.control || null, alert_count: { total: alertsIn(opt, name).length, worst: alertsIn(opt, name)[0]?.severity || null },
  };
  const by = (box) => instances.find((i) => i.box === box);
  const progress = !opt.special ? [] : [
    { kind: "notice", instance: by("interrupted").id, type: "c5.2xlarge", zone: by("interrupted").zone, state: "draining", steps: ["notice", "draining", "empty"], step: 1, since: iso(NOW - 71_000), state_since: iso(NOW - 70_000), deadline: iso(NOW + 49_000), tasks_left: 3, held: false, holder: null, reason: "10 of 13 tasks have left, 8 run elsewhere, 2 wait -> boot ordered 14:03:42" },
    { kind: "drain", instance: by("held").id, type: "c5.2xlarge", zone: by("held").zone, state: "draining", steps: ["chosen", "draining", "empty", "lowered", "ending", "gone"], step: 1, since: iso(NOW - 1_400_000), state_since: iso(NOW - 1_390_000), deadline: iso(NOW + 380_000), tasks_left: 1, held: true, holder: { service: "checkout-worker", task: "9f3c71d0aa", why: "protected" }, reason: "its 7 tasks fit on 3 others -> drain" },
    { kind: "drain", instance: by("draining").id, type: "c5.2xlarge", zone: by("draining").zone, state: "draining", steps: ["chosen", "draining", "empty", "lowered", "ending", "gone"], step: 1, since: iso(NOW - 400_000), state_since: iso(NOW - 390_000), deadline: iso(NOW + 900_000), tasks_left: 3, held: false, holder: null, reason: "its 9 tasks fit on 4 others -> drain, saves $0.151/h" },
    { kind: "launch", instance: by("coming").id, type: "r5.2xlarge", zone: by("coming").zone, state: "booting", steps: ["ordered", "pending", "booting", "registered"], step: 2, since: iso(NOW - 70_000), state_since: iso(NOW - 40_000), deadline: null, tasks_left: 0, held: false, holder: null, reason: "2 tasks of search-shard fit on 0 of 20 instances -> launch" },
  ];
  const sources = ["container_instances", "services", "tasks", "task_definitions", "ec2_instances", "fleets", "instance_types"].map((kind, i) => ({ kind, state: opt.stale && kind === "ec2_instances" ? "unknown" : "ok", read: iso(NOW - 16_000 - (opt.stale && kind === "ec2_instances" ? 2_520_000 : 0)), age_ms: opt.stale && kind === "ec2_instances" ? 2_536_000 : 16_000 + i * 100, detail: opt.stale && kind === "ec2_instances" ? "DescribeInstances: timed out 84 times" : "" }));
  const full = {
    ...summary, alerts: alertsIn(opt, name), sources, services: rows.sort((a, b) => b.reserved.cpu_units - a.reserved.cpu_units), in_progress: progress, decisions: [],
    fleets: [{ id: "sfr-7f2a90c1-1111-4444-8888-0123456789ab", kind: "spot_fleet", state: "active", activity: "fulfilled", target: 184, on_demand_target: 0, fulfilled_milli: 184000, min: 0, max: 400, instances: instances.length, foreign_scaling: false, foreign: "", owner: opt.alerts ? "masu-staging" : "masu", ours: !opt.alerts, denied: "", control: opt.control ? "pause incident 4711" : "" }],
    verdicts: [
      ...(waiting ? [{ kind: "shape", code: "wait", target: "search-shard search-shard:12", fact: "2 tasks of search-shard need 24.0 GiB each, largest free 19.3 GiB", verdict: "r5.2xlarge boots, about 24 s", wanted: null, allowed: null }] : []),
      ...instances.slice(0, 12).map((i) => ({ kind: "instance", code: i.verdict?.code || "keep", target: i.id, fact: i.verdict?.fact || "boots", verdict: i.verdict?.verdict || "wait", wanted: null, allowed: null })),
    ],
    demands: waiting ? [{ service: services[0][0], shape: services[0][0] + ":12", missing: 2, leaving: 0, headroom: 1, fits: 0, waits: 2, ordered: 1, never: 0, since: iso(NOW - 71_000) }] : [],
  };
  return { summary, full, instances: { cluster: name, tick: TICK, at: summary.at, services: names, instances }, pools: { cluster: name, tick: TICK, at: summary.at, pools: makePools(instances, opt) }, seed };
}

function series(c, q) {
  const from = Date.parse(q.get("from"));
  const to = Date.parse(q.get("to"));
  const m = /^(\d+)([mhd])$/.exec(q.get("step"));
  const step = +m[1] * { m: 60_000, h: 3_600_000, d: 86_400_000 }[m[2]];
  const cols = {};
  for (const k of ["at_s", "capacity_cpu_units", "capacity_memory_mib", "reserved_cpu_units", "reserved_memory_mib", "need_cpu_units", "need_memory_mib", "instances", "draining", "coming", "waiting_tasks", "cost_usd_micro_per_hour", "used_cpu_units", "used_memory_mib", "interrupted", "overflow"]) cols[k] = [];
  const rand = rng(c.seed * 7);
  const s = c.summary;
  let cap = 0;
  for (let t = from; t < to && t <= (s.status === "late" ? Date.parse(s.at) : NOW); t += step) {
    const day = ((t / 3_600_000 + c.seed) % 24) / 24;
    const shape = (d) => 1 + 0.3 * Math.sin(d * 6.28 - 1) + 0.16 * Math.sin(d * 12.56 + 2);
    const f = shape(day) / shape(((NOW / 3_600_000 + c.seed) % 24) / 24) + 0.012 * (rand() - 0.5);
    const res = s.reserved.cpu_units * f;
    const want = (s.capacity.cpu_units * f) / 8192;
    if (want > cap / 8192) cap = Math.ceil(want) * 8192;
    else if (want < cap / 8192 - 1.4) cap -= 8192;
    const last = t + 2 * step > NOW && s.status !== "late";
    const waits = (t > NOW - 72_000_000 && t < NOW - 71_300_000 && c.full.in_progress.length) || (last && s.waiting_tasks) ? 2 : 0;
    const gap = t > NOW - 50_000_000 && t < NOW - 47_500_000 && c.seed === 7 ? null : 1;
    const v = (x) => (gap === null ? null : Math.round(x));
    cols.at_s.push(t / 1000);
    cols.capacity_cpu_units.push(v(last ? s.capacity.cpu_units : cap));
    cols.capacity_memory_mib.push(v(last ? s.capacity.memory_mib : (cap * s.capacity.memory_mib) / s.capacity.cpu_units));
    cols.reserved_cpu_units.push(v(last ? s.reserved.cpu_units : res));
    cols.reserved_memory_mib.push(v(last ? s.reserved.memory_mib : s.reserved.memory_mib * f));
    cols.need_cpu_units.push(v(last ? s.need.cpu_units : res * 1.05 + waits * 4096));
    cols.need_memory_mib.push(v(last ? s.need.memory_mib : s.reserved.memory_mib * f * 1.05 + waits * 24576));
    cols.used_cpu_units.push(s.used ? v(res * 0.42) : null);
    cols.used_memory_mib.push(s.used ? v(s.reserved.memory_mib * f * 0.63) : null);
    cols.overflow.push(c.seed === 3 ? +(t > NOW - 7_200_000 && t < NOW - 5_400_000) : null);
    cols.instances.push(v(cap / 8192));
    const told = t > NOW - 18_000_000 - step && t <= NOW - 18_000_000 && (c.seed === 3 || c.seed === 4) ? 2 : last && c.full.in_progress.length ? 1 : 0;
    cols.interrupted.push(gap === null ? null : told);
    cols.draining.push(0);
    cols.coming.push(0);
    cols.waiting_tasks.push(gap === null ? null : waits);
    cols.cost_usd_micro_per_hour.push(v((cap / 8192) * 170000));
  }
  return { now: iso(NOW), cluster: s.name, from: iso(from), step_s: step / 1000, count: cols.at_s.length, columns: cols };
}

const DAYS = ["capacity_cpu_units", "capacity_memory_mib", "reserved_cpu_units", "reserved_memory_mib", "need_cpu_units", "need_memory_mib", "waiting_tasks"];
/** All clusters' days on one grid. */
function estateSeries(clusters, q) {
  const all = clusters.map((c) => [c.summary, series(c, q)]);
  const grid = all.map(([, s]) => s).sort((a, b) => b.count - a.count)[0];
  return { now: iso(NOW), from: q.get("from"), step_s: 900, count: grid?.count || 0, at_s: grid?.columns.at_s || [], after: null,
    clusters: all.map(([c, s]) => ({ cluster: c.name, account: c.account, region: c.region, columns: Object.fromEntries(DAYS.map((k) => [k, grid.columns.at_s.map((_, i) => s.columns[k][i] ?? null)])) })) };
}

function ticks(c, q) {
  const limit = +(q.get("limit") || 50);
  const before = +(q.get("before") || TICK + 1);
  const acting = q.get("acting") === "true";
  const out = [];
  const ids = c.instances.instances.map((i) => i.id);
  let older = null;
  for (let id = before - 1; id > TICK - 1440; id--) {
    const at = NOW - 16_000 - (TICK - id) * 60_000;
    const acts = [];
    const act = (kind, target, fact, verdict, more = {}) => acts.push({ kind, target, fact, verdict, params: "{}", client_token: "", created: iso(at + 400), finished: iso(at + 600), outcome: c.summary.dry_run ? "dry_run" : "ok", outcome_detail: "", http_status: 200, ...more });
    const k = TICK - id;
    const special = c.full.in_progress.length > 0;
    if (special && k === 1) {
      act("drain", c.full.in_progress[0].instance, "spot notice for " + c.full.in_progress[0].instance + " at 14:03:41, 13 tasks", "drain now");
      act("set_target", c.full.fleets[0].id, "2 tasks of search-shard 2 vCPU 24.0 GiB fit on 0 of 20 instances, largest free 19.3 GiB", "launch 1 r5.2xlarge 1a, $0.184/h", { hourly_delta_usd_micro: 184000 });
    } else if (special && (k === 7 || k === 23)) {
      const it = c.full.in_progress[k === 7 ? 2 : 1].instance;
      act("mark", it, it + ": its 9 tasks fit on 4 others, pay-back 24 min", "drain, saves $0.151/h");
      act("drain", it, it + ": its 9 tasks fit on 4 others, pay-back 24 min", "drain, saves $0.151/h");
    } else if (k % 97 === 31) act("set_target", c.full.fleets[0].id, k % 7 + 2 + " tasks of storefront fit on 0 of 18 instances", c.seed === 5 ? "raise the target from 1,412 to 1,498, in steps of 12" : "launch", { hourly_delta_usd_micro: 168000 });
    else if (k % 131 === 60) act("drain", ids[k % ids.length], ids[k % ids.length] + ": its 4 tasks fit on 3 others", "drain, saves $0.168/h");
    else if (k % 131 === 52) act("terminate", ids[(k + 8) % ids.length], ids[(k + 8) % ids.length] + " is empty, target lowered", "end", k > 600 ? { outcome: "failed", outcome_detail: "RequestLimitExceeded" } : {});
    if (acting && !acts.length) continue;
    if (out.length === limit) { older = id + 1; break; }
    out.push({ tick: id, cluster: c.summary.name, account: c.summary.account, region: c.summary.region, at: iso(at), duration_ms: 9, mode: "act", dry_run: c.summary.dry_run, policy_hash: "3f2a91c0de3f2a91", recorded: true, error: "", actions: acts.length, ok: acts.length, failed: 0, skipped: 0, whole: acts.length > 0, summary: null, acts });
  }
  return { now: iso(NOW), ticks: out, older };
}

const UNIT = (n) => ({ usd_micro_per_hour: n, usd_micro_per_day: n * 24, usd_micro_per_month: n * 730 });

/** Who holds what, at the price that the fixture gives a vCPU. */
// Of four services two weeks of use are known: one fits, one reserves too much, one too little, and of one there is too little to advise by.
function sizeOf(s) {
  const amount = (advice, reserved, p50, p95, max, suggested) => ({ advice, reserved, p50, p95, p99: Math.round((p95 + max) / 2), max, suggested, above_percent: suggested === null ? null : advice === "lower" ? 1.2 : 0 });
  const base = { from: iso(NOW - 14 * 86_400_000), to: iso(NOW - 3 * 3_600_000), samples: 4032, seen_s: 1_209_600, mean_of_tasks: true };
  const cpu = s.task_cpu_units, mem = s.task_memory_mib;
  const part = (f, of) => Math.round(f * of);
  if (s.name === "search-api") return { ...base, fact: `p95 ${part(0.2, cpu)} of ${cpu} CPU units, memory at most, mean of its tasks, ${part(0.8, mem)} of ${mem} MiB`, verdict: `lower to ${part(0.25, cpu)} CPU units`, cpu_units: amount("lower", cpu, part(0.1, cpu), part(0.2, cpu), part(0.6, cpu), part(0.25, cpu)), memory_mib: amount("fits", mem, part(0.6, mem), part(0.7, mem), part(0.8, mem), mem), wasted: UNIT(31500) };
  if (s.name === "storefront") return { ...base, fact: `p95 ${part(0.5, cpu)} of ${cpu} CPU units, memory at most, mean of its tasks, ${part(1.1, mem)} of ${mem} MiB`, verdict: `raise to ${part(1.3, mem)} MiB`, cpu_units: amount("fits", cpu, part(0.3, cpu), part(0.5, cpu), part(1.2, cpu), cpu), memory_mib: amount("raise", mem, part(0.7, mem), part(0.9, mem), part(1.1, mem), part(1.3, mem)), wasted: UNIT(0) };
  if (s.name === "feed-api") return { ...base, samples: 576, seen_s: 172_800, fact: "48 of 168 h of use seen", verdict: "no advice", cpu_units: amount("unknown", cpu, part(0.3, cpu), part(0.6, cpu), part(0.9, cpu), null), memory_mib: amount("unknown", mem, part(0.5, mem), part(0.6, mem), part(0.7, mem), null), wasted: null };
  return { ...base, samples: 0, seen_s: 0, fact: "what it uses is not measured", verdict: "no advice", cpu_units: null, memory_mib: null, mean_of_tasks: false, wasted: null };
}

function services(clusters, q) {
  const of = (c) => ({ cluster: c.summary.name, account: c.summary.account, region: c.summary.region });
  const list = clusters.flatMap((c) => [...c.full.services].sort((a, b) => (a.name < b.name ? -1 : 1)).map((s, i) => ({
    ...of(c), name: s.name, kind: s.kind, on_ec2: true, desired: s.desired, running: s.running, pending: s.pending, waiting: s.waiting, waiting_since: s.waiting_since, shape: s.shape,
    task_cpu_units: s.task_cpu_units, task_memory_mib: s.task_memory_mib, reserved: s.reserved, used: null, size: sizeOf(s),
    requests_per_s: s.name === "storefront" ? 412.5 : s.name === "search-api" ? 0 : null, usd_micro_per_million_requests: s.name === "storefront" ? 922558 : null, instances: s.instances,
    cost: s.name === "geo" ? null : UNIT(s.reserved.cpu_units * 21), min_percent: 100, max_percent: s.name === "checkout-worker" ? 100 : 200, stop_timeout_s: s.name === "mailer" ? 330 : 30,
    deploying: s.deploying, crash_looping: s.crash_looping,
    risks: [
      ...(s.name === "checkout-worker" ? [{ code: "cannot_move", fact: "desired 1 at 100/100 %, can neither start nor stop a task", verdict: "cannot move" }, { code: "protected", fact: "1 of its tasks protected from scale-in", verdict: "holds a drain" }] : []),
      ...(s.name === "mailer" ? [{ code: "slow_stop", fact: "a task may need 330 s to stop, a spot notice gives 120 s", verdict: "may not end in time" }] : []),
    ], i,
  })));
  const from = Number(q.get("after") || 0);
  const limit = Number(q.get("limit") || 200);
  return { now: iso(NOW), clusters: clusters.map((c) => ({ ...of(c), tick: TICK, at: c.summary.at, services: c.full.services.length, standalone_cost: UNIT(0), free_cost: UNIT(910000) })),
    services: list.slice(from, from + limit).map(({ i: _i, ...s }) => s), after: from + limit < list.length ? String(from + limit) : null };
}

/** Why and why not of one tick. */
function explain(c, id) {
  const t = c && ticks(c, new URLSearchParams({ before: String(id + 1), limit: "1" })).ticks.find((x) => x.tick === id);
  if (!t) return [404, { type: "about:blank", title: "Not Found", status: 404, detail: "no tick " + id + " of this cluster" }];
  const s = c.summary;
  return [200, { now: iso(NOW), explain: {
    tick: id, cluster: s.name, account: s.account, region: s.region, at: t.at, duration_ms: t.duration_ms, mode: t.mode, dry_run: t.dry_run, recorded: true, error: "", masu: "0.1.0", policy_hash: t.policy_hash, planned_policy: "9c41e0de3f2a91c0",
    facts: { instances: s.instances.total, services: c.full.services.length, tasks: 214, fleets: 1, sources: c.full.sources.map((x) => ({ source: x.kind, state: x.state, age_ms: x.age_ms, detail: x.detail })) },
    summary: summaryOf(c, id),
    actions: t.acts.map((a) => ({ kind: a.kind, target: a.target, before: a.kind === "set_target" ? 176 : null, after: a.kind === "set_target" ? 184 : null, reason: a.fact + " -> " + a.verdict, fact: a.fact, verdict: a.verdict, hourly_delta_usd_micro: a.hourly_delta_usd_micro || 0, outcome: a.outcome, outcome_detail: a.outcome_detail, began: a.created, finished: a.finished })),
    capped: id % 2 ? [] : [{ kind: "cluster", target: s.name, code: "capped", fact: "12 launches wanted, at most 10 a tick", verdict: "capped", wanted: 12, allowed: 10 }],
    verdicts: c.full.verdicts, demands: long(id) ? [] : c.full.demands, drains: drainsOf(c, id),
  } }];
}

/** A day ahead; and what was expected an hour before. */
function forecast(c) {
  const s = c.summary;
  const at = Array.from({ length: 288 }, (_, i) => NOW / 1000 + 300 * i);
  const wave = (i) => 1 + 0.2 * Math.sin(i / 46);
  const of = (x, more) => at.map((_, i) => (s.need ? Math.round(x * wave(i) * (1 + more * Math.sqrt(i / 288))) : null));
  const need = s.need || { cpu_units: 0, memory_mib: 0 };
  return { now: iso(NOW), cluster: s.name, made: iso(NOW - 240_000), why_none: "", step_s: 300, count: 288, basis: { need_cpu_units: "time of day", need_memory_mib: "time of day" },
    columns: { at_s: at, ...Object.fromEntries(["cpu_units", "memory_mib"].flatMap((k) => Object.entries({ "05": -0.25, 25: -0.1, 50: 0, 75: 0.1, 90: 0.2, 95: 0.25 }).map(([q, more]) => [`need_${k}_q${q}`, of(need[k], more)]))) },
    errors: [{ of: "need_cpu_units", ahead: "1h", samples: 168, mase: 0.61, pinball50: 0.3, pinball90: 0.15, cover90: 0.91 }] };
}
function foretold(c, q) {
  const s = series(c, q);
  return { ...s, columns: { at_s: s.columns.at_s, need_cpu_units_q50: s.columns.need_cpu_units.map((v) => v && v * 0.97), need_memory_mib_q50: s.columns.need_memory_mib.map((v) => v && v * 0.97) } };
}

/** A day that was announced, one that holds each weekday, and one that is over. */
function calendar(clusters, from) {
  const entry = (c, name, more, next) => ({ cluster: c.summary.name, account: c.summary.account, region: c.summary.region, name, times: 1, at_least: { vcpus: null, memory_gib: null, instances: null }, date: null, days: null, from: null, to: null, zone: null, ...more, past: name === "dinner" && from ? [{ start: iso(NOW - 1470 * 60_000), end: iso(NOW - 1370 * 60_000) }] : [],
    next: next.map(([a, b]) => ({ start: iso(NOW + a * 60_000), end: iso(NOW + b * 60_000), now: a <= 0 })) });
  return { now: iso(NOW), entries: clusters.slice(0, 1).flatMap((c) => [
    entry(c, c.summary.name.startsWith("<") ? "<script>alert(1)</script>" : "valentine", { times: 2, date: "02-14", from: "08:00", to: "24:00", zone: "Asia/Tokyo" }, [[95, 1055], [527_000, 528_000]]),
    entry(c, "dinner", { at_least: { vcpus: 96, memory_gib: 512, instances: null }, days: "mon-fri", from: "17:00", to: "20:30", zone: "Asia/Tokyo" }, [[-30, 70], [1410, 1510]]),
    entry(c, "television", { times: 1.5, at_least: { vcpus: null, memory_gib: null, instances: 40 } }, []),
  ]) };
}

/** A fleet that grows, one of which too little is known, and a quota that is far. */
const limits = (c) => ({ now: iso(NOW), cluster: c.summary.name, limits: [
  { kind: "fleet", name: c.summary.name.startsWith("<") ? "<script>alert(1)</script>" : "sfr-7f2a90c1", now: 24, limit: 40, peak_7d: 37, days_known: 91, days_needed: 14, days_ahead: 90, growth_a_day: 0.07, reached_q90: iso(NOW + 22 * 86_400_000), reached_q50: iso(NOW + 44 * 86_400_000), fact: "peaks of 91 days change by 0.07 a day", verdict: "raise max before" },
  { kind: "fleet", name: "burst", now: 3, limit: 10, peak_7d: 3, days_known: 5, days_needed: 14, days_ahead: 90, growth_a_day: null, reached_q90: null, reached_q50: null, fact: "5 days of 14 are known", verdict: "no date yet" },
  { kind: "quota", name: "Standard Spot vCPUs, L-34B43A08", now: 1096, limit: 11520, peak_7d: 1480, days_known: 91, days_needed: 14, days_ahead: 90, growth_a_day: 0.1, reached_q90: null, reached_q50: null, fact: "peaks of 91 days change by 0.10 a day", verdict: "nothing to do" },
] });

/** The instances as they were more than an hour ago: fewer, one that drains, one that is held and one that boots. */
const before = (c) => c.instances.instances.slice(0, 20).map((i, n) => (n === 3 || n === 4 || n === 9 ? i : { ...i, box: "active", ecs: "ACTIVE", agent_connected: true, notice: null }));
const long = (id) => id < TICK - 60;
const drainsOf = (c, id) => (long(id) ? before(c).filter((i) => i.drain).map((i) => ({ instance: i.id, state: "draining", since: i.drain.since, state_since: i.drain.since, deadline: i.drain.deadline, reason: i.drain.reason })) : []);
function summaryOf(c, id) {
  const s = c.summary;
  if (!long(id)) return { instances: s.instances.total, active: s.instances.active, draining: s.instances.draining, coming: s.instances.coming, interrupted: s.instances.interrupted, waiting_tasks: s.waiting_tasks, capacity: s.capacity, reserved: s.reserved, need: s.need, hourly_usd_micro: s.cost_usd_micro_per_hour };
  const active = before(c).filter((i) => i.ecs === "ACTIVE");
  const sum = (k) => active.reduce((a, i) => add(a, i[k]), zero());
  return { instances: 20, active: active.length, draining: 2, coming: 1, interrupted: 0, waiting_tasks: 0, capacity: sum("capacity"), reserved: sum("reserved"), need: sum("reserved"), hourly_usd_micro: before(c).reduce((a, i) => a + i.usd_micro_per_hour, 0) };
}

/** An instance as the journal has it. */
const journalled = (i, names) => ({ id: i.id, type: i.type, zone: i.zone, spot: i.spot ? undefined : false, fleet: i.fleet, weight_milli: i.weight_milli, agent_connected: i.agent_connected, ecs: i.ecs, ec2: i.ec2, launched_at: i.launched, notice_at: i.notice, registered: i.capacity && i.ecs !== "UNREGISTERED" ? i.capacity : undefined,
  remaining: i.capacity && { cpu_units: i.capacity.cpu_units - i.reserved.cpu_units, memory_mib: i.capacity.memory_mib - i.reserved.memory_mib },
  tasks: i.holdings.map((x) => ({ service: names[x.service], shape: x.shape, running: x.running, protected: x.protected })) });

/** The worlds by name. */
export function world(kind) {
  const one = (name, seed, opt) => makeCluster(name, seed, { count: 24, ...opt });
  const alarmed = kind === "alerts" || kind === "alerts, resumed";
  const daemon = { version: "0.1.0", started: iso(NOW - 43_490_000), dry_run: kind === "dryrun", speed: kind === "fast" ? 720 : 1, uptime_s: 43490, state_ok: true, state_detail: "", ready: true, ready_detail: "", shell_mode: "act", shell_mode_reason: "", alert_count: { total: alarmed ? 1 : 0, worst: alarmed ? "warning" : null } };
  let clusters = [one("production-web", 3, { special: true }), one("internal-ci", 5, { count: 14, scale: 0.5 }), one("recipes-web", 7, { count: 9, scale: 0.4 })];
  if (alarmed) clusters[0] = one("production-web", 3, { special: true, alerts: true, control: kind === "alerts" ? CONTROL : null });
  if (kind === "empty") clusters = [];
  if (kind === "dryrun") clusters = [one("staging-batch", 4, { count: 8, scale: 0.4, dry: true })];
  if (kind === "stale") clusters = [one("production-web", 3, { special: true, stale: true })];
  if (kind === "stopped") clusters = [one("production-web", 3, { special: true, status: "late", status_detail: "no tick for 84 min", age_ms: 5_040_000 })];
  if (kind === "hostile") clusters = [one("<img src=x onerror=alert(1)>", 3, { hostile: true, special: true, alerts: true }), one("‮evil", 5, { count: 6 }), one("b".repeat(255), 6, { count: 6 })];
  if (kind.startsWith("many")) {
    clusters = Array.from({ length: 40 }, (_, i) => one(["production", "staging", "internal", "recipes", "global"][i % 5] + "-" + ["web", "api", "search", "feed", "batch", "auth", "ml", "etl"][i % 8] + (i > 19 ? "-" + i : ""), i + 3, { count: i === 0 ? 120 : 3 + ((i * 7) % 30), scale: i === 0 ? 5 : 0.2 + ((i * 3) % 10) / 10, special: i === 2 && 3 + ((i * 7) % 30) > 21, dry: i === 11 }));
    clusters[1] = one("production-ml", 9, { special: true });
    if (kind === "many-moved") clusters[4] = one(clusters[4].summary.name, 11, { count: 60, scale: 2, special: true });
  }
  if (kind === "thousand") clusters = Array.from({ length: 1000 }, (_, i) => one(["web", "api", "search", "batch"][i % 4] + "-" + String(i).padStart(3, "0"), i + 3, { count: 3 + ((i * 7) % 9), scale: 0.2 + ((i * 3) % 10) / 20 }));
  if (kind === "huge") clusters = [one("production-web", 3, { count: 500, scale: 20, special: true })];
  const own = alarmed ? [{ id: "policy-refused", severity: "warning", cluster: null, account: null, region: null, target: "policy.json", since: iso(NOW - 60_000), what: "The new policy was refused, the one of before goes on.", remedy: "masu check-policy says what is wrong." }] : [];
  return { daemon, clusters, alerts: [...clusters.flatMap((c) => c.full.alerts), ...own] };
}

/** @returns {Promise<{ url: string, close: () => void, set: (kind: string) => void, asked: () => number, fail: (part: string) => void }>} */
export async function startFixture(kind = "pictures") {
  let w = world(kind);
  let failing = "";
  let asked = 0;
  const answer = (url) => {
    const q = url.searchParams;
    if (failing === "all") return [503, { type: "about:blank", title: "Service Unavailable", status: 503, detail: "stopping" }];
    if (failing && url.pathname.includes(failing)) return [503, { type: "about:blank", title: "Service Unavailable", status: 503, detail: "history is busy, query over 2 s" }];
    if (url.pathname === "/api/v1/clusters") return [200, { now: iso(NOW), daemon: w.daemon, clusters: w.clusters.map((c) => c.summary) }];
    if (url.pathname === "/api/v1/alerts") return [200, { now: iso(NOW), alerts: w.alerts }];
    if (url.pathname === "/api/v1/calendar") return [200, calendar(w.clusters.filter((c) => !q.get("cluster") || c.summary.name === q.get("cluster")), q.get("from"))];
    if (url.pathname === "/api/v1/series") return [200, estateSeries(w.clusters, q)];
    if (url.pathname === "/api/v1/limits") { const c = w.clusters.find((x) => x.summary.name === q.get("cluster")); return c ? [200, limits(c)] : [404, null]; }
    if (url.pathname === "/api/v1/simulate") return [200, { now: iso(NOW), run: null }];
    if (url.pathname === "/api/v1/services") return [200, services(w.clusters.filter((c) => !q.get("cluster") || c.summary.name === q.get("cluster")), q)];
    if (url.pathname === "/api/v1/ticks") {
      const name = q.get("cluster");
      const list = w.clusters.filter((c) => !name || c.summary.name === name);
      if (name) return list[0] ? [200, ticks(list[0], q)] : [404, null];
      return [200, { now: iso(NOW), ticks: list.flatMap((c) => ticks(c, q).ticks.slice(0, 3)).sort((a, b) => (a.at < b.at ? 1 : -1)), older: null }];
    }
    const t = /^\/api\/v1\/ticks\/(\d+)$/.exec(url.pathname);
    if (t) return [200, { now: iso(NOW), tick: { tick: +t[1], plan: { verdicts: w.clusters[0].full.verdicts }, snapshot: { fleets: [{ pools: Object.entries(TYPES_OF).map(([type, of]) => ({ type, spot_usd_micro: of[2] })) }], services: w.clusters[0].full.services.map((s) => ({ name: s.name, kind: s.kind === "daemon" ? "DAEMON" : undefined, desired: s.desired, running: s.running })),
      shapes: [...new Map(w.clusters[0].instances.instances.flatMap((i) => i.holdings.map((x) => [x.shape, { name: x.shape, need: { cpu_units: x.cpu_units, memory_mib: x.memory_mib } }]))).values()],
      instances: (long(+t[1]) ? before(w.clusters[0]) : w.clusters[0].instances.instances).map((i) => journalled(i, w.clusters[0].instances.services)) } } }];
    const why = /^\/api\/v1\/clusters\/([^/]+)\/ticks\/(\d+)$/.exec(url.pathname);
    if (why) return explain(w.clusters.find((x) => x.summary.name === decodeURIComponent(why[1])), +why[2]);
    const m = /^\/api\/v1\/clusters\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname);
    const c = m && w.clusters.find((x) => x.summary.name === decodeURIComponent(m[1]));
    if (!c) return [404, { type: "about:blank", title: "Not Found", status: 404, detail: "no such cluster" }];
    if (!m[2]) return [200, { now: iso(NOW), cluster: c.full }];
    if (m[2] === "instances") return [200, { now: iso(NOW), ...c.instances }];
    if (m[2] === "pools") return [200, { now: iso(NOW), ...c.pools }];
    if (m[2] === "series") return [200, series(c, q)];
    if (m[2] === "forecast") return [200, forecast(c)];
    if (m[2] === "history") return [200, foretold(c, q)];
    return [404, null];
  };
  /** @type {Set<import("node:http").ServerResponse>} */
  const streams = new Set();
  const tell = (name, data = {}) => { for (const s of streams) s.write(`event: ${name}\ndata: ${JSON.stringify({ now: iso(NOW), ...data })}\n\n`); };
  const server = createServer(async (req, res) => {
    const url = new URL(req.url, "http://localhost");
    const head = { "content-security-policy": CSP, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };
    if (url.pathname === "/api/v1/events" && failing !== "all") {
      res.writeHead(200, { ...head, "content-type": "text/event-stream" }).write("retry: 500\n\nevent: hello\ndata: {}\n\n");
      streams.add(res);
      res.on("close", () => streams.delete(res));
      return;
    }
    if (url.pathname.startsWith("/api/")) {
      asked++;
      const [status, body] = answer(url);
      res.writeHead(status, { ...head, "content-type": status === 200 ? "application/json" : "application/problem+json" }).end(JSON.stringify(body ?? {}));
      return;
    }
    const path = url.pathname === "/" || /^\/(services|planning|clusters\/)/.test(url.pathname) ? "index.html" : url.pathname.replace(/^\/assets\//, "");
    try {
      const bytes = path === "app.js" ? SCRIPT : path === "index.html" ? PAGE : await readFile(new URL(path, ASSETS));
      res.writeHead(200, { ...head, "content-type": TYPES[extname(path)] || "application/octet-stream" }).end(bytes);
    } catch {
      res.writeHead(404, head).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}/`, close: () => { server.closeAllConnections(); server.close(); }, set: (k) => { w = world(k); tell("all"); }, asked: () => asked, fail: (part) => { failing = part; tell("all"); if (part === "all") for (const s of streams) s.end(); } };
}
