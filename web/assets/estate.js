// The estate: is anything wrong, anywhere? Verdict, what needs a look, six figures, the sum of all, every cluster as a row.

import { miniBox } from "./box.js";
import { bar, chart, roundUp, sparkline } from "./chart.js";
import { h, name } from "./dom.js";
import { count, duration, NBSP, num, percent, usdPerHour, vcpu } from "./format.js";
import { href, keyOf, state } from "./store.js";
import { filterBox, movesNote, ordered, room, th, windowed } from "./table.js";
import { reasonLine, verdictLine } from "./verdict.js";
import { actLines, looks, modeTag, rowState } from "./words.js";

/** @typedef {import("./api.js").Cluster} Cluster */

/** What is asked for beside the clusters; of a cluster that needs a look its details. */
const PARTS = /** @type {Record<string, string>} */ ({ sparks: "The day of each cluster", acts: "The last acts", alerts: "The alerts" });
const GROUPS = ["Need a look", "Changing", "Steady"];

/** @param {Cluster} c */
const changing = (c) => !!(c.instances && (c.instances.coming || c.instances.draining || c.instances.interrupted)) || c.status === "starting";
/** @param {Cluster} c @param {{ focus?: string }} [more] */
export const linkTo = (c, more) => href({ page: "cluster", cluster: c.name, ...(ambiguous(c) ? { region: c.region, account: c.account } : {}), ...more }, true);
/** @param {Cluster} c */
const ambiguous = (c) => (state.estate?.clusters || []).filter((o) => o.name === c.name).length > 1;
/** @param {Cluster} c */
const scarcest = (c) => {
  if (!c.capacity || !c.reserved || !c.need || !(c.capacity.cpu_units > 0)) return null;
  const of = (/** @type {string} */ what, /** @type {keyof import("./api.js").Res} */ k) => {
    const [cap, reserved, need, used, ahead] = [c.capacity, c.reserved, c.need, c.used, c.need_4h_q90].map((r) => r?.[k] || 0);
    return { what, share: cap > 0 ? reserved / cap : 0, reserved, need, cap, used, ahead };
  };
  const [cpu, mem] = [of("CPU", "cpu_units"), of("mem", "memory_mib")];
  return cpu.share >= mem.share ? cpu : mem;
};

/** Of what it would cost on demand. @param {Cluster} c */
const saved = (c) => (c.saved_usd_micro_per_hour || 0) / ((c.cost_usd_micro_per_hour || 0) + (c.saved_usd_micro_per_hour || 0) || 1);

/** @typedef {(c: Cluster) => number | string} By */
const byCost = (/** @type {Cluster} */ c) => -(c.cost_usd_micro_per_hour || 0);
const SORTS = /** @type {Record<string, By | undefined>} */ ({
  name: (c) => c.name.toLowerCase(), instances: (c) => -(c.instances?.total || 0), spot: (c) => -(c.spot_permyriad || 0),
  reserved: (c) => -(scarcest(c)?.share || 0), cost: byCost, saved: (c) => -saved(c),
});

/** @typedef {{ c: Cluster, looks: any[] }} Row */
const ORDER = {
  key: (/** @type {Row} */ r) => keyOf(r.c), name: (/** @type {Row} */ r) => r.c.name, group: (/** @type {Row} */ r) => (r.looks.length ? 0 : changing(r.c) ? 1 : 2), last: 2,
  otherwise: (/** @type {Row} */ r) => byCost(r.c), sorts: Object.fromEntries(Object.entries(SORTS).map(([k, by]) => [k, (/** @type {Row} */ r) => /** @type {By} */ (by)(r.c)])),
};

/** @param {string} label @param {any} value @param {any} sub */
export const figure = (label, value, sub) => h("div", { key: label }, h("dt", null, label), h("dd", null, h("div", { class: "fig" }, value), h("div", { class: "sub" }, sub)));

/** @param {Cluster[]} list */
function figures(list) {
  const sum = (/** @type {(c: Cluster) => number | null | undefined} */ f) => list.reduce((a, c) => a + (f(c) || 0), 0);
  const total = sum((c) => c.instances?.total);
  const cap = sum((c) => c.capacity?.cpu_units);
  const waits = sum((c) => c.waiting_tasks);
  const cost = sum((c) => c.cost_usd_micro_per_hour);
  const less = sum((c) => c.saved_usd_micro_per_hour);
  const coming = sum((c) => c.instances?.coming);
  const draining = sum((c) => c.instances?.draining);
  const drains = sum((c) => c.drains_total?.begun);
  const since = list.map((c) => (c.waiting_tasks && c.waiting_since ? Date.parse(c.waiting_since) : Infinity)).reduce((a, b) => Math.min(a, b), Infinity);
  return h("dl", { class: "figures" },
    figure("Instances", num(total), percent(sum((c) => c.instances?.spot), total) + " spot"),
    figure("Capacity", [vcpu(cap), h("small", null, " vCPU")], percent(sum((c) => c.reserved?.cpu_units), cap) + " reserved"),
    figure("Waiting", [h("span", { class: waits ? "red" : "" }, num(waits)), h("small", null, waits === 1 ? " task" : " tasks")], since < Infinity ? "longest " + duration(state.now - since) : "everything has a place"),
    figure("On the way", coming || draining ? `+${coming} −${draining}` : "0", coming || draining ? [coming && count(coming, "boots", "boot"), draining && count(draining, "drains", "drain")].filter(Boolean).join(", ") : "nothing boots or drains"),
    figure("Cost", [usdPerHour(cost), h("small", null, "/h")], ["$" + num((cost * 24) / 1e6) + " a day", less ? [", ", h("span", { class: "green" }, percent(less, cost + less)), " saved"] : " at this rate"]),
    figure("Drains", [num(drains), h("small", null, " begun")], num(sum((c) => c.drains_total?.finished)) + " finished, " + num(sum((c) => c.drains_total?.undone)) + " undone"));
}

/** @param {import("./format.js").Clock} clock @param {number} width */
function strip(clock, width) {
  const t = state.total;
  if (!(t.at_s?.length > 1)) return state.loading ? h("figure", { key: "strip", class: "chart wide-only", "aria-hidden": "true", css: { height: "142px" } }) : null; // its room, so that nothing jumps
  const most = Math.max(1, ...[...t.capacity_cpu_units, ...t.need_cpu_units].map((v) => (v || 0) / 1024));
  const top = Math.max(state.ui.tops.get("estate") || 0, roundUp(most * 1.02));
  state.ui.tops.set("estate", top);
  return h("figure", { key: "strip", class: "chart wide-only", role: "img", "aria-label": "Capacity, need and reserved CPU of all clusters over the last 24 hours" },
    chart({
      width, ...day(t), waiting: t.waiting_tasks, now: state.now, cursor: null, clock, lanes: [], stopped: false, nowText: "now " + clock.hm(state.now),
      panels: [{ title: "All clusters", unit: "vCPU", scale: 1024, height: 96, cap: t.capacity_cpu_units, reserved: t.reserved_cpu_units, need: t.need_cpu_units, top, labels: true }],
    }));
}

/** @param {Record<string, (number | null)[]>} columns */
const day = (columns) => ({ from: state.now - 86_400_000, to: state.now, stepMs: 900_000, at: columns.at_s.map((t) => (t || 0) * 1000) });

/** @type {Map<string, { s: any, of: string, v: any }>} */
const drawn = new Map();
const none = h("span", { class: "quieter" }, "–");
/** Drawn anew for new numbers, and while time goes on by less than a pixel not at all. @param {string} key of the cluster @param {string} what */
function spark(key, what) {
  const s = state.sparks.get(key);
  if (!s?.columns.at_s?.length) return none;
  const k = what === "mem" ? "memory_mib" : "cpu_units";
  const of = k + Math.floor(state.now / 240_000);
  const old = drawn.get(key);
  if (old?.s === s && old.of === of) return old.v;
  if (!room(1)) return old?.v; // in one of the next frames
  const v = sparkline({ ...day(s.columns), cap: s.columns["capacity_" + k], reserved: s.columns["reserved_" + k], need: s.columns["need_" + k], waiting: s.columns.waiting_tasks });
  drawn.set(key, { s, of, v });
  return v;
}

/** @param {any} s of scarcest */
const said = (s) => (s.used ? ", " + percent(s.used, s.cap) + " used" : "") + ", " + percent(s.need, s.cap) + " needed" + (s.ahead ? ", up to " + percent(s.ahead, s.cap) + " in the next 4 h by forecast" : "");

/** Rows as they were described last, and of what. @type {Map<string, { of: any[], v: any }>} */
const described = new Map();
/** The same row again while nothing of it changed. @param {Row} r @param {number} group @param {import("./format.js").Clock} clock */
function row(r, group, clock) {
  const key = keyOf(r.c);
  const s = scarcest(r.c);
  const of = [r.c, r.looks.map((l) => l.tone + !l.focus).join(), group, state.lastActs.get(key), spark(key, s?.what || "CPU"), state.ui.row === key, clock.utc, Math.floor(state.now / 60_000)];
  const old = described.get(key);
  if (old && of.every((x, i) => x === old.of[i])) return old.v;
  const v = describe(r, s, of[4], clock);
  described.set(key, { of, v });
  return v;
}

/** @param {Row} r @param {ReturnType<typeof scarcest>} s @param {any} back its day @param {import("./format.js").Clock} clock */
function describe(r, s, back, clock) {
  const { c } = r;
  const st = rowState(c, r.looks);
  const tag = modeTag(c, state.estate?.daemon);
  const tone = r.looks.some((l) => l.tone === "red") ? "bad" : r.looks.length ? "warn" : "";
  const act = state.lastActs.get(keyOf(c));
  const cost = c.cost_usd_micro_per_hour === null ? "–" : usdPerHour(c.cost_usd_micro_per_hour);
  const lines = act ? actLines(act.acts, act.dry_run) : [];
  const line = lines[0];
  return h("tr", { key: keyOf(c), "data-row": "", class: state.ui.row === keyOf(c) ? "on" : "" },
    h("td", null, h("a", { class: "row", href: linkTo(c), "data-go": "" }, miniBox(c, tone), name(c.name)), tag ? [" ", h("span", { class: "tag" }, tag)] : null),
    h("td", { class: "state " + st.tone }, st.text),
    h("td", { class: "n inst" }, h("span", { class: "per", "data-cost": cost }, c.instances ? num(c.instances.total) : "–")),
    h("td", { class: "n spot" }, c.spot_permyriad === null || !c.instances?.total ? "–" : num(c.spot_permyriad / 100) + NBSP + "%"),
    h("td", { class: "bar-cell", title: s ? said(s).slice(2) : null }, s ? [bar(s.reserved, s.need, s.cap, s.used, s.ahead), h("span", { class: "what" }, percent(s.reserved, s.cap), h("span", { class: "quiet" }, " " + s.what), h("span", { class: "unseen" }, said(s)))] : h("span", { class: "quiet" }, c.instances ? "no capacity" : "unknown")),
    h("td", { class: "spark" }, back),
    h("td", { class: "next", title: line ? line.fact + " -> " + line.verdict : null }, c.enough_until ? [h("span", { class: "quiet" }, "enough until "), clock.hm(Math.max(state.now, Date.parse(c.enough_until)))] : act && line ? [h("span", { class: "quiet nowrap" }, clock.at(Date.parse(act.at), state.now) + " "), h("span", { class: "strong" }, line.verdict.replace(" the target from ", " "))] : h("span", { class: "quieter" }, "–")),
    h("td", { class: "n cost" }, cost),
    h("td", { class: "n saved" }, c.saved_usd_micro_per_hour === null ? "–" : h("span", { title: usdPerHour(c.saved_usd_micro_per_hour) + "/h less than on demand" }, percent(saved(c), 1))));
}

/** @param {import("./format.js").Clock} clock @param {number} width */
export function estateView(clock, width) {
  const e = /** @type {import("./api.js").Estate} */ (state.estate);
  if (!e.clusters.length) return empty();
  const all = e.clusters.map((c) => ({ c, looks: looks(c, state.looks.get(keyOf(c)), state.now, clock) }));
  const bad = all.filter((r) => r.looks.length);
  const fine = all.length - bad.length;
  const title = bad.length ? `${fine} of ${count(all.length, "cluster is", "clusters are")} fine, ${bad.length} ${bad.length === 1 ? "needs" : "need"} a look` : all.length === 1 ? "The cluster is fine" : all.length === 2 ? "Both clusters are fine" : `All ${all.length} clusters are fine`;
  const { shown, moves } = ordered(all, ORDER);
  const q = state.url.q.toLowerCase();
  const rows = shown.filter((x) => !q || x.r.c.name.toLowerCase().includes(q));
  const groups = state.url.sort ? [{ title: "", id: "clusters-all", rows }] : GROUPS.map((t, g) => ({ title: t, id: "clusters-" + g, rows: rows.filter((x) => x.g === g) })).filter((g) => g.rows.length);
  return h("div", { class: "estate" },
    h("div", { class: "title" }, h("h1", { id: "title" }, title)),
    bad.length ? h("ul", { class: "looks", key: "looks" }, bad.flatMap((r) => r.looks.map((l, i) => ({ l, i, r }))).slice(0, 12).map(({ l, i, r }) =>
      h("li", { key: keyOf(r.c) + l.tone + l.verdict.slice(0, 12) + i }, i ? h("span") : miniBox(r.c, l.tone === "red" ? "bad" : "warn"), i ? h("span") : h("b", { class: "strong" }, name(r.c.name)),
        h("span", { class: "quiet nowrap" }, l.since ? duration(state.now - l.since) : ""), h("span", { class: "fact" }, verdictLine(l.fact, l.verdict)),
        h("a", { class: "open", href: l.focus ? linkTo(r.c, { focus: l.focus }) : linkTo(r.c), "data-go": "" }, l.focus ? "drain" : "open", h("span", { class: "unseen" }, " " + r.c.name))))) : null,
    figures(e.clusters), strip(clock, width),
    h("section", { key: "clusters", "aria-labelledby": "clusters-head" },
      h("div", { class: "head" }, h("h2", { id: "clusters-head" }, "Clusters"),
        h("span", { class: "quiet" }, state.url.sort ? "sorted by " + state.url.sort : "sorted by need, then cost", movesNote(moves)),
        all.length > 8 ? filterBox("clusters") : null, h("div", { class: "legend right" }, legend())),
      rows.length ? h("table", { class: "clusters" }, h("thead", null, h("tr", null,
        th("Cluster", "name", "c-name", true), th("State", "", "state"), th("Instances", "instances", "n inst"), th("Spot", "spot", "n spot"), th("Reserved, scarcest resource", "reserved", "bar-cell"), th("24 h back", "", "spark"), th("Next or last act", "", ""), th("$/h", "cost", "n cost"), th("Saved", "saved", "n saved"))),
        groups.map((g) => [g.title ? h("tbody", { class: "group", key: g.title }, h("tr", null, h("th", { colspan: 9, scope: "rowgroup" }, g.title, h("span", null, " " + num(g.rows.length))))) : null,
          h("tbody", { key: g.id, id: g.id }, windowed(g.id, g.rows, 9, (x) => row(x.r, x.g, clock)))]))
        : h("p", { class: "empty" }, "No cluster matches ", h("bdi", null, state.url.q), ".")),
    Object.entries(state.errors).map(([part, e]) => h("p", { class: "note", key: part }, reasonLine((PARTS[part] || part.replace(/^look.*\//, "Why ")) + " did not load: " + e.message + (state.file ? "" : " -> tries again in " + (part === "sparks" ? 20 : 2) + " s")))));
}

const legend = () => [
  h("span", { class: "keyed" }, miniBox({ capacity: { cpu_units: 1, memory_mib: 1 }, reserved: { cpu_units: 0.8, memory_mib: 0.55 } }, ""), " left wall CPU, right wall memory"),
  h("span", { class: "keyed" }, h("svg", { width: 16, height: 12, "aria-hidden": "true" }, h("rect", { class: "f-reserved", y: 1, width: 16, height: 10 }), h("rect", { class: "f-used", y: 4, width: 9, height: 4 })), " reserved, used"),
  ...[["l-cap", "M0 9H8V3H18", " capacity"], ["l-demand", "M0 6H18", " need"], ["l-demand dash", "M8 0V12", " forecast, 4 h"]].map(([cls, d, text]) =>
    h("span", { class: "keyed" }, h("svg", { width: 18, height: 12, "aria-hidden": "true" }, h("path", { class: cls, d })), text)),
];

const empty = () => h("div", null, h("h1", { id: "title" }, "No cluster yet"),
  h("p", { class: "sentence" }, "The policy names none. It is the file given to ", h("code", null, "masu run --policy"), "."),
  h("pre", null, "masu check-policy policy.json   # what is wrong with it\nmasu plan --policy policy.json    # look, change nothing\nmasu demo                         # a day on a virtual AWS, 2 minutes"));
