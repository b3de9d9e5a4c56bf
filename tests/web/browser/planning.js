// Planning against the real thing: a what-if is asked for by keyboard, runs as a child of the demo, and its numbers are those of the API.

import assert from "node:assert/strict";
import { test } from "node:test";

/** @param {any} t */
export function planning({ browser, world, text, num }) {
  const median = (/** @type {number[]} */ v) => { const s = [...v].sort((a, b) => a - b); return (s[(s.length - 1) >> 1] + s[s.length >> 1]) / 2; };
  const state = async () => (await (await fetch(world().url + "api/v1/simulate")).json()).run;

  test("planning: more demand is asked for by keyboard alone, runs, and the table says what the API says", async () => {
    const page = await browser.open(world().url);
    await page.goto(world().url);
    await page.waitForSelector("a.row");
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await page.waitForSelector("form.ask");
    assert.equal((await page.where()).pathname, "/planning");
    for (let i = 0; i < 40 && (await page.evaluate(() => document.activeElement?.id)) !== "ask-growth"; i++) await page.keyboard.press("Tab");
    await page.keyboard.type("1.5");
    await page.keyboard.press("Enter");
    await page.waitForSelector("table.compared", { timeout: 120_000 });
    const run = await state();
    assert.equal(run.state, "done");
    assert.equal(run.ask.scale, "all=1.5");
    assert.match(await text(page, "pre"), /--scale all=1.5/);
    const cell = async (/** @type {string} */ line, /** @type {number} */ i) => num(await text(page, `[data-line="${line}"] td >> nth=${i}`));
    const masu = (/** @type {any} */ d) => d.runs.filter((/** @type {any} */ r) => r.policy === "masu");
    const month = (/** @type {any} */ d) => median(masu(d).map((/** @type {any} */ r) => (r.cost_usd_micro / 1e6 / (d.for_s - d.warmup_s)) * 730 * 3600));
    assert.ok(Math.abs((await cell("cost", 0)) - month(run.today)) < 1);
    assert.ok(Math.abs((await cell("cost", 1)) - month(run.change)) < 1);
    assert.ok(month(run.change) > 1.1 * month(run.today));
    assert.ok(Math.abs((await cell("instances", 1)) - median(masu(run.change).map((/** @type {any} */ r) => r.instances_mean))) < 0.06);
    const marks = await page.locator("table.compared tbody tr").evaluateAll((/** @type {any[]} */ all) => all.map((r) => [r.cells[3].innerText, r.querySelector("svg .l-ink").getAttribute("x1")]));
    assert.deepEqual(marks.filter(([said, x]) => (said === "–") !== (x === "60")), [], "what reads the same is marked in the middle");
    assert.match(await text(page, "#sentence"), /It would cost \$[\d,.]+ a month more/);
    await page.looks("planning");
    await page.done();
  });

  test("planning: the result stays for the next reader, fits a phone and the dark; a wrong ask is said", async () => {
    const page = await browser.open(world().url, { width: 390, theme: "dark", expect: /400/ });
    await page.goto(world().url + "planning");
    await page.waitForSelector("table.compared");
    await page.noOverflow();
    await page.accessible();
    await page.shot("planning-dark-390");
    await page.fill("#ask-scale", "web");
    await page.fill("#ask-headroom_percent", "400");
    await page.click("form.ask button[type=submit]");
    await page.waitForSelector("form.ask [role=alert]");
    assert.match(await text(page, "form.ask [role=alert]"), /headroom_percent: a number from 0 to 100/);
    await page.done();
  });

  test("planning: one that runs shows how far it is, and is cancelled", async () => {
    const page = await browser.open(world().url);
    await page.goto(world().url + "planning");
    await page.waitForSelector("form.ask");
    await page.selectOption("#ask-everybody", "yes");
    await page.selectOption("#ask-seeds", "5");
    await page.fill("#ask-growth", "8");  // long enough for a click
    await page.click("form.ask button[type=submit]");
    await page.waitForSelector("progress");
    await page.locator("form.ask button", { hasText: "Cancel" }).click();
    await page.waitForSelector("progress", { state: "detached" });
    assert.equal((await state()).state, "cancelled");
    await page.waitForFunction(() => /was cancelled/.test(document.querySelector("#sentence")?.textContent || ""));
    await page.done();
  });
}
