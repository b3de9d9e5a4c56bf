// The page of one tick, and the page that is told what is new.

import assert from "node:assert/strict";
import { test } from "node:test";

/** @param {any} t */
export function tickPage({ on, api, text, num }) {
  test("tick: acts, demand and every candidate's verdict, as the API says", () => on("pictures", "clusters/production-web/ticks/48212", {}, async (page, world) => {
    await page.waitForSelector(".verdicts");
    const { explain } = await api(world, "/clusters/production-web/ticks/48212");
    assert.equal(num((await text(page, "#title")).replace("Tick", "")), 48212);
    assert.equal(await page.locator("table.acts tbody tr").count(), explain.actions.length);
    assert.match(await page.locator("table.acts").evaluate((/** @type {Element} */ e) => e.textContent), /13 tasks -> drain now.*fit on 0 of 20 instances, largest free 19\.3 GiB -> launch/);
    assert.match(await text(page, "table.acts"), /set_target sfr-7f2a…89ab, 176 to 184/);
    const judged = await page.locator(".verdicts dt").allInnerTexts();
    assert.equal(judged.reduce((/** @type {number} */ n, /** @type {string} */ d) => n + (/alike/.test(d) ? num(d) : 1), 0), explain.verdicts.length, "each candidate is there once");
    assert.match(await text(page, "section[aria-labelledby='bounds-head']"), /12 launches wanted.*12 10/);
    assert.equal(await page.locator(".touched figure").count(), 1);
    assert.equal(await page.locator(".touched .band.daemon").count(), 1, "a daemon is grey");
    await page.looks("tick");
    await page.asPhone("tick");
    await page.inView("table.acts");
    await page.inView("table.demand");
    assert.match(await text(page, "table.demand"), /^search-shard 2 1 2 1$/);
    assert.equal(await page.locator("table.demand td.n:visible").evaluateAll((/** @type {Element[]} */ all) => all.map((e) => getComputedStyle(e, "::before").content + e.textContent).join()), '"missing "2,"headroom "1,"waits "2,"ordered "1');
    assert.match(await text(page, "table.acts"), /\+\$0\.184\/h set_target sfr-7f2a…89ab, 176 to 184 done/);
  }));

  test("tick: from the decisions, to its neighbours and back, by keyboard alone; one that is gone says so", () => on("pictures", "clusters/production-web", { expect: /404/ }, async (page, world) => {
    const stamp = page.getByRole("link", { name: "tick 48,212" });
    await stamp.waitFor();
    await stamp.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".verdicts");
    assert.match((await page.where()).href, /\/clusters\/production-web\/ticks\/48212$/);
    await page.keyboard.press("[");
    await page.waitForFunction(() => document.querySelector("#title")?.textContent === "Tick 48,211");
    await page.waitForSelector(".verdicts");
    assert.match(await text(page, "#sentence"), /Nothing was done/);
    await page.keyboard.press("]");
    await page.waitForFunction(() => document.querySelector("#title")?.textContent === "Tick 48,212");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".box");
    await page.goto(world.url + "clusters/production-web/ticks/7");
    await page.waitForFunction(() => /no such tick/.test(document.querySelector(".sentence")?.textContent || ""));
  }));

  test("live: the page asks when it is told, and not before", () => on("pictures", "clusters/production-web", {}, async (page, world) => {
    await page.waitForSelector(".box");
    for (let asked = -1; asked !== world.asked(); await page.waitForTimeout(1500)) asked = world.asked(); // the first rounds, a second apart
    const asked = world.asked();
    await page.waitForTimeout(2500); // a page that is told nothing asks each 2 s
    assert.equal(world.asked(), asked, "nothing was new, and yet it asked");
    world.set("alerts");
    await page.waitForSelector(".alerts li");
    assert.ok(world.asked() > asked);
  }));
}
