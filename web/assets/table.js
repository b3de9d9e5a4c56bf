// What long tables share: heads that sort, an order that no live update changes, rows drawn only where they are seen, and the same
// rows as CSV or JSON.

import { h } from "./dom.js";
import { changed, go, state } from "./store.js";

const WINDOW_FROM = 200;
const OVERSCAN = 12;
const FRAME_ROWS = 12;

/** @param {string} sort */
export function sortBy(sort) {
  const { url } = state;
  const next = url.sort !== sort ? { sort, dir: "" } : url.dir !== "up" ? { sort, dir: "up" } : { sort: "", dir: "" };
  state.ui.order = null;
  go(next);
}

/** A head; with a key it sorts: largest first, texts from a to z. @param {string} label @param {string} key @param {string} cls @param {boolean} [text] */
export function th(label, key, cls, text) {
  const on = state.url.sort === key;
  const up = state.url.dir === "up";
  if (!key) return h("th", { class: cls, scope: "col" }, label);
  return h("th", { class: cls, scope: "col", "aria-sort": on ? (up !== !!text ? "ascending" : "descending") : null }, h("button", { onclick: () => sortBy(key) }, label + (on ? (up !== !!text ? " ↑" : " ↓") : "")));
}

/**
 * Rows' keys as "group|key" in the order the facts ask for: by group, then the reader's sort, else `otherwise`.
 * @template T
 * @param {T[]} rows @param {{ key: (r: T) => string, name: (r: T) => string, group: (r: T) => number, sorts: Record<string, ((r: T) => number | string) | undefined>,
 *   otherwise: (r: T) => number | string, last: number }} by last: the one group of rows that are sorted
 */
function wanted(rows, by) {
  const chosen = by.sorts[state.url.sort];
  const value = chosen || by.otherwise;
  const sign = chosen && state.url.dir === "up" ? -1 : 1;
  const cmp = (/** @type {any} */ a, /** @type {any} */ b) => (a < b ? -1 : a > b ? 1 : 0);
  return rows
    .map((r) => ({ r, g: chosen ? by.last : by.group(r), v: value(r), n: by.name(r) }))
    .sort((a, b) => a.g - b.g || sign * cmp(a.v, b.v) || cmp(a.n, b.n))
    .map((x) => x.g + "|" + by.key(x.r));
}

/**
 * The order shown: what the reader last asked for; a live update moves no row, but says how many would move.
 * @template T
 * @param {T[]} rows @param {Parameters<typeof wanted<T>>[1]} by
 * @returns {{ shown: { g: number, r: T }[], moves: number }}
 */
export function ordered(rows, by) {
  const want = wanted(rows, by);
  const present = new Map(rows.map((r) => [by.key(r), r]));
  const bare = (/** @type {string} */ s) => s.slice(2);
  if (!state.ui.order) state.ui.order = want;
  const kept = state.ui.order.filter((s) => present.has(bare(s)));
  const have = new Set(kept.map(bare));
  const shown = [...kept, ...want.filter((s) => !have.has(bare(s)))];
  shown.sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0));
  state.ui.order = shown;
  return { shown: shown.map((s) => ({ g: +s[0], r: /** @type {T} */ (present.get(bare(s))) })), moves: shown.filter((s, i) => s !== want[i]).length };
}

/** Narrows the rows as it is typed. @param {string} what */
export const filterBox = (what) =>
  h("label", { class: "filter" }, h("span", { class: "unseen" }, "Filter " + what), h("input", { type: "text", id: "filter", placeholder: "Filter", spellcheck: "false", autocomplete: "off", value: state.url.q, oninput: (/** @type {any} */ e) => go({ q: e.target.value }) }));

/** @param {number} moves */
export const movesNote = (moves) =>
  moves ? [" · ", h("button", { class: "link", onclick: () => { state.ui.order = null; changed(); } }, moves + (moves === 1 ? " row" : " rows") + " would move, r sorts")] : null;

let frame = -1;
let left = 0;

/** Of so many rows, or what takes as long, how many this frame has room for: no frame takes long, the next ones draw the others. @param {number} want */
export function room(want) {
  if (state.printing) return want;
  if (frame !== state.drawings) left = FRAME_ROWS;
  frame = state.drawings;
  const got = Math.min(want, left);
  left -= got;
  if (got < want) changed();
  return got;
}

/** Of each part how many rows have been drawn. @type {Map<string, number>} */
const grown = new Map();

/** @param {string} id @param {boolean} begun @param {number} n rows that are to be there */
function soFar(id, begun, n) {
  const old = Math.min(n, (begun && grown.get(id)) || 0);
  const most = old + room(n - old);
  grown.set(id, most);
  return most;
}

/**
 * The rows of a table's part near the window, with room kept for the others. A short list is drawn whole, in a few frames.
 * @template T
 * @param {string} id of the tbody @param {T[]} list @param {number} columns @param {(r: T) => import("./dom.js").Children} draw
 */
export function windowed(id, list, columns, draw) {
  if (state.printing) return list.map(draw);
  const body = document.getElementById(id);
  const height = body?.querySelector("tr[data-row]")?.getBoundingClientRect().height || 33;
  const seen = Math.ceil(innerHeight / height);
  const whole = list.length <= WINDOW_FROM;
  const from = whole ? 0 : Math.max(0, Math.min(list.length - seen, Math.floor(-(body ? body.getBoundingClientRect().top : 0) / height)) - OVERSCAN);
  const to = whole ? list.length : Math.min(list.length, from + seen + 2 * OVERSCAN);
  const until = from + soFar(id, !!body, to - from);
  const gap = (/** @type {string} */ key, /** @type {number} */ n) => (n > 0 ? h("tr", { key, class: "gap", "aria-hidden": "true" }, h("td", { colspan: columns, css: { height: n * height + "px" } })) : null);
  return [gap("gap above", from), list.slice(from, until).map(draw), gap("gap below", list.length - until)];
}
addEventListener("scroll", () => { if (document.querySelector("tr.gap")) changed(); }, { passive: true });

/** @param {unknown} v */
function csvCell(v) {
  if (v === null || v === undefined) return "";
  const s = String(v);
  const text = typeof v === "string" && /^[=+\-@\t\r]/.test(s) ? "'" + s : s; // no formula for a spreadsheet
  return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

/** @param {Record<string, unknown>[]} rows of one shape */
export const csvText = (rows) => [Object.keys(rows[0] || {}), ...rows.map((r) => Object.values(r))].map((r) => r.map(csvCell).join(",")).join("\r\n") + "\r\n";

/** Gives the reader a file of exactly these rows, raw units. @param {string} name @param {"csv" | "json"} form @param {Record<string, unknown>[]} rows */
export function save(name, form, rows) {
  const text = form === "csv" ? csvText(rows) : JSON.stringify({ now: new Date(state.now).toISOString(), rows }, null, 1) + "\n";
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: form === "csv" ? "text/csv;charset=utf-8" : "application/json" }));
  a.download = name + "." + form;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
