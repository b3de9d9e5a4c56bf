// One cluster: what is it doing, and will it last? Sentence, figures, time chart, the boxes, who holds it; beside them what
// is in progress and what was decided.

import { alertList } from "./alerts.js";
import { boxesTable, boxesView, hues, inspector, ranking } from "./boxes.js";
import { calendarMarks, entriesOf } from "./calendar.js";
import { bridged, chart, patterns, roundUp } from "./chart.js";
import { h, name } from "./dom.js";
import { figure } from "./estate.js";
import { countdown, count, duration, gib, NBSP, num, percent, shortId, shortZone, three, usdPerHour, vcpu } from "./format.js";
import { asOf, during } from "./past.js";
import { poolsView } from "./pools.js";
import { changed, earlier, go, hasRange, href, keyOf, loadWhy, pan, poll, rangeName, RANGES, span, state, zoom, zoomOut, zoomTo } from "./store.js";
import { reasonLine, verdictLine } from "./verdict.js";
import { actLines, modeTag, orders, sentence } from "./words.js";

/** @typedef {import("./api.js").ClusterFull} ClusterFull */
/** @typedef {import("./format.js").Clock} Clock */

const at = (/** @type {string | null} */ s) => (s ? Date.parse(s) : 0);

/** A part that failed, said in its place. @param {string} what @param {string} part */
export function problem(what, part) {
  const e = state.errors[part];
  if (!e) return null;
  return h("div", { class: "problem", key: "problem " + part },
    h("div", null, h("b", { class: "red" }, what + " did not load. "), verdictLine((e.status ? e.status + " " : "") + e.message, state.file ? "" : "tries again in 2 s"), state.file ? null : [h("br"), h("code", { class: "quiet" }, "GET " + e.url)]),
    state.file ? null : h("button", { class: "button", onclick: () => poll() }, "Retry"));
}

/** @param {ClusterFull} c */
function figures(c) {
  const n = c.instances;
  if (!n || !c.capacity || !c.reserved) return null;
  const bits = [n.active + " active", n.draining && n.draining + " draining", n.interrupted && n.interrupted + " interrupted", n.coming && n.coming + " booting"].filter(Boolean).join(", ");
  const waits = c.waiting_tasks || 0;
  const who = c.services.filter((s) => s.waiting > 0);
  const notices = c.in_progress.filter((p) => p.kind === "notice").length;
  const cost = c.cost_usd_micro_per_hour;
  return h("dl", { class: "figures" },
    figure("Instances", num(n.total), bits),
    figure("CPU reserved", percent(c.reserved.cpu_units, c.capacity.cpu_units), vcpu(c.reserved.cpu_units) + " of " + vcpu(c.capacity.cpu_units) + " vCPU"),
    figure("Memory reserved", percent(c.reserved.memory_mib, c.capacity.memory_mib), gib(c.reserved.memory_mib) + " of " + gib(c.capacity.memory_mib) + " GiB"),
    figure("Waiting", [h("span", { class: waits ? "red" : "" }, num(waits)), h("small", null, waits === 1 ? " task" : " tasks")],
      waits ? [c.waiting_since ? duration(state.now - at(c.waiting_since)) : "", who.length ? [", ", name(who[0].name, 22), who.length > 1 ? " and " + (who.length - 1) + " more" : ""] : null] : "everything has a place"),
    figure("Spot", c.spot_permyriad === null || !n.total ? "–" : num(c.spot_permyriad / 100) + NBSP + "%", notices ? count(notices, "notice") + " now" : (n.spot ?? 0) + " of " + n.total + ", no notice now"),
    figure("Cost", [cost === null ? "unknown" : usdPerHour(cost), cost === null ? null : h("small", null, "/h")], cost === null ? "a price is missing" : "$" + num((cost * 24) / 1e6) + " a day at this rate"));
}

/** @param {string} key @param {number} most */
function keptTop(key, most) {
  const top = Math.max(state.ui.tops.get(key) || 0, roundUp(most * 1.03));
  state.ui.tops.set(key, top);
  return top;
}

const NOTICE_MS = 120_000;
/** Where AWS said that it takes instances, whatever masu did then: a notice lasts two minutes. @param {number[]} times @param {(number|null)[]} v instances that are told of @param {number} stepMs */
const noticeMarks = (times, v = [], stepMs) => times.flatMap((t, i) => {
  const n = (v[i] || 0) - (stepMs < NOTICE_MS ? v[i - 1] || 0 : 0);
  return n > 0 ? [{ at: t, text: n > 1 ? "×" + n : "" }] : [];
});

/** Notices as they were recorded, launches and drains between two times from what the acting ticks did. @param {number} from @param {number} to @param {import("./chart.js").Mark[]} notices */
function lanes(from, to, notices) {
  const ticks = [...state.acting.values()].filter((t) => at(t.at) >= from && !t.dry_run).sort((a, b) => a.tick - b.tick);
  const up = [];
  const bars = new Map();
  const closed = [];
  for (const t of ticks) {
    let launches = 0;
    for (const a of t.acts) {
      if (a.outcome !== "ok") continue;
      if (orders(a)) launches++;
      if (a.kind === "drain") bars.set(a.target, { at: at(t.at), end: null });
      const open = bars.get(a.target);
      if (open && (a.kind === "terminate" || a.kind === "undrain")) {
        closed.push({ at: open.at, end: at(t.at) });
        bars.delete(a.target);
      }
    }
    if (launches) up.push({ at: at(t.at), text: launches > 1 ? "×" + launches : "" });
  }
  const live = new Set((state.full?.in_progress || []).map((p) => p.instance));
  for (const [id, b] of bars) closed.push(live.has(id) ? b : { at: b.at, end: b.at });
  const within = (/** @type {import("./chart.js").Mark[]} */ list) => list.filter((k) => k.at <= to);
  return [
    { name: "spot notice", kind: /** @type {"down"} */ ("down"), marks: within(notices) },
    { name: "target raised", kind: /** @type {"up"} */ ("up"), marks: within(up) },
    { name: "drained", kind: /** @type {"bar"} */ ("bar"), marks: within(closed) },
  ];
}

/** @param {string} cls @param {string} d */
const keyLine = (cls, d) => h("svg", { class: "k", width: 18, height: 10, "aria-hidden": "true" }, h("path", { class: cls, d }));
/** @param {string} cls */
const keyArea = (cls) => h("svg", { class: "k", width: 14, height: 10, "aria-hidden": "true" }, h("rect", { class: cls, width: 14, height: 10 }));

/** The values under the cursor, or now: legend, readout and text alternative at once. @param {any} s @param {number | null} i @param {Clock} clock @param {number} present */
function reading(s, i, clock, present) {
  const k = i ?? s.at.length - 1;
  const v = (/** @type {(number|null)[]} */ col) => (col[k] === null || col[k] === undefined ? null : /** @type {number} */ (col[k]));
  const both = (/** @type {string} */ c) => {
    const cpu = v(s.col[c + "_cpu_units"] || []);
    const mem = v(s.col[c + "_memory_mib"] || []);
    return cpu === null || mem === null ? "unknown" : vcpu(cpu) + " vCPU, " + gib(mem) + " GiB";
  };
  const cap = [v(s.col.capacity_cpu_units), v(s.col.capacity_memory_mib)];
  const res = [v(s.col.reserved_cpu_units), v(s.col.reserved_memory_mib)];
  const free = cap[0] === null || res[0] === null || cap[1] === null || res[1] === null ? "unknown" : vcpu(Math.max(0, cap[0] - res[0])) + " vCPU, " + gib(Math.max(0, cap[1] - res[1])) + " GiB";
  const waits = v(s.col.waiting_tasks);
  const when = i === null ? present : s.at[i];
  return {
    waits, when, capacity: both("capacity"), need: both("need"), reserved: both("reserved"), used: measured(s.col) && both("used"), free,
    instances: v(s.col.instances), time: clock.at(when, state.now),
    text: `${clock.at(when, state.now)}: capacity ${both("capacity")}; need ${both("need")}; reserved ${both("reserved")}; ${measured(s.col) ? "used " + both("used") + "; " : ""}${waits === null ? "unknown" : waits} waiting`,
  };
}

/** What tasks use is known of any time. @param {Record<string, (number | null)[]>} col */
const measured = (col) => !!col.used_cpu_units?.some((x) => x !== null);

/** @param {any} s @param {number | null} cursor @param {Clock} clock @param {number} present */
function readingLine(s, cursor, clock, present) {
  const r = reading(s, cursor, clock, present);
  return h("div", { class: "reading" },
    h("b", null, r.time), h("span", { class: "slot" }, keyLine("l-cap", "M0 8H8V2H18"), "capacity ", h("b", null, r.capacity)),
    h("span", { class: "slot" }, keyLine("l-demand", "M0 5H18"), "need ", h("b", null, r.need)),
    h("span", { class: "slot" }, keyArea("f-reserved"), "reserved ", h("b", null, r.reserved)),
    r.used ? h("span", { class: "slot" }, keyArea("f-used"), "used ", h("b", null, r.used)) : null,
    h("span", { class: "slot" }, "free ", h("b", null, r.free)),
    h("span", { class: "slot" }, keyArea("f-red"), "waiting ", h("b", { class: r.waits ? "red" : "" }, r.waits === null ? "unknown" : count(r.waits, "task"))),
    h("span", { class: "slot" }, "instances ", h("b", null, r.instances === null ? "unknown" : num(r.instances))));
}

/** The steps of a forecast between two times. @param {import("./api.js").Forecast} f @param {number} from @param {number} to */
function expected(f, from, to) {
  const keep = f.columns.at_s.map((t, i) => ({ t: (t || 0) * 1000, i })).filter((k) => k.t >= from && k.t <= to);
  const pick = (/** @type {string} */ name) => keep.map((k) => f.columns[name]?.[k.i] ?? null);
  return { of: (/** @type {string} */ k) => ({ at: keep.map((x) => x.t), q: Object.fromEntries(["05", "25", "50", "75", "90", "95"].map((q) => [q, pick("need_" + k + "_q" + q)])) }) };
}

/** How the forecasts of the last days came out, or why there is none. @param {any} drawn @param {Clock} clock */
function scored(drawn, clock) {
  const f = state.forecast;
  if (!f) return null;
  if (!f.count) return f.why_none ? h("p", { class: "note", key: "scored" }, "No forecast yet: " + f.why_none + ".") : null;
  const e = f.errors.find((x) => x.of === "need_cpu_units" && x.ahead === "1h" && x.samples > 0);
  return h("p", { class: "note", key: "scored" }, drawn ? "Dashed: the need that is expected, in the band where half and the one where nine of ten of it fall; the line above is what nine of ten stay below. Made " + clock.at(at(f.made), state.now) + " from " + (f.basis.need_cpu_units || "the level") + "; dotted: what was expected an hour before. " : "",
    e ? ["Of " + count(e.samples, "forecast") + " an hour ahead ", h("b", null, percent(e.cover90, 1) + " stayed below the upper line"), ", with " + num(e.mase, 2) + " of the error of \u201clike yesterday\u201d."] : "None of them could be scored yet.");
}

/** @param {ClusterFull} c @param {Clock} clock @param {number} width @param {number} stopped time of the last tick, 0 while it runs */
function chartPart(c, clock, width, stopped) {
  const s = state.series;
  const shown = rangeName();
  const range = span();
  const head = h("div", { class: "head" }, h("h2", { id: "chart-head" }, "Capacity and demand"),
    h("div", { class: "ranges right", role: "group", "aria-label": "Zoom" }, range.zoomed ? h("span", { class: "quiet" }, clock.at(range.from, state.now) + " to " + clock.at(range.to, state.now)) : null,
      ZOOMS.map(([text, label, act]) => h("button", { key: label, "aria-label": label, title: label, onclick: act }, text)),
      range.zoomed ? h("button", { title: "back to the range (0)", onclick: () => go(zoomOut) }, "back") : null),
    h("div", { class: "ranges", role: "group", "aria-label": "Range" }, Object.keys(RANGES).filter(hasRange).map((k) =>
      h("button", { key: k, "aria-pressed": String(k === shown && !range.zoomed), onclick: () => go({ range: k, ...zoomOut }) }, k.replace(/(\d+)/, "$1 ")))));
  const fail = problem("The chart", "series");
  if (!s || !s.columns.at_s || !s.count) return h("section", { key: "chart", "aria-labelledby": "chart-head" }, head, fail || h("p", { class: "empty" }, s ? "No sample yet in this range." : "…"));
  const stepMs = s.step_s * 1000;
  const late = 4 * Math.max(30_000, c.period_ms);
  const shownAt = s.columns.at_s.map((t) => (t || 0) * 1000).map((t) => !range.zoomed || (t >= range.from && t < range.to));
  /** @type {Record<string, (number | null)[]>} */
  const col = Object.fromEntries(Object.entries(s.columns).map(([k, v]) => [k, (k === "at_s" ? v : bridged(v, stepMs, late)).filter((_, i) => shownAt[i])]));
  const m = { at: col.at_s.map((t) => (t || 0) * 1000), col };
  const n = m.at.length;
  const { from, to } = range;
  const read = state.ui.cursor ?? Date.parse(state.url.at); // NaN: none
  const found = read >= Math.min(from, m.at[0]) ? m.at.findIndex((t) => t + stepMs > read) : -1;
  const cursor = found < 0 ? null : found;
  const now = Math.max(state.now, at(s.now));
  const key = keyOf(c) + (range.zoomed ? from + "-" + to : shown);
  const f = (!stopped || state.file) && to > now && state.forecast?.count ? expected(state.forecast, Math.max(now, from), to) : null;
  const known = calendarMarks(c, from, to);
  const open = m.at.filter((_, /** @type {number} */ i) => col.overflow?.[i]).map((/** @type {number} */ t) => ({ at: t, end: t + stepMs }));
  const told = state.foretold && state.foretold.columns.at_s ? state.foretold : null;
  const toldAt = told ? told.columns.at_s.map((t) => (t || 0) * 1000) : [];
  const inside = (/** @type {any[]} */ list) => (list || []).filter((_, i) => toldAt[i] >= from && toldAt[i] <= to);
  const panel = (/** @type {string} */ title, /** @type {string} */ unit, /** @type {string} */ k, /** @type {number} */ scale, /** @type {number} */ height) => ({
    title, unit, scale, height, cap: col["capacity_" + k], reserved: col["reserved_" + k], used: measured(col) ? col["used_" + k] : null, need: col["need_" + k], labels: true,
    fan: f && f.of(k), foretold: told && { at: inside(toldAt), v: inside(told.columns["need_" + k + "_q50"]) },
    top: keptTop(key + k, Math.max(1, ...[...col["capacity_" + k], ...col["need_" + k], ...(f ? Object.values(f.of(k).q).flat() : [])].map((v) => (v || 0) / scale))),
  });
  const cpuScarce = !c.capacity || !c.reserved || c.reserved.cpu_units * c.capacity.memory_mib >= c.reserved.memory_mib * c.capacity.cpu_units;
  const timeOf = (/** @type {PointerEvent} */ e) => {
    const box = /** @type {HTMLElement} */ (e.currentTarget).getBoundingClientRect();
    const left = width < 600 ? 34 : 44;
    const right = width - (width < 600 ? 6 : 104);
    return from + (((e.clientX - box.left) * (width / box.width) - left) / (right - left)) * (to - from);
  };
  const r = reading(m, cursor, clock, stopped || Math.min(now, to));
  return h("section", { key: "chart", "aria-labelledby": "chart-head" }, head, readingLine(m, cursor, clock, stopped || Math.min(now, to)),
    h("div", {
      class: "chart", id: "chart", tabindex: 0, role: "slider", "aria-label": "Capacity, need and reserved over time; arrow keys move the reading line", "aria-valuemin": 0, "aria-valuemax": Math.max(0, n - 1),
      "aria-valuenow": cursor ?? Math.max(0, n - 1), "aria-valuetext": r.text, ...pointing(timeOf, m.at, stepMs), onkeydown: (/** @type {KeyboardEvent} */ e) => chartKeys(e, cursor ?? n - 1, m.at),
    }, chart({
      width, from, to, now: stopped || now, at: m.at, stepMs, waiting: col.waiting_tasks, cursor, clock, stopped: !!stopped && !state.file, drag: state.ui.drag, lanes: [...lanes(from, to, noticeMarks(m.at, col.interrupted, stepMs)), ...(open.length ? [{ name: "breakers open", kind: /** @type {"bar"} */ ("bar"), marks: open }] : []), ...(known.length ? [{ name: "calendar", kind: /** @type {"diamond"} */ ("diamond"), marks: known }] : [])],
      nowText: (state.file ? "as of " : stopped ? "stopped " : "now ") + clock.hm(stopped || now),
      panels: [panel("CPU", "vCPU", "cpu_units", 1024, cpuScarce ? 140 : 84), panel("Memory", "GiB", "memory_mib", 1024, cpuScarce ? 84 : 140)],
    })), fail, state.file ? null : [problem("The forecast", "forecast"), problem("What was expected before", "foretold"), problem("The calendar", "calendar")],
    scored(f, clock),
    h("p", { class: "note" }, "Each point is " + duration(stepMs) + ": the least capacity, the most need and the most reserved in it. The need includes the headroom of the policy.", width < 600 ? " Marks: ▼ spot notice, ▲ target raised, ▬ drained" + (known.length ? ", ◆ calendar." : ".") : ""));
}

const ZOOMS = /** @type {[string, string, () => void][]} */ ([["‹", "earlier (shift ←)", () => pan(-0.25)], ["−", "zoom out (-)", () => zoom(2)], ["+", "zoom in (+)", () => zoom(0.5)], ["›", "later (shift →)", () => pan(0.25)]]);

/** @type {Map<number, number[]>} pointers that are down, and the times under each: when it came down, and now */
const down = new Map();
const PICK_PX = 6;
let downX = 0;
/** A mouse reads, and chooses a range by dragging; a finger reads, two pinch. @param {(e: PointerEvent) => number} timeOf @param {number[]} times @param {number} stepMs */
function pointing(timeOf, times, stepMs) {
  const read = (/** @type {PointerEvent} */ e) => {
    const t = timeOf(e);
    setCursor(times.find((a) => t >= a && t < a + stepMs) ?? null);
  };
  const lift = (/** @type {PointerEvent} */ e) => {
    const drag = state.ui.drag;
    const [a, b] = down.size === 2 && down.has(e.pointerId) ? [...down.values()] : [];
    down.delete(e.pointerId);
    state.ui.drag = null;
    if (e.type === "pointerup" && !drag && Math.abs(e.clientX - downX) <= PICK_PX) standAt(timeOf(e));
    if (e.type === "pointerup" && drag) zoomTo(Math.min(...drag), Math.max(...drag));
    else if (e.type === "pointerup" && a && b && a[1] !== b[1]) zoom(Math.min(4, Math.max(0.25, Math.abs((a[0] - b[0]) / (a[1] - b[1])))), (a[0] + b[0]) / 2);
    changed();
  };
  return {
    onpointerdown: (/** @type {PointerEvent} */ e) => {
      if (e.button) return;
      down.set(e.pointerId, [timeOf(e), timeOf(e)]);
      downX = down.size > 1 ? NaN : e.clientX;
      if (e.pointerType === "mouse") /** @type {HTMLElement} */ (e.currentTarget).setPointerCapture(e.pointerId);
      read(e);
    },
    onpointermove: (/** @type {PointerEvent} */ e) => {
      const held = down.get(e.pointerId);
      if (held) held[1] = timeOf(e);
      if (e.pointerType === "mouse" && held && (state.ui.drag || Math.abs(e.clientX - downX) > PICK_PX)) state.ui.drag = held;
      read(e);
      if (state.ui.drag) changed();
    },
    onpointerup: lift, onpointercancel: lift, onpointerleave: () => setCursor(null), ondblclick: () => go({ ...zoomOut, at: "" }),
  };
}

/** The whole page in the time of a moment that is over. @param {number} t */
function standAt(t) {
  if (!state.file && t < state.now) go({ at: new Date(t).toISOString().slice(0, 19) + "Z" });
}

/** @param {number | null} t */
function setCursor(t) {
  if (t === state.ui.cursor) return;
  state.ui.cursor = t;
  changed();
}

/** @param {KeyboardEvent} e @param {number} i @param {number[]} times */
function chartKeys(e, i, times) {
  const last = times.length - 1;
  if (e.shiftKey) return;
  if (e.key === "ArrowLeft") setCursor(times[Math.max(0, i - 1)]);
  else if (e.key === "ArrowRight") setCursor(i + 1 >= last ? null : times[i + 1]);
  else if (e.key === "PageUp") setCursor(times[Math.max(0, i - 12)]);
  else if (e.key === "PageDown") setCursor(i + 12 >= last ? null : times[i + 12]);
  else if (e.key === "Home") setCursor(times[0]);
  else if (e.key === "End") setCursor(null);
  else if (e.key === "Enter" && state.ui.cursor !== null) standAt(state.ui.cursor);
  else return;
  e.preventDefault();
}

/** @param {import("./api.js").Progress} p */
function track(p) {
  const steps = p.steps;
  const w = 372;
  const x = (/** @type {number} */ i) => 6 + (steps.length > 1 ? (i / (steps.length - 1)) * (w - 12) : 0);
  const tone = p.kind === "notice" ? " red" : p.held ? " amber" : "";
  return h("svg", { class: "track", viewBox: `0 0 ${w} 26`, role: "img", "aria-label": `step ${p.step + 1} of ${steps.length}: ${p.state}` },
    h("path", { class: "rail", d: `M${x(0)} 7H${x(steps.length - 1)}` }), h("path", { class: "done", d: `M${x(0)} 7H${x(p.step)}` }),
    steps.map((s, i) => [
      h("circle", { class: i < p.step ? "past" : i === p.step ? "here" + tone : "stop", cx: x(i), cy: 7, r: i === p.step ? 4.5 : 3.2 }),
      h("text", { class: i === p.step ? "now-text" : "", x: i === 0 ? 0 : i === steps.length - 1 ? w : x(i), y: 23, "text-anchor": i === 0 ? "start" : i === steps.length - 1 ? "end" : "middle" }, s),
    ]));
}

/** @param {ClusterFull} c @param {Clock} clock */
function going(c, clock) {
  const list = c.in_progress;
  const line = (/** @type {import("./api.js").Progress} */ p) => {
    const title = p.kind === "notice" ? "Spot notice" : p.kind === "launch" ? "Launch" : p.held ? "Drain held" : "Drain";
    const tone = p.kind === "notice" ? "red" : p.held ? "amber" : "";
    const since = p.since ? "since " + clock.at(at(p.since), state.now) : "";
    const when = p.kind === "notice" && p.deadline ? "ends " + clock.hms(at(p.deadline)) + ", " + countdown(at(p.deadline) - state.now) + " left"
      : p.kind === "launch" ? [p.type, p.zone && shortZone(p.zone)].filter(Boolean).join(" ") + (p.since ? ", " + duration(state.now - at(p.since)) : "")
        : since + (p.deadline ? ", deadline " + clock.at(at(p.deadline), state.now) : "");
    const left = p.tasks_left ? count(p.tasks_left, "task") + " left" : p.kind === "launch" ? "" : "no task left";
    const holder = p.held && p.holder ? h("p", null, left + ", held by ", name(p.holder.service || "a task", 30), p.holder.why ? ", " + p.holder.why : "") : h("p", null, left + ", held");
    return h("li", { key: p.kind + p.instance },
      h("div", { class: "first" }, h("h3", { class: tone }, title + " ", p.instance ? h("a", { class: "id " + tone, href: href({ focus: p.instance }), title: p.instance, "data-go": "", "data-keep": "" }, shortId(p.instance)) : ""), h("span", { class: "when" }, when)),
      p.held ? holder : null, p.reason || left ? h("p", { class: p.held ? "quiet" : "" }, !p.held && left ? left + (p.reason ? "; " : "") : "", p.reason ? reasonLine(p.reason) : "") : null, track(p));
  };
  const late = list.slice(0, 8);
  return h("section", { class: "order-going", key: "going", "aria-labelledby": "going-head" },
    h("div", { class: "head" }, h("h2", { id: "going-head" }, "In progress"), h("span", { class: "quiet" }, num(list.length))), h("div", { class: "rule" }),
    list.length ? h("ul", { class: "going" }, late.map(line)) : h("p", { class: "empty" }, "Nothing drains, nothing boots, no notice."),
    list.length > late.length ? h("p", { class: "note" }, num(list.length - late.length) + " more; the boxes show them all.") : null);
}

/** What comes, by time: boots that are under way, deadlines, what is announced, and until when capacity is enough by the forecast. @param {ClusterFull} c @param {Clock} clock */
function ahead(c, clock) {
  /** @type {{ t: number, what: any }[]} */
  const list = [];
  for (const p of c.in_progress) {
    const t = p.deadline ? at(p.deadline) : p.kind === "launch" ? state.now : 0;
    const what = p.kind === "notice" ? " is taken by AWS" : p.kind === "launch" ? [p.type, p.zone && shortZone(p.zone), "boots since", clock.at(at(p.since), state.now)].filter(Boolean).join(" ") : ": the deadline of its drain";
    if (t >= state.now) list.push({ t, what: [p.instance && p.kind !== "launch" ? ids(p.instance) : "", what] });
  }
  for (const e of entriesOf(c)) if (e.next[0] && at(e.next[0].start) >= state.now) list.push({ t: at(e.next[0].start), what: [name(e.name, 30), " begins"] });
  if (c.enough_until) list.push({ t: Math.max(state.now, at(c.enough_until)), what: h("b", null, "capacity is enough until here by the forecast") });
  const next = list.filter((x) => x.t < state.now + 86_400_000).sort((a, b) => a.t - b.t).slice(0, 8);
  return next.length ? h("section", { class: "order-next", key: "next", "aria-labelledby": "next-head" },
    h("div", { class: "head" }, h("h2", { id: "next-head" }, "Next")), h("div", { class: "rule" }),
    h("ol", { class: "ahead" }, next.map((x, i) => h("li", { key: i }, h("time", { class: "stamp", datetime: new Date(x.t).toISOString() }, x.t === state.now ? "now" : clock.at(x.t, state.now)), h("span", null, x.what))))) : null;
}

/** @param {string} target */
const ids = (target) => h("bdi", { title: target }, shortId(target));

/** @param {{ glyph: string, tone: string, of: string, fact: string, verdict: string, bad: string }} a @param {any} key */
const actView = (a, key) => h("div", { class: "act", key }, h("span", { class: "glyph " + a.tone, "aria-hidden": "true" }, a.glyph), h("span", null, a.of ? [ids(a.of), ": "] : null, verdictLine(a.fact, a.verdict), a.bad ? h("span", { class: "red" }, " (" + a.bad + ")") : null));

/** Acting ticks, and between them how many had nothing to do, as far back as every tick is known. */
function feedEntries() {
  const out = [];
  /** @type {any} */
  let run = null;
  const known = state.ticks.length ? state.ticks[state.ticks.length - 1].tick : Infinity;
  const before = [...state.acting.values()].filter((t) => t.tick < known).sort((a, b) => b.tick - a.tick);
  for (const t of [...state.ticks, ...before]) {
    const acted = t.actions > 0 || t.acts.length > 0 || t.error;
    if (acted) {
      run = null;
      out.push({ kind: "tick", key: "t" + t.tick, t });
    } else if (run) {
      run.n++;
      run.t = t;
      run.key = "q" + t.tick;
    } else {
      run = { kind: "quiet", key: "q" + t.tick, t, n: 1 };
      out.push(run);
    }
  }
  let acts = 0;
  const end = out.findIndex((e) => e.kind === "tick" && ++acts > state.ui.acts);
  return end < 0 ? out : out.slice(0, end);
}

/** @param {import("./api.js").Tick} t @param {ClusterFull} c */
function why(t, c) {
  const open = state.ui.open.has(t.tick);
  const toggle = () => {
    if (open) state.ui.open.delete(t.tick);
    else state.ui.open.add(t.tick);
    if (!open && c.tick !== t.tick) loadWhy(t.tick);
    changed();
  };
  const got = c.tick === t.tick && !state.why.has(t.tick) ? { verdicts: c.verdicts } : state.why.get(t.tick);
  const list = (got?.verdicts || []).slice(0, 60);
  return {
    button: h("button", { class: "ask", "aria-expanded": String(open), title: "every candidate of this tick and its verdict", onclick: toggle }, open ? "less" : "why", h("span", { class: "unseen" }, ", tick " + num(t.tick))),
    list: open ? h("div", { class: "more" }, got?.loading ? "…" : got?.error ? "did not load: " + got.error : list.length ? list.map((/** @type {any} */ v, /** @type {number} */ i) => h("div", { key: i }, v.kind === "cluster" ? null : [ids(v.target), ": "], verdictLine(v.fact, v.verdict))) : "no verdict is kept of this tick") : null,
  };
}
/** @param {ClusterFull} c @param {Clock} clock */
function feed(c, clock) {
  const all = state.url.feed === "all";
  const stamp = (/** @type {import("./api.js").Tick} */ t) => h("a", { class: "stamp", "data-go": "", title: "tick " + num(t.tick) + ", " + clock.full(at(t.at)), href: href({ page: "tick", tick: String(t.tick), cluster: c.name, region: state.url.region, account: state.url.account }, true) },
    h("time", { datetime: t.at }, clock.day(at(t.at)) === clock.day(state.now) ? clock.hm(at(t.at)) : [clock.day(at(t.at)), h("br"), clock.hm(at(t.at))]), h("span", { class: "unseen" }, ", tick " + num(t.tick)));
  const row = (/** @type {any} */ e) => {
    if (e.kind === "quiet") return h("li", { key: e.key }, stamp(e.t), h("span", { class: "quiet" }, count(e.n, "tick") + ": nothing to do"));
    const t = e.t;
    const lines = actLines(t.acts, t.dry_run);
    const shown = lines.slice(0, 6);
    const because = why(t, c);
    return h("li", { key: e.key }, h("div", null, stamp(t), because.button), h("div", null,
      t.error ? h("div", { class: "act" }, h("span", { class: "glyph red", "aria-hidden": "true" }, "!"), h("span", { class: "red" }, "tick failed: " + t.error)) : null,
      shown.map((a, i) => actView(a, i)), lines.length > 6 ? h("div", { class: "more" }, num(lines.length - 6) + " more acts") : null, because.list));
  };
  const single = state.ticks.map((t) => (t.actions > 0 || t.acts.length || t.error ? { kind: "tick", key: "t" + t.tick, t } : { kind: "quiet", key: "t" + t.tick, t, n: 1 }));
  const entries = all ? single : feedEntries();
  return h("section", { class: "order-feed", key: "feed", "aria-labelledby": "feed-head" },
    h("div", { class: "head" }, h("h2", { id: "feed-head" }, "Decisions"),
      h("div", { class: "tabs right", role: "group", "aria-label": "Which ticks" }, h("button", { "aria-pressed": String(!all), onclick: () => go({ feed: "" }) }, "acts"), h("button", { "aria-pressed": String(all), onclick: () => go({ feed: "all" }) }, "all ticks"))),
    h("div", { class: "rule" }), problem("The decisions", "ticks"),
    entries.length ? h("ol", { class: "feed" }, entries.map(row)) : state.errors.ticks ? null : h("p", { class: "empty" }, "No tick yet."),
    problem("Earlier ticks", "earlier"),
    (all ? state.older !== null : !!state.actingOlder || state.acting.size > state.ui.acts) && entries.length ? h("p", null, h("button", { class: "link", onclick: () => earlier(all) }, "Earlier")) : null);
}

/** How many more tasks of this size would fit on the active instances at once, by CPU and memory. @param {number} cpu @param {number} mem */
function roomFor(cpu, mem) {
  let n = 0;
  for (const it of state.instances?.instances || []) {
    if (it.box !== "active" || !it.capacity || !it.reserved) continue;
    const byCpu = cpu > 0 ? (it.capacity.cpu_units - it.reserved.cpu_units) / cpu : Infinity;
    const byMem = mem > 0 ? (it.capacity.memory_mib - it.reserved.memory_mib) / mem : Infinity;
    const k = Math.floor(Math.min(byCpu, byMem));
    if (Number.isFinite(k)) n += Math.max(0, k);
  }
  return n;
}

/** @param {ClusterFull} c */
function services(c) {
  const hue = hues(ranking());
  const list = c.services.filter((s) => s.kind !== "daemon");
  const daemons = c.services.filter((s) => s.kind === "daemon");
  const shown = state.ui.allServices ? list : list.slice(0, 12);
  const light = (/** @type {string} */ s) => { state.ui.hiHover = s; changed(); };
  const row = (/** @type {import("./api.js").Service} */ s, /** @type {string} */ cls) => {
    const more = s.task_cpu_units === null || s.task_memory_mib === null || cls === "daemon" ? null : roomFor(s.task_cpu_units, s.task_memory_mib);
    const never = c.demands.filter((d) => d.service === s.name).reduce((a, d) => a + d.never, 0);
    const note = never ? count(never, "task has", "tasks have") + " no place on any type" : s.waiting ? count(s.waiting, "waits", "wait") : s.crash_looping ? "crash loop" : s.deploying ? "deploying" : "";
    return h("tr", { key: s.name, class: state.url.hi === s.name ? "lit" : "", onmouseenter: () => light(s.name), onmouseleave: () => light("") },
      h("td", null, h("span", { class: "swatch" }, h("svg", { width: 10, height: 10, "aria-hidden": "true" }, h("rect", { class: cls, width: 10, height: 10 }))),
        h("button", { "aria-pressed": String(state.url.hi === s.name), onfocus: () => light(s.name), onblur: () => light(""), onclick: () => go({ hi: state.url.hi === s.name ? "" : s.name }) }, name(s.name, 36)),
        note ? h("span", { class: s.waiting ? "red" : s.crash_looping ? "amber" : "quiet" }, "  " + note) : null),
      h("td", { class: "n" }, s.running === s.desired ? num(s.desired) : num(s.running) + " of " + num(s.desired)),
      h("td", { class: "n" }, vcpu(s.reserved.cpu_units)), h("td", { class: "n" }, gib(s.reserved.memory_mib)),
      h("td", { class: "n" }, num(s.instances)),
      h("td", { class: "n " + (more !== 0 ? "quiet" : s.waiting ? "red strong" : "strong") }, more === null ? "–" : num(more) + " more"));
  };
  const sum = (/** @type {(s: import("./api.js").Service) => number} */ f) => daemons.reduce((a, s) => a + f(s), 0);
  return h("section", { key: "services", "aria-labelledby": "services-head" },
    h("div", { class: "head" }, h("h2", { id: "services-head" }, "Who holds it"), h("span", { class: "quiet" }, "reserved now, and how many more tasks would fit at once by CPU and memory")),
    h("div", { class: "scroll-x" }, h("table", { class: "services" }, h("thead", null, h("tr", null, ["Service", "Tasks", "vCPU", "GiB", "On", "Room for"].map((t, i) => h("th", { class: i ? "n" : "", scope: "col" }, t)))),
      h("tbody", null, shown.map((s) => row(s, hue(s.name))),
        daemons.length ? h("tr", { key: "daemons" }, h("td", null, h("span", { class: "swatch" }, h("svg", { width: 10, height: 10, "aria-hidden": "true" }, h("rect", { class: "daemon", width: 10, height: 10 }))), count(daemons.length, "daemon")),
          h("td", { class: "n" }, num(sum((s) => s.running))), h("td", { class: "n" }, vcpu(sum((s) => s.reserved.cpu_units))), h("td", { class: "n" }, gib(sum((s) => s.reserved.memory_mib))), h("td", { class: "n" }, "–"), h("td", { class: "n quiet" }, "–")) : null))),
    list.length > 12 ? h("p", null, h("button", { class: "link", onclick: () => { state.ui.allServices = !state.ui.allServices; changed(); } }, state.ui.allServices ? "the largest 12" : "all " + list.length + " services")) : null,
    h("p", { class: "note" }, h("a", { href: href({ page: "services", cluster: c.name, region: state.url.region, account: state.url.account }, true), "data-go": "" }, "what they cost, and what happens when an instance goes")));
}

/** Why masu only reads it or is held by it. @param {import("./api.js").Fleet} f */
function fleetWords(f) {
  const foreign = f.foreign_scaling ? "read only: scaled by " + (f.foreign || "another") : !f.ours ? "read only: owned by " + f.owner : "";
  return [foreign, f.denied && f.denied + " was denied", f.control && "tag masu:mode " + f.control].filter(Boolean).join("; ");
}

/** @param {ClusterFull} c */
function fleets(c) {
  if (!c.fleets.length) return null;
  return h("section", { key: "fleets", "aria-labelledby": "fleets-head" },
    h("div", { class: "head" }, h("h2", { id: "fleets-head" }, "Fleets"), h("span", { class: "quiet" }, "in weight units")),
    h("div", { class: "scroll-x" }, h("table", null, h("thead", null, h("tr", null, ["Fleet", "State", "Target", "Fulfilled", "Min", "Max", "Instances"].map((t, i) => h("th", { class: i > 1 ? "n" : "", scope: "col" }, t)))),
      h("tbody", null, c.fleets.map((f) => [h("tr", { key: f.id, class: fleetWords(f) ? "more" : "" }, h("td", { class: "id" }, h("span", { title: f.id }, shortId(f.id))), h("td", { class: f.state === "active" ? "quiet" : "amber" }, f.state),
        h("td", { class: "n" }, f.kind === "instant" ? h("span", { title: "an instant fleet has no target: each order is a fleet of its own" }, "–") : num(f.target)), h("td", { class: "n" }, three(f.fulfilled_milli / 1000)), h("td", { class: "n" }, num(f.min)), h("td", { class: "n" }, num(f.max)), h("td", { class: "n" }, num(f.instances))),
        fleetWords(f) ? h("tr", { key: f.id + " words" }, h("td", { colspan: 7, class: "amber" }, fleetWords(f))) : null])))));
}

/** In whose time the page stands. @param {boolean} known @param {Clock} clock */
function standing(known, clock) {
  if (!state.url.at) return null;
  const back = h("button", { class: "button", onclick: () => { state.ui.cursor = null; go({ at: "" }); } }, "back to now (.)");
  const fail = state.errors.past;
  const t = state.past;
  const step = (/** @type {string} */ to, /** @type {string} */ key, /** @type {string} */ word) => (to ? h("a", { class: "nowrap", href: href({ at: to }), "data-go": "", id: "tick-" + word, title: word + " tick (" + key + ")" }, (word === "previous" ? "← " : "") + clock.hms(at(to)) + (word === "next" ? " →" : "")) : null);
  return h("div", { class: "problem then", role: "status", key: "past" }, h("div", null,
    t && known ? [h("b", null, "As it was at " + clock.full(at(t.explain.at)) + "."), " The chart goes on; all else is of ", h("a", { href: href({ page: "tick", tick: String(t.tick), focus: "" }), "data-go": "" }, "tick " + num(t.tick)), ". Alerts, fleets, pools and what comes next are known of now only and left out. ", h("span", { class: "steps" }, step(t.before, "[", "previous"), " ", step(t.after, "]", "next"))]
      : [h("b", null, "All but the chart's line is of now."), " ", state.file ? "A file has no other moment." : t ? "The journal has no whole picture of " + clock.at(at(state.url.at), state.now) + "." : fail ? verdictLine("what was at " + clock.at(at(state.url.at), state.now) + " did not load: " + fail.message, "tries again in 2 s") : "What was at " + clock.at(at(state.url.at), state.now) + " is being read."]), back);
}

/** @param {Clock} clock @param {number} width @param {number} stopped time of the last tick, 0 while it runs */
export function clusterView(clock, width, stopped) {
  if (!state.full) return missing(state.url.cluster);
  const then = state.url.at && state.past ? asOf(state.full, state.past) : null;
  const head = standing(!!then, clock);
  const drawn = chartPart(state.full, clock, width, stopped);
  return then ? during(then, () => whole(head, drawn, clock, true)) : whole(head, drawn, clock, false);
}

/** @param {any} head @param {any} drawn the chart @param {Clock} clock @param {boolean} past */
function whole(head, drawn, clock, past) {
  const c = /** @type {ClusterFull} */ (state.full);
  const tag = modeTag(c, state.estate?.daemon);
  const list = state.instances?.instances || [];
  const said = sentence(c, state.now, clock);
  const table = state.url.table === "1";
  return h("div", { class: "cluster" },
    h("div", { class: "title" }, h("h1", { id: "title" }, name(c.name, 60)), tag ? h("span", { class: "tag" }, tag) : null,
      h("span", { class: "quiet" }, [c.region, c.account, tag ? "" : "acting", c.policy_hash ? "policy " + c.policy_hash.slice(0, 7) : ""].filter(Boolean).join(" · "))), head,
    h("p", { class: "sentence", id: "sentence" }, said.map((s, i) => [i ? " " : "", h("span", { class: s.tone || "" }, s.text)])),
    figures(c), problem("The cluster", "cluster"),
    drawn,
    h("div", { class: "columns", key: "columns" },
      h("div", { class: "left" },
        h("section", { class: "order-boxes", key: "boxes", "aria-labelledby": "boxes-head" },
          h("div", { class: "head" }, h("h2", { id: "boxes-head" }, "The boxes"), h("span", { class: "quiet" }, "one box an instance: left wall CPU, right wall memory, width vCPU; a band is a task"),
            h("div", { class: "tabs right" }, h("button", { "aria-pressed": String(table), onclick: () => go({ table: table ? "" : "1" }) }, "as table"))),
          problem("The instances", "instances"),
          list.length ? [table ? boxesTable(list) : boxesView(list), inspector(list, clock)] : state.instances ? h("p", { class: "empty" }, "No instance.") : null),
        services(c), past ? null : [fleets(c), poolsView(c, clock, problem("The pools", "pools"))]),
      h("div", { class: "side" }, past ? null : alertList(c, clock), going(c, clock), past ? null : ahead(c, clock), feed(c, clock))), patterns());
}

/** @param {string} wanted */
function missing(wanted) {
  const e = state.errors.cluster;
  if (e?.status === 404 || (state.estate && !state.estate.clusters.some((c) => c.name === wanted))) {
    const near = nearest(wanted, (state.estate?.clusters || []).map((c) => c.name));
    return h("div", null, h("h1", { id: "title" }, "No cluster is called ", name(wanted, 60)),
      h("p", { class: "sentence" }, near ? ["Nearest: ", h("a", { href: href({ page: "cluster", cluster: near }, true), "data-go": "" }, name(near)), ". "] : "", h("a", { href: href({}, true), "data-go": "" }, "All clusters")));
  }
  if (e) return h("div", null, h("h1", { id: "title" }, name(wanted, 60)), problem("The cluster", "cluster"));
  const slow = performance.now() - state.startedReal > 300;
  return h("div", null, h("h1", { id: "title" }, name(wanted, 60)), slow ? [h("div", { class: "shape w1" }), h("div", { class: "shape w2" }), [1, 2, 3, 4].map((i) => h("div", { class: "shape fig", key: i })), h("div", { class: "shape tall" })] : null);
}

/** @param {string} wanted @param {string[]} names */
function nearest(wanted, names) {
  let best = "";
  let least = Math.max(3, wanted.length / 2);
  for (const n of names) {
    const d = distance(wanted.slice(0, 64), n.slice(0, 64));
    if (d < least) { least = d; best = n; }
  }
  return best;
}

/** Edits from a to b. @param {string} a @param {string} b */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
