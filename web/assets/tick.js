// One tick: why exactly this? Sentence, actions with money, call and outcome, the instances it touches as it saw them, demand, and
// every candidate with its one verdict; then bounds, the age of each source, and the lines that repeat it.

import { bands, boxBody, boxWidth, shares } from "./box.js";
import { hues } from "./boxes.js";
import { h, name } from "./dom.js";
import { count, counted, duration, num, shortId, shortZone, usdPerHour, vcpu, gib } from "./format.js";
import { changed, href, state } from "./store.js";
import { verdictLine } from "./verdict.js";
import { sourceName, actLines } from "./words.js";

/** @typedef {import("./api.js").Explain} Explain */
/** @typedef {import("./api.js").Explained} Explained */

const FEW = 40;
const BOXES_MAX = 12;
const KINDS = /** @type {[string, string][]} */ ([["cluster", "The cluster"], ["shape", "Demand"], ["fleet", "Fleets and pools"], ["instance", "Instances"]]);
const DID = /** @type {Record<string, [string, string]>} */ ({
  drain: ["drain", "drains"], undrain: ["drain undone", "drains undone"], terminate: ["instance ended", "instances ended"], set_target: ["target set", "targets set"],
  launch: ["launch", "launches"], mark: ["instance marked", "instances marked"], unmark: ["mark taken off", "marks taken off"],
});
const link = (/** @type {number} */ tick) => href({ page: "tick", tick: String(tick), focus: "", cluster: state.url.cluster, region: state.url.region, account: state.url.account }, true);
const mono = (/** @type {string} */ id) => h("bdi", { class: "id", title: id }, shortId(id));

/** @param {Explain} e */
function sentence(e) {
  if (e.error) return h("span", { class: "red" }, "The tick ended early: " + e.error.replace(/\.?$/, "."));
  const by = new Map();
  for (const a of e.actions) by.set(a.kind, (by.get(a.kind) || 0) + 1);
  const did = [...by].map(([k, n]) => count(n, ...(DID[k] || [k, k])));
  const bad = e.actions.filter((a) => a.outcome === "failed" || a.outcome === "skipped").length;
  const dry = e.dry_run ? " A dry run: nothing of it was executed." : bad ? "" : e.actions.length ? " All done." : "";
  const waits = e.summary?.waiting_tasks || 0;
  return [
    waits ? [h("span", { class: "red" }, counted(waits, "task waited", "tasks waited") + "."), " "] : null,
    e.actions.length ? [h("b", null, counted(e.actions.length, "act") + ": " + did.join(", ") + "."), bad ? h("span", { class: "red" }, " " + counted(bad, "call") + " did not succeed.") : dry] : h("b", null, "Nothing was done" + (waits ? "." : ": every task has a place.")),
    " " + counted(e.verdicts.length, "candidate was", "candidates were") + " judged" + (e.capped.length ? ", " + count(e.capped.length, "act") + " held to a bound" : "") + ".",
  ];
}

/** @param {Explain} e */
function actions(e) {
  if (!e.actions.length) return null;
  const row = (/** @type {any} */ a, /** @type {number} */ i) => {
    const line = actLines([a], e.dry_run)[0];
    const took = a.began && a.finished ? Date.parse(a.finished) - Date.parse(a.began) : null;
    const call = a.before === null || a.before === undefined || a.after === null || a.after === undefined ? "" : ", " + num(a.before) + " to " + num(a.after);
    const tone = a.outcome === "failed" ? "red" : a.outcome === "ok" ? "" : "amber";
    return h("tr", { key: i },
      h("td", { class: "glyph " + line.tone, "aria-hidden": "true" }, line.glyph), h("td", { class: "why" }, line.of ? [mono(line.of), ": "] : null, verdictLine(a.fact, line.verdict)),
      h("td", { class: "n money" }, a.hourly_delta_usd_micro ? (a.hourly_delta_usd_micro > 0 ? "+" : "") + usdPerHour(a.hourly_delta_usd_micro) + "/h" : "–"),
      h("td", { class: "call" }, a.kind + " ", mono(a.target), call),
      h("td", { class: "n outcome " + tone }, a.outcome === null ? "no answer yet" : (a.outcome === "ok" ? "done" : a.outcome.replace("_", " ")) + (took === null || took < 0 ? "" : ", " + num(took) + " ms"), a.outcome_detail ? h("div", { class: "quiet" }, a.outcome_detail) : null));
  };
  return h("section", { key: "acts", "aria-labelledby": "acts-head" }, h("div", { class: "head" }, h("h2", { id: "acts-head" }, "Actions")),
    h("div", { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "Actions" }, h("table", { class: "acts" }, h("thead", null, h("tr", null, h("th", { class: "glyph" }, h("span", { class: "unseen" }, "kind")), h("th", { scope: "col" }, "Action and reason"), h("th", { class: "n", scope: "col" }, "Money"), h("th", { class: "call", scope: "col" }, "Call"), h("th", { class: "n", scope: "col" }, "Outcome"))),
      h("tbody", null, e.actions.map(row)))));
}

/** An instance of the journal in the clothes of the API's. @param {any} i @param {any} s @param {string[]} rank */
export function dressed(i, s, rank) {
  const shapes = new Map(s.shapes.map((/** @type {any} */ x) => [x.name, x.need]));
  const daemons = new Set(s.services.filter((/** @type {any} */ x) => x.kind === "DAEMON").map((/** @type {any} */ x) => x.name));
  const holdings = (i.tasks || []).map((/** @type {any} */ t) => ({ service: t.service ? rank.indexOf(t.service) : -1, shape: t.shape || "", cpu_units: shapes.get(t.shape)?.cpu_units || 0, memory_mib: shapes.get(t.shape)?.memory_mib || 0,
    running: t.running || 0, pending: t.pending || 0, stopping: t.stopping || 0, protected: t.protected || 0, daemon: daemons.has(t.service) }));
  const free = i.remaining || {};
  const box = i.notice_at ? "interrupted" : i.ecs === "DRAINING" ? "draining" : !i.registered ? "coming" : "active";
  return /** @type {any} */ ({ id: i.id, type: i.type, zone: i.zone || "", box, spot: i.spot !== false, holdings, capacity: i.registered ? { cpu_units: i.registered.cpu_units || 0, memory_mib: i.registered.memory_mib || 0 } : null,
    reserved: i.registered ? { cpu_units: (i.registered.cpu_units || 0) - (free.cpu_units || 0), memory_mib: (i.registered.memory_mib || 0) - (free.memory_mib || 0) } : null, launched: i.launched_at || null });
}

/** Services by what they reserve in this snapshot. @param {any} s */
export function ranked(s) {
  const shapes = new Map(s.shapes.map((/** @type {any} */ x) => [x.name, x.need?.cpu_units || 0]));
  const cpu = new Map(s.services.map((/** @type {any} */ x) => [x.name, 0]));
  for (const i of s.instances) for (const t of i.tasks || []) if (cpu.has(t.service)) cpu.set(t.service, cpu.get(t.service) + (t.running || 0) * (shapes.get(t.shape) || 0));
  return [...cpu].sort((a, b) => b[1] - a[1]).map(([n]) => n);
}

/** What this tick touches, as it saw it. @param {Explain} e @param {any} s snapshot */
function boxes(e, s) {
  if (!s) return null;
  const ids = new Set([...e.actions.flatMap((/** @type {any} */ a) => [a.instance, a.target]), ...e.drains.map((/** @type {any} */ d) => d.instance)].filter(Boolean));
  const all = s.instances.filter((/** @type {any} */ i) => ids.has(i.id));
  if (!all.length) return null;
  const rank = ranked(s);
  const hue = hues(rank.filter((n) => !s.services.some((/** @type {any} */ x) => x.name === n && x.kind === "DAEMON")), e.account + "/" + e.region + "/" + e.cluster);
  const one = (/** @type {any} */ i) => {
    const it = dressed(i, s, rank);
    const w = boxWidth(it, 58);
    const words = it.box === "active" ? shares(it) : it.box === "coming" ? "boots" : it.box;
    return h("figure", { key: it.id }, h("figcaption", null, mono(it.id), h("br"), h("span", { class: "quiet" }, it.type + " " + shortZone(it.zone))),
      h("svg", { width: w, height: 68, viewBox: `0 0 ${w} 68`, role: "img", "aria-label": it.id + ", " + it.type + ", " + words + ", " + count(it.holdings.reduce((/** @type {number} */ n, /** @type {any} */ x) => n + x.running + x.pending, 0), "task") },
        h("g", { transform: "translate(1 2)" }, boxBody(it, bands(it, rank, hue), w - 2, 62, { bands: true }))), h("div", { class: "cap " + (it.box === "interrupted" ? "red" : it.box === "draining" ? "amber" : "") }, words));
  };
  return h("section", { key: "boxes", "aria-labelledby": "touch-head" },
    h("div", { class: "head" }, h("h2", { id: "touch-head" }, "What it touches"), h("span", { class: "quiet" }, "as the tick saw it; " + num(s.instances.length - all.length) + " others unchanged")),
    h("div", { class: "touched" }, all.slice(0, BOXES_MAX).map(one), all.length > BOXES_MAX ? h("p", { class: "note" }, num(all.length - BOXES_MAX) + " more") : null));
}

/** @param {Explain} e */
function demand(e) {
  const cell = (/** @type {string} */ of, /** @type {any} */ d, tone = "") => h("td", { class: "n " + (d[of] ? tone : "quieter"), "data-of": of }, d[of] ? num(d[of]) : "–");
  return h("section", { key: "demand", "aria-labelledby": "demand-head" }, h("div", { class: "head" }, h("h2", { id: "demand-head" }, "Demand"), h("span", { class: "quiet" }, "what needs a place, and where it has one")),
    e.demands.length ? h("div", { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "Demand" }, h("table", { class: "demand" }, h("thead", null, h("tr", null, ["Service", "Missing", "Leaving", "Headroom", "Fits", "Waits", "Ordered", "Never"].map((t, i) => h("th", { class: i ? "n" : "", scope: "col" }, t)))),
      h("tbody", null, e.demands.map((/** @type {any} */ d, /** @type {number} */ i) => h("tr", { key: i }, h("td", null, name(d.service || d.shape || "standalone", 30)), cell("missing", d, "red"), cell("leaving", d), cell("headroom", d), cell("fits", d), cell("waits", d, "red"), cell("ordered", d, "green"), cell("never", d, "amber strong"))))))
      : h("p", { class: "empty" }, e.summary ? "Nothing needs a place." : "Not known: the look failed."));
}

/** Candidates of one kind with one verdict and one fact are one line. @param {any[]} list */
function alike(list) {
  const by = new Map();
  for (const v of list) {
    const key = v.code + "\n" + v.fact.replaceAll(v.target, "") + "\n" + v.verdict;
    const have = by.get(key);
    if (have) have.targets.push(v.target);
    else by.set(key, { ...v, targets: [v.target] });
  }
  return [...by.values()];
}

/** @param {Explain} e */
function whyNot(e) {
  let left = state.ui.allVerdicts ? Infinity : FEW;
  const parts = KINDS.map(([kind, title]) => ({ title, all: e.verdicts.filter((v) => v.kind === kind) })).filter((p) => p.all.length).map((p) => {
    const lines = alike(p.all);
    const shown = lines.slice(0, Math.max(0, left));
    left -= lines.length;
    return { ...p, lines: shown };
  });
  const hidden = e.verdicts.length > FEW && left < 0;
  return h("section", { key: "whynot", "aria-labelledby": "whynot-head" }, h("div", { class: "head" }, h("h2", { id: "whynot-head" }, "Why, and why not"), h("span", { class: "quiet" }, "every candidate has one verdict")),
    parts.length ? parts.map((p) => p.lines.length ? [h("h3", { key: p.title, class: "kind" }, p.title, h("span", { class: "quiet" }, " " + num(p.all.length))),
      h("dl", { class: "verdicts", key: p.title + " list" }, p.lines.map((v, i) => [h("dt", { key: i }, v.targets.length > 1 ? h("span", { title: v.targets.slice(0, 20).join(", ") }, num(v.targets.length) + " alike") : v.kind === "cluster" ? "all" : /^(i|sfr|fleet)-/.test(v.target) ? mono(v.target) : name(v.target, 30)), h("dd", { key: i + "d" }, verdictLine(v.fact, v.verdict))]))] : null)
      : h("p", { class: "empty" }, "No candidate was judged."),
    hidden || state.ui.allVerdicts ? h("p", null, h("button", { class: "link", onclick: () => { state.ui.allVerdicts = !state.ui.allVerdicts; changed(); } }, state.ui.allVerdicts ? "the first lines" : "all " + num(e.verdicts.length) + " verdicts")) : null);
}

/** @param {Explain} e */
function bounds(e) {
  return h("section", { key: "bounds", "aria-labelledby": "bounds-head" }, h("div", { class: "head" }, h("h2", { id: "bounds-head" }, "Bounds")),
    e.capped.length ? h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col" }, "Rule"), h("th", { class: "n", scope: "col" }, "Wanted"), h("th", { class: "n", scope: "col" }, "Allowed"))),
      h("tbody", null, e.capped.map((/** @type {any} */ c, /** @type {number} */ i) => h("tr", { key: i }, h("td", null, verdictLine(c.fact, c.verdict)), h("td", { class: "n" }, num(c.wanted ?? 0)), h("td", { class: "n amber" }, num(c.allowed ?? 0))))))
      : h("p", { class: "empty" }, verdictLine("no act met a bound of the policy", "nothing capped")));
}

/** @param {Explain} e */
const facts = (e) => h("section", { key: "facts", "aria-labelledby": "facts-head" }, h("div", { class: "head" }, h("h2", { id: "facts-head" }, "What it knew"), e.facts ? h("span", { class: "quiet" }, [count(e.facts.instances, "instance"), count(e.facts.services, "service"), count(e.facts.tasks, "task"), count(e.facts.fleets, "fleet")].join(", ")) : null),
  e.facts ? h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col" }, "Source"), h("th", { class: "n", scope: "col" }, "Age"), h("th", { scope: "col", class: "complete" }, "Complete"))),
    h("tbody", null, e.facts.sources.map((s) => h("tr", { key: s.source }, h("td", null, sourceName(s.source)), h("td", { class: "n" }, s.age_ms === null ? "–" : s.age_ms < 10_000 ? num(s.age_ms / 1000, 1, 1) + " s" : duration(s.age_ms)), h("td", { class: "complete " + (s.state === "ok" ? "" : "amber strong") }, s.state === "ok" ? "yes" : s.state + (s.detail ? ": " + s.detail : ""))))))
    : h("p", { class: "empty" }, "The look at AWS failed."));

/** @param {Explain} e */
const again = (e) => h("section", { key: "again", "aria-labelledby": "again-head" }, h("div", { class: "head" }, h("h2", { id: "again-head" }, "Again")),
  h("pre", null, "masu explain " + e.tick + "\nmasu explain " + e.tick + " --candidate ID\nmasu replay " + e.tick),
  state.file ? null : h("p", null, h("a", { href: "/api/v1/ticks/" + e.tick }, "snapshot, plan and memo as JSON")));

/** @param {Explain} e */
const summary = (e) => (e.summary ? h("p", { class: "quiet" }, [count(e.summary.instances, "instance") + (e.summary.draining ? ", " + num(e.summary.draining) + " draining" : "") + (e.summary.coming ? ", " + num(e.summary.coming) + " booting" : ""), vcpu(e.summary.reserved.cpu_units) + " of " + vcpu(e.summary.capacity.cpu_units) + " vCPU and " + gib(e.summary.reserved.memory_mib) + " of " + gib(e.summary.capacity.memory_mib) + " GiB reserved", usdPerHour(e.summary.hourly_usd_micro) + "/h"].join(" · ")) : null);

/** @param {import("./format.js").Clock} clock @param {any} fail */
export function tickView(clock, fail) {
  const t = /** @type {Explained | null} */ (state.tick);
  const cluster = h("a", { href: href({ page: "cluster", cluster: state.url.cluster, region: state.url.region, account: state.url.account }, true), "data-go": "" }, name(state.url.cluster, 40));
  if (!t) {
    const gone = state.errors.tick?.status === 404;
    return h("div", { class: "tick-page" }, h("div", { class: "title" }, h("h1", { id: "title" }, "Tick ", name(state.url.tick, 20)), h("span", null, cluster)),
      gone ? h("p", { class: "sentence" }, "The journal has no such tick of this cluster: it was pruned, or is not yet. ", cluster) : fail || (performance.now() - state.startedReal > 300 ? h("div", { class: "shape tall" }) : null));
  }
  const e = t.explain;
  const at = Date.parse(e.at);
  const step = (/** @type {number | null} */ id, /** @type {string} */ key, /** @type {string} */ word) => (id ? h("a", { href: link(id), "data-go": "", id: "tick-" + word, title: word + " tick (" + key + ")" }, (word === "previous" ? "← " : "") + num(id) + (word === "next" ? " →" : "")) : null);
  return h("div", { class: "tick-page" },
    h("div", { class: "title" }, h("h1", { id: "title" }, "Tick " + num(e.tick)), e.dry_run ? h("span", { class: "tag" }, "dry run") : e.mode !== "act" ? h("span", { class: "tag" }, e.mode) : null,
      h("span", null, cluster, h("span", { class: "quiet" }, " · " + [clock.full(at), "policy " + e.policy_hash.slice(0, 7), num(e.duration_ms) + " ms"].join(" · "))),
      h("span", { class: "steps" }, step(t.previous, "[", "previous"), " ", step(t.next, "]", "next"))),
    h("p", { class: "sentence", id: "sentence" }, sentence(e)), summary(e), fail, actions(e), boxes(e, t.snapshot),
    h("div", { class: "halves" }, h("div", null, demand(e), bounds(e), facts(e), again(e)), h("div", null, whyNot(e))));
}
