// "fact -> verdict" as the page writes it: one text for the eye, for copying and for find.

import { h } from "./dom.js";
import { Clock, shortId, splitVerdict } from "./format.js";
import { state } from "./store.js";

/** "fact -> verdict" for the eye and for copying alike. @param {string} fact @param {string} verdict */
export const verdictLine = (fact, verdict) => [
  h("span", { class: "fact-text" }, ids(fact)),
  verdict ? [h("span", { class: "to" }, " -> "), h("span", { class: "verdict" }, ids(verdict))] : null,
];

/** @param {string} text */
export function reasonLine(text) {
  const { fact, verdict } = splitVerdict(text);
  return verdictLine(fact, verdict);
}

/** Ids inside a sentence are shortened, times are the reader's; the whole is in the title. @param {string} text */
function ids(text) {
  const out = [], clock = new Clock(state.url.tz === "utc");
  let from = 0;
  for (const m of text.matchAll(/\b(?:i|sfr)-[0-9a-f][0-9a-f-]{11,}\b|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g)) {
    const at = Date.parse(m[0]);
    out.push(text.slice(from, m.index), Number.isNaN(at) ? h("span", { class: "nowrap", title: m[0] }, shortId(m[0])) : h("time", { class: "nowrap", datetime: m[0], title: clock.full(at) }, clock.at(at, state.now)));
    from = m.index + m[0].length;
  }
  out.push(text.slice(from));
  return h("bdi", null, out);
}
