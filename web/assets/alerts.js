// What people should know or do, and who holds masu back: the words and the list.

import { h, name } from "./dom.js";
import { count, duration, shortId } from "./format.js";
import { href, state } from "./store.js";
import { verdictLine } from "./verdict.js";

/** @typedef {import("./api.js").Alert} Alert */
/** @typedef {import("./format.js").Clock} Clock */

const HELD = /** @type {Record<string, { word: string, means: string }>} */ ({
  pause: { word: "paused", means: "only replaces what AWS takes, adds and removes nothing" },
  freeze: { word: "frozen", means: "changes nothing at all" },
  "add-only": { word: "add only", means: "only adds, removes nothing" },
});
/** What a control is called beside the name. @param {import("./api.js").Control | null | undefined} c */
export const heldWord = (c) => (c ? HELD[c.mode]?.word || c.mode : "");

/** Who, since when, until when, and why. @param {import("./api.js").Control} c @param {Clock} clock */
export const heldBy = (c, clock) =>
  c.who + (c.since ? ", since " + clock.at(Date.parse(c.since), state.now) : "") + (c.until ? ", until " + clock.at(Date.parse(c.until), state.now) : "") + (c.why ? ": " + c.why : "");

/** One banner for clusters that are held alike. @param {import("./api.js").Cluster[]} list @param {Clock} clock */
export function controlBanners(list, clock) {
  /** @type {Map<string, import("./api.js").Cluster[]>} */
  const by = new Map();
  for (const c of list)
    if (c.control) {
      const key = JSON.stringify(c.control);
      by.set(key, [...(by.get(key) || []), c]);
    }
  return [...by].map(([key, clusters]) => {
    const control = /** @type {import("./api.js").Control} */ (clusters[0].control);
    const who = clusters.length === list.length && list.length > 1 ? "All clusters are " : clusters.length > 3 ? count(clusters.length, "cluster") + " are " : null;
    const names = clusters.map((c, i) => [i ? ", " : "", name(c.name, 40)]);
    return h("div", { class: "banner held", key: "control " + key }, h("b", null, who || [names, clusters.length > 1 ? " are " : " is "], heldWord(control) + ". "), verdictLine(heldBy(control, clock), HELD[control.mode]?.means || ""));
  });
}

/** @param {Alert} a */
export const toneOf = (a) => (a.severity === "critical" ? "red" : a.severity === "warning" ? "amber" : "quiet");

/** Shapes that can have no place and of which no alert speaks yet, in an alert's clothes. @param {import("./api.js").ClusterFull} c @returns {Alert[]} */
function unplaceable(c) {
  if (c.alerts.some((a) => a.id === "demand-incurable")) return [];
  return c.verdicts.filter((v) => v.kind === "shape" && v.code === "never_fits")
    .map((v) => ({ id: "never-fits", severity: "warning", cluster: c.name, account: c.account, region: c.region, target: v.target, since: null, what: v.fact, remedy: v.verdict }));
}

/** The list of a cluster's page: each alert with what to do, as a part that opens and closes. @param {import("./api.js").ClusterFull} c @param {Clock} clock */
export function alertList(c, clock) {
  const list = [...c.alerts, ...unplaceable(c)];
  if (!list.length) return null;
  const line = (/** @type {Alert} */ a) => {
    const instance = /^i-[0-9a-f]+$/.test(a.target);
    return h("li", { key: a.id + " " + a.target },
      h("details", { open: true }, h("summary", null, h("span", { class: "severity " + toneOf(a) }, a.severity), " ", h("span", { class: "what" }, a.what)),
        h("p", null, a.remedy),
        h("p", { class: "quiet" }, instance ? h("a", { class: "id", href: href({ focus: a.target }), title: a.target, "data-go": "", "data-keep": "" }, shortId(a.target)) : a.target.startsWith("sfr-") ? h("span", { title: a.target }, shortId(a.target)) : name(a.target || a.id, 40),
          a.since ? ["; since ", h("time", { datetime: a.since }, clock.at(Date.parse(a.since), state.now)), ", " + duration(state.now - Date.parse(a.since))] : null,
          "; ", h("span", { class: "id" }, a.id))));
  };
  return h("section", { class: "order-alerts", key: "alerts", "aria-labelledby": "alerts-head" },
    h("div", { class: "head" }, h("h2", { id: "alerts-head" }, "Alerts"), h("span", { class: "quiet" }, String(list.length))), h("div", { class: "rule" }),
    h("ul", { class: "alerts" }, list.map(line)));
}

/** The alerts of a cluster, or of the daemon (null), that ask for a look. @param {import("./api.js").Cluster | null} c @returns {Alert[]} */
export const alertsOf = (c) =>
  (state.alerts || []).filter((a) => a.severity !== "info" && (c ? a.cluster === c.name && a.region === c.region && a.account === c.account : a.cluster === null));
