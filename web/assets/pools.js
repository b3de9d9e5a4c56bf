// What the fleets can launch: a pool is a type in a zone. What it costs, holds, has now, and what masu remembers of it.

import { h } from "./dom.js";
import { count, gib, num, shortId, shortZone, usdPerHour, vcpu } from "./format.js";
import { changed, state } from "./store.js";

/** @typedef {import("./api.js").Pool} Pool */

const FEW = 12;
const WHY = /** @type {Record<string, string>} */ ({ interrupted: "interrupted", out_of_stock: "out of stock", slow: "slow to register", warned: "warned", zone_down: "zone down" });
const at = (/** @type {string | null} */ s) => (s ? Date.parse(s) : 0);

/** What is wrong with it now, and what was. @param {Pool} p @param {import("./format.js").Clock} clock */
function words(p, clock) {
  const out = [];
  if (p.full_subnets === p.subnets) out.push("no free address in its " + (p.subnets > 1 ? "subnets" : "subnet") + ": nothing can launch");
  else if (p.full_subnets) out.push("no free address in " + num(p.full_subnets) + " of " + num(p.subnets) + " subnets");
  if (p.placement_score) out.push("placement score " + num(p.placement_score.score) + " of 10 " + clock.at(at(p.placement_score.at), state.now));
  const m = p.memory;
  if (m) {
    const what = m.why.map((w) => WHY[w] || w).join(", ") + " " + clock.at(at(m.last), state.now) + (m.failures > 1 ? ", " + count(m.failures, "failure") : "");
    out.push(m.avoided_until ? "avoided until " + clock.at(at(m.avoided_until), state.now) + ": " + what : what);
  }
  return out.join("; ");
}

/** @param {Pool} p @param {import("./format.js").Clock} clock */
function row(p, clock) {
  const key = p.type + " " + p.zone;
  const said = words(p, clock);
  const bad = p.full_subnets > 0 || !!p.memory?.avoided_until;
  const price = (/** @type {number | null} */ x) => (x === null ? h("span", { class: "quiet" }, "–") : usdPerHour(x));
  const size = (/** @type {(r: import("./api.js").Res) => string} */ f) => (!p.capacity ? h("span", { class: "quiet" }, "–")
    : p.measured ? f(p.capacity) : h("span", { class: "quiet", title: "reckoned from the type: none of it has registered yet" }, h("span", { class: "unseen" }, "about "), "≈", f(p.capacity)));
  const members = p.spot_instances + p.on_demand_instances;
  return [
    h("tr", { key, class: said ? "more" : "" },
      h("td", { class: "nowrap" }, p.type || "any type", " ", h("span", { class: "quiet", title: p.zone }, p.zone ? shortZone(p.zone) : ["any", h("span", { class: "wide-only" }, " zone")])),
      h("td", { class: "n" }, members ? num(members) : h("span", { class: "quiet" }, "0"), p.on_demand_instances ? h("span", { class: "quiet wide-only" }, " (" + num(p.on_demand_instances) + " on demand)") : null),
      h("td", { class: "n" }, price(p.spot_usd_micro_per_hour)), h("td", { class: "n wide-only" }, price(p.on_demand_usd_micro_per_hour)),
      h("td", { class: "n" }, size((r) => vcpu(r.cpu_units))), h("td", { class: "n" }, size((r) => gib(r.memory_mib))),
      h("td", { class: "n wide-only" }, p.eni_slots === null ? "–" : num(p.eni_slots))),
    said ? h("tr", { key: key + " words" }, h("td", { colspan: 7, class: bad ? "amber" : "quiet" }, said)) : null,
  ];
}

/** @param {import("./api.js").ClusterFull} c @param {import("./format.js").Clock} clock @param {any} fail */
export function poolsView(c, clock, fail) {
  const all = state.pools?.pools || [];
  if (!all.length && !fail) return null;
  const parts = c.fleets.map((f) => ({ f, list: all.filter((p) => p.fleet === f.id) })).filter((x) => x.list.length);
  const more = parts.some((x) => x.list.length > FEW);
  const head = [["Pool", ""], ["Members", "n"], ["Spot/h", "n"], ["On demand/h", "n wide-only"], ["vCPU", "n"], ["GiB", "n"], ["Task ENIs", "n wide-only"]];
  return h("section", { key: "pools", "aria-labelledby": "pools-head" },
    h("div", { class: "head" }, h("h2", { id: "pools-head" }, "Pools"), h("span", { class: "quiet" }, "what the fleets can launch, what an instance registers, and what failed lately")),
    fail, all.length ? h("div", { class: "scroll-x" }, h("table", { class: "pools" },
      h("thead", null, h("tr", null, head.map(([t, cls]) => h("th", { class: cls, scope: "col" }, t)))),
      parts.map(({ f, list }) => h("tbody", { key: f.id, class: parts.length > 1 ? "group" : "" },
        parts.length > 1 ? h("tr", { key: "fleet" }, h("th", { colspan: 7, scope: "rowgroup" }, h("span", { title: f.id }, shortId(f.id)))) : null,
        (state.ui.allPools ? list : list.slice(0, FEW)).map((p) => row(p, clock)))))) : null,
    all.some((p) => !p.zone) ? h("p", { class: "note" }, "A pool of any zone has no placement score: EC2 scores one zone at a time (SingleAvailabilityZone).") : null,
    more ? h("p", null, h("button", { class: "link", onclick: () => { state.ui.allPools = !state.ui.allPools; changed(); } }, state.ui.allPools ? "the first " + FEW + " of each fleet" : "all " + num(all.length) + " pools")) : null);
}
