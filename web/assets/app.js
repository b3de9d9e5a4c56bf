// The report: reads the URL, asks the daemon, draws head, banner, page and foot, and listens to keys.

import { alertsOf, controlBanners } from "./alerts.js";
import { clusterView, problem } from "./cluster.js";
import { h, name, render } from "./dom.js";
import { estateView, linkTo } from "./estate.js";
import { Clock, duration, num, NBSP } from "./format.js";
import { notes } from "./paper.js";
import { planningView } from "./planning.js";
import { saveServices, servicesView } from "./services.js";
import { changed, go, hasRange, href, pan, poll, RANGES, start, state, visit, zoom, zoomOut } from "./store.js";
import { verdictLine } from "./verdict.js";
import { tickView } from "./tick.js";
import { sentence, sourceName } from "./words.js";

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const clock = () => new Clock(state.url.tz === "utc");

// ---- theme: the reader's choice on this machine, else the system's ---------------------------------------------------------
function storedTheme() {
  try {
    return localStorage.getItem("masu-theme") || "";
  } catch {
    return "";
  }
}
/** @param {string} theme */
function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  try {
    if (theme) localStorage.setItem("masu-theme", theme);
    else localStorage.removeItem("masu-theme");
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
}
const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
setTheme(storedTheme());

// ---- is it alive? -----------------------------------------------------------------------------------------------------------
/** The newest tick of what is shown, and whether it is older than three periods. */
function pulse() {
  const named = (state.estate?.clusters || []).filter((c) => !state.url.cluster || c.name === state.url.cluster);
  const list = state.url.page === "cluster" ? (state.full ? [state.full] : []) : named;
  const ats = list.map((c) => (c.at ? Date.parse(c.at) : 0)).filter(Boolean);
  const period = Math.max(30_000, ...list.map((c) => c.period_ms || 0));
  const silent = state.misses ? performance.now() - state.answeredReal : 0;
  const speed = state.estate?.daemon.speed || 1;
  const last = ats.length ? Math.max(...ats) : 0;
  const age = last ? state.now - last : 0;
  const late = list.length > 0 && list.every((c) => c.status === "late");
  return { last, age, period, silent, lost: state.misses > 0, stopped: late || silent > Math.max(6000, (3 * period) / Math.max(1, speed)), late, speed };
}

/** @param {ReturnType<typeof pulse>} p @param {Clock} c */
function status(p, c) {
  const zone = h("button", { title: "time zone of the page (z)", "aria-label": "Time zone " + c.zone(state.now || 0) + ", switch", onclick: toggleZone }, state.now ? c.zone(state.now) : "");
  if (!state.estate && !state.errors.estate) return performance.now() - state.startedReal > 300 ? ["loading"] : [];
  if (state.file) return [h("b", null, "not live"), state.now ? h("span", { class: "sep" }, c.at(state.now, Date.now())) : "", h("span", { class: "sep" }, zone)];
  if (p.stopped) return [h("span", { class: "dot red-dot" }), h("b", null, "stopped"), p.last ? h("span", { class: "sep" }, "last tick " + c.at(p.last, state.now)) : "", h("span", { class: "sep wide-only" }, zone)];
  if (p.lost) return [h("span", { class: "dot amber-dot" }), h("b", null, "no answer for " + duration(p.silent)), ", trying"];
  return [h("span", { class: "dot" }), h("b", null, "live"), h("span", { class: "sep wide-only" }, p.last ? "tick " + duration(p.age) + " ago" : "no tick yet"),
    p.speed > 1 ? h("span", { class: "sep", title: "so much faster is the demo's clock" }, "×" + num(p.speed)) : null, h("span", { class: "sep" }, p.speed > 1 ? c.hm(state.now) + " " : "", zone)];
}

/** @param {ReturnType<typeof pulse>} p @param {Clock} c */
function banners(p, c) {
  const out = [];
  const d = state.estate?.daemon;
  if (state.file) out.push(h("div", { class: "banner file", key: "file" }, h("b", null, "A report of " + c.full(state.now) + ". "), "It is one file, not live: the last tick that the journal has."));
  else if (p.stopped) {
    const when = p.last ? "masu stopped at " + c.at(p.last, state.now) + "." : "masu does not answer.";
    out.push(h("div", { class: "banner stop", role: "alert", key: "stop" }, h("b", null, when), " This is its last view. Nothing is scaled until it runs; AWS replaces interrupted instances on its own."));
  }
  const bad = (state.full?.sources || []).filter((s) => s.state !== "ok" && s.kind !== "requests" && state.url.cluster);
  if (bad.length && !p.stopped) {
    const s = bad[0];
    const fact = (s.detail || (s.state === "partial" ? "only part of it was read" : "it was not read")) + (bad.length > 1 ? "; and " + bad.slice(1).map((b) => sourceName(b.kind)).join(", ") : "");
    out.push(h("div", { class: "banner", key: "stale" }, h("b", null, sourceName(s.kind) + (s.read ? ": " + (s.state === "partial" ? "partly read, " : "") + duration(s.age_ms ?? 0) + " old." : ": never read.")), " ", verdictLine(fact, "scale-in is held, scale-out goes on")));
  }
  const here = (state.estate?.clusters || []).filter((c) => !state.url.cluster || (c.name === state.url.cluster && (!state.url.region || c.region === state.url.region)));
  out.push(...controlBanners(here, c));
  for (const a of alertsOf(null).slice(0, 3))
    if (a.id !== "journal-broken" || !d || d.state_ok) out.push(h("div", { class: "banner" + (a.severity === "critical" ? " stop" : ""), key: a.id }, h("b", null, "masu itself. "), verdictLine(a.what.replace(/\.$/, ""), a.remedy)));
  if (d && !d.state_ok) out.push(h("div", { class: "banner", key: "state" }, h("b", null, "The journal cannot be written. "), verdictLine(d.state_detail || "state is not kept", "only adding, nothing is removed")));
  if (d && d.shell_mode_reason && d.shell_mode !== "act") out.push(h("div", { class: "banner", key: "mode" }, h("b", null, "masu is weakened to " + d.shell_mode + ". "), d.shell_mode_reason));
  return out;
}

// ---- find -------------------------------------------------------------------------------------------------------------------
/** @returns {{ text: string, what: string, go: () => void }[]} */
function matches() {
  const q = state.ui.find.trim().toLowerCase();
  if (!q) return [];
  const hit = (/** @type {string} */ s) => s.toLowerCase().includes(q);
  const out = [];
  if (/^[\d,]+$/.test(q) && state.url.cluster) out.push({ text: q, what: "tick", go: () => follow(href({ page: "tick", tick: q.replaceAll(",", ""), cluster: state.url.cluster, region: state.url.region, account: state.url.account }, true)) });
  for (const c of state.estate?.clusters || []) if (hit(c.name)) out.push({ text: c.name, what: "cluster", go: () => follow(linkTo(c)) });
  for (const i of state.instances?.instances || []) if (hit(i.id)) out.push({ text: i.id, what: i.type || "instance", go: () => go({ focus: i.id }) });
  for (const s of state.full?.services || []) if (hit(s.name)) out.push({ text: s.name, what: "service", go: () => go({ hi: s.name }) });
  return out.slice(0, 12);
}

function findBox() {
  const list = matches();
  const at = Math.min(state.ui.findAt, list.length - 1);
  const pick = (/** @type {number} */ i) => {
    const m = matches()[i]; // what was typed since the list was drawn counts
    if (!m) return;
    state.ui.find = "";
    /** @type {HTMLInputElement} */ ($("find")).value = "";
    $("find").blur();
    m.go();
  };
  return h("div", { class: "find", role: "search" },
    h("input", {
      id: "find", type: "text", autocomplete: "off", spellcheck: "false", placeholder: state.url.cluster ? "Find cluster, service, instance" : "Find cluster", role: "combobox", "aria-label": "Find", "aria-expanded": String(list.length > 0), "aria-controls": "found",
      "aria-activedescendant": list.length ? "found" + at : null,
      oninput: (/** @type {any} */ e) => { state.ui.find = e.target.value; state.ui.findAt = 0; changed(); },
      onkeydown: (/** @type {KeyboardEvent} */ e) => {
        if (e.key === "ArrowDown") state.ui.findAt = Math.min(list.length - 1, at + 1);
        else if (e.key === "ArrowUp") state.ui.findAt = Math.max(0, at - 1);
        else if (e.key === "Enter") pick(state.ui.findAt);
        else if (e.key === "Escape") { state.ui.find = ""; /** @type {any} */ (e.target).value = ""; /** @type {any} */ (e.target).blur(); }
        else return;
        e.preventDefault();
        changed();
      },
      onblur: () => setTimeout(() => { if (document.activeElement !== $("find")) { state.ui.find = ""; /** @type {any} */ ($("find")).value = ""; changed(); } }, 150),
    }), h("kbd", { "aria-hidden": "true" }, "/"),
    h("ul", { id: "found", class: "found", role: "listbox", "aria-label": "Found", hidden: list.length === 0 },
      list.map((m, i) => h("li", { key: m.what + m.text, id: "found" + i, role: "option", "aria-selected": String(i === at), onmousedown: () => pick(i) }, name(m.text, 34), h("span", { class: "quiet" }, m.what)))));
}

// ---- head, page, foot ---------------------------------------------------------------------------------------------------------
const logo = () => h("svg", { width: 20, height: 18, viewBox: "0 0 20 18", "aria-hidden": "true" }, h("path", { class: "f-used", d: "M2 6 18 4V16H2z" }), h("path", { class: "l-cap", "stroke-width": 2.4, d: "M2 1V16H18V1" }));

/** @param {Clock} c */
function foot(c) {
  const d = state.estate?.daemon;
  const f = state.full;
  const ages = f && state.url.cluster ? f.sources.filter((s) => s.read).map((s) => sourceName(s.kind) + " " + duration(s.age_ms ?? 0)).join(", ") : "";
  const api = state.url.page === "planning" ? "/api/v1/simulate" : state.url.page === "services" ? "/api/v1/services" + (state.url.cluster ? "?cluster=" + encodeURIComponent(state.url.cluster) : "") : state.url.cluster ? "/api/v1/clusters/" + encodeURIComponent(state.url.cluster) : "/api/v1/clusters";
  return [
    f && state.url.cluster && f.at ? h("span", { key: "snap" }, "Snapshot " + c.hms(Date.parse(f.at)) + ": " + ages + " old.") : null,
    f && state.url.cluster && f.tick !== null ? h("span", { key: "tick" }, "Tick " + num(f.tick) + (f.duration_ms === null || (d?.speed || 1) > 1 ? "." : " took " + num(f.duration_ms) + NBSP + "ms.")) : null,
    d ? h("span", { key: "version" }, "masu " + d.version + (d.uptime_s ? ", up " + duration(d.uptime_s * 1000) : "")) : null,
    state.file ? null : h("a", { key: "json", href: api }, "JSON"), h("button", { key: "keys", class: "keys", onclick: showKeys }, "? keys"), h("button", { key: "theme", class: "keys", onclick: toggleTheme }, dark() ? "light" : "dark"),
  ];
}

const PAGES = [["", "Estate"], ["services", "Services"], ["planning", "Planning"]];
let said = "";
function drawPage() {
  const c = clock();
  const p = pulse();
  const width = Math.max(320, $("main").clientWidth);
  const main = page(c, width, p.stopped || state.file ? p.last : 0); // before anything changes: it measures
  render($("top"), h("a", { class: "logo", href: href({}, true), "data-go": "" }, logo(), "masu"),
    h("nav", { "aria-label": "Pages" }, PAGES.map(([page, label]) => h("a", { key: page, href: href({ page }, true), "data-go": "", "aria-current": state.url.page === page ? "page" : page === "" && (state.url.page === "cluster" || state.url.page === "tick") ? "true" : null }, label))),
    findBox(), h("div", { class: "status" }, status(p, c)));
  render($("banner"), banners(p, c));
  render($("main"), h("p", { class: "printed", key: "printed" }, (state.url.cluster || "masu") + ", " + (state.now ? c.full(state.now) : "") + (state.full?.tick ? ", tick " + num(state.full.tick) : "") + ", masu " + (state.estate?.daemon.version || "")), main);
  render($("foot"), foot(c));
  notes();
  title();
}

/** @param {Clock} c @param {number} width @param {number} stopped */
function page(c, width, stopped) {
  if (state.url.page === "services") return h("div", { key: "services" }, servicesView(problem("The services", "services")));
  if (state.url.page === "planning") return h("div", { key: "planning" }, planningView(c, problem("The simulation", "planning")));
  if (state.url.page === "tick") return h("div", { key: "tick" + state.url.tick }, tickView(c, problem("The tick", "tick")));
  if (state.url.cluster) return h("div", { key: "cluster" }, clusterView(c, width, stopped));
  if (state.estate) return h("div", { key: "estate" }, estateView(c, width));
  const e = state.errors.estate;
  if (e)
    return h("div", { key: "none" }, h("h1", { id: "title" }, "masu does not answer"),
      h("div", { class: "problem" }, h("div", null, verdictLine((e.status ? e.status + " " : "") + e.message, "tries again in 2 s"), h("br"), h("code", { class: "quiet" }, "GET " + e.url)), h("button", { class: "button", onclick: () => poll() }, "Retry")));
  return h("div", { key: "loading" }, performance.now() - state.startedReal > 300 ? [h("h1", { id: "title" }, "masu"), h("div", { class: "shape w1" }), h("div", { class: "shape w2" }), h("div", { class: "shape tall" })] : null);
}

/** The tab's title says the state; the live region the sentence, and only when it changed. */
function title() {
  const f = state.url.cluster && state.url.page !== "planning" ? state.full : null;
  let text = "masu";
  let sentenceText = "";
  if (f && f.capacity && f.reserved) {
    const share = Math.max(f.reserved.cpu_units / (f.capacity.cpu_units || 1), f.reserved.memory_mib / (f.capacity.memory_mib || 1));
    text = (f.waiting_tasks ? "(" + f.waiting_tasks + ") " : "") + f.name + " " + Math.round(100 * share) + " %";
    sentenceText = sentence(f, state.now, clock()).filter((s) => s.tone).map((s) => s.text.replace(/\d\d:\d\d:\d\d/, "")).join(" ");
  } else if (state.url.page === "services") text = (state.url.cluster ? state.url.cluster + " " : "") + "services";
  else if (state.url.page === "planning") text = "planning";
  else if (state.url.page === "tick") text = "tick " + state.url.tick + ", " + state.url.cluster;
  else if (state.url.cluster) text = state.url.cluster;
  else if (state.estate) {
    const h1 = document.getElementById("title");
    sentenceText = h1?.textContent || "";
    const m = /(\d+) needs? a look/.exec(sentenceText);
    text = (m ? "(" + m[1] + ") " : "") + "masu";
  }
  if (document.title !== text) document.title = text;
  if (sentenceText !== said) {
    said = sentenceText;
    $("live").textContent = said;
  }
}

// ---- keys ---------------------------------------------------------------------------------------------------------------------
const KEYS = [
  ["/", "find a cluster, service or instance"], ["g e, g s, g p", "the estate, the services, planning"], ["j k", "next and previous row; Enter opens it"], ["1 to 6", "range: 1 h, 6 h, 24 h, 7 d, 4 w, 13 mo"], ["+ −", "zoom of the chart; or drag over it"], ["shift ← →", "pan"], ["0", "back to the range; or double click"],
  ["← →", "move the chart's line, or the box; Enter shows the page of then"], [".", "back to now"], ["a", "to the alerts; Enter opens and closes one"], ["b", "to the boxes; arrows move, Enter pins"], ["t", "boxes as a table"],
  ["r", "sort the rows again"], ["e", "services as CSV"], ["[ ]", "the tick before and after"], ["z", "time zone: yours or UTC"], ["d", "dark or light"], ["?", "this list"], ["Esc", "one step back"],
];

function showKeys() {
  const d = /** @type {HTMLDialogElement} */ ($("keys"));
  render(d, h("h2", { id: "keys-title" }, "Keys"), h("dl", null, KEYS.map(([k, v]) => [h("dt", { key: k }, k), h("dd", { key: k + "=" }, v)])),
    h("p", null, h("label", null, h("input", { type: "checkbox", id: "keys-on", onchange: (/** @type {any} */ e) => setKeys(e.target.checked) }), " single keys are on")), h("p", null, h("button", { class: "button", onclick: () => d.close() }, "Close")));
  /** @type {HTMLInputElement} */ ($("keys-on")).checked = keysOn();
  if (!d.open) d.showModal();
}
let keysOff = false;
function keysOn() {
  try {
    return localStorage.getItem("masu-keys") !== "off";
  } catch {
    return !keysOff;
  }
}
/** @param {boolean} on */
function setKeys(on) {
  keysOff = !on;
  try {
    localStorage.setItem("masu-keys", on ? "on" : "off");
  } catch {
    // kept for this page only
  }
}
function toggleZone() {
  go({ tz: state.url.tz === "utc" ? "" : "utc" });
}
function toggleTheme() {
  setTheme(dark() ? "light" : "dark");
  changed();
}

/** @param {number} by */
function moveRow(by) {
  const rows = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("a.row")]);
  if (!rows.length) return;
  const at = rows.indexOf(/** @type {any} */ (document.activeElement));
  rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))].focus();
}

/** @param {string} url */
function follow(url) {
  visit(url, true);
  $("main").focus({ preventScroll: true });
}

let lead = "";
const KEY_ACTS = /** @type {Record<string, () => void>} */ ({
  "/": () => $("find").focus(), "?": showKeys, d: toggleTheme, z: toggleZone, r: () => { state.ui.order = null; changed(); },
  j: () => moveRow(1), k: () => moveRow(-1), ".": () => { state.ui.cursor = null; go({ at: "" }); },
  t: () => { if (state.url.page === "cluster") go({ table: state.url.table ? "" : "1" }); },
  a: () => { const first = document.querySelector(".alerts summary"); if (first) /** @type {HTMLElement} */ (first).focus(); },
  b: () => { const box = document.querySelector('.box[tabindex="0"]'); if (box) /** @type {HTMLElement} */ (box).focus(); },
  e: () => { if (state.url.page === "services") saveServices("csv"); },
  "[": () => document.getElementById("tick-previous")?.click(), "]": () => document.getElementById("tick-next")?.click(),
  Escape: back,
});
Object.keys(RANGES).forEach((k, i) => { KEY_ACTS[String(i + 1)] = () => { if (state.url.page === "cluster" && hasRange(k)) go({ range: k, ...zoomOut }); }; });
const CHART_ACTS = /** @type {Record<string, () => void>} */ ({ "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => go(zoomOut), ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25) });

/** One step back: pin, highlight, table, cursor, then the estate. */
function back() {
  const { url, ui } = state;
  if (ui.cursor !== null) ui.cursor = null;
  else if (url.at) return go({ at: "" });
  else if (url.from) return go(zoomOut);
  else if (url.focus) return go({ focus: "" });
  else if (url.hi) return go({ hi: "" });
  else if (url.table) return go({ table: "" });
  else if (url.q) return go({ q: "" });
  else if (url.page) return follow(href(url.page === "tick" ? { page: "cluster", cluster: url.cluster, region: url.region, account: url.account } : {}, true));
  changed();
}

addEventListener("keydown", (e) => {
  const target = /** @type {HTMLInputElement} */ (e.target);
  // A checkbox has the focus for a moment after the list of keys is closed.
  if (e.ctrlKey || e.altKey || e.metaKey || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "checkbox") || /** @type {HTMLDialogElement} */ ($("keys")).open) return;
  if (!keysOn() && e.key !== "Escape") return;
  if (lead === "g" && /^[esp]$/.test(e.key)) {
    lead = "";
    follow(href({ page: e.key === "s" ? "services" : e.key === "p" ? "planning" : "" }, true));
  } else if (e.key === "g") lead = "g";
  else {
    lead = "";
    const act = KEY_ACTS[e.key] || (state.url.page === "cluster" && state.series && (e.shiftKey || !e.key.startsWith("Arrow")) ? CHART_ACTS[e.key] : null);
    if (!act || e.defaultPrevented) return;
    act();
  }
  e.preventDefault();
});

addEventListener("click", (e) => {
  const a = /** @type {HTMLElement} */ (e.target).closest?.("a[data-go]");
  if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
  e.preventDefault();
  const url = a.getAttribute("href") || "/"; // in a file: a fragment
  if (a.hasAttribute("data-keep")) visit(url);
  else follow(url);
});
addEventListener("resize", changed);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

start(drawPage);
