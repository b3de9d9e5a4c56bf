// The time chart: capacity as a step line, what is reserved as an area, the need as a line, what waits as a red gap; CPU
// above memory on one time axis, and under them lanes of marks. Pure drawing: data and cursor in, SVG out. By hand and not with
// uPlot: page, script and style may have 60 KiB compressed and have 58 with the 6 of this file, so its 22 would find no room; and
// an SVG is printed, themed and zoomed as text is.

import { h } from "./dom.js";
import { num } from "./format.js";

/**
 * @typedef {{ title: string, unit: string, scale: number, height: number, cap: (number|null)[], reserved: (number|null)[],
 *   used?: (number|null)[] | null, need: (number|null)[], top: number, labels: boolean, fan?: Fan | null, foretold?: { at: number[], v: (number|null)[] } | null }} Panel  scale: divide by it for the unit
 * @typedef {{ at: number[], q: Record<string, (number|null)[]> }} Fan  what is expected from now on, by quantile: "05" to "95"
 * @typedef {{ at: number, end?: number | null, text?: string, tone?: string }} Mark
 * @typedef {{ name: string, kind: "up" | "down" | "bar" | "diamond", marks: Mark[] }} Lane
 */

const r1 = (/** @type {number} */ x) => Math.round(x * 10) / 10;

/** The next round number at or above x. @param {number} x */
export function roundUp(x) {
  if (!(x > 0)) return 1;
  const p = 10 ** Math.floor(Math.log10(x));
  for (const m of [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10]) if (m * p >= x * 0.9999) return m * p;
  return 10 * p;
}

/** Two to four round numbers below the top. @param {number} top */
export function yTicks(top) {
  const p = 10 ** Math.floor(Math.log10(top));
  for (const m of [0.2, 0.25, 0.5, 1, 2, 2.5, 5]) {
    const step = m * p;
    if (top / step <= 4.2 && top / step >= 1.9) {
      const out = [];
      for (let v = step; v <= top * 1.0001; v += step) out.push(Math.round(v * 1000) / 1000);
      return out;
    }
  }
  return [top];
}

const DAY_MS = 86_400_000;
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 20160];
const STEPS_MONTHS = [1, 2, 3, 6, 12];

/** Round times of the reader's zone: of the day, then dates, then months. @param {number} from @param {number} to @param {number} px @param {import("./format.js").Clock} clock */
export function timeTicks(from, to, px, clock) {
  const want = Math.max(3, px / (px < 500 ? 70 : 84));
  const step = (STEPS_MIN.find((m) => (to - from) / (m * 60_000) <= want) || 0) * 60_000;
  const utc = (/** @type {number} */ local) => local - clock.offset(local - clock.offset(local) * 60_000) * 60_000;
  const out = [];
  if (step && (step < 7 * DAY_MS || to - from < 60 * DAY_MS)) {
    for (let l = Math.ceil((from + clock.offset(from) * 60_000) / step) * step; utc(l) <= to; l += step) {
      const t = utc(l);
      const midnight = l % DAY_MS === 0;
      out.push({ t, text: !midnight ? clock.hm(t) : step > 2 * DAY_MS ? clock.day(t) : clock.weekday(t), midnight: midnight && step <= 2 * DAY_MS });
    }
    return out;
  }
  const months = STEPS_MONTHS.find((m) => (to - from) / (m * 30.4 * DAY_MS) <= want) || 12;
  const { y, mo } = clock.parts(from);
  for (let k = Math.ceil((mo + 1) / months) * months; ; k += months) {
    const t = utc(Date.UTC(y, k));
    if (t > to) return out;
    out.push({ t, text: k % 12 ? clock.day(t).slice(-3) : String(clock.parts(t).y), midnight: k % 12 === 0 });
  }
}

/** @param {number[]} at @param {(number|null)[]} v @param {(t: number) => number} x @param {(v: number) => number} y @param {number} end @param {boolean} step */
function line(at, v, x, y, end, step) {
  let d = "";
  let pen = false;
  for (let i = 0; i < at.length; i++) {
    const value = v[i];
    if (value === null || value === undefined) {
      pen = false;
      continue;
    }
    const px = r1(x(at[i]));
    if (!pen) d += `M${px} ${y(value)}`;
    else if (!step) d += `L${px} ${y(value)}`;
    else if (v[i - 1] !== value) d += `H${px}V${y(value)}`;
    pen = true;
    if (i === at.length - 1 || v[i + 1] === null) d += `H${r1(i === at.length - 1 ? end : x(at[i + 1]))}`;
  }
  return d;
}

/** @param {number[]} at @param {(number|null)[]} v @param {(t: number) => number} x @param {(v: number) => number} y @param {number} end @param {number} base */
function area(at, v, x, y, end, base) {
  let d = "";
  let open = -1;
  for (let i = 0; i <= at.length; i++) {
    const value = i < at.length ? v[i] : null;
    if (value !== null && value !== undefined) {
      d += open < 0 ? `M${r1(x(at[i]))} ${base}L${r1(x(at[i]))} ${y(value)}` : `L${r1(x(at[i]))} ${y(value)}`;
      if (open < 0) open = i;
    } else if (open >= 0) {
      const last = i < at.length ? x(at[i]) : end;
      d += `L${r1(last)} ${y(/** @type {number} */ (v[i - 1]))}V${base}Z`;
      open = -1;
    }
  }
  return d;
}

/** Spread labels so that none lies over another. @param {{ y: number, text: string, cls: string }[]} list @param {number} gap @param {number} lo @param {number} hi */
export function spread(list, gap, lo, hi) {
  const out = [...list].sort((a, b) => a.y - b.y);
  for (let i = 1; i < out.length; i++) if (out[i].y < out[i - 1].y + gap) out[i].y = out[i - 1].y + gap;
  if (out.length && out[out.length - 1].y > hi) {
    out[out.length - 1].y = hi;
    for (let i = out.length - 2; i >= 0; i--) if (out[i].y > out[i + 1].y - gap) out[i].y = out[i + 1].y - gap;
  }
  if (out.length && out[0].y < lo) out[0].y = lo;
  return out;
}

/** Without what is older than the chart: time goes on between two answers. @template {any} M @param {M & { from: number, at: number[], stepMs: number, panels: Panel[], waiting: (number|null)[], cursor: number | null }} m */
function within(m) {
  const gone = m.at.findIndex((t) => t + m.stepMs > m.from);
  if (gone < 1) return m;
  const cut = (/** @type {any[]} */ v) => v.slice(gone);
  return { ...m, at: cut(m.at), waiting: cut(m.waiting), cursor: m.cursor === null ? null : Math.max(0, m.cursor - gone), panels: m.panels.map((p) => ({ ...p, cap: cut(p.cap), reserved: cut(p.reserved), need: cut(p.need), used: p.used && cut(p.used) })) };
}

/**
 * @param {{ width: number, from: number, to: number, now: number, at: number[], stepMs: number, panels: Panel[], waiting: (number|null)[],
 *   lanes: Lane[], cursor: number | null, clock: import("./format.js").Clock, stopped: boolean, nowText: string, drag?: number[] | null }} m
 *   cursor: index into `at`, null is now; drag: the times between which a range is being chosen
 */
export function chart(m) {
  m = within(m);
  const narrow = m.width < 600;
  const left = narrow ? 34 : 44;
  const right = m.width - (narrow ? 6 : 104);
  const x = (/** @type {number} */ t) => Math.max(left, left + ((t - m.from) / (m.to - m.from)) * (right - left));
  const end = Math.min(right, x(m.now), m.at.length ? x(m.at[m.at.length - 1] + m.stepMs) : left);
  const ticks = timeTicks(m.from, m.to, right - left, m.clock);
  const out = [];
  let top = 0;
  const laneTop = m.panels.reduce((a, p) => a + p.height + 24, 0);
  const bottom = laneTop + (m.lanes.length ? m.lanes.length * 17 + 6 : 0);
  for (const t of ticks) out.push(h("path", { class: t.midnight ? "l-hair2" : "l-hair", d: `M${r1(x(t.t)) + 0.5} 18V${bottom}` }));
  for (const p of m.panels) {
    out.push(panel(m, p, top + 18, x, left, right, end, narrow));
    top += p.height + 24;
  }
  out.push(...lanes(m, laneTop + 2, x, left, right, narrow));
  out.push(...axis(ticks, bottom + 14, x, left, right));
  const cursorAt = m.cursor === null ? null : m.at[m.cursor] + m.stepMs / 2;
  const present = m.now >= m.from && m.now <= m.to;
  if (present) out.push(h("path", { class: "l-ink", d: `M${r1(end) + 0.5} 14V${bottom}` }));
  if (cursorAt !== null) out.push(h("path", { class: "l-ink", "stroke-dasharray": "2 2", d: `M${r1(Math.min(x(cursorAt), end))} 14V${bottom}` }));
  const nowX = Math.min(end, m.width - 40);
  if (present) out.push(h("text", { class: "ink-text bold", x: nowX, y: 10, "text-anchor": "middle" }, m.nowText));
  if (m.drag) {
    const [a, b] = m.drag.map((t) => r1(Math.min(Math.max(x(t), left), right))).sort((i, j) => i - j);
    out.push(h("path", { class: "picked", d: `M${a} 14H${b}V${bottom}H${a}Z` }));
  }
  const height = bottom + 22;
  return h("svg", { viewBox: `0 0 ${m.width} ${height}`, height, "aria-hidden": "true" }, out);
}

/** @param {any} m @param {Panel} p @param {number} top @param {(t: number) => number} x @param {number} left @param {number} right @param {number} end @param {boolean} narrow */
function panel(m, p, top, x, left, right, end, narrow) {
  const base = top + p.height;
  const y = (/** @type {number} */ v) => r1(base - (Math.min(v / p.scale, p.top * 1.02) / p.top) * p.height);
  const g = [];
  for (const v of yTicks(p.top)) {
    const py = y(v * p.scale);
    g.push(h("path", { class: "l-hair", d: `M${left} ${py}H${right}` }), h("text", { x: left - 6, y: py + 4, "text-anchor": "end" }, num(v, v < 10 ? 1 : 0)));
  }
  const gone = holes(m.at, p.cap, x, top, base);
  if (gone) g.push(h("path", { class: "unknown", fill: "url(#unknown)", d: gone }));
  g.push(h("path", { class: "f-reserved", d: area(m.at, p.reserved, x, y, end, base) }));
  if (p.used) g.push(h("path", { class: "f-used", d: area(m.at, p.used, x, y, end, base) }));
  g.push(h("path", { class: "f-red", d: gaps(m, p, x, y, end) }));
  if (p.fan) g.push(...fan(p.fan, x, y, right));
  if (p.foretold) g.push(h("path", { class: "l-demand thin", "stroke-dasharray": "1 2.5", d: line(p.foretold.at, p.foretold.v, x, y, end, false) }));
  g.push(h("path", { class: "l-demand", d: line(m.at, p.need, x, y, end, false) }));
  g.push(h("path", { class: "l-cap", d: line(m.at, p.cap, x, y, end, true) }));
  g.push(h("path", { class: "l-hair2", d: `M${left} ${base + 0.5}H${right}` }));
  g.push(h("text", { x: left, y: top - 7 }, h("tspan", { class: "ink-text bold" }, p.title), " " + p.unit));
  if (m.stopped && end < right - 2) g.push(h("rect", { x: r1(end), y: top, width: r1(right - end), height: p.height, class: "unknown", fill: "url(#unknown)" }));
  const last = m.at.length - 1;
  /** @type {{ y: number, text: string, cls: string }[]} */
  const marks = [];
  const say = (/** @type {string} */ name, /** @type {(number|null)[]} */ v, /** @type {string} */ cls) => {
    const value = last >= 0 ? v[last] : null;
    if (value !== null && value !== undefined) marks.push({ y: y(value) + 4, text: name + " " + num(value / p.scale, value / p.scale < 100 ? 1 : 0), cls });
  };
  if (!narrow) {
    say("capacity", p.cap, "ink-text");
    say("need", p.need, "t-demand");
    say("reserved", p.reserved, "");
    if (p.used) say("used", p.used, "");
    for (const k of spread(marks, 13, top + 6, base - 4)) g.push(h("text", { class: k.cls + " over", x: Math.min(end, right) + 7, y: k.y }, k.text));
  }
  return h("g", { key: p.title }, g);
}

/** The median dashed, what nine of ten stay below solid, and two bands: nine of ten, half. @param {Fan} f @param {(t: number) => number} x @param {(v: number) => number} y @param {number} right */
function fan(f, x, y, right) {
  const keep = f.at.map((_, i) => i).filter((i) => f.q[50][i] !== null && f.q[90][i] !== null);
  if (keep.length < 2) return [];
  const along = (/** @type {string} */ q) => keep.map((i) => `${r1(Math.min(x(f.at[i]), right))} ${y(/** @type {number} */ (f.q[q]?.[i] ?? f.q[50][i]))}`);
  const band = (/** @type {string} */ lo, /** @type {string} */ hi, /** @type {string} */ cls) => h("path", { class: cls, d: `M${along(hi).join("L")}L${along(lo).reverse().join("L")}Z` });
  return [band("05", "95", "f-fan wide"), band("25", "75", "f-fan"), h("path", { class: "l-demand thin", d: "M" + along("90").join("L") }), h("path", { class: "l-demand", "stroke-dasharray": "5 3", d: "M" + along("50").join("L") })];
}

/** Where nothing was recorded between two times that were: unknown, not zero. @param {number[]} at @param {(number|null)[]} v @param {(t: number) => number} x @param {number} top @param {number} base */
function holes(at, v, x, top, base) {
  let d = "";
  let open = -1;
  for (let i = 0; i < at.length; i++) {
    const known = v[i] !== null && v[i] !== undefined;
    if (known && open > 0) d += `M${r1(x(at[open]))} ${top}H${r1(x(at[i]))}V${base}H${r1(x(at[open]))}Z`;
    if (known) open = -1;
    else if (open < 0 && i > 0 && v[i - 1] !== null) open = i;
  }
  return d;
}

/** A column in which holes no longer than `mostMs` keep the value before them: a sample was late, not lost. @param {(number|null)[]} v @param {number} stepMs @param {number} mostMs */
export function bridged(v, stepMs, mostMs) {
  const out = [...v];
  for (let i = 1; i < out.length; i++) {
    if (out[i] !== null || out[i - 1] === null) continue;
    let j = i;
    while (j < out.length && out[j] === null) j++;
    if ((j - i) * stepMs <= mostMs) out.fill(out[i - 1], i, j);
    i = j;
  }
  return out;
}

/** The gap between what is reserved and what is needed while tasks wait; never thinner than can be seen. @param {any} m @param {Panel} p @param {(t: number) => number} x @param {(v: number) => number} y @param {number} end */
function gaps(m, p, x, y, end) {
  let d = "";
  for (let i = 0; i < m.at.length; i++) {
    const need = p.need[i];
    const reserved = p.reserved[i];
    if (!m.waiting[i] || need === null || reserved === null) continue;
    const x0 = x(m.at[i]);
    const w = Math.max(4, Math.min(x(m.at[i] + m.stepMs), end) - x0);
    const y0 = y(Math.max(need, reserved));
    const hgt = Math.max(2.5, y(reserved) - y0);
    d += `M${r1(x0)} ${y0}h${r1(w)}v${r1(hgt)}h${-r1(w)}z`;
  }
  return d;
}

/** @param {any} m @param {number} top @param {(t: number) => number} x @param {number} left @param {number} right @param {boolean} narrow */
function lanes(m, top, x, left, right, narrow) {
  /** @type {import("./dom.js").VNode[]} */
  const out = [];
  m.lanes.forEach((/** @type {Lane} */ lane, /** @type {number} */ i) => {
    const mid = top + i * 17 + 10;
    if (i) out.push(h("path", { class: "l-hair", d: `M${left} ${mid - 8.5}H${right}` }));
    const px = (/** @type {number} */ t) => r1(Math.min(Math.max(x(t), left), right));
    if (lane.kind === "bar") {
      let d = "";
      let open = "";
      for (const k of lane.marks) {
        const a = px(k.at);
        const w = Math.max(3, px(k.end ?? m.now) - a);
        if (k.end === null) open += `M${a} ${mid - 2.5}h${w}v5h${-w}z`;
        else d += `M${a} ${mid - 2.5}h${w}v5h${-w}z`;
      }
      out.push(h("path", { class: "f-ink3", d }), h("path", { class: "f-amber", d: open }));
    } else {
      let d = "";
      for (const k of lane.marks) {
        const a = px(k.at);
        d += lane.kind === "diamond" ? `M${a} ${mid - 4}l4 4l-4 4l-4 -4z` : lane.kind === "up" ? `M${a - 4} ${mid + 3.5}h8l-4 -7z` : `M${a - 4} ${mid - 3.5}h8l-4 7z`;
      }
      out.push(h("path", { class: lane.kind === "down" ? "f-red" : "f-ink", d }));
      let until = -1e9;
      for (const k of lane.marks) {
        if (!k.text || px(k.at) < until || px(k.at) > right - 26) continue;
        const next = lane.marks.find((o) => o.at > k.at);
        if (next && px(next.at) - px(k.at) < 10 + k.text.length * 7) continue;
        out.push(h("text", { x: px(k.at) + 6, y: mid + 4 }, k.text));
        until = px(k.at) + 10 + k.text.length * 7;
      }
    }
    if (!narrow) out.push(h("text", { x: right + 7, y: mid + 4 }, lane.name));
  });
  return out;
}

/** @param {{ t: number, text: string, midnight: boolean }[]} ticks @param {number} y @param {(t: number) => number} x @param {number} left @param {number} right */
function axis(ticks, y, x, left, right) {
  return ticks
    .filter((t) => x(t.t) > left + (t.midnight ? 20 : 8) && x(t.t) < right - 4)
    .map((t) => h("text", { class: t.midnight ? "ink-text bold" : "", x: r1(x(t.t)), y, "text-anchor": "middle" }, t.text));
}

/** The pattern for what is unknown; one for the page. */
export const patterns = () =>
  h("svg", { class: "unseen", width: 1, height: 1, "aria-hidden": "true" },
    h("defs", null, h("pattern", { id: "unknown", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      h("path", { class: "l-hair2", d: "M0 0V8" }))));

/**
 * A day of a cluster in 176 × 26: capacity step, need line and what is reserved, on its own scale from 0.
 * @param {{ at: number[], cap: (number|null)[], reserved: (number|null)[], need: (number|null)[], waiting: (number|null)[], from: number,
 *   to: number, stepMs: number }} s
 */
export function sparkline(s) {
  const w = 176;
  const hgt = 26;
  const all = [...s.cap, ...s.need].filter((v) => v !== null);
  const top = all.length ? Math.max(1, .../** @type {number[]} */ (all)) * 1.06 : 1;
  const x = (/** @type {number} */ t) => ((t - s.from) / (s.to - s.from)) * w;
  const y = (/** @type {number} */ v) => r1(hgt - 1 - (v / top) * (hgt - 3));
  let red = "";
  s.at.forEach((t, i) => {
    if (s.waiting[i]) red += `M${r1(x(t))} ${y(s.need[i] || 0)}h2.5v4h-2.5z`;
  });
  const end = s.at.length ? Math.min(w, x(s.at[s.at.length - 1] + s.stepMs)) : 0;
  return h("svg", { width: w, height: hgt, viewBox: `0 0 ${w} ${hgt}`, "aria-hidden": "true" },
    h("path", { class: "f-reserved", d: area(s.at, s.reserved, x, y, end, hgt - 1) }),
    h("path", { class: "l-demand thin", d: line(s.at, s.need, x, y, end, false) }),
    h("path", { class: "l-cap thin", d: line(s.at, s.cap, x, y, end, true) }),
    h("path", { class: "f-red", d: red }),
    h("path", { class: "l-hair2", d: `M0 ${hgt - 0.5}H${w}` }));
}

/** Reserved of capacity, 150 × 14: an open frame, its fill, in it what is used, the need as a mark and what is forecast as another; past the frame's end
 * the need is red. @param {number} reserved @param {number} need @param {number} cap @param {number} [used] @param {number} [ahead] */
export function bar(reserved, need, cap, used = 0, ahead = 0) {
  const w = 150;
  const f = (/** @type {number} */ v) => r1(Math.min(1, Math.max(0, cap > 0 ? v / cap : 0)) * w);
  return h("svg", { width: w + 6, height: 16, viewBox: `-1 -1 ${w + 6} 16`, "aria-hidden": "true" },
    h("rect", { class: "f-air", width: w, height: 13 }),
    h("rect", { class: "f-reserved", width: f(reserved), height: 13 }),
    used ? h("rect", { class: "f-used", y: 4, width: f(used), height: 5 }) : null,
    ahead ? h("path", { class: "l-demand dash", d: `M${f(ahead)} 0V13` }) : null,
    need > cap
      ? h("path", { class: "f-red", d: `M${w - 6} 2.5v7l5 -3.5z` })
      : need > 0 && h("path", { class: "l-demand", d: `M${f(need)} 0V13` }),
    h("path", { class: "l-frame", d: `M0 0V13H${w}V0` }));
}
