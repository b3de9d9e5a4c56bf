// Limits ahead: what there may be of what a cluster uses, and when the trend of its daily peaks reaches it.

import { h, name } from "./dom.js";
import { NBSP, num, percent, shortId } from "./format.js";
import { state } from "./store.js";
import { verdictLine } from "./verdict.js";

/** @param {import("./api.js").Limit} l @param {string | null} at @param {import("./format.js").Clock} clock */
const reached = (l, at, clock) => at ? clock.day(Date.parse(at)) : l.now >= l.limit ? "now" : h("span", { class: "quiet" }, l.growth_a_day === null ? l.days_known + " of " + l.days_needed + " days" : "> " + l.days_ahead + " days");

/** @param {import("./format.js").Clock} clock @param {any} fail */
export function limitsView(clock, fail) {
  const list = state.limits?.limits || [];
  if (!state.limits && !fail) return null;
  const heads = [["Limit", ""], ["Now", "n"], ["At most", "n"], ["Used", "n wide-only"], ["Peak of 7 days", "n wide-only"], ["As early as", "n"], ["Likely", "n"], ["Verdict", "pad wide-only"]];
  return h("section", { key: "limits", "aria-labelledby": "limits-head" },
    h("div", { class: "head" }, h("h2", { id: "limits-head" }, "Limits"), h("span", { class: "quiet" }, "when the trend of daily peaks reaches them")), fail,
    list.length
      ? h("div", { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "Limits as a table" }, h("table", { class: "limits" },
        h("thead", null, h("tr", null, heads.map(([t, cls]) => h("th", { key: t, scope: "col", class: cls }, t)))),
        h("tbody", null, list.map((l) => h("tr", { key: l.kind + l.name, "data-limit": l.name },
          h("td", { title: l.name, css: { "min-width": "110px" } }, l.kind === "quota" ? "quota " : null, name(shortId(l.name), 34)), h("td", { class: "n" }, num(l.now)), h("td", { class: "n" }, num(l.limit)), h("td", { class: "n wide-only" }, percent(l.now, l.limit)),
          h("td", { class: "n wide-only" }, l.peak_7d === null ? "–" : num(l.peak_7d)), h("td", { class: "n" }, reached(l, l.reached_q90, clock)), h("td", { class: "n" }, reached(l, l.reached_q50, clock)),
          h("td", { class: "pad wide-only" }, verdictLine(l.fact, l.verdict)))))))
      : fail ? null : h("p", { class: "empty" }, "The policy sets no fleet a max, and no" + NBSP + "quota is known."));
}
