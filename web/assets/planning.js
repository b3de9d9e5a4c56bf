// Planning: what if? A form that drives masu simulate over the recorded past, its results beside today's, the limits and the pools.

import { send } from "./api.js";
import { calendarView } from "./calendar.js";
import { problem } from "./cluster.js";
import { h, name } from "./dom.js";
import { count, duration, NBSP, num, percent } from "./format.js";
import { limitsView } from "./limits.js";
import { poolsView } from "./pools.js";
import { changed, go, href, news, planned, state } from "./store.js";

/** @typedef {{ policy: string, seed: number, cost_usd_micro: number, bound_usd_micro: number, task_seconds: number, task_seconds_waited: number, wait_p99_s: number,
 *   interruptions: number, tasks_moved: number, drains: number, instances_mean: number, utilisation: number, violation_count: number, tasks_killed: number }} Run */
/** @typedef {import("./api.js").Simulated} Simulated */

const MONTH_S = 730 * 3600;
const DAYS = ["1", "3", "7", "14", "28"];
const FIELDS = /** @type {[keyof typeof blank, string, string, string][]} */ ([
  ["growth", "Demand ×", "1.00", "of every service"], ["scale", "One service ×", "web=2", "a name, = and how many times as much"], ["add_service", "One more service", "new=512x1024x8", "CPU units, MiB, tasks"],
  ["types", "Types", "m5.xlarge,c5.2xlarge:2", "in place of the fleet's, with weights"], ["headroom_percent", "Headroom, %", "", "in place of the policy's"], ["waiting_costs", "Waiting costs ×", "", "scale_out.waiting_costs, up to 1,000"],
  ["lose_zone", "Lose a zone", "us-east-1a@24h-36h", "and when, since the beginning; without times from the end of the warm-up on"],
]);
const blank = { days: "7", seeds: "1", growth: "", scale: "", add_service: "", types: "", headroom_percent: "", waiting_costs: "", lose_zone: "", everybody: "no", token: "" };
/** @type {typeof blank} */
let asked = { ...blank };
/** @type {{ status: number, message: string } | null} */
let refused = null;

const median = (/** @type {number[]} */ v) => { const s = [...v].sort((a, b) => a - b); return s.length ? (s[(s.length - 1) >> 1] + s[s.length >> 1]) / 2 : 0; };
/** @param {Simulated | null} d @param {string} [policy] @returns {Run[]} */
const runsOf = (d, policy = "masu") => (d?.runs || []).filter((/** @type {Run} */ r) => r.policy === policy);
const money = (/** @type {number} */ usd) => (usd < 0 ? "−" : "") + "$" + num(Math.abs(usd), Math.abs(usd) < 100 ? 2 : 0);
const sign = (/** @type {number} */ x, /** @type {string} */ text) => (x > 0 ? "+" + text : text);

/** What is compared: of a run, its text, whether more is worse. @type {{ key: string, label: string, of: (r: Run, s: number) => number, text: (x: number) => string, delta: (x: number) => string, worse: number }[]} */
const LINES = [
  { key: "cost", label: "Compute cost a month", of: (r, s) => (r.cost_usd_micro / 1e6 / s) * MONTH_S, text: money, delta: (x) => sign(x, money(x)), worse: 1 },
  { key: "waiting", label: "Tasks waiting, of task-seconds", of: (r) => (100 * r.task_seconds_waited) / Math.max(1, r.task_seconds), text: (x) => num(x, 2, 2) + NBSP + "%", delta: (x) => sign(x, num(x, 2, 2)) + " points", worse: 1 },
  { key: "p99", label: "Longest wait, p99", of: (r) => r.wait_p99_s, text: (x) => duration(x * 1000), delta: (x) => (x < 0 ? "−" : "+") + duration(Math.abs(x) * 1000), worse: 1 },
  { key: "taken", label: "Interruptions", of: (r) => r.interruptions, text: (x) => num(x), delta: (x) => sign(x, num(x)), worse: 1 },
  { key: "moved", label: "Tasks moved by drains", of: (r) => r.tasks_moved, text: (x) => num(x), delta: (x) => sign(x, num(x)), worse: 1 },
  { key: "instances", label: "Instances, mean", of: (r) => r.instances_mean, text: (x) => num(x, 1, 1), delta: (x) => sign(x, num(x, 1, 1)), worse: 1 },
  { key: "use", label: "Needed of what there was", of: (r) => 100 * r.utilisation, text: (x) => num(x) + NBSP + "%", delta: (x) => sign(x, num(x)) + " points", worse: -1 },
  { key: "bound", label: "Cost over the least possible", of: (r) => (100 * r.cost_usd_micro) / Math.max(1, r.bound_usd_micro) - 100, text: (x) => sign(x, num(x, 1, 1)) + NBSP + "%", delta: (x) => sign(x, num(x, 1, 1)) + " points", worse: 1 },
  { key: "broken", label: "Invariants violated", of: (r) => r.violation_count + r.tasks_killed, text: (x) => num(x), delta: (x) => sign(x, num(x)), worse: 1 },
];

/** @param {(typeof LINES)[0]} l @param {Simulated} d */
const values = (l, d) => runsOf(d).map((r) => l.of(r, Math.max(1, d.for_s - d.warmup_s)));

// ---- the form -----------------------------------------------------------------------------------------------------------------

/** The body of the POST: what is left empty is as it was. @param {string} cluster */
function body(cluster) {
  /** @type {Record<string, unknown>} */
  const b = { cluster, days: +asked.days, seeds: +asked.seeds, everybody: asked.everybody === "yes" };
  const scale = [asked.growth.trim() && "all=" + asked.growth.trim().replace(",", "."), asked.scale.trim()].filter(Boolean).join(",");
  if (scale) b.scale = scale;
  for (const k of /** @type {const} */ (["add_service", "types", "lose_zone"])) if (asked[k].trim()) b[k] = asked[k].trim();
  for (const k of /** @type {const} */ (["headroom_percent", "waiting_costs"])) if (asked[k].trim()) b[k] = +asked[k].replace(",", ".");
  return b;
}

/** @param {string} path @param {Record<string, unknown>} what */
async function ask(path, what) {
  refused = null;
  try {
    state.plan = await send(path, what, asked.token);
  } catch (e) {
    refused = { status: /** @type {any} */ (e).status || 0, message: e instanceof Error ? e.message : String(e) };
  }
  changed();
  news();
}

/** @param {keyof typeof blank} key @param {string} label @param {string} hint @param {string} note @param {string} [type] */
const field = (key, label, hint, note, type = "text") => [
  h("label", { key: key + " label", for: "ask-" + key }, label),
  h("input", { key, id: "ask-" + key, type, value: asked[key], placeholder: hint, title: note, class: asked[key] ? "set" : "", autocomplete: "off", spellcheck: "false", oninput: (/** @type {any} */ e) => { asked[key] = e.target.value; changed(); } }),
];

/** @param {keyof typeof blank} key @param {string} label @param {[string, string][]} options */
const choice = (key, label, options) => [
  h("label", { key: key + " label", for: "ask-" + key }, label),
  h("select", { key, id: "ask-" + key, value: asked[key], class: asked[key] !== blank[key] ? "set" : "", onchange: (/** @type {any} */ e) => { asked[key] = e.target.value; changed(); } }, options.map(([v, t]) => h("option", { key: v, value: v, selected: asked[key] === v }, t))),
];

/** @param {string} cluster @param {boolean} running @param {any} run */
function form(cluster, running, run) {
  const locked = refused && (refused.status === 401 || refused.status === 403);
  return h("form", { class: "ask", key: "form", onsubmit: (/** @type {any} */ e) => { e.preventDefault(); if (!running) ask("/simulate", body(cluster)); } },
    h("div", { class: "fields" },
      choice("days", "Past to replay", DAYS.map((d) => [d, count(+d, "day")])),
      FIELDS.map(([key, label, hint, note]) => field(key, label, hint, note)),
      choice("seeds", "Seeds", ["1", "2", "3", "5"].map((n) => [n, n])),
      choice("everybody", "Against", [["no", "the least possible"], ["yes", "all other rules"]]),
      locked || asked.token ? field("token", "Token", "", "of MASU_API_TOKEN", "password") : null),
    h("div", { class: "run" },
      h("button", { class: "button main", type: "submit", disabled: running }, run ? "Run again" : "Run"),
      running ? h("button", { class: "button", type: "button", onclick: () => ask("/simulate/cancel", {}) }, "Cancel") : h("button", { class: "button", type: "button", onclick: () => { asked = { ...blank, token: asked.token }; refused = null; changed(); } }, "Reset"),
      running ? [h("progress", { max: 1000, value: run.progress_permille, "aria-label": "Simulation" }), h("span", { class: "quiet" }, percent(run.progress_permille, 1000))] : null),
    refused ? h("p", { class: "red", role: "alert" }, refused.message) : null,
    run ? h("pre", { title: "F is the file of masu run --state" }, run.command) : null);
}

// ---- results ------------------------------------------------------------------------------------------------------------------

/** Every seed as a dot on one scale of change, the median as a stroke; what reads the same is no change. @param {(typeof LINES)[0]} l @param {number[]} from @param {number[]} to @param {number} most */
function dots(l, from, to, most) {
  const x = (/** @type {number} */ d) => 60 + (52 * Math.max(-most, Math.min(most, d))) / most;
  const d = to.map((v, i) => (l.text(v) === l.text(from[i] ?? from[0]) ? 0 : change(from[i] ?? from[0], v)));
  return h("svg", { width: 120, height: 16, viewBox: "0 0 120 16", "aria-hidden": "true" }, h("line", { class: "l-hair2", x1: 8, x2: 112, y1: 8, y2: 8 }), h("line", { class: "l-hair2", x1: 60, x2: 60, y1: 2, y2: 14 }),
    d.map((v, i) => h("circle", { key: i, class: "f-used", cx: x(v), cy: 8, r: 2.4, opacity: 0.6 })), d.length ? h("line", { class: "l-ink", x1: x(median(d)), x2: x(median(d)), y1: 2, y2: 14 }) : null);
}

const change = (/** @type {number} */ from, /** @type {number} */ to) => (from === to ? 0 : from === 0 ? Math.sign(to) : (to - from) / Math.abs(from));

/** @param {Simulated} today @param {Simulated | null} other */
function table(today, other) {
  const most = other ? Math.max(0.15, Math.min(1, ...LINES.slice(0, 1).map((l) => 1.2 * Math.abs(change(median(values(l, today)), median(values(l, other))))))) : 0.15;
  const edge = num(100 * most) + NBSP + "%";
  return h("table", { class: "compared", key: "compared", "aria-labelledby": "results-head" },
    h("thead", null, h("tr", null, ["", "Today", other ? "What if" : null, other ? "Change" : null].map((t, i) => (t === null ? null : h("th", { key: i, scope: "col", class: i ? "n" : "" }, t || span(today)))),
      other ? h("th", { class: "wide-only axis", scope: "col" }, "−" + edge, h("span", null, "0"), "+" + edge) : null)),
    h("tbody", null, LINES.map((l) => {
      const from = values(l, today);
      const to = other ? values(l, other) : [];
      const delta = median(to) - median(from);
      const none = l.text(median(to)) === l.text(median(from));
      const share = l.key === "cost" && !none ? ", " + sign(delta, num(100 * change(median(from), median(to)), 1)) + NBSP + "%" : "";
      return h("tr", { key: l.key, "data-line": l.key }, h("th", { scope: "row" }, l.label), h("td", { class: "n" }, l.text(median(from))),
        other ? [h("td", { class: "n" }, h("b", null, l.text(median(to)))), h("td", { class: "n" + (none ? "" : delta * l.worse < 0 ? " green" : l.key === "broken" ? " red" : "") }, none ? "–" : l.delta(delta) + share), h("td", { class: "wide-only" }, dots(l, from, to, most))] : null);
    })));
}

/** @param {Simulated} d */
const span = (d) => duration(1000 * (d.for_s - d.warmup_s)) + " counted" + (d.seeds > 1 ? ", median of " + num(d.seeds) + " seeds" : "");

/** Cost against waiting of each rule, medians. @param {Simulated} today @param {Simulated | null} other */
function frontier(today, other) {
  const points = (/** @type {Simulated} */ d, /** @type {string} */ p) => ({ cost: median(runsOf(d, p).map((r) => LINES[0].of(r, Math.max(1, d.for_s - d.warmup_s)))), wait: median(runsOf(d, p).map((r) => LINES[1].of(r, 1))) });
  const rules = [...new Set(today.runs.map((/** @type {Run} */ r) => r.policy))].filter((p) => p !== "masu" && p !== "clairvoyant");
  if (!rules.length) return null;
  const all = [...rules.map((p) => ({ label: p, cls: "f-ink3", ...points(today, p) })), { label: "masu, today", cls: "f-ink", ...points(today, "masu") }, ...(other ? [{ label: "what if", cls: "f-used", ...points(other, "masu") }] : [])];
  const bound = points(today, "clairvoyant").cost;
  const top = 1.08 * Math.max(...all.map((p) => p.cost));
  const x = (/** @type {number} */ w) => 56 + (440 * (Math.log10(Math.max(0.01, Math.min(100, w))) + 2)) / 4;
  const y = (/** @type {number} */ c) => 214 - (190 * c) / top;
  /** @type {{ x: number, y: number, to: number }[]} */
  const used = [];
  // a label stands beside its point, or above what stands there already
  const place = (/** @type {{ label: string, cost: number, wait: number }} */ p) => {
    const l = { x: x(p.wait) - 6, y: y(p.cost), to: x(p.wait) + 14 + 6.5 * p.label.length };
    while (used.some((u) => Math.abs(u.y - l.y) < 12 && u.x < l.to && l.x < u.to)) l.y -= 6;
    used.push(l);
    return l.y;
  };
  return h("figure", { class: "chart", key: "frontier", role: "img", "aria-label": "Cost a month against waiting: " + all.map((p) => p.label + " " + money(p.cost) + " at " + num(p.wait, 2) + " %").join("; ") },
    h("div", { class: "head" }, h("h2", null, "Cost against waiting"), h("span", { class: "quiet" }, "a month; down and left is better")),
    h("svg", { viewBox: "0 0 640 244", "aria-hidden": "true" },
      [0, 0.5, 1].map((f) => [h("line", { key: "g" + f, class: "l-hair", x1: 56, x2: 496, y1: y(f * top), y2: y(f * top) }), h("text", { key: "t" + f, x: 50, y: y(f * top) + 4, "text-anchor": "end" }, "$" + num(f * top))]),
      [0.01, 0.1, 1, 10, 100].map((w) => h("text", { key: "w" + w, x: x(w), y: 232, "text-anchor": "middle" }, (w === 0.01 ? "≤ " : "") + num(w, 2) + " %")),
      h("line", { class: "l-demand", x1: 56, x2: 496, y1: y(bound), y2: y(bound) }), h("text", { class: "t-demand", x: 502, y: y(bound) + 4 }, "least possible"),
      all.sort((a, b) => a.cost - b.cost).map((p) => [h("circle", { key: p.label, class: p.cls, cx: x(p.wait), cy: y(p.cost), r: 4 }), h("text", { key: p.label + " text", class: p.cls === "f-ink3" ? "" : "ink-text bold", x: x(p.wait) + 8, y: place(p) + 4 }, p.label)])));
}

/** @param {any} run */
function sentence(run) {
  if (!run) return ["What would the last days have cost with another fleet, more demand, or a zone less? Choose a change and run it: the daemon's own planner goes through the recorded demand, prices and interruptions."];
  if (run.state === "running") return ["The past of ", name(run.ask.cluster, 40), " is simulated."];
  if (run.state === "cancelled") return ["The simulation was cancelled."];
  if (run.state === "failed") return [h("span", { class: "red" }, "The simulation failed. "), run.error || ""];
  const [cost, waiting] = LINES;
  const was = [median(values(cost, run.today)), median(values(waiting, run.today))];
  const least = median(values(LINES[7], run.today));
  if (!run.change) return [h("b", null, money(was[0]) + " a month"), ", " + num(least) + NBSP + "% over the least that anybody could pay who knew what comes; " + waiting.text(was[1]) + " of task-seconds wait."];
  const is = [median(values(cost, run.change)), median(values(waiting, run.change))];
  const more = is[0] - was[0];
  const d = is[1] - was[1];
  return [h("b", null, Math.abs(more) < 0.005 ? "It would cost the same" : "It would cost " + money(Math.abs(more)) + " a month " + (more > 0 ? "more" : "less")), " (" + sign(more, num(100 * change(was[0], is[0]), 1)) + NBSP + "%)",
    Math.abs(d) < 0.005 ? ", at the same waiting." : ", with " + num(Math.abs(d), 2) + " points " + (d > 0 ? "more" : "less") + " of task-seconds waiting."];
}

/** @param {import("./format.js").Clock} c @param {any} fail */
export function planningView(c, fail) {
  const cluster = planned();
  const list = state.estate?.clusters || [];
  const run = state.plan?.run || null;
  const running = run?.state === "running";
  const title = h("div", { class: "title" }, h("h1", { id: "title" }, "Planning"),
    list.length > 1 ? h("label", { class: "quiet" }, h("span", { class: "unseen" }, "Cluster "), h("select", { id: "planning-cluster", onchange: (/** @type {any} */ e) => go({ cluster: e.target.value }) }, list.map((x) => h("option", { key: x.account + x.region + x.name, value: x.name, selected: x.name === cluster }, x.name))))
      : h("span", { class: "quiet" }, h("a", { href: href({ page: "cluster", cluster }, true), "data-go": "" }, name(cluster, 60))));
  if (!cluster) return h("div", { class: "planning-page" }, title, h("p", { class: "sentence", id: "sentence" }, "There is no cluster yet."));
  const mine = run && run.ask.cluster === cluster;
  const results = mine && run.today ? { today: run.today, change: run.change } : null;
  const ahead = state.full ? [calendarView(state.full, c, problem("The calendar", "calendar")), limitsView(c, problem("The limits", "limits")), poolsView(state.full, c, problem("The pools", "pools"))] : problem("The cluster", "cluster");
  if (state.file) return h("div", { class: "planning-page" }, title, h("p", { class: "sentence", id: "sentence" }, "A report of one file cannot simulate: masu simulate --history does, from the same journal."), ahead);
  return h("div", { class: "planning-page" }, title, h("p", { class: "sentence", id: "sentence" }, sentence(mine ? run : null)), fail,
    h("section", { key: "whatif", "aria-labelledby": "whatif-head" },
      h("div", { class: "head" }, h("h2", { id: "whatif-head" }, "What if"), h("span", { class: "quiet" }, run && !mine ? ["the last one was of ", name(run.ask.cluster, 40)] : "the daemon's own planner over the recorded demand, prices and interruptions")),
      h("div", { class: "halved" }, form(cluster, running, run),
        h("div", { key: "results" }, h("h3", { id: "results-head", class: "unseen" }, "Results"),
          results ? [table(results.today, results.change), results.today.left_out.map((/** @type {string} */ t) => h("p", { key: t, class: "note" }, "Left out: " + t))] : h("p", { class: "empty" }, running ? "Results stand here when it is done." : "Nothing was simulated yet.")))),
    results ? frontier(results.today, results.change) : null, ahead);
}
