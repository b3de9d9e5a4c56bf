// What the page knows and where it stands: the URL's state, the newest answers, and the polling that renews them.
//
// The daemon's clock is the only clock: "now" is what the newest answer says, so a demo at 720 times the speed reads right.
// Each part fails alone: its last data stay, its error is shown in its place, and the next round tries again.

import { ApiError, clusterPath, FILE, get, inFile } from "./api.js";

/** @typedef {import("./api.js").Tick} Tick */

export const RANGES = /** @type {Record<string, { ms: number, step: string, stepMs: number, ahead: number }>} */ ({
  "1h": { ms: 3_600_000, step: "1m", stepMs: 60_000, ahead: 1_800_000 },
  "6h": { ms: 21_600_000, step: "2m", stepMs: 120_000, ahead: 10_800_000 },
  "24h": { ms: 86_400_000, step: "5m", stepMs: 300_000, ahead: 21_600_000 },
  "7d": { ms: 604_800_000, step: "30m", stepMs: 1_800_000, ahead: 86_400_000 },
  "4w": { ms: 2_419_200_000, step: "2h", stepMs: 7_200_000, ahead: 86_400_000 },
  "13mo": { ms: 34_128_000_000, step: "1d", stepMs: 86_400_000, ahead: 0 },
});
const POLL_MS = 2000;
const NEWS_MS = 1000;
const FIRST_PAINT_MS = 150;
const LOOKS_MAX = 6;
const PAGES_MAX = 6;
const SPARK_EVERY_MS = 20_000;

const SPAN_MIN_MS = 600_000;
const SPAN_MAX_MS = RANGES["13mo"].ms;
const AHEAD_MAX_MS = 86_400_000;
const POINTS_MAX = 400;

/** Everything in the URL; what is at its default is left out of it. */
const DEFAULTS = { page: "", tick: "", cluster: "", region: "", account: "", range: "", from: "", to: "", at: "", focus: "", hi: "", sort: "", dir: "", q: "", table: "", tz: "", feed: "", per: "" };

/** The path says the page: "" the estate, else cluster, tick, services. What is in it is no parameter. @param {string} path @returns {Record<string, string>} */
function pageOf(path) {
  const [first, second, third, fourth] = path.split("/").filter(Boolean).map((s) => { try { return decodeURIComponent(s); } catch { return s; } });
  if (first === "services" || first === "planning") return { page: first };
  if (first !== "clusters" || !second) return { page: "" };
  return third === "ticks" && fourth ? { page: "tick", cluster: second, tick: fourth } : { page: "cluster", cluster: second };
}

/** @param {string} url path and query */
export function parseUrl(url) {
  const [path, query] = url.split("?");
  const q = new URLSearchParams(query || "");
  const out = { ...DEFAULTS };
  for (const k of Object.keys(DEFAULTS)) if (k !== "page" && k !== "tick") /** @type {any} */ (out)[k] = q.get(k) ?? "";
  Object.assign(out, pageOf(path));
  if (!out.page && out.cluster) out.page = "cluster"; // a link of before: /?cluster=NAME
  if (!RANGES[out.range]) out.range = "";
  if (!Date.parse(out.at)) out.at = "";
  if (!(Date.parse(out.to) - Date.parse(out.from) >= SPAN_MIN_MS)) out.from = out.to = "";
  return out;
}
export const readUrl = () => parseUrl(FILE ? location.hash.slice(1) || "/" : location.pathname + location.search);

/** Is it there? A file may have less than all. @param {string} range */
export const hasRange = (range) => !FILE || inFile(state.url.cluster, RANGES[range].step);

/** The range shown: the reader's choice, else a day; a demo that has run for less than six of its hours shows six. */
export function rangeName() {
  const d = state.estate?.daemon;
  const range = state.url.range || (d && d.speed > 1 && d.uptime_s < 21_600 ? "6h" : "24h");
  return hasRange(range) ? range : Object.keys(RANGES).find(hasRange) || range;
}

/** The times of the chart: a range before now with something ahead, or what was zoomed to; `upTo` is where data end. */
export function span() {
  const range = RANGES[rangeName()];
  const begin = Date.parse(state.url.from);
  if (!begin) {
    const upTo = Math.ceil(state.now / range.stepMs) * range.stepMs;
    return { ...range, zoomed: false, from: state.now - range.ms, upTo, to: state.now + range.ahead };
  }
  const to = Date.parse(state.url.to);
  // a file has the steps of its ranges only, each as far back as its range
  const fit = Object.entries(RANGES).find(([k, r]) => (FILE ? state.now - begin <= r.ms && hasRange(k) : (to - begin) / r.stepMs <= POINTS_MAX))?.[1] || RANGES["13mo"];
  const grid = (/** @type {number} */ t) => Math.ceil(t / fit.stepMs) * fit.stepMs;
  return { ...fit, zoomed: true, from: begin, upTo: grid(Math.min(to, state.now)), to };
}

/** Shows from one time to another: within what is kept and what is forecast. @param {number} from @param {number} to */
export function zoomTo(from, to) {
  const last = state.now + AHEAD_MAX_MS;
  const first = state.now - (FILE ? Math.max(0, ...Object.entries(RANGES).map(([k, r]) => (hasRange(k) ? r.ms : 0))) : SPAN_MAX_MS);
  const long = Math.min(Math.max(to - from, SPAN_MIN_MS), last - first);
  const at = Math.max(first, Math.min((from + to - long) / 2, last - long));
  const iso = (/** @type {number} */ t) => new Date(Math.round(t / 1000) * 1000).toISOString().slice(0, 19) + "Z";
  go({ from: iso(at), to: iso(at + long) });
}

/** Nearer or farther by a factor, about a time, else what is read, now, or the middle. @param {number} by @param {number | null} [about] */
export function zoom(by, about) {
  const { from, to } = span();
  const at = about ?? state.ui.cursor ?? (state.now < to ? state.now : (from + to) / 2);
  zoomTo(at - (at - from) * by, at + (to - at) * by);
}

/** @param {number} by of what is shown */
export function pan(by) {
  const { from, to } = span();
  zoomTo(from + (to - from) * by, to + (to - from) * by);
}

export const zoomOut = { from: "", to: "" };

/** @param {Partial<typeof DEFAULTS>} change @param {boolean} [fresh] start from nothing but the time zone */
export function href(change, fresh) {
  const next = fresh ? { ...DEFAULTS, tz: state.url.tz } : { ...state.url };
  Object.assign(next, change);
  const named = next.page === "cluster" || next.page === "tick";
  const path = named ? clusterPath(next.cluster) + (next.page === "tick" ? "/ticks/" + encodeURIComponent(next.tick) : "") : "/" + next.page;
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(next)) if (v && k !== "page" && k !== "tick" && !(named && k === "cluster")) q.set(k, v);
  return (FILE ? "#" : "") + path + (q.size ? "?" + q : "");
}

export const state = {
  url: { ...DEFAULTS },
  /** @type {import("./api.js").Estate | null} */ estate: null,
  /** @type {import("./api.js").ClusterFull | null} */ full: null,
  /** @type {import("./api.js").Instances | null} */ instances: null,
  /** @type {import("./api.js").Pools | null} */ pools: null,
  /** what is known ahead @type {import("./api.js").Calendar | null} */ calendar: null,
  /** @type {import("./api.js").Limits | null} */ limits: null,
  /** @type {import("./api.js").Series | null} */ series: null,
  /** what is expected @type {import("./api.js").Forecast | null} */ forecast: null,
  /** what was expected an hour before each time @type {import("./api.js").Series | null} */ foretold: null,
  /** @type {import("./api.js").Services | null} */ services: null,
  /** @type {import("./api.js").Explained | null} */ tick: null,
  /** the tick in whose time the page stands @type {{ tick: number, explain: any, snapshot: any, ticks: Tick[], acting: Tick[], before: string, after: string } | null} */ past: null,
  /** @type {import("./api.js").Plan | null} */ plan: null,
  /** true in a report of one file: what it holds is all there is */ file: !!FILE,
  /** the daemon tells what is new, nobody needs to ask */ live: false,
  /** ticks that acted, by id, back to the range's begin at least @type {Map<number, Tick>} */ acting: new Map(),
  /** where the older ones begin; undefined before the first answer @type {number | null | undefined} */ actingOlder: undefined,
  /** newest ticks without a gap, newest first @type {Tick[]} */ ticks: [],
  /** @type {number | null} */ older: null,
  /** verdicts of old ticks that were asked for @type {Map<number, any>} */ why: new Map(),
  /** @type {Map<string, import("./api.js").Series>} */ sparks: new Map(),
  /** columns of all clusters' days, summed @type {Record<string, (number | null)[]>} */ total: {},
  /** @type {Map<string, import("./api.js").ClusterFull>} */ looks: new Map(),
  /** of all clusters and the daemon @type {import("./api.js").Alert[] | null} */ alerts: null,
  /** newest act of each cluster @type {Map<string, Tick>} */ lastActs: new Map(),
  /** @type {Record<string, ApiError>} */ errors: {},
  now: 0,
  answeredReal: 0,
  answeredNow: 0,
  startedReal: performance.now(),
  drawings: 0,
  printing: false,
  misses: 0,
  loading: true,
  ui: {
    /** a time that is read, null is now @type {number | null} */ cursor: null,
    /** two times between which a pointer drags @type {number[] | null} */ drag: null,
    hover: "",
    worst: "",
    hiHover: "",
    row: "",
    /** @type {string[] | null} */ order: null,
    /** @type {string[]} */ groups: [],
    find: "",
    findAt: 0,
    allServices: false,
    allPools: false,
    allVerdicts: false,
    acts: 14,
    /** @type {Set<number>} */ open: new Set(),
    /** @type {Map<string, number>} */ tops: new Map(),
    /** @type {Map<string, Map<string, number>>} */ hues: new Map(),
  },
};

/** @param {{ name: string, region: string, account: string }} c */
export const keyOf = (c) => c.account + "/" + c.region + "/" + c.name;

let draw = () => {};
let drawing = true; // until the page is painted as it came
function drawNow() {
  drawing = false;
  state.drawings++;
  draw();
}
// Paper takes all that is there, and at once.
addEventListener("beforeprint", () => { state.printing = true; drawNow(); });
addEventListener("afterprint", () => { state.printing = false; changed(); });
/** One drawing a frame, none in a hidden tab; the first at once, as a frame may be far while the one before is painted, and none more before it is painted. */
export function changed() {
  if (drawing) return;
  drawing = true;
  if (!state.drawings) setTimeout(drawNow);
  else if (state.drawings === 1) requestAnimationFrame(() => requestAnimationFrame(drawNow));
  else requestAnimationFrame(drawNow);
}

/** @param {Partial<typeof DEFAULTS>} change @param {{ push?: boolean, fresh?: boolean }} [how] */
export function go(change, how = {}) {
  visit(href(change, how.fresh), how.push);
}

/** @param {string} url as href gives it @param {boolean} [push] a step that Back takes back */
export function visit(url, push) {
  const before = { ...state.url };
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  arrive(before);
}

/** @param {typeof DEFAULTS} before */
function arrive(before) {
  state.url = readUrl();
  const moved = ["page", "tick", "cluster", "region", "account"].some((k) => /** @type {any} */ (before)[k] !== /** @type {any} */ (state.url)[k]);
  if (moved) {
    Object.assign(state, { full: null, instances: null, pools: null, calendar: null, limits: null, series: null, forecast: null, foretold: null, services: null, tick: null, past: null, acting: new Map(), actingOlder: undefined, ticks: [], older: null, why: new Map(), errors: {}, loading: true, startedReal: performance.now() });
    Object.assign(state.ui, { order: null, cursor: null, hover: "", worst: "", hiHover: "", allServices: false, allPools: false, allVerdicts: false, acts: 14, open: new Set(), find: "" });
    window.scrollTo(0, 0);
  }
  if (before.at !== state.url.at) {
    state.past = null;
    delete state.errors.past;
  }
  if (before.range !== state.url.range) state.series = state.foretold = null;
  if (moved || ["range", "from", "to", "at"].some((k) => /** @type {any} */ (before)[k] !== /** @type {any} */ (state.url)[k])) poll();
  changed();
}

/** @param {any} answer */
function seen(answer) {
  const now = Date.parse(answer.now);
  if (now > state.now) state.now = now;
  state.answeredNow = now;
  state.answeredReal = performance.now();
}

/** Runs one part of a round; what fails is kept as that part's error. @param {string} part @param {() => Promise<void>} job */
async function attempt(part, job) {
  try {
    await job();
    delete state.errors[part];
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    state.errors[part] = e;
  }
}

const where = () => ({ region: state.url.region || undefined, account: state.url.account || undefined });

/** The alerts are asked for beside the clusters while there are some, and after them when the first came up. */
async function pollEstate() {
  const alerts = () => attempt("alerts", async () => { state.alerts = (await get("/alerts")).alerts; });
  const asked = state.alerts?.length !== 0;
  const [answer] = await Promise.all([get("/clusters"), asked && alerts()]);
  seen(answer);
  state.estate = answer;
  if (![answer.daemon, ...answer.clusters].some((d) => d.alert_count?.total)) state.alerts = [];
  else if (!asked) await alerts();
}

/** @param {string} name @param {typeof DEFAULTS} url */
async function pollCluster(name, url) {
  const path = clusterPath(name);
  const shown = rangeName();
  const mine = () => state.url.cluster === url.cluster && state.url.region === url.region && rangeName() === shown && state.url.from === url.from && state.url.to === url.to;
  const times = () => {
    const { from, upTo, stepMs, step } = span();
    const grid = Math.ceil(from / stepMs) * stepMs;
    return { ...where(), from: new Date(grid).toISOString(), to: new Date(Math.max(upTo, grid + stepMs)).toISOString(), step };
  };
  await Promise.all([
    attempt("cluster", async () => {
      const a = await get(path, where());
      if (mine()) { seen(a); state.full = a.cluster; }
    }),
    attempt("instances", async () => {
      const a = await get(path + "/instances", where());
      if (mine()) state.instances = a;
    }),
    attempt("pools", async () => {
      const a = await get(path + "/pools", where());
      if (mine()) state.pools = a;
    }),
    attempt("calendar", async () => {
      const a = await get("/calendar", { ...where(), cluster: name, from: state.now ? times().from.slice(0, 14) + "00:00Z" : undefined });
      if (mine()) state.calendar = a;
    }),
    attempt("series", async () => {
      if (!state.now) return;
      const a = await get(path + "/series", times());
      if (mine()) state.series = a;
    }),
    attempt("forecast", async () => {
      const a = await get(path + "/forecast", where());
      if (mine()) state.forecast = a;
    }),
    attempt("foretold", async () => {
      if (!state.now || !state.forecast?.errors.some((e) => e.ahead === "1h" && e.samples > 0)) return; // none has been there yet
      const a = await get(path + "/history", { ...times(), kind: "forecast", subject: "1h" });
      if (mine()) state.foretold = a;
    }),
    attempt("ticks", async () => {
      const a = await get("/ticks", { ...where(), cluster: name, limit: 100 });
      if (mine()) joinTicks(a);
    }),
    attempt("acting", async () => {
      if (!state.now) return;
      await pollActing(name, span().from, mine);
    }),
  ]);
  if (!url.at || state.past) return;
  changed();
  await attempt("past", () => pollPast(name, url));
}

/** New ticks before those seen; a gap forgets what is beyond it, so that counts of quiet ticks are true. @param {import("./api.js").Ticks} a */
function joinTicks(a) {
  const have = new Set(a.ticks.map((t) => t.tick));
  const joins = state.ticks.some((t) => have.has(t.tick));
  if (joins) {
    state.ticks = [...a.ticks, ...state.ticks.filter((t) => !have.has(t.tick))].slice(0, 1000);
    if (state.ticks.length === 1000) state.older = state.ticks[999].tick;
  } else {
    state.ticks = a.ticks;
    state.older = a.older;
  }
}

/** @param {string} name @param {number} from @param {() => boolean} mine */
async function pollActing(name, from, mine) {
  const page = async (/** @type {number | undefined} */ before) => {
    const a = /** @type {import("./api.js").Ticks} */ (await get("/ticks", { ...where(), cluster: name, acting: "true", limit: state.acting.size && before === undefined ? 50 : 200, before }));
    if (!mine()) return null;
    const known = a.ticks.some((t) => state.acting.has(t.tick));
    for (const t of a.ticks) state.acting.set(t.tick, t);
    return { known, older: a.older };
  };
  const first = state.acting.size === 0;
  let got = await page(undefined);
  if (first) state.actingOlder = got ? got.older : undefined;
  for (let i = 0; got && !first && !got.known && got.older !== null && i < PAGES_MAX; i++) got = await page(got.older);
  for (let i = 0; got && state.actingOlder && oldestActing() > from && i < PAGES_MAX; i++) {
    got = await page(state.actingOlder);
    if (got) state.actingOlder = got.older;
  }
}

/** The newest tick that is not after a time: ids grow with time, and those of acting ticks are known. @param {string} name @param {number} t */
async function tickAt(name, t) {
  let [low, high] = [0, (state.full?.tick || 0) + 1];
  /** @type {Tick | null} */
  let found = null;
  for (const k of [...state.acting.values(), ...state.ticks])
    if (Date.parse(k.at) > t) high = Math.min(high, k.tick);
    else if (k.tick > low) [low, found] = [k.tick, k];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const [k] = /** @type {import("./api.js").Ticks} */ (await get("/ticks", { ...where(), cluster: name, before: middle + 1, limit: 1 })).ticks;
    if (k && Date.parse(k.at) > t) high = k.tick;
    else {
      low = middle;
      found = k || found;
    }
  }
  return found;
}

/** The moment of the URL, once: what is over does not change. @param {string} name @param {typeof DEFAULTS} url */
async function pollPast(name, url) {
  if (!url.at || FILE || state.past || !state.full) return;
  const k = await tickAt(name, Date.parse(url.at));
  if (!k) throw new ApiError("/ticks", 404, "the journal has no tick of then");
  const path = clusterPath(name) + "/ticks/" + k.tick;
  const query = { ...where(), cluster: name };
  const beyond = k.tick + 3 * (state.estate?.clusters.length || 1) + 1;  // of its next ones, too
  const [why, whole, ticks, acting] = await Promise.all([get(path, where()), get("/ticks/" + k.tick), get("/ticks", { ...query, before: beyond, limit: 103 }), get("/ticks", { ...query, before: k.tick + 1, limit: 50, acting: "true" })]);
  const later = ticks.ticks.filter((/** @type {Tick} */ t) => t.tick > k.tick), until = ticks.ticks.slice(later.length);
  if (state.url.cluster === url.cluster && state.url.at === url.at)
    state.past = { tick: k.tick, explain: why.explain, snapshot: whole.tick.snapshot, ticks: until, acting: acting.ticks, before: until[1]?.at || "", after: later.at(-1)?.at || "" };
}

const oldestActing = () => [...state.acting.values()].reduce((a, t) => Math.min(a, Date.parse(t.at)), Infinity);

/** More of the feed: of the acting ticks those on hand first, then what is asked for. @param {boolean} all */
export async function earlier(all) {
  await attempt("earlier", async () => {
    const acting = all ? undefined : "true";
    const before = all ? state.older : state.actingOlder;
    if (!all) state.ui.acts += 28;
    if (!before || (!all && state.ui.acts < state.acting.size)) return;
    const a = await get("/ticks", { ...where(), cluster: state.url.cluster, limit: 100, before, acting });
    const have = new Set(state.ticks.map((t) => t.tick));
    if (all) {
      state.ticks = [...state.ticks, ...a.ticks.filter((/** @type {Tick} */ t) => !have.has(t.tick))];
      state.older = a.older;
    } else {
      for (const t of a.ticks) state.acting.set(t.tick, t);
      state.actingOlder = a.older;
    }
  });
  changed();
}

/** @param {number} tick */
export async function loadWhy(tick) {
  if (state.why.has(tick)) return;
  state.why.set(tick, { loading: true });
  changed();
  try {
    const a = await get(clusterPath(state.url.cluster) + "/ticks/" + tick, where());
    state.why.set(tick, { verdicts: a.explain.verdicts });
  } catch (e) {
    state.why.set(tick, { error: e instanceof Error ? e.message : String(e) });
  }
  changed();
}

const PAGE_SIZE = 1000;
const SERVICE_PAGES_MAX = 20;
/** @param {typeof DEFAULTS} url */
async function pollServices(url) {
  const mine = () => state.url.page === "services" && state.url.cluster === url.cluster && state.url.region === url.region;
  await attempt("services", async () => {
    /** @type {import("./api.js").Services | null} */
    let all = null;
    /** @type {string | undefined} */
    let after;
    for (let i = 0; i < SERVICE_PAGES_MAX; i++) {
      const a = /** @type {import("./api.js").Services} */ (await get("/services", { ...where(), cluster: url.cluster || undefined, limit: PAGE_SIZE, after }));
      if (all) all.services.push(...a.services);
      else all = a;
      if (a.after === null) break;
      after = a.after;
    }
    if (mine()) state.services = all;
  });
}

/** Whose past is planned with: the one in the URL, else the first. */
export const planned = () => state.url.cluster || state.estate?.clusters[0]?.name || "";
/** The cluster and its pools once, the simulation while it runs. @param {typeof DEFAULTS} url */
async function pollPlanning(url) {
  const mine = () => state.url.page === "planning" && state.url.cluster === url.cluster;
  const path = clusterPath(planned());
  await Promise.all([
    attempt("planning", async () => {
      if (FILE) return;
      const a = await get("/simulate");
      if (mine()) state.plan = a;
    }),
    attempt("cluster", async () => {
      const a = await get(path, where());
      if (mine()) state.full = a.cluster;
    }),
    attempt("pools", async () => {
      const a = await get(path + "/pools", where());
      if (mine()) state.pools = a;
    }),
    attempt("calendar", async () => {
      const a = await get("/calendar", { ...where(), cluster: planned() });
      if (mine()) state.calendar = a;
    }),
    attempt("limits", async () => {
      const a = await get("/limits", { ...where(), cluster: planned() });
      if (mine()) state.limits = a;
    }),
  ]);
}

/** A tick is history: it is asked for once, and again only while an act has no outcome. @param {typeof DEFAULTS} url */
async function pollTick(url) {
  const mine = () => state.url.page === "tick" && state.url.tick === url.tick && state.url.cluster === url.cluster;
  const have = state.tick;
  if (have && have.next !== null && have.explain.actions.every((a) => a.outcome !== null)) return;
  await attempt("tick", async () => {
    const a = await get(clusterPath(url.cluster) + "/ticks/" + encodeURIComponent(url.tick), where());
    const id = a.explain.tick;
    const query = { ...where(), cluster: url.cluster };
    const after = have ? have.explain.tick + 1 : id + 3 * (state.estate?.clusters.length || 1) + 1;
    const none = { tick: { snapshot: null }, ticks: [] };
    const [whole, before, later] = await Promise.all([
      have ? { tick: have } : get("/ticks/" + id).catch(() => none),
      get("/ticks", { ...query, before: id, limit: 1 }).catch(() => none),
      get("/ticks", { ...query, before: Math.max(after, id + 3 * (state.estate?.clusters.length || 1) + 1), limit: 200 }).catch(() => none),
    ]);
    const next = later.ticks.map((/** @type {Tick} */ t) => t.tick).filter((/** @type {number} */ t) => t > id).sort((/** @type {number} */ x, /** @type {number} */ y) => x - y)[0];
    if (mine()) state.tick = { explain: a.explain, snapshot: whole.tick.snapshot, previous: before.ticks[0]?.tick ?? null, next: next ?? null };
  });
}

/** The few clusters whose details the estate page tells: those that wait, drain, fail or do not know. */
export function wantsLook(/** @type {import("./api.js").Cluster} */ c) {
  return c.status === "failed" || c.status === "late" || !!c.waiting_tasks || !!c.drains_in_progress || !!c.stale_sources;
}

async function pollEstateParts() {
  const list = state.estate?.clusters || [];
  const looks = list.filter(wantsLook).slice(0, LOOKS_MAX);
  for (const k of state.looks.keys()) if (!looks.some((c) => keyOf(c) === k)) state.looks.delete(k);
  const jobs = looks.map((c) =>
    attempt("look " + keyOf(c), async () => {
      const a = await get(clusterPath(c.name), { region: c.region, account: c.account });
      state.looks.set(keyOf(c), a.cluster);
    }));
  jobs.push(attempt("acts", async () => {
    const a = /** @type {import("./api.js").Ticks} */ (await get("/ticks", { acting: "true", limit: 100 }));
    for (const t of [...a.ticks].reverse()) state.lastActs.set(keyOf({ .../** @type {any} */ (t), name: t.cluster }), t);
  }));
  jobs.push(pollSparks(list));
  await Promise.all(jobs);
}

let sparksReal = -Infinity;
let sparksNow = 0;
/** The days of all clusters on one grid of times, and their sum. @param {import("./api.js").Cluster[]} list */
async function pollSparks(list) {
  const step = 900_000;
  const late = performance.now() - sparksReal > SPARK_EVERY_MS;
  if (!late && (state.errors.sparks || (state.now - sparksNow <= step && list.every((c) => state.sparks.has(keyOf(c)))))) return;
  sparksReal = performance.now();
  sparksNow = state.now;
  const to = Math.ceil(state.now / step) * step;
  await attempt("sparks", async () => {
    const sum = /** @type {typeof state.total} */ ({});
    for (let after; after !== null; ) {
      const a = await get("/series", { from: new Date(to - 86_400_000).toISOString(), to: new Date(to).toISOString(), step: "15m", after });
      after = a.after;
      for (const c of a.clusters) {
        c.columns.at_s = a.at_s;
        state.sparks.set(keyOf({ ...c, name: c.cluster }), { ...a, ...c, clusters: 0 });
        for (const [k, v] of Object.entries(c.columns)) {
          if (k === "at_s") sum[k] = v;
          else sum[k] = v.map((/** @type {number | null} */ x, /** @type {number} */ i) => (x === null ? sum[k]?.[i] ?? null : x + (sum[k]?.[i] || 0)));
        }
      }
    }
    state.total = sum;
  });
}

let timer = 0;
let running = false;
let again = false;

/** One round of questions; asks for another when it ends. */
export async function poll() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  clearTimeout(timer);
  const url = { ...state.url };
  await attempt("estate", pollEstate);
  state.misses = state.errors.estate ? state.misses + 1 : 0;
  if (state.loading || !url.page) changed();
  if (!state.errors.estate) {
    if (url.page === "cluster") await pollCluster(url.cluster, url);
    else if (url.page === "services") await pollServices(url);
    else if (url.page === "tick") await pollTick(url);
    else if (url.page === "planning") await pollPlanning(url);
    else await pollEstateParts();
  }
  state.loading = false;
  changed();
  running = false;
  if (FILE && !again) return;
  timer = window.setTimeout(poll, again ? (state.live ? NEWS_MS : 0) : document.hidden ? POLL_MS * 15 : state.live && !state.misses ? POLL_MS * 10 : POLL_MS);
  again = false;
  if (url.page === "planning" && state.plan?.run?.state === "running") news();
}

// ---- live: the daemon says what is new; while it does, the page asks only then -------------------------------------------------
/** @type {EventSource | null} */
let stream = null;
let newsReal = -Infinity;

/** Asks soon, but not more often than a person can read. */
export function news() {
  if (running) {
    again = true;
    return;
  }
  clearTimeout(timer);
  timer = window.setTimeout(() => { newsReal = performance.now(); poll(); }, Math.max(0, newsReal + NEWS_MS - performance.now()));
}

/** @param {MessageEvent} e */
function onTick(e) {
  const { cluster } = JSON.parse(e.data);
  if (!state.url.cluster || cluster === state.url.cluster) news();
}

/** A hidden tab listens to nothing: a browser has few connections to one origin. */
function listen() {
  if (document.hidden || stream || FILE) return;
  const s = new EventSource("/api/v1/events");
  stream = s;
  s.addEventListener("hello", () => { state.live = true; news(); });
  s.addEventListener("tick", onTick);
  for (const all of ["notes", "all"]) s.addEventListener(all, news);
  s.onerror = () => {
    state.live = false;
    if (s.readyState === EventSource.CLOSED) deafen(); // refused: no stream here, asking goes on
    news();
  };
}
function deafen() {
  stream?.close();
  stream = null;
  state.live = false;
}

/** Between answers time goes on, at the daemon's pace. */
function pass() {
  if (!state.live || document.hidden || state.misses || !state.answeredNow) return;
  const speed = state.estate?.daemon.speed || 1;
  const now = state.answeredNow + Math.min(60_000, performance.now() - state.answeredReal) * speed;
  if (now > state.now) state.now = now;
  changed();
}

/** @param {() => void} drawPage */
export function start(drawPage) {
  draw = drawPage;
  state.url = readUrl();
  addEventListener("popstate", () => arrive({ ...state.url }));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return deafen();
    poll();
    listen();
  });
  const painted = () => {
    if (state.drawings || !drawing) return;
    drawing = false;
    if (state.estate || state.errors.estate) drawNow();
  };
  new PerformanceObserver(painted).observe({ type: "paint", buffered: true });
  setTimeout(painted, FIRST_PAINT_MS);
  setTimeout(() => {
    poll();
    listen();
  });
  setTimeout(() => { if (state.loading) changed(); }, 310);
  setInterval(() => {
    if (state.misses) changed();
    else pass();
  }, 1000);
}
