// What is only on paper: the addresses of links, as numbered notes at the end, for whoever cannot press one there.

import { h, render } from "./dom.js";
import { state } from "./store.js";

const CONTROLS = "nav, .ranges, .tabs, .button, .link, .ask";
const NOTES = /** @type {HTMLElement} */ (document.getElementById("notes"));
let noted = false;

/** After a drawing: each address once, by the order of its first link. Those of a file lead nowhere from paper. */
export function notes() {
  if (!state.printing && !noted) return;
  noted = state.printing;
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const a of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#main a[href]"))) {
    delete a.dataset.note;
    if (!state.printing || !a.href || !/^https?:/.test(a.href) || a.closest(CONTROLS)) continue;
    if (!seen.has(a.href)) seen.set(a.href, seen.size + 1);
    a.dataset.note = String(seen.get(a.href));
  }
  render(NOTES, [...seen.keys()].map((url) => h("li", { key: url }, url)));
}
