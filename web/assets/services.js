// Services: who holds the capacity and the money? Sentence, figures, one table of every service with its part of the price, and what
// becomes of it when its instance goes.

import { h, name } from "./dom.js";
import { figure } from "./estate.js";
import { NBSP, count, counted, gib, num, percent, usdPerHour, vcpu } from "./format.js";
import { hues } from "./boxes.js";
import { go, href, state } from "./store.js";
import { filterBox, movesNote, ordered, save, th, windowed } from "./table.js";
import { verdictLine } from "./verdict.js";

/** @typedef {import("./api.js").ServiceHolds} ServiceHolds */
/** @typedef {import("./api.js").ServicesOfCluster} Of */

export const PERIODS = /** @type {Record<string, { key: "usd_micro_per_hour" | "usd_micro_per_day" | "usd_micro_per_month", a: string }>} */ ({
  hour: { key: "usd_micro_per_hour", a: "an hour" }, day: { key: "usd_micro_per_day", a: "a day" }, month: { key: "usd_micro_per_month", a: "a month" },
});
const GROUPS = ["Need a look", "Reserve too much", "Move freely", "Daemons"];
const period = () => PERIODS[state.url.per] || PERIODS.month;
const keyOfService = (/** @type {ServiceHolds} */ s) => s.account + "/" + s.region + "/" + s.cluster + "/" + s.name;

/** Money of the period: cents only where they matter. @param {number | null | undefined} micro */
function usd(micro) {
  if (micro === null || micro === undefined) return h("span", { class: "quieter" }, "unknown");
  return Math.abs(micro) < 10_000_000 ? usdPerHour(micro) : "$" + num(micro / 1e6);
}

/** @param {ServiceHolds} s */
const cost = (s) => s.cost?.[period().key] ?? null;
/** @param {ServiceHolds} s @param {"raise" | "lower"} what */
const advised = (s, what) => s.size?.cpu_units?.advice === what || s.size?.memory_mib?.advice === what;
/** @param {ServiceHolds} s */
const waste = (s) => s.size?.wasted?.[period().key] ?? null;
const asked = (/** @type {ServiceHolds} */ s) => s.requests_per_s !== null;
/** @param {ServiceHolds} s */
const looks = (s) => advised(s, "raise") || s.waiting > 0 || s.crash_looping || s.risks.length > 0;
/** @param {ServiceHolds} s */
const group = (s) => (s.kind === "daemon" ? 3 : looks(s) ? 0 : advised(s, "lower") ? 1 : 2);
/** @param {ServiceHolds} s */
const worst = (s) => (s.risks.some((r) => r.code === "cannot_move") ? 3 : 0) + s.risks.length;

const BY = {
  key: keyOfService, name: (/** @type {ServiceHolds} */ s) => s.name, group, last: 2,
  otherwise: (/** @type {ServiceHolds} */ s) => -(s.cost?.usd_micro_per_hour ?? 0),
  sorts: /** @type {Record<string, (s: ServiceHolds) => number | string>} */ ({
    service: (s) => s.name.toLowerCase(), cluster: (s) => s.cluster.toLowerCase(), tasks: (s) => -s.running, cpu: (s) => -s.reserved.cpu_units, memory: (s) => -s.reserved.memory_mib,
    instances: (s) => -s.instances, used: (s) => -(s.size?.cpu_units ? s.size.cpu_units.p95 / Math.max(1, s.size.cpu_units.reserved) : -1),
    requests: (s) => -(s.requests_per_s ?? -1), waste: (s) => -(s.size?.wasted?.usd_micro_per_hour ?? -1), cost: (s) => -(s.cost?.usd_micro_per_hour ?? -1), risk: (s) => -worst(s),
  }),
};

/** @param {ServiceHolds} s @param {string} q */
const matches = (s, q) => [s.name, s.cluster, s.kind, s.size?.verdict || "", ...s.risks.map((r) => r.fact + " " + r.verdict)].some((t) => t.toLowerCase().includes(q));

/** Sums of what is shown; null where a part is unknown. @param {ServiceHolds[]} list @param {Of[]} clusters */
function sums(list, clusters) {
  const k = period().key;
  /** @param {({ [k: string]: number } | null)[]} costs */
  const add = (costs) => costs.reduce((/** @type {number | null} */ a, c) => (a === null || !c ? null : a + c[k]), 0);
  const known = list.reduce((a, s) => a + (s.cost ? s.cost[k] : 0), 0);
  return {
    cpu: list.reduce((a, s) => a + s.reserved.cpu_units, 0), memory: list.reduce((a, s) => a + s.reserved.memory_mib, 0), tasks: list.reduce((a, s) => a + s.running, 0),
    known, held: add(list.map((s) => s.cost)), free: add(clusters.map((c) => c.free_cost)), alone: add(clusters.map((c) => c.standalone_cost)),
  };
}

/** @param {ServiceHolds[]} list @param {ReturnType<typeof sums>} t */
function sentence(list, t) {
  const stuck = list.filter((s) => s.risks.some((r) => r.code === "cannot_move")).length;
  const slow = list.filter((s) => s.risks.some((r) => r.code === "slow_stop")).length;
  const waits = list.reduce((a, s) => a + s.waiting, 0);
  const per = period().a;
  const whole = t.held === null || t.free === null ? null : t.held + t.free + (t.alone || 0);
  return [
    waits ? [h("span", { class: "red" }, counted(waits, "task waits", "tasks wait") + "."), " "] : null,
    stuck ? [h("span", { class: "amber" }, counted(stuck, "service", "services") + " cannot leave an instance."), " "] : null,
    slow ? [h("span", { class: "amber" }, counted(slow, "service", "services") + " may need longer to stop than a spot notice gives."), " "] : null,
    counted(list.length, "service reserves ", "services reserve ") + vcpu(t.cpu) + " vCPU and " + gib(t.memory) + " GiB",
    t.held === null ? [", at least ", usd(t.known), " " + per + ": a price is unknown. "] : [", ", usd(t.held), " " + per + ". "],
    t.free === null || whole === null || !whole ? null : [h("b", null, "What nobody reserves costs ", usd(t.free), " " + per), ", " + percent(t.free, whole) + " of all. "],
    sized(list),
  ];
}

/** What use says of the sizes, with what one task's differ times how many run. @param {ServiceHolds[]} list */
function sized(list) {
  const short = list.filter((s) => advised(s, "raise")).length;
  const much = list.filter((s) => advised(s, "lower") && !advised(s, "raise"));
  const freed = (/** @type {"cpu_units" | "memory_mib"} */ k) => much.reduce((a, s) => a + s.running * Math.max(0, (s.size?.[k]?.reserved ?? 0) - (s.size?.[k]?.suggested ?? 0)), 0);
  const wasted = list.reduce((a, s) => a + (waste(s) ?? 0), 0);
  const priced = list.some((s) => waste(s) !== null);
  if (!list.some((s) => s.size?.samples)) return list.some((s) => s.used) ? "Use is not known for long enough to judge sizes." : "Usage is not measured.";
  return [
    short ? [h("span", { class: "red" }, counted(short, "service needs", "services need") + " more than reserved."), " "] : null,
    much.length ? [h("b", null, "Right-sizing " + num(much.length) + " frees " + [freed("cpu_units") && vcpu(freed("cpu_units")) + " vCPU", freed("memory_mib") && gib(freed("memory_mib")) + " GiB"].filter(Boolean).join(" and ") + "."), " "] : null,
    priced ? ["Reserved and not used: ", usd(wasted), " " + period().a + "."] : null,
  ];
}

/** Used of reserved, one task: stroke at p50, bar to p95, line to the highest, wall at what is reserved. @param {import("./api.js").SizeAmount} x @param {string} unit */
function range(x, unit) {
  const at = (/** @type {number} */ v) => Math.min(53, Math.max(0.5, (44 * v) / Math.max(1, x.reserved || x.p95)));
  const over = x.max > x.reserved;
  return h("svg", { class: "range", width: 54, height: 12, role: "img", "aria-label": unit + ": half of the time at most " + num(x.p50) + ", 95 % " + num(x.p95) + ", highest " + num(x.max) + " of " + num(x.reserved) },
    h("rect", { class: "f-reserved", width: x.reserved ? 44 : 0, height: 12 }), h("line", { class: over ? "l-red" : "l-used", x1: at(x.p50), x2: at(x.max), y1: 6, y2: 6 }),
    h("rect", { class: "f-used", x: at(x.p50), y: 3, width: Math.max(1, at(x.p95) - at(x.p50)), height: 6 }), h("line", { class: "l-ink", x1: at(x.p50), x2: at(x.p50), y1: 2, y2: 10 }), x.reserved ? h("line", { class: "l-ink", x1: 44, x2: 44, y1: 0, y2: 12 }) : null);
}

/** @param {ServiceHolds} s */
function usedCell(s) {
  const z = s.size;
  if (z?.cpu_units && z.memory_mib) return h("td", { class: "c-used", title: z.fact + " -> " + z.verdict + " (" + num(z.samples) + " highs of five minutes)" }, range(z.cpu_units, "CPU units"), " ", range(z.memory_mib, "MiB"));
  if (s.used) return h("td", { class: "c-used", title: z?.fact }, vcpu(s.used.cpu_units), " vCPU, ", gib(s.used.memory_mib), " GiB");
  return h("td", { class: "c-used quieter" }, "not measured");
}

/** Nothing where it fits; where too little is known, that. @param {ServiceHolds} s */
function advice(s) {
  const z = s.size;
  if (!z?.samples || z.verdict === "fits") return null;
  const above = [z.cpu_units, z.memory_mib].map((x) => x?.above_percent ?? 0)[0];
  return h("span", { class: "advice" + (advised(s, "raise") ? " red" : advised(s, "lower") ? "" : " quiet") }, verdictLine(z.fact, z.verdict), above ? ", above it " + num(above, 1) + NBSP + "% of the time" : null);
}

/** @param {ServiceHolds} s @param {number} most largest reserved CPU of the list @param {number} mostMemory */
function reservedCells(s, most, mostMemory) {
  const bar = (/** @type {number} */ part) => h("svg", { class: "share", width: 56, height: 10, "aria-hidden": "true" }, h("rect", { class: "f-reserved", width: Math.max(part > 0 ? 1 : 0, Math.round(part * 56)), height: 10 }));
  return [
    h("td", { class: "n bar" }, bar(s.reserved.cpu_units / most), vcpu(s.reserved.cpu_units)),
    h("td", { class: "n bar" }, bar(s.reserved.memory_mib / mostMemory), gib(s.reserved.memory_mib)),
  ];
}

/** @param {ServiceHolds} s */
function risk(s) {
  if (!s.on_ec2) return h("span", { class: "quiet" }, "not on instances of ours");
  const said = s.risks.map((r, i) => [i ? "; " : "", h("span", { class: r.code === "cannot_move" ? "red" : "amber", title: r.fact + " -> " + r.verdict }, verdictLine(r.fact, r.verdict))]);
  return said.length ? said : h("span", { class: "quiet" }, s.kind === "daemon" ? "one on each instance" : "moves");
}

/** @param {ServiceHolds} s */
const requestsCell = (s) => h("td", { class: "n c-requests" }, s.requests_per_s === null ? "–" : num(s.requests_per_s, s.requests_per_s < 10 ? 1 : 0) + "/s", s.usd_micro_per_million_requests === null ? null : [" ", h("span", { class: "quiet" }, usd(s.usd_micro_per_million_requests))]);

/** @param {ServiceHolds} s @param {boolean} one a single cluster is shown @param {(n: string) => string} hue @param {number[]} most @param {boolean} requests */
function row(s, one, hue, most, requests) {
  const note = s.waiting ? [h("span", { class: "red" }, count(s.waiting, "waits", "wait"))] : s.crash_looping ? [h("span", { class: "amber" }, "crash loop")] : s.deploying ? [h("span", { class: "quiet" }, "deploying")] : null;
  const link = href({ page: "cluster", cluster: s.cluster, hi: s.name, ...place(s) }, true);
  return h("tr", { key: keyOfService(s), "data-row": "" },
    h("td", { class: "c-service" }, one ? h("span", { class: "swatch" }, h("svg", { width: 10, height: 10, "aria-hidden": "true" }, h("rect", { class: s.kind === "daemon" ? "daemon" : hue(s.name), width: 10, height: 10 }))) : null,
      h("a", { class: "row plain", href: link, "data-go": "" }, name(s.name, 36)), note ? [" ", note] : null),
    one ? null : h("td", { class: "c-cluster" }, h("a", { class: "plain quiet", href: href({ page: "services", cluster: s.cluster, ...place(s) }, true), "data-go": "" }, name(s.cluster, 28))),
    h("td", { class: "n c-tasks", "data-unit": s.running === 1 && s.desired === 1 ? " task" : " tasks" }, h("span", { class: s.waiting ? "red" : "" }, s.running === s.desired || s.kind === "daemon" ? num(s.running) : num(s.running) + " of " + num(s.desired))),
    reservedCells(s, most[0], most[1]),
    usedCell(s), h("td", { class: "n c-on" }, num(s.instances)), h("td", { class: "n cost" }, usd(cost(s))), h("td", { class: "n waste" }, waste(s) === null ? "–" : usd(waste(s))), requests ? requestsCell(s) : null,
    h("td", { class: "risk" }, advice(s), advice(s) && !s.risks.length ? null : risk(s)));
}

/** Region and account, only where the name alone would not do. @param {ServiceHolds} s */
function place(s) {
  const alike = (state.estate?.clusters || []).filter((c) => c.name === s.cluster).length > 1;
  return alike ? { region: s.region, account: s.account } : {};
}

/** @param {string} unit @param {import("./api.js").SizeAmount | null | undefined} x */
const flat = (unit, x) => ({ ["task_used_p50_" + unit]: x?.p50 ?? null, ["task_used_p95_" + unit]: x?.p95 ?? null, ["task_used_p99_" + unit]: x?.p99 ?? null, ["task_used_max_" + unit]: x?.max ?? null, ["suggested_" + unit]: x?.suggested ?? null });

/** The rows shown, in their order, with raw units: what CSV and JSON give. @param {ServiceHolds[]} list */
const raw = (list) => list.map((s) => ({
  cluster: s.cluster, account: s.account, region: s.region, service: s.name, kind: s.kind, desired: s.desired, running: s.running, pending: s.pending, waiting: s.waiting,
  task_cpu_units: s.task_cpu_units, task_memory_mib: s.task_memory_mib, reserved_cpu_units: s.reserved.cpu_units, reserved_memory_mib: s.reserved.memory_mib,
  used_cpu_units: s.used?.cpu_units ?? null, used_memory_mib: s.used?.memory_mib ?? null,
  ...flat("cpu_units", s.size?.cpu_units), ...flat("memory_mib", s.size?.memory_mib), advice: s.size ? s.size.fact + " -> " + s.size.verdict : "", samples: s.size?.samples ?? null,
  wasted_usd_micro_per_month: s.size?.wasted?.usd_micro_per_month ?? null, requests_per_s: s.requests_per_s, usd_micro_per_million_requests: s.usd_micro_per_million_requests, instances: s.instances,
  usd_micro_per_hour: s.cost?.usd_micro_per_hour ?? null, usd_micro_per_day: s.cost?.usd_micro_per_day ?? null, usd_micro_per_month: s.cost?.usd_micro_per_month ?? null,
  min_percent: s.min_percent, max_percent: s.max_percent, stop_timeout_s: s.stop_timeout_s, risks: s.risks.map((r) => r.fact + " -> " + r.verdict).join("; "),
}));

/** @type {Record<string, unknown>[]} */
let shownRaw = [];
/** @param {"csv" | "json"} form */
export const saveServices = (form) => save("services" + (state.url.cluster ? "-" + state.url.cluster.replace(/[^\w.-]+/g, "_").slice(0, 80) : ""), form, shownRaw);

function controls() {
  return h("div", { class: "controls right" },
    filterBox("services"),
    h("div", { class: "tabs", role: "group", "aria-label": "Cost of" }, Object.keys(PERIODS).map((k) => h("button", { key: k, "aria-pressed": String(PERIODS[k] === period()), onclick: () => go({ per: k === "month" ? "" : k }) }, k))),
    h("button", { class: "link", onclick: () => saveServices("csv") }, "CSV"), h("button", { class: "link", onclick: () => saveServices("json") }, "JSON"));
}

/** @param {ServiceHolds[]} list @param {boolean} one */
function tableOf(list, one) {
  const { shown, moves } = ordered(list, BY);
  const q = state.url.q.toLowerCase();
  const rows = q ? shown.filter((x) => matches(x.r, q)) : shown;
  shownRaw = raw(rows.map((x) => x.r));
  const most = [Math.max(1, ...list.map((s) => s.reserved.cpu_units)), Math.max(1, ...list.map((s) => s.reserved.memory_mib))];
  const hues_ = one ? hues(list.filter((s) => s.kind !== "daemon").sort((a, b) => b.reserved.cpu_units - a.reserved.cpu_units).map((s) => s.name), list[0] ? list[0].account + "/" + list[0].region + "/" + list[0].cluster : "") : () => "rest";
  const groups = state.url.sort ? [{ title: "", id: "services-all", rows }] : GROUPS.map((title, g) => ({ title, id: "services-" + g, rows: rows.filter((x) => x.g === g) })).filter((g) => g.rows.length);
  const requests = list.some(asked);
  const columns = (one ? 9 : 10) + (requests ? 1 : 0);
  return [
    h("div", { class: "head" }, h("h2", { id: "services-head" }, "Reserved and paid"), h("span", { class: "quiet" }, q ? num(rows.length) + " of " + num(list.length) : state.url.sort ? "sorted by " + state.url.sort : "by what needs a look, then cost", movesNote(moves)), controls()),
    rows.length ? h("table", { class: "holds", "aria-labelledby": "services-head", "aria-rowcount": rows.length + 1 },
      h("thead", null, h("tr", null, th("Service", "service", "c-service", true), one ? null : th("Cluster", "cluster", "c-cluster", true), th("Tasks", "tasks", "n c-tasks"), th("vCPU reserved", "cpu", "n bar"), th("GiB reserved", "memory", "n bar"),
        th("CPU, memory used", "used", "c-used"), th("On", "instances", "n c-on"), th("Cost " + period().a, "cost", "n cost"), th("Waste", "waste", "n waste"), requests ? th("Requests, $ a million", "requests", "n c-requests") : null, th("Advice; when its instance goes", "risk", "risk"))),
      groups.map((g) => [g.title ? h("tbody", { class: "group", key: g.title }, h("tr", null, h("th", { colspan: columns, scope: "rowgroup" }, g.title, h("span", null, " " + num(g.rows.length))))) : null,
        h("tbody", { key: g.id, id: g.id }, windowed(g.id, g.rows, columns, (x) => row(x.r, one, hues_, most, requests)))]))
      : h("p", { class: "empty" }, "No service matches ", h("bdi", null, state.url.q), "."),
  ];
}

/** @param {any} fail */
export function servicesView(fail) {
  const a = state.services;
  const only = state.url.cluster;
  const title = h("div", { class: "title" }, h("h1", { id: "title" }, "Services"),
    only ? h("span", { class: "quiet" }, h("a", { href: href({ page: "cluster", cluster: only, region: state.url.region, account: state.url.account }, true), "data-go": "" }, name(only, 60)), " · ", h("a", { href: href({ page: "services" }, true), "data-go": "" }, "all clusters"))
      : h("span", { class: "quiet" }, a ? count(a.clusters.length, "cluster") : ""));
  if (!a) return h("div", { class: "services-page" }, title, fail || (performance.now() - state.startedReal > 300 ? [h("div", { class: "shape w1" }), h("div", { class: "shape tall" })] : null));
  const t = sums(a.services, a.clusters);
  const per = period().a;
  const at = a.services.filter((s) => s.risks.length).length;
  return h("div", { class: "services-page" }, title,
    h("p", { class: "sentence", id: "sentence" }, sentence(a.services, t)),
    h("dl", { class: "figures" },
      figure("Services", num(a.services.length), count(a.services.filter((s) => s.kind === "daemon").length, "daemon") + " of them"),
      figure("Tasks", num(t.tasks), count(a.services.reduce((n, s) => n + s.waiting, 0), "waits", "wait")),
      figure("Reserved", [vcpu(t.cpu), h("small", null, " vCPU")], gib(t.memory) + " GiB"),
      figure("Held by services", t.held === null ? ["≥ ", usd(t.known)] : usd(t.held), t.held === null ? per + ", a price is unknown" : per), figure("Free", usd(t.free), per + ", reserved by nobody"),
      figure("At risk", num(at), at ? "see the last column" : "every service moves")),
    fail, h("section", { key: "services", "aria-labelledby": "services-head" }, a.services.length ? tableOf(a.services, !!only || a.clusters.length === 1) : h("p", { class: "empty" }, "No service.")),
    h("p", { class: "note" }, "A task costs its share of the instance it is on: half of the price by CPU, half by memory. Services, standalone tasks", t.alone ? [" (", usd(t.alone), ")"] : null, " and what is free add up to the price. A month is 730 h.", a.services.some((s) => s.size?.samples) ? " Used of reserved, of one task: stroke at the median, bar to the 95th percentile, line to the highest, wall at what is reserved; highs of five minutes of the last 14 days. Waste is what was reserved and not used, at the price of a vCPU-hour and a GiB-hour here." : null,
      a.services.some(asked) ? " Requests are what load balancers sent, the mean of these days; a million of them costs what was reserved for them." : null));
}

