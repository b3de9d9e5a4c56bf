// The box: an instance seen from the side. Left wall is CPU, right wall is memory, 0 at the bottom and 100 % of what is
// registered at the top; each task is a band from its share of the one to its share of the other. So the surface is the
// fill and its tilt the imbalance.

import { h } from "./dom.js";
import { countdown, duration, NBSP } from "./format.js";

/**
 * @typedef {import("./api.js").Instance} Instance
 * @typedef {{ service: string, rank: number, cls: string, count: number, cpu: number, mem: number, cpu0: number, mem0: number,
 *   shape: string, protected: number, stopping: number, pending: number }} Band  shares of capacity, stacked from cpu0, mem0
 */

const clamp = (/** @type {number} */ x, /** @type {number} */ lo, /** @type {number} */ hi) => Math.min(hi, Math.max(lo, x));
const r1 = (/** @type {number} */ x) => Math.round(x * 10) / 10;

/** Sizes by how many boxes there are: all the same height, width by vCPU. @param {number} total */
export function boxSize(total) {
  if (total <= 40) return { w: 58, h: 64, bands: true, caption: true };
  if (total <= 160) return { w: 34, h: 40, bands: true, caption: false };
  return { w: 15, h: 22, bands: false, caption: false };
}

/** @param {Instance} it @param {number} unit width of 8 vCPU */
export const boxWidth = (it, unit) => Math.round(unit * clamp((it.capacity?.cpu_units || 8192) / 8192, 0.5, 4));

/**
 * @param {Instance} it
 * @param {string[]} services by rank
 * @param {(service: string) => string} hue
 * @returns {Band[]} from the bottom: daemons, then services by rank, standalone tasks last
 */
export function bands(it, services, hue) {
  if (!it.capacity || !it.capacity.cpu_units || !it.capacity.memory_mib) return [];
  const order = (/** @type {any} */ x) => (x.daemon ? -1 : x.service < 0 ? 1e6 : x.service);
  let cpu0 = 0;
  let mem0 = 0;
  const out = [];
  for (const x of [...it.holdings].sort((a, b) => order(a) - order(b))) {
    const count = x.running + x.pending + x.stopping;
    if (!count) continue;
    const service = x.service >= 0 ? services[x.service] ?? "unknown service" : "standalone task";
    const cpu = (count * x.cpu_units) / it.capacity.cpu_units;
    const mem = (count * x.memory_mib) / it.capacity.memory_mib;
    out.push({
      service, rank: order(x), cls: x.daemon ? "daemon" : x.service < 0 ? "rest" : hue(service), count, cpu, mem, cpu0, mem0,
      shape: x.shape, protected: x.protected, stopping: x.stopping, pending: x.pending,
    });
    cpu0 += cpu;
    mem0 += mem;
  }
  return out;
}

/** @param {Instance} it */
export const tasksOf = (it) => it.holdings.reduce((n, x) => n + (x.daemon ? 0 : x.running + x.pending + x.stopping), 0);

/** The state in a word or two, and its tone. @param {Instance} it @param {number} now @returns {{ word: string, tone: string }} */
export function boxState(it, now) {
  const left = tasksOf(it);
  switch (it.box) {
    case "coming": return { word: it.launched ? "boots, " + duration(now - Date.parse(it.launched)) : "boots", tone: "" };
    case "draining": return { word: "draining, " + left, tone: "amber" };
    case "held": return { word: "held, " + left, tone: "amber" };
    case "empty": return { word: "empty", tone: "amber" };
    case "leaving": return { word: "ending", tone: "amber" };
    case "interrupted": return { word: it.notice ? countdown(Date.parse(it.notice) + 120_000 - now) + " left" : "interrupted", tone: "red" };
    case "foreign": return { word: "by a person", tone: "" };
    case "disconnected": return { word: "no agent", tone: "" };
    default: return { word: "", tone: "" };
  }
}

const WALL = /** @type {Record<string, string>} */ ({
  coming: "booting", draining: "draining", empty: "draining", leaving: "draining", held: "held", interrupted: "interrupted",
  foreign: "person", disconnected: "gone",
});

/** @param {number} w @param {number} hgt @param {number} [step] */
function hatch(w, hgt, step = 8) {
  let d = "";
  for (let x = -hgt; x < w; x += step) {
    const x0 = Math.max(0, x);
    const x1 = Math.min(w, x + hgt);
    if (x1 > x0) d += `M${r1(x0)} ${r1(hgt - (x0 - x))}L${r1(x1)} ${r1(hgt - (x1 - x))}`;
  }
  return d;
}

/**
 * What is inside the walls and the walls themselves, in a w × h frame with 0,0 at the top left.
 * @param {Instance} it @param {Band[]} list @param {number} w @param {number} hgt @param {{ bands: boolean, lit?: string }} opt
 */
export function boxBody(it, list, w, hgt, opt) {
  const y = (/** @type {number} */ share) => r1(hgt * (1 - clamp(share, 0, 1)));
  const out = [h("rect", { class: "f-air", width: w, height: hgt })];
  const wall = WALL[it.box] || "";
  if (wall && wall !== "booting" && wall !== "gone" && wall !== "interrupted")
    out.push(h("path", { class: "hatch" + (wall === "person" ? " person" : ""), d: hatch(w, hgt) }));
  let cpu = 0;
  let mem = 0;
  let split = "";
  if (opt.bands) {
    for (const b of list) {
      const top0 = b.cpu0 + b.cpu;
      const top1 = b.mem0 + b.mem;
      const lit = opt.lit && b.service === opt.lit ? " lit" : "";
      out.push(h("path", { class: "band " + b.cls + lit, d: `M0 ${y(b.cpu0)}L0 ${y(top0)}L${w} ${y(top1)}L${w} ${y(b.mem0)}Z` }));
      for (let i = 1; i <= b.count && b.count <= 200; i++)
        split += `M0 ${y(b.cpu0 + (b.cpu * i) / b.count)}L${w} ${y(b.mem0 + (b.mem * i) / b.count)}`;
      cpu = top0;
      mem = top1;
    }
    if (split) out.push(h("path", { class: "split", d: split }));
  } else if (it.capacity && it.reserved) {
    cpu = it.reserved.cpu_units / it.capacity.cpu_units;
    mem = it.reserved.memory_mib / it.capacity.memory_mib;
    out.push(h("path", { class: "f-used", d: `M0 ${hgt}L0 ${y(cpu)}L${w} ${y(mem)}L${w} ${hgt}Z` }));
  }
  if (cpu > 0 || mem > 0) out.push(h("path", { class: "surface", d: `M0 ${y(cpu)}L${w} ${y(mem)}` }));
  out.push(h("path", { class: "wall " + wall, d: wallPath(it, w, hgt) }));
  return out;
}

/** Left wall, floor, right wall; a box longer than four times 8 vCPU has a break in its floor. @param {Instance} it @param {number} w @param {number} hgt */
function wallPath(it, w, hgt) {
  const mid = w / 2;
  const floor = (it.capacity?.cpu_units || 0) > 32768 ? `L${mid - 4} ${hgt}m3 3l2 -6m3 3` : "";
  return `M0 0L0 ${hgt}${floor}L${w} ${hgt}L${w} 0`;
}

/** "97 · 95": CPU and memory in percent. @param {Instance} it */
export function shares(it) {
  if (!it.capacity || !it.reserved) return "";
  const p = (/** @type {number} */ a, /** @type {number} */ b) => (b > 0 ? Math.round((100 * a) / b) : 0);
  return p(it.reserved.cpu_units, it.capacity.cpu_units) + NBSP + "·" + NBSP + p(it.reserved.memory_mib, it.capacity.memory_mib);
}

/** The small box of a cluster in a table row. @param {any} c cluster @param {string} tone "", "warn", "bad" */
export function miniBox(c, tone) {
  const w = 18;
  const hgt = 16;
  const kids = [h("rect", { class: "f-air", width: w, height: hgt })];
  if (c.capacity && c.reserved && c.capacity.cpu_units > 0 && c.capacity.memory_mib > 0) {
    const y = (/** @type {number} */ a, /** @type {number} */ b) => r1(hgt * (1 - clamp(a / b, 0, 1)));
    const l = y(c.reserved.cpu_units, c.capacity.cpu_units);
    const r = y(c.reserved.memory_mib, c.capacity.memory_mib);
    kids.push(h("path", { class: "f-used", d: `M0 ${hgt}L0 ${l}L${w} ${r}L${w} ${hgt}Z` }));
  }
  kids.push(h("path", { class: "l-frame " + tone, d: `M0 0V${hgt}H${w}V0` }));
  return h("svg", { class: "mini", width: w + 2, height: hgt + 2, viewBox: `-1 -1 ${w + 2} ${hgt + 2}`, "aria-hidden": "true" }, kids);
}
