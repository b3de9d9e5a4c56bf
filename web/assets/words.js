// Sentences and verdicts: what the page says about a cluster, worst first, from the daemon's answers alone.

import { alertsOf, heldBy, heldWord } from "./alerts.js";
import { count, counted, gib, percent, vcpu } from "./format.js";

/**
 * @typedef {import("./api.js").Cluster} Cluster
 * @typedef {import("./api.js").ClusterFull} ClusterFull
 * @typedef {{ text: string, tone?: "red" | "amber" }} Said
 * @typedef {{ tone: "red" | "amber", since: number | null, fact: string, verdict: string, focus?: string }} Look
 */

const SOURCES = /** @type {Record<string, string>} */ ({
  container_instances: "ECS container instances", services: "ECS services", tasks: "ECS tasks", task_definitions: "task definitions",
  ec2_instances: "EC2 instances", fleets: "Spot Fleets", instance_types: "instance types",
});
/** @param {string} kind */
export const sourceName = (kind) => SOURCES[kind] || kind;

const time = (/** @type {string | null | undefined} */ s) => (s ? Date.parse(s) : null);
const has = (/** @type {string} */ s, /** @type {string} */ otherwise) => s || otherwise;

/** What needs a person's eye, worst first. @param {Cluster} c @param {ClusterFull | undefined} full @param {number} now @param {import("./format.js").Clock} clock @returns {Look[]} */
export function looks(c, full, now, clock) {
  /** @type {Look[]} */
  const out = [];
  if (c.status === "late" || c.status === "failed")
    out.push({ tone: "red", since: time(c.at), fact: has(c.status_detail, c.status === "late" ? "no tick for three periods" : "the newest tick ended early"),
      verdict: c.at ? "what is shown is of " + clock.at(Date.parse(c.at), now) : "nothing is known yet" });
  const waits = c.waiting_tasks || 0;
  const alerts = alertsOf(c);
  for (const a of alerts)
    out.push({ tone: a.severity === "critical" ? "red" : "amber", since: time(a.since), fact: a.what.replace(/\.$/, ""), verdict: a.remedy.replace(/\.$/, ""), focus: /^i-[0-9a-f]+$/.test(a.target) ? a.target : undefined });
  const told = alerts.some((a) => a.id === "demand-incurable");
  const never = told ? [] : (full?.verdicts || []).filter((v) => v.kind === "shape" && v.code === "never_fits");
  for (const v of never.slice(0, 2)) out.push({ tone: "amber", since: null, fact: v.fact, verdict: v.verdict });
  if (waits > 0 && never.length === 0) {
    const v = (full?.verdicts || []).find((x) => x.kind === "shape" && ["wait", "launch", "capped", "hold", "unknown"].includes(x.code));
    const coming = c.instances?.coming || 0;
    out.push({ tone: "red", since: time(c.waiting_since), fact: v ? v.fact : count(waits, "task") + (waits === 1 ? " waits" : " wait") + " for a place",
      verdict: v ? v.verdict : coming ? count(coming, "instance boots", "instances boot") : "nothing is on the way" });
  }
  for (const p of full?.in_progress || []) {
    if (p.kind === "drain" && p.held)
      out.push({ tone: "amber", since: time(p.since), focus: p.instance,
        fact: "drain of " + p.instance + ": " + (p.holder && p.holder.service ? "held by " + p.holder.service + (p.holder.why ? ", " + p.holder.why : "") : p.holder?.why || "held"),
        verdict: p.deadline ? "waits until " + clock.at(Date.parse(p.deadline), now) : "waits" });
  }
  const bad = (full?.sources || []).filter((s) => s.state !== "ok" && s.kind !== "requests");  // which hold nothing
  if ((bad.length || c.stale_sources) && !alerts.some((a) => a.id === "source-lost"))
    out.push({ tone: "amber", since: bad.length ? time(bad[0].read) : null,
      fact: bad.length ? bad.map((s) => sourceName(s.kind) + (s.state === "partial" ? " partly read" : " not read") + (s.detail ? ": " + s.detail : "")).join("; ") : count(c.stale_sources || 0, "source") + " not read",
      verdict: "scale-in is held, scale-out goes on" });
  return out;
}

/** The page's one sentence. @param {ClusterFull} c @param {number} now @param {import("./format.js").Clock} clock @returns {Said[]} */
export function sentence(c, now, clock) {
  if (!c.instances || !c.capacity || !c.reserved) return [{ text: "No tick yet: the first look at AWS is under way." }];
  /** @type {Said[]} */
  const out = [];
  const n = c.instances;
  const waits = c.waiting_tasks || 0;
  const since = time(c.waiting_since);
  const boots = c.in_progress.filter((p) => p.kind === "launch");
  if (c.status === "failed") out.push({ text: "The newest tick ended early; this is the last complete view.", tone: "red" });
  if (c.control) out.push({ text: "masu is " + heldWord(c.control) + " by " + heldBy(c.control, clock).replace(/\.?$/, "."), tone: "amber" });
  const alerts = c.alerts.filter((a) => a.severity !== "info");
  if (alerts.length)
    out.push({ text: alerts[0].what.replace(/\.?$/, ".") + (alerts.length > 1 ? " " + counted(alerts.length - 1, "more alert holds", "more alerts hold") + "." : ""), tone: alerts[0].severity === "critical" ? "red" : "amber" });
  const never = alerts.some((a) => a.id === "demand-incurable") ? 0 : c.demands.reduce((a, d) => a + d.never, 0);
  if (never) out.push({ text: counted(never, "task") + " can have no place on any type of the fleets.", tone: "amber" });
  if (waits > 0) {
    const what = counted(waits, "task waits", "tasks wait") + (since ? " since " + clock.at(since, now) : "");
    out.push({ text: what + (boots.length ? "; " + count(boots.length, "instance boots", "instances boot") + "." : n.coming ? "; " + count(n.coming, "instance is", "instances are") + " on the way." : "."), tone: "red" });
  }
  const notices = c.in_progress.filter((p) => p.kind === "notice");
  if (notices.length) {
    const left = notices.reduce((a, p) => a + (p.tasks_left || 0), 0);
    const by = notices.map((p) => time(p.deadline) || 0).filter(Boolean).sort()[0];
    out.push({ text: counted(notices.length, "instance is", "instances are") + " taken by AWS" + (by ? " at " + clock.hms(by) : "") + "; " + (left ? count(left, "task is", "tasks are") + " still there." : "no task is left there."), tone: "red" });
  }
  const drains = c.in_progress.filter((p) => p.kind === "drain");
  const held = drains.filter((p) => p.held);
  if (held.length === 1) {
    const by = held[0].deadline ? " until " + clock.at(Date.parse(held[0].deadline), now) : "";
    out.push({ text: "One drain is held by " + (held[0].holder?.service || "a task") + by + ".", tone: "amber" });
  } else if (held.length) out.push({ text: counted(held.length, "drain is", "drains are") + " held.", tone: "amber" });
  if (drains.length > held.length) out.push({ text: counted(drains.length - held.length, (held.length ? "other " : "") + "instance drains", (held.length ? "other " : "") + "instances drain") + "." });
  if (!waits && boots.length) out.push({ text: counted(boots.length, "instance boots", "instances boot") + "." });
  const nothing = c.dry_run ? "A dry run: nothing of this is executed." : c.mode === "observe" ? "masu only observes: it changes nothing." : "";
  const free = vcpu(c.capacity.cpu_units - c.reserved.cpu_units) + " vCPU and " + gib(c.capacity.memory_mib - c.reserved.memory_mib) + " GiB are free";
  const ends = time(c.enough_until);
  const soon = ends !== null && ends <= now + 60_000;
  const until = ends && !soon ? " until " + clock.at(ends, now) : "";
  if (n.total === 0 && !waits) out.push({ text: "No instance, and nothing asks for one." });
  else if (out.length || soon) out.push({ text: (soon ? "By the forecast more may be needed now: " : waits && !until ? "" : (waits ? "Otherwise capacity" : "Capacity") + " is enough" + until + ": ") + free + "." });
  else out.push({ text: "Enough" + until + ": nothing waits, nothing moves, " + free + "." });
  if (nothing) out.push({ text: nothing });
  return out;
}

/** The state of a row, blank when all is well. @param {Cluster} c @param {Look[]} list */
export function rowState(c, list) {
  if (c.status === "starting") return { text: "first look under way", tone: "quiet" };
  if (c.status === "late") return { text: "no tick", tone: "red strong" };
  if (c.status === "failed") return { text: "tick failed", tone: "red strong" };
  const bits = [];
  const waits = c.waiting_tasks || 0;
  if (waits) bits.push(count(waits, "task waits", "tasks wait"));
  const held = list.filter((l) => l.focus).length;
  if (held) bits.push(count(held, "drain held", "drains held"));
  if (c.stale_sources) bits.push(count(c.stale_sources, "source") + " unknown");
  const alerts = c.alert_count?.worst === "info" ? 0 : c.alert_count?.total || 0;
  if (alerts) bits.push(count(alerts, "alert"));
  if (bits.length) return { text: bits.join(", "), tone: (waits || (alerts && c.alert_count.worst === "critical") ? "red" : "amber") + " strong" };
  const n = c.instances;
  if (!n) return { text: "", tone: "" };
  if (n.interrupted) bits.push(n.interrupted + " interrupted");
  if (n.coming) bits.push("launching " + n.coming);
  if (n.draining) bits.push(n.draining + " draining");
  if (n.total === 0) bits.push("0 instances, wakes on demand");
  return { text: bits.join(", "), tone: "quiet" };
}

/** What a mode is called beside the name; blank when it acts. @param {Cluster} c @param {import("./api.js").Daemon | undefined} d */
export function modeTag(c, d) {
  if (c.dry_run || d?.dry_run) return "dry run";
  if (c.control) return heldWord(c.control);
  if (c.mode === "observe" || d?.shell_mode === "observe") return "observe only";
  if (c.mode === "add-only" || d?.shell_mode === "add-only") return "add only";
  return "";
}

const GLYPHS = /** @type {Record<string, [string, string]>} */ ({
  drain: ["-", "amber"], undrain: ["+", "green"], terminate: ["-", "amber"], mark: ["-", "amber"], unmark: ["~", "quiet"], set_target: ["~", "quiet"], launch: ["+", "green"],
});
const ORDER = ["drain", "undrain", "terminate", "set_target", "mark", "unmark"];

/**
 * A tick's acts as a person reads them: the steps that serve one decision are one line.
 * @param {import("./api.js").Act[]} acts @param {boolean} dry
 */
export function actLines(acts, dry) {
  const by = new Map();
  for (const a of acts) {
    const key = a.target + "\n" + a.fact;
    const have = by.get(key);
    if (!have) by.set(key, { ...a, calls: 1, bad: bad(a) });
    else {
      have.calls++;
      have.bad = have.bad || bad(a);
      if (ORDER.indexOf(a.kind) < ORDER.indexOf(have.kind)) {
        have.kind = a.kind;
        have.verdict = a.verdict;
      }
    }
  }
  return [...by.values()].map((a) => {
    let [glyph, tone] = GLYPHS[a.kind] || ["~", "quiet"];
    if (a.kind === "set_target" && (grows(a) || /^(launch|order|raise)/.test(a.verdict))) [glyph, tone] = ["+", "green"];
    if (/notice|interrupt/.test(a.fact) && a.kind === "drain") [glyph, tone] = ["!", "red"];
    const of = a.target.startsWith("i-") && !a.fact.includes(a.target) ? a.target : "";
    return { ...a, glyph, tone, of, verdict: dry ? "would " + a.verdict : a.verdict };
  });
}

/** @param {import("./api.js").Act} a */
function grows(a) {
  if (typeof a.capacity === "number" && typeof a.capacity_before === "number") return a.capacity > a.capacity_before;
  try {
    const p = JSON.parse(a.params || "{}");
    if (typeof p.target === "number" && typeof p.target_before === "number") return p.target > p.target_before;
  } catch {
    // older or foreign parameters: the money says it too
  }
  return (a.hourly_delta_usd_micro || 0) > 0;
}
/** @param {import("./api.js").Act} a */
const bad = (a) => (a.outcome === "failed" || a.outcome === "skipped" ? a.outcome + (a.outcome_detail ? ": " + a.outcome_detail : "") : "");

/** Was capacity ordered by this act? @param {import("./api.js").Act} a */
export const orders = (a) => a.kind === "set_target" && (grows(a) || /^(launch|order|raise)/.test(a.verdict));

/** The boxes in words, for those who hear them. @param {import("./api.js").Instance} it @param {string} zone @param {string} state @param {string} holds @param {number} tasks */
export function boxWords(it, zone, state, holds, tasks) {
  const full = it.capacity && it.reserved ? `CPU ${percent(it.reserved.cpu_units, it.capacity.cpu_units)}, memory ${percent(it.reserved.memory_mib, it.capacity.memory_mib)}, ` : "";
  return `${it.id}, ${it.type || "unknown type"} ${it.spot ? "spot" : "on-demand"}, zone ${zone}, ${state || "active"}, ${holds ? holds + ", " : ""}${full}${it.tasks_known ? count(tasks, "task") : "tasks unknown"}`.replace(/\s%/g, " percent");
}
