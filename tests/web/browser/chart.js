// The chart of a cluster: its labels, and zoomed and moved by keyboard, by mouse and by fingers.

import assert from "node:assert/strict";
import { test } from "node:test";

/** @param {any} t */
export function chartOfCluster({ on, text }) {
  for (const width of [1280, 390]) {
    test(`the labels of the time axis lie beside each other, ${width}`, () => on("pictures", "?cluster=production-web&range=4w", { width }, async (page) => {
      const labels = (/** @type {RegExp} */ like) => page.waitForFunction((/** @type {string} */ p) => [...document.querySelectorAll("#chart svg > text")].some((t) => new RegExp(p).test(t.textContent || "")), like.source);
      for (const [key, like] of /** @type {[string, RegExp][]} */ ([["5", /^\d+\s(Dec|Jan)$/], ["6", /^(Mar|Apr|Jul)$/], ["4", /^(Mon|Tue) /], ["1", /:30$/]])) {
        await page.waitForSelector("#chart svg");
        await page.keyboard.press(key);
        await labels(like);
        const boxes = await page.locator("#chart svg > text").evaluateAll((/** @type {Element[]} */ all) => all.filter((t) => Number(t.getAttribute("y")) === Math.max(...all.map((o) => Number(o.getAttribute("y"))))).map((t) => t.getBoundingClientRect()).map((b) => [b.left, b.right]).sort((a, b) => a[0] - b[0]));
        assert.ok(boxes.length > 2 && boxes.length < 18, key + ": " + boxes.length + " labels");
        boxes.forEach((/** @type {number[]} */ b, /** @type {number} */ i) => assert.ok(i === 0 || b[0] > boxes[i - 1][1] + 3, key + ": label " + i + " lies on the one before"));
        await page.locator("#chart-head").evaluate((/** @type {Element} */ e) => e.scrollIntoView());
        if (key === "5" || key === "6") await page.shot("chart-range-" + key + "-" + width, false);
      }
      await page.noOverflow();
    }));
  }

  test("the keyboard zooms, pans and comes back, and the address says where", () => on("pictures", "clusters/production-web", {}, async (page, world) => {
    await page.waitForSelector("#chart svg");
    const window_ = async () => { const q = (await page.where()).searchParams; return [Date.parse(q.get("from")), Date.parse(q.get("to"))]; };
    const hour = 3_600_000;
    const label = () => page.getAttribute("#chart", "aria-valuemax").then(Number);
    await page.keyboard.press("+");
    await page.waitForURL(/from=/);
    let [from, to] = await window_();
    assert.ok(Math.abs(to - from - 15 * hour) < 2000, "half of a day and 6 h ahead");
    await page.keyboard.press("+");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Shift+ArrowLeft");
    [from, to] = await window_();
    assert.ok(Math.abs(to - from - 7.5 * hour) < 2000);
    assert.ok(to < Date.parse("2026-01-15T14:04:50Z"), "all of it is past");
    const points = Math.round((to - from) / 120_000);
    await page.waitForFunction((/** @type {number} */ n) => Math.abs(Number(document.querySelector("#chart")?.getAttribute("aria-valuemax")) - n) < 3, points);
    assert.match(await text(page, "section:has(#chart) .note:last-child"), /Each point is 2 min/);
    assert.equal(await page.locator("#chart svg text", { hasText: "now" }).count(), 0);
    assert.equal(await page.locator(".ranges [aria-pressed=true]").count(), 0);
    await page.shot("chart-zoomed-1280", false);
    await page.accessible();
    const there = (await page.where()).href;
    await page.keyboard.press("Shift+ArrowRight");
    assert.ok(Math.abs((await window_())[0] - from - 0.25 * (to - from)) < 2000);
    await page.keyboard.press("-");
    const wider = await window_();
    assert.ok(Math.abs(wider[1] - wider[0] - 15 * hour) < 3000);
    await page.keyboard.press("0");
    await page.waitForURL((/** @type {URL} */ u) => !u.search);
    await page.waitForFunction(() => Number(document.querySelector("#chart")?.getAttribute("aria-valuemax")) > 280);
    await page.goto(there);
    await page.waitForFunction((/** @type {number} */ n) => Math.abs(Number(document.querySelector("#chart")?.getAttribute("aria-valuemax")) - n) < 3, points);
    await page.keyboard.press("3");
    await page.waitForURL(/range=24h$/);
    await page.goto(world.url + "clusters/production-web?from=2026-01-15T14:00:00Z&to=2026-01-15T13:00:00Z");
    await page.waitForSelector("#chart svg");
    assert.ok((await label()) > 280, "times that make no sense are no zoom");
  }));

  test("a mouse chooses a range by dragging, a double click and the buttons lead back", () => on("pictures", "clusters/production-web", { theme: "dark" }, async (page) => {
    await page.waitForSelector("#chart svg");
    const box = await page.locator("#chart").boundingBox();
    const x = (/** @type {number} */ share) => box.x + 44 + share * (box.width - 44 - 104);
    await page.mouse.move(x(0.2), box.y + 60);
    await page.mouse.down();
    await page.mouse.move(x(0.3), box.y + 60);
    await page.mouse.move(x(0.4), box.y + 62);
    await page.waitForSelector("#chart .picked");
    await page.shot("chart-drag-dark-1280", false);
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    const q = (await page.where()).searchParams;
    assert.ok(Math.abs(Date.parse(q.get("to")) - Date.parse(q.get("from")) - 6 * 3_600_000) < 120_000, q.toString());
    assert.ok(Math.abs(Date.parse(q.get("from")) - Date.parse("2026-01-14T20:04:50Z")) < 120_000, q.toString());
    await page.waitForSelector("#chart .picked", { state: "detached" });
    await page.getByRole("button", { name: "later" }).click();
    await page.waitForURL((/** @type {URL} */ u) => u.searchParams.get("from") !== q.get("from"));
    await page.mouse.dblclick(x(0.5), box.y + 60);
    await page.waitForURL((/** @type {URL} */ u) => !u.search);
    await page.getByRole("button", { name: "zoom in" }).click();
    await page.waitForURL(/from=/);
    await page.getByRole("button", { name: "back", exact: true }).click();
    await page.waitForURL((/** @type {URL} */ u) => !u.search);
    await page.mouse.click(x(0.5), box.y + 60);
    await page.waitForURL(/\?at=[^&]+$/);
  }));

  test("a moment that is chosen moves the whole page, by mouse and by keyboard, and Esc leads back", () => on("pictures", "clusters/production-web", {}, async (page, world) => {
    await page.waitForSelector("#chart svg");
    await page.waitForSelector(".box");
    const reads = () => page.evaluate(() => ({ boxes: document.querySelectorAll(".box").length, held: document.querySelectorAll(".box.held").length, figures: [...document.querySelectorAll(".figures > div")].map((e) => /** @type {any} */ (e).innerText), going: [...document.querySelectorAll(".going h3")].map((e) => e.textContent?.split(" i-")[0].trim()), looks: document.querySelectorAll(".order-next, table.pools, .alerts").length,
      newest: Number(/tick ([\d,]+)/.exec(document.querySelector(".feed .stamp")?.textContent || "")?.[1].replace(/,/g, "")), price: [...document.querySelectorAll(".inspector dd")].map((e) => e.textContent).find((t) => /\$/.test(t || "")), room: document.querySelector("table.services tbody tr")?.lastElementChild?.textContent }));
    const stands = async (/** @type {RegExp} */ like) => page.waitForFunction((/** @type {string} */ p) => new RegExp(p).test((document.querySelector(".then b")?.textContent || "").replace(/\s/g, " ")), like.source);
    const now = await reads();
    assert.equal(now.boxes, 24);
    const box = await page.locator("#chart").boundingBox();
    await page.mouse.click(box.x + 44 + 0.5 * (box.width - 44 - 104), box.y + 60);
    await stands(/^As it was at 15 Jan 2026 14:0\d:/);
    const t = Date.parse((await page.where()).searchParams.get("at"));
    const tick = 48213 - Math.ceil((Date.parse("2026-01-15T14:04:50Z") - 16_000 - t) / 60_000);
    const then = await reads();
    const { explain } = await (await fetch(world.url + "api/v1/clusters/production-web/ticks/" + tick)).json();
    assert.equal(then.boxes, explain.summary.instances);
    assert.equal(then.held, 1);
    assert.match(then.figures[0], /^Instances\s+20\s+17 active, 2 draining, 1 booting$/);
    assert.match(then.figures[1], new RegExp(Math.round((100 * explain.summary.reserved.cpu_units) / explain.summary.capacity.cpu_units) + "\\s%"));
    assert.deepEqual(then.going, ["Drain held", "Drain", "Launch"]);
    assert.ok(then.newest <= tick, "no decision of later");
    assert.equal(then.looks, 0, "what is known of now only is left out");
    assert.equal(await page.locator("table.services .swatch .daemon").count(), 1);
    assert.ok(then.price && /\d/.test(then.room || ""), "a price, and room for more");
    assert.match(await text(page, ".then"), new RegExp("all else is of tick " + tick.toLocaleString("en-US")));
    assert.match(await page.getAttribute("#chart", "aria-valuetext"), /^14:0/);
    await page.looks("cluster-past");
    for (const [key, of] of /** @type {[string, number][]} */ ([["[", tick - 1], ["]", tick], ["]", tick + 1], ["[", tick]])) {
      await page.keyboard.press(key);
      await page.waitForFunction((/** @type {string} */ n) => document.querySelector(".then")?.textContent?.includes("all else is of tick " + n), of.toLocaleString("en-US"));
    }
    await page.reload();
    await stands(/^As it was at 15 Jan 2026 14:0\d:/);
    await page.asPhone("cluster-past");
    await page.keyboard.press("Escape");
    await page.waitForURL((/** @type {URL} */ u) => !u.search);
    await page.waitForFunction(() => document.querySelectorAll(".box").length === 24);
    await page.focus("#chart");
    await page.keyboard.press("PageUp");
    await page.keyboard.press("Enter");
    await stands(/^As it was at 15 Jan 2026 2[12]:/);
    await page.keyboard.press(".");
    await page.waitForSelector(".then", { state: "detached" });
    assert.equal((await reads()).boxes, 24);
  }));

  test("what was then and does not load is said, and that the page is of now", () => on("pictures", "clusters/production-web", { expect: /503/ }, async (page, world) => {
    await page.waitForSelector("#chart svg");
    world.fail("/ticks/");
    await page.goto(world.url + "clusters/production-web?at=2026-01-15T05:00:00Z");
    await page.waitForFunction(() => /All but the chart's line is of now\. what was at 14:00 did not load: history is busy/.test(document.querySelector(".then")?.textContent || ""));
    assert.equal(await page.locator(".box").count(), 24);
    world.fail("");
    await page.waitForFunction(() => /As it was at/.test(document.querySelector(".then b")?.textContent || ""));
    await page.goto(world.url + "clusters/production-web?at=2026-01-10T05:00:00Z");
    await page.waitForFunction(() => /the journal has no tick of then/.test(document.querySelector(".then")?.textContent || ""));
  }));

  test("two fingers that part look nearer, about what lies between them, and back together farther", () => on("pictures", "clusters/production-web", { width: 390 }, async (page) => {
    await page.waitForSelector("#chart svg");
    await page.locator("#chart").evaluate((/** @type {Element} */ e) => e.scrollIntoView({ block: "center" }));
    const box = await page.locator("#chart").boundingBox();
    const touch = await page.context().newCDPSession(page);
    const fingers = (/** @type {string} */ type, /** @type {number[]} */ at) => touch.send("Input.dispatchTouchEvent", { type, touchPoints: at.map((share, id) => ({ x: box.x + 34 + share * (box.width - 40), y: box.y + 60, id })) });
    const pinch = async (/** @type {number[]} */ from, /** @type {number[]} */ to) => {
      await fingers("touchStart", from.slice(0, 1));
      await fingers("touchStart", from);
      for (const part of [0.5, 1]) await fingers("touchMove", from.map((f, i) => f + part * (to[i] - f)));
      await fingers("touchEnd", to.slice(0, 1));
      await fingers("touchEnd", []);
    };
    const hours = async () => { const q = (await page.where()).searchParams; return ["from", "to"].map((k) => Date.parse(q.get(k) || "") / 3_600_000); };
    const [first, day] = [Date.parse("2026-01-14T14:04:50Z") / 3_600_000, 30];
    await pinch([0.4, 0.6], [0.2, 0.8]);
    await page.waitForURL(/from=/);
    const [from, to] = await hours();
    assert.ok(Math.abs(to - from - day / 3) < 0.7, to - from + " h");
    assert.ok(Math.abs((from + to) / 2 - first - day / 2) < 0.7, "the middle stays");
    await pinch([0.1, 0.9], [0.3, 0.7]);
    await page.waitForURL((/** @type {URL} */ u) => Date.parse(u.searchParams.get("from") || "") < from * 3_600_000);
    const wider = await hours();
    assert.ok(Math.abs(wider[1] - wider[0] - (2 * day) / 3) < 1.4, wider.join());
    await touch.detach();
  }));

  test("while time goes on nothing is drawn before the axis", () => on("fast", "clusters/production-web", {}, async (page) => {
    await page.waitForSelector("#chart svg");
    const first = await page.locator("#chart svg > text", { hasText: /^now / }).textContent();
    await page.waitForFunction((/** @type {string} */ was) => [...document.querySelectorAll("#chart svg > text")].some((t) => t.textContent?.startsWith("now ") && t.textContent !== was), first);
    const left = await page.locator("#chart svg g path").evaluateAll((/** @type {SVGPathElement[]} */ all) => Math.min(...all.filter((p) => p.getAttribute("d")).map((p) => p.getBBox().x)));
    assert.ok(left >= 44, "drawn from " + left);
  }));
}
