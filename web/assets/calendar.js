// The calendar: what people said will come, when each is next, and what it asks for.

import { h, name } from "./dom.js";
import { num } from "./format.js";
import { state } from "./store.js";

/** @typedef {import("./api.js").Occasion} Occasion */

const at = (/** @type {string} */ s) => Date.parse(s);

/** The entries of one cluster, whatever the answer holds. @param {{ name: string, account: string, region: string }} c @returns {Occasion[]} */
export const entriesOf = (c) => (state.calendar?.entries || []).filter((e) => e.cluster === c.name && (!e.region || !c.region || e.region === c.region) && (!e.account || !c.account || e.account === c.account));

/** When it comes, in the words of the policy. @param {Occasion} e */
function when(e) {
  const hours = e.from && e.to ? ", " + e.from + " to " + e.to : "";
  if (e.date) return e.date + " each year" + hours + ", " + e.zone;
  if (e.zone) return (e.days || "every day") + hours + ", " + e.zone;
  return "once";
}

/** @param {Occasion} e */
function asks(e) {
  const least = [e.at_least.vcpus && num(e.at_least.vcpus) + " vCPU", e.at_least.memory_gib && num(e.at_least.memory_gib) + " GiB", e.at_least.instances && num(e.at_least.instances) + " instances’ worth"].filter(Boolean);
  const times = e.times === 1 ? "" : (e.times === 2 ? "twice" : num(e.times, 2) + " times") + " the forecast";
  return [times, least.length ? "room for at least " + least.join(", ") : ""].filter(Boolean).join("; ");
}

/** @param {import("./api.js").ClusterFull} c @param {import("./format.js").Clock} clock @param {any} fail */
export function calendarView(c, clock, fail) {
  const list = entriesOf(c);
  if (!state.calendar && !fail) return null;
  return h("section", { key: "calendar", "aria-labelledby": "calendar-head" },
    h("div", { class: "head" }, h("h2", { id: "calendar-head" }, "Calendar"), h("span", { class: "quiet" }, "what is known ahead; ordered a boot before, it only ever adds")), fail,
    list.length
      ? h("div", { class: "scroll-x" }, h("table", { class: "calendar" },
        h("thead", null, h("tr", null, [["Entry", ""], ["Next", "pad"], ["Asks for", "pad"], ["When", "pad wide-only"]].map(([t, cls]) => h("th", { key: t, scope: "col", class: cls }, t)))),
        h("tbody", null, list.map((e) => {
          const next = e.next[0];
          return h("tr", { key: e.name, "data-entry": e.name }, h("td", null, name(e.name, 30)),
            h("td", { class: "pad" }, !next ? h("span", { class: "quiet" }, "over") : next.now ? [h("b", null, "now"), " until " + clock.at(at(next.end), state.now)] : clock.at(at(next.start), state.now) + " to " + clock.at(at(next.end), state.now)),
            h("td", { class: "pad" }, asks(e)), h("td", { class: "pad wide-only quiet" }, when(e)));
        }))))
      : fail ? null : h("p", { class: "empty" }, "Nothing is known ahead. An entry of calendar in the policy names a time at which more is wanted."));
}

/** Diamonds for the chart: what begins or holds between two times. @param {{ name: string, account: string, region: string }} c @param {number} from @param {number} to */
export const calendarMarks = (c, from, to) =>
  entriesOf(c).flatMap((e) => [...(e.past || []), ...e.next].filter((n) => at(n.end) > from && at(n.start) < to)
    // the name is isolated: it may be of any direction
    .map((n) => ({ at: Math.max(from, at(n.start)), text: "\u2068" + (e.name.length > 22 ? e.name.slice(0, 21) + "…" : e.name) + "\u2069" }))).sort((a, b) => a.at - b.at);
