// The cluster as one tick of the journal saw it, in the shapes that the page has of now.

import { tasksOf } from "./box.js";
import { state } from "./store.js";
import { dressed, ranked } from "./tick.js";

const NOTICE_MS = 120_000;
const STEPS = { notice: ["notice", "draining", "empty"], drain: ["chosen", "draining", "empty", "lowered", "ending", "gone"], launch: ["ordered", "pending", "booting", "registered"] };

const KINDS = Object.keys(STEPS);

/** One instance with what the tick knew of its drain. @param {any} i @param {any} s snapshot @param {string[]} rank @param {import("./api.js").Explain} e */
function instance(i, s, rank, e) {
  const it = dressed(i, s, rank);
  const drain = e.drains.find((d) => d.instance === i.id);
  const holder = it.holdings.find((/** @type {any} */ x) => x.protected) || it.holdings.find((/** @type {any} */ x) => !x.daemon && x.service < 0 && x.running + x.pending);
  const begun = drain && /chosen|draining/.test(drain.state);
  const held = !!(begun && (holder || (tasksOf(it) && Date.parse(drain.deadline) < Date.parse(e.at))));
  const pool = s.fleets.flatMap((/** @type {any} */ f) => f.pools || []).find((/** @type {any} */ p) => p.type === i.type && p.spot_usd_micro && (!p.zone || p.zone === i.zone));
  if (it.box === "draining") it.box = held ? "held" : begun ? "draining" : drain ? (drain.state === "empty" ? "empty" : "leaving") : "foreign";
  else if (it.box === "active" && !i.agent_connected) it.box = "disconnected";
  return Object.assign(it, { fleet: i.fleet || null, weight_milli: i.weight_milli, ec2: i.ec2, agent_connected: !!i.agent_connected, tasks_known: i.tasks_known !== false, notice: i.notice_at || null, usd_micro_per_hour: (it.spot && pool?.spot_usd_micro) || null,
    drain: drain ? { ...drain, held, holder } : null, verdict: e.verdicts.find((v) => v.kind === "instance" && v.target === i.id) || null });
}

/** What drained, booted or was told of. @param {any} it @param {string[]} rank */
function progress(it, rank) {
  const { drain } = it;
  const kind = it.notice ? "notice" : drain ? "drain" : "launch";
  const steps = STEPS[kind];
  const step = kind === "launch" ? (it.ec2 === "pending" ? 1 : 2) : kind === "drain" ? Math.max(0, steps.indexOf(drain.state)) : it.box === "active" ? 0 : tasksOf(it) ? 1 : 2;
  const since = it.notice || drain?.since || it.launched;
  return { kind, instance: it.id, type: it.type, zone: it.zone, steps, step, state: drain?.state || steps[step], since, state_since: since, deadline: it.notice ? new Date(Date.parse(it.notice) + NOTICE_MS).toISOString() : drain?.deadline || null,
    tasks_left: tasksOf(it), held: !!drain?.held, holder: drain?.holder ? { service: rank[drain.holder.service] || "", task: "", why: drain.holder.protected ? "protected" : "standalone task" } : null, reason: drain?.reason || "" };
}

/** What the state is while the page of then is drawn; null: nothing is kept of then. @param {import("./api.js").ClusterFull} c of now @param {NonNullable<typeof state.past>} p */
export function asOf(c, { explain: e, snapshot: s, ticks, acting }) {
  if (!e?.summary || !s) return null;
  const rank = ranked(s);
  const instances = s.instances.map((/** @type {any} */ i) => instance(i, s, rank, e));
  const shapes = new Map(s.shapes.map((/** @type {any} */ x) => [x.name, x.need || {}]));
  const m = e.summary;
  const services = s.services.map((/** @type {any} */ x) => {
    const on = instances.flatMap((/** @type {any} */ i) => i.holdings.filter((/** @type {any} */ t) => rank[t.service] === x.name));
    const sum = (/** @type {(t: any) => number} */ f) => on.reduce((/** @type {number} */ n, /** @type {any} */ t) => n + f(t), 0);
    const shape = x.deployments?.find((/** @type {any} */ d) => d.primary)?.shape || on[0]?.shape || null;
    const need = shapes.get(shape);
    return { ...x, kind: x.kind === "DAEMON" ? "daemon" : "replica", desired: x.desired || 0, running: x.running || 0, waiting: e.demands.reduce((/** @type {number} */ n, /** @type {any} */ d) => n + (d.service === x.name ? d.waits : 0), 0), shape, task_cpu_units: need ? need.cpu_units || 0 : null, task_memory_mib: need ? need.memory_mib || 0 : null,
      reserved: { cpu_units: sum((t) => t.running * t.cpu_units), memory_mib: sum((t) => t.running * t.memory_mib) }, instances: new Set(instances.filter((/** @type {any} */ i) => i.holdings.some((/** @type {any} */ t) => rank[t.service] === x.name))).size };
  }).sort((/** @type {any} */ a, /** @type {any} */ b) => rank.indexOf(a.name) - rank.indexOf(b.name));
  const spot = instances.filter((/** @type {any} */ i) => i.spot).length;
  const full = { ...c, tick: e.tick, at: e.at, status: "ok", mode: e.mode, dry_run: e.dry_run, policy_hash: e.policy_hash, instances: { total: m.instances, active: m.active, draining: m.draining, coming: m.coming, interrupted: m.interrupted, spot }, capacity: m.capacity, reserved: m.reserved, need: m.need,
    waiting_tasks: m.waiting_tasks, waiting_since: null, enough_until: null, cost_usd_micro_per_hour: m.hourly_usd_micro ?? null, spot_permyriad: instances.length ? (10_000 * spot) / instances.length : null, control: null, alerts: [], services, verdicts: e.verdicts, demands: e.demands,
    in_progress: instances.filter((/** @type {any} */ i) => i.notice || i.drain || i.box === "coming").map((/** @type {any} */ i) => progress(i, rank)).sort((/** @type {any} */ a, /** @type {any} */ b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.held - a.held) };
  return { full: /** @type {any} */ (full), instances: /** @type {any} */ ({ services: rank, instances }), now: Date.parse(e.at), ticks: /** @type {import("./api.js").Tick[]} */ (ticks), acting: new Map(acting.map((/** @type {any} */ t) => [t.tick, t])), older: null, actingOlder: null };
}

/** Draws with what was, then goes on with what is. @template T @param {Partial<typeof state>} then @param {() => T} view */
export function during(then, view) {
  const { full, instances, now, ticks, acting, older, actingOlder } = state;
  Object.assign(state, then);
  try {
    return view();
  } finally {
    Object.assign(state, { full, instances, now, ticks, acting, older, actingOlder });
  }
}
