// The boxes: which instance holds what. Columns are pools, rows are zones, inside a cell by launch time, so that a box stays
// where it is while it lives. One tab stop; arrows move; the inspector below shows the one hovered, focused, pinned, or worst.

import { bands, boxBody, boxSize, boxState, boxWidth, shares, tasksOf } from "./box.js";
import { h, name } from "./dom.js";
import { duration, gib, NBSP, percent, shortId, shortZone, usdPerHour, vcpu } from "./format.js";
import { spread } from "./chart.js";
import { changed, go, keyOf, state } from "./store.js";
import { verdictLine } from "./verdict.js";
import { boxWords } from "./words.js";

/** @typedef {import("./api.js").Instance} Instance */

const WORST = ["interrupted", "held", "disconnected", "foreign", "draining", "empty", "leaving", "coming", "active"];

/** A service keeps its hue while it stays among the top twelve. @param {string[]} services by rank */
export function hues(services, key = state.full ? keyOf(state.full) : "") {
  const have = state.ui.hues.get(key) || new Map();
  const rank = new Map(services.map((s, i) => [s, i]));
  for (const s of have.keys()) if ((rank.get(s) ?? 99) >= 12) have.delete(s);
  for (const s of services.slice(0, 8)) {
    if (have.has(s)) continue;
    const free = [0, 1, 2, 3, 4, 5, 6, 7].find((i) => ![...have.values()].includes(i));
    if (free === undefined) break;
    have.set(s, free);
  }
  state.ui.hues.set(key, have);
  return (/** @type {string} */ s) => (have.has(s) ? "s" + have.get(s) : "rest");
}

/** Services that take part in the ranking: daemons are stacked first and have a grey of their own. */
export function ranking() {
  const daemons = new Set((state.full?.services || []).filter((s) => s.kind === "daemon").map((s) => s.name));
  return (state.instances?.services || []).filter((s) => !daemons.has(s));
}

/** @param {Instance} it */
const poolKey = (it) => (it.spot ? "1" : "0") + "/" + it.type;
/** @param {string} text */
const isolate = (text) => "⁨" + text + "⁩";
/** @param {string} s @param {number} max */
const cut = (s, max) => (Array.from(s).length <= max ? s : Array.from(s).slice(0, max - 5).join("") + "…" + Array.from(s).slice(-4).join(""));

/** @param {Instance[]} list */
function arrange(list) {
  const pools = new Map();
  const zones = new Set();
  for (const it of list) {
    zones.add(it.zone);
    const k = poolKey(it);
    const p = pools.get(k) || { key: k, type: it.type || "unknown type", spot: it.spot, price: null, cpu: 0 };
    p.price = it.usd_micro_per_hour ?? p.price;
    p.cpu = Math.max(p.cpu, it.capacity?.cpu_units || 0);
    pools.set(k, p);
  }
  const order = [...pools.values()].sort((a, b) => Number(a.spot) - Number(b.spot) || a.type.localeCompare(b.type, "en", { numeric: true }));
  return { pools: order, zones: [...zones].sort() };
}

const born = (/** @type {Instance} */ it) => (it.launched ? Date.parse(it.launched) : 0);

/** @param {Instance[]} list */
const worst = (list) => {
  const rank = (/** @type {Instance} */ it) => WORST.indexOf(it.box) + (it.reserved && it.capacity ? 0.5 - 0.49 * (it.reserved.cpu_units / (it.capacity.cpu_units || 1)) : 0.5);
  return [...list].sort((a, b) => rank(a) - rank(b))[0];
};

/** The instance the inspector shows; the default stays until a worse one appears. @param {Instance[]} list */
export function inspected(list) {
  const find = (/** @type {string} */ id) => list.find((i) => i.id === id);
  const named = find(state.ui.hover) || find(state.url.focus);
  if (named) return named;
  const w = worst(list);
  const before = find(state.ui.worst);
  if (before && w && WORST.indexOf(before.box) <= WORST.indexOf(w.box)) return before;
  state.ui.worst = w?.id || "";
  return w;
}

/** Boxes as last drawn: hundreds of them change seldom. @type {Map<string, { said: string, box: any }>} */
const drawn = new Map();

/** @param {Instance} it @param {any} size @param {string[]} services @param {(s: string) => string} hue @param {boolean} tab @param {string} lit */
function boxView(it, size, services, hue, tab, lit) {
  const colours = it.holdings.map((x) => (x.service < 0 ? "" : hue(services[x.service]))).join();
  const held = state.full?.in_progress.find((p) => p.instance === it.id && p.held)?.holder?.service;
  const said = [size.w, tab, held, lit, it.box, boxState(it, state.now).word, shares(it), state.url.focus === it.id, it.type, colours, JSON.stringify(it.holdings), JSON.stringify(it.capacity)].join("|");
  const have = drawn.get(it.id);
  if (have && have.said === said) return have.box;
  const box = drawBox(it, size, services, hue, tab, lit);
  drawn.set(it.id, { said, box });
  return box;
}

/** @param {Instance} it @param {any} size @param {string[]} services @param {(s: string) => string} hue @param {boolean} tab @param {string} lit */
function drawBox(it, size, services, hue, tab, lit) {
  const w = boxWidth(it, size.w);
  const st = boxState(it, state.now);
  const caption = st.word || shares(it);
  const shown = size.caption ? caption : "";
  const holder = state.full?.in_progress.find((p) => p.instance === it.id && p.held)?.holder;
  const label = boxWords(it, shortZone(it.zone), it.box === "active" ? "" : it.box, holder?.service ? "held by " + holder.service : "", tasksOf(it));
  const high = size.h + (size.caption ? 18 : 4);
  const wide = Math.max(w, size.caption ? Math.min(110, st.word ? st.word.length * 6.4 : 43) : 0);
  const pin = state.url.focus === it.id;
  const off = wide > w ? Math.round((wide - w) / 2) : 0;
  return h("div", {
    key: it.id, class: "box " + it.box, role: "gridcell", tabindex: tab ? 0 : -1, "data-id": it.id, "aria-selected": String(pin),
    onfocus: () => hover(it.id), onmouseenter: () => hover(it.id), onclick: () => go({ focus: pin ? "" : it.id }),
  }, h("svg", { width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": label },
    h("g", { transform: `translate(${off + 1} 1)` }, boxBody(it, bands(it, services, hue), w - 2, size.h - 2, { bands: size.bands, lit })),
    h("rect", { class: "ring", x: off - 3, y: -3, width: w + 6, height: size.h + 6, rx: 3 }),
    shown && h("text", { class: "cap " + st.tone, x: wide > w ? wide / 2 : w / 2, y: size.h + 13 }, shown)));
}

/** @param {string} id */
function hover(id) {
  if (state.ui.hover === id) return;
  state.ui.hover = id;
  changed();
}

/** @param {KeyboardEvent} e */
function keys(e) {
  const cell = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (e.target).closest(".box"));
  const grid = cell?.closest(".boxes");
  if (!cell || !grid || e.ctrlKey || e.altKey || e.metaKey) return;
  const all = /** @type {HTMLElement[]} */ ([...grid.querySelectorAll(".box")]);
  const at = all.indexOf(cell);
  let to = -1;
  if (e.key === "ArrowRight") to = Math.min(all.length - 1, at + 1);
  else if (e.key === "ArrowLeft") to = Math.max(0, at - 1);
  else if (e.key === "Home") to = 0;
  else if (e.key === "End") to = all.length - 1;
  else if (e.key === "ArrowDown" || e.key === "ArrowUp") to = nearest(all, at, e.key === "ArrowDown" ? 1 : -1);
  else if (e.key === "Enter" || e.key === " ") go({ focus: state.url.focus === cell.dataset.id ? "" : cell.dataset.id || "" });
  else return;
  e.preventDefault();
  e.stopPropagation();
  if (to >= 0) all[to].focus();
}

/** The box nearest to the one above or below. @param {HTMLElement[]} all @param {number} at @param {number} way */
function nearest(all, at, way) {
  const c = all[at].getBoundingClientRect();
  let best = -1;
  let least = Infinity;
  all.forEach((b, i) => {
    const r = b.getBoundingClientRect();
    const dy = (r.top - c.top) * way;
    const d = dy * 4 + Math.abs(r.left - c.left);
    if (dy > 10 && d < least) { least = d; best = i; }
  });
  return best;
}

/** @param {Instance[]} list */
export function boxesView(list) {
  const services = state.instances?.services || [];
  const hue = hues(ranking());
  const lit = state.ui.hiHover || state.url.hi;
  const size = boxSize(list.length);
  const { pools, zones } = arrange(list);
  const stop = state.ui.hover || state.url.focus || inspected(list)?.id;
  const tabbed = list.some((i) => i.id === stop) ? stop : list[0]?.id;
  if (drawn.size > 2 * list.length + 100) drawn.clear();
  const one = (/** @type {Instance} */ it) => boxView(it, size, services, hue, it.id === tabbed, lit);
  return h("div", {
    class: "boxes" + (lit ? " dim" : ""), role: "grid", id: "boxes", "aria-label": "Instances as boxes, a row a zone", onkeydown: keys,
    onmouseleave: () => hover(document.activeElement?.closest(".box")?.getAttribute("data-id") || ""),
    css: { "grid-template-columns": `34px repeat(${pools.length}, auto)` },
  },
  h("div", { class: "line heads", role: "row", key: "heads" },
    h("span", { class: "pool", role: "columnheader" }, h("span", { class: "unseen" }, "Zone")),
    pools.map((p) => h("span", { class: "pool", role: "columnheader", key: p.key }, h("b", null, p.type), h("span", null, p.spot ? "spot" : "on-demand"), h("br"), p.price === null ? "" : "$" + usdPerHour(p.price).replace("$", "") + "/h"))),
  zones.map((z) => {
    const here = list.filter((i) => i.zone === z);
    return h("div", { class: "line", role: "row", key: z },
      h("span", { class: "zone", role: "rowheader" }, h("b", { title: z }, shortZone(z)), here.length, h("span", { class: "unseen" }, " instances")),
      h("div", { class: "zone-cells" }, pools.map((p) =>
        h("div", { class: "cell", key: p.key }, here.filter((i) => poolKey(i) === p.key).sort((a, b) => born(a) - born(b) || (a.id < b.id ? -1 : 1)).map(one)))));
  }));
}

/** The same as a table. @param {Instance[]} list */
export function boxesTable(list) {
  const heads = ["Instance", "Type", "Zone", "State", "CPU", "Memory", "Tasks", "$/h", "Last tick"];
  return h("div", { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "Instances as a table" }, h("table", { class: "instances", id: "boxes" },
    h("thead", null, h("tr", null, heads.map((t, i) => h("th", { class: i >= 4 && i < 8 ? "n" : "", scope: "col" }, t)))),
    h("tbody", null, [...list].sort((a, b) => (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : born(a) - born(b))).map((it) => {
      const st = boxState(it, state.now);
      return h("tr", { key: it.id },
        h("td", { class: "id nowrap" }, it.id), h("td", { class: "nowrap" }, it.type || "unknown", it.spot ? " spot" : " on-demand"), h("td", null, shortZone(it.zone)),
        h("td", { class: st.tone }, st.word || "active"),
        h("td", { class: "n" }, it.reserved && it.capacity ? percent(it.reserved.cpu_units, it.capacity.cpu_units) : "unknown"),
        h("td", { class: "n" }, it.reserved && it.capacity ? percent(it.reserved.memory_mib, it.capacity.memory_mib) : "unknown"),
        h("td", { class: "n" }, it.tasks_known ? tasksOf(it) : "unknown"),
        h("td", { class: "n" }, it.usd_micro_per_hour === null ? "–" : usdPerHour(it.usd_micro_per_hour)),
        h("td", null, it.verdict ? verdictLine(it.verdict.fact, it.verdict.verdict) : "–"));
    }))));
}

/** The large box: every band named at both walls. @param {Instance} it @param {string[]} services @param {(s: string) => string} hue */
function large(it, services, hue) {
  const w = 132;
  const hgt = 208;
  const left = 146;
  const list = bands(it, services, hue);
  const y = (/** @type {number} */ v) => 18 + hgt * (1 - Math.min(1, v));
  const merged = new Map();
  for (const b of list) {
    const k = b.cls === "daemon" ? "(daemons)" : b.service;
    const m = merged.get(k) || { name: k, count: 0, cpu: 0, mem: 0, y0: 0, y1: 0, n: 0 };
    m.count += b.count;
    m.cpu += b.cpu;
    m.mem += b.mem;
    m.y0 += y(b.cpu0 + b.cpu / 2) * (b.cpu + 1e-9);
    m.y1 += y(b.mem0 + b.mem / 2) * (b.mem + 1e-9);
    m.n++;
    merged.set(k, m);
  }
  const all = [...merged.values()].map((m) => ({ ...m, y0: m.y0 / (m.cpu + m.n * 1e-9), y1: m.y1 / (m.mem + m.n * 1e-9) }));
  const named = all.sort((a, b) => b.cpu + b.mem - a.cpu - a.mem).slice(0, 14);
  const cap = it.capacity || { cpu_units: 0, memory_mib: 0 };
  const side = (/** @type {"y0" | "y1"} */ k) => spread(named.map((m) => ({ y: m[k] + 4, text: m.name, cls: "" })), 13, 22, 18 + hgt);
  const l = side("y0");
  const r = side("y1");
  const kids = [];
  for (const m of named) {
    const ly = /** @type {any} */ (l.find((x) => x.text === m.name)).y;
    const ry = /** @type {any} */ (r.find((x) => x.text === m.name)).y;
    const label = isolate(cut(m.name, 15)) + (m.count > 1 && m.name !== "(daemons)" ? " ×" + m.count : "");
    kids.push(h("path", { class: "lead", d: `M${left - 3} ${m.y0}L${left - 12} ${ly - 4}M${left + w + 3} ${m.y1}L${left + w + 12} ${ry - 4}` }),
      h("text", { x: left - 15, y: ly, "text-anchor": "end" }, h("tspan", { class: "ink-text" }, label), NBSP + vcpu(m.cpu * cap.cpu_units)),
      h("text", { x: left + w + 15, y: ry }, gib(m.mem * cap.memory_mib) + NBSP + "GiB"));
  }
  const full = it.capacity && it.reserved;
  return h("svg", { width: 380, height: 246, viewBox: "0 0 380 246", role: "img", "aria-label": "The box of " + it.id + " with its bands: " + all.map((m) => m.name + " " + vcpu(m.cpu * cap.cpu_units) + " vCPU " + gib(m.mem * cap.memory_mib) + " GiB").join(", ") },
    h("text", { class: "ink-text bold", x: left, y: 10, "text-anchor": "middle" }, "CPU"), h("text", { class: "ink-text bold", x: left + w, y: 10, "text-anchor": "middle" }, "memory"),
    h("g", { transform: `translate(${left} 18)` }, boxBody(it, list, w, hgt, { bands: true })), kids,
    full ? [h("text", { x: left, y: 242, "text-anchor": "middle" }, percent(it.reserved?.cpu_units || 0, cap.cpu_units)), h("text", { x: left + w, y: 242, "text-anchor": "middle" }, percent(it.reserved?.memory_mib || 0, cap.memory_mib))] : null);
}

/** @param {Instance} it @param {import("./format.js").Clock} clock */
function stateLine(it, clock) {
  const now = state.now;
  const at = (/** @type {string} */ s) => clock.at(Date.parse(s), now);
  const since = (/** @type {string | null} */ s) => (s ? " since " + at(s) : "");
  if (it.box === "interrupted") return ["interrupted, AWS takes it", it.notice ? " at " + clock.hms(Date.parse(it.notice) + 120_000) : ""].join("");
  if (it.drain) return (it.drain.held ? "draining, held" : it.drain.state) + since(it.drain.since) + " by masu" + (it.drain.deadline ? ", deadline " + at(it.drain.deadline) : "");
  if (it.box === "foreign") return "draining by a person: not masu's to touch";
  if (it.box === "coming") return "boots" + since(it.launched) + ", " + (it.ec2 || "ordered");
  if (it.box === "disconnected") return "agent not connected";
  return "active" + (it.launched ? " for " + duration(now - Date.parse(it.launched)) : "") + (it.agent_connected ? ", agent connected" : "");
}

/** How many more of which services would fit here, by CPU and memory. @param {Instance} it */
function room(it) {
  if (!it.capacity || !it.reserved || it.box !== "active") return null;
  const cpu = it.capacity.cpu_units - it.reserved.cpu_units;
  const mem = it.capacity.memory_mib - it.reserved.memory_mib;
  const fit = (state.full?.services || []).filter((s) => s.kind !== "daemon" && s.task_cpu_units !== null && s.task_memory_mib !== null);
  const n = fit.filter((s) => (s.task_cpu_units || 0) <= cpu && (s.task_memory_mib || 0) <= mem).length;
  return verdictLine("free " + vcpu(cpu) + " vCPU and " + gib(mem) + " GiB", n ? "room for a task of " + n + " of " + fit.length + " services" : "room for no task of " + fit.length + " services");
}

/** @param {Instance[]} list @param {import("./format.js").Clock} clock */
export function inspector(list, clock) {
  const it = inspected(list);
  if (!it) return null;
  const services = state.instances?.services || [];
  const hold = state.full?.in_progress.find((p) => p.instance === it.id && p.held)?.holder;
  const tone = boxState(it, state.now).tone;
  const rows = /** @type {[string, any][]} */ ([
    ["State", h("span", { class: tone }, stateLine(it, clock))],
    ["Holds it", hold && ["task " + (hold.task ? hold.task.slice(0, 8) + "… " : ""), "of ", name(hold.service || "no service"), hold.why ? ", " + hold.why : ""]],
    ["Type", [it.type || "unknown type", it.spot ? " spot, " : " on-demand, ", shortZone(it.zone), it.capacity ? ", " + vcpu(it.capacity.cpu_units) + " vCPU, " + gib(it.capacity.memory_mib) + " GiB registered" : ", not registered yet"]],
    ["Price", it.usd_micro_per_hour === null ? "unknown" : usdPerHour(it.usd_micro_per_hour) + "/h"],
    ["Fleet", it.fleet ? [h("span", { title: it.fleet }, shortId(it.fleet)), ", weight " + it.weight_milli / 1000] : "not of masu's fleets"],
    ["Tasks", it.tasks_known ? tasksOf(it) + (protectedOf(it) ? ", " + protectedOf(it) + " protected" : "") : "unknown"],
    ["Free", room(it)],
    ["Kept", it.kept_by_tag && "by the tag masu:keep"],
    ["Last tick", it.verdict ? verdictLine(it.verdict.fact, it.verdict.verdict) : "no verdict"],
  ]);
  const pinned = state.url.focus === it.id;
  return h("div", { class: "inspector", "aria-label": "Instance " + it.id, role: "group" },
    large(it, services, hues(ranking())),
    h("div", null,
      h("h3", { class: "who" }, h("span", { class: "id" }, it.id),
        pinned ? h("button", { class: "esc", onclick: () => go({ focus: "" }) }, "unpin, Esc") : h("button", { class: "esc", onclick: () => go({ focus: it.id }) }, "pin")),
      h("dl", null, rows.filter((r) => r[1]).map(([k, v]) => [h("dt", { key: k }, k), h("dd", { key: k + "=" }, v)]))));
}

/** @param {Instance} it */
const protectedOf = (it) => it.holdings.reduce((n, x) => n + x.protected, 0);
