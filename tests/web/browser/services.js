// The page of services: its numbers, order, filter, files, and the keyboard alone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

/** @param {any} t */
export function servicesPage({ on, api, text, num }) {
  const names = (/** @type {any} */ page) => page.locator("table.holds a.row").allInnerTexts();

  /** What each row shows, in one question to the browser. @param {any} page */
  const rows = async (page) => new Map((await page.locator("table.holds tr:has(a.row)").evaluateAll((/** @type {any[]} */ all) => all.map((tr) => {
    const said = (/** @type {string} */ at) => tr.querySelector(at)?.innerText ?? "";
    const drawn = [...tr.querySelectorAll(".c-used svg")];
    return {
      name: said("a.row"), cells: [...tr.cells].map((c) => c.innerText), tasks: said(".c-tasks"), cost: said(".cost"), waste: said(".waste"), requests: said(".c-requests"), risk: said(".risk"), label: drawn[0]?.getAttribute("aria-label"),
      cut: [...tr.querySelectorAll("td.bar")].some((e) => e.scrollWidth > e.clientWidth), inside: drawn.length > 0 && drawn.at(-1).getBoundingClientRect().right <= tr.querySelector(".c-used").getBoundingClientRect().right,
    };
  }))).map((/** @type {any} */ r) => [r.name, r]));

  test("services: each with its part, as the API says", () => on("pictures", "services?cluster=production-web&per=hour", {}, async (page, world) => {
    await page.waitForSelector("table.holds");
    const { services, clusters } = await api(world, "/services?cluster=production-web");
    const reads = async (/** @type {boolean} */ wide) => {
      const shown = await rows(page);
      for (const s of services) {
        const row = shown.get(s.name);
        assert.ok(row, s.name);
        assert.equal(num(row.tasks), s.running, s.name);
        if (s.cost) assert.ok(Math.abs(num(row.cost) - s.cost.usd_micro_per_hour / 1e6) <= 0.005, s.name + " " + row.cost);
        else assert.equal(row.cost, "unknown");
        if (s.size.samples && s.size.verdict !== "fits") assert.ok(row.risk.includes(s.size.verdict), s.name);
        if (!wide) continue;
        assert.equal(row.cut, false, s.name + ": no number is cut");
        assert.equal(row.requests, s.requests_per_s === null ? "–" : s.requests_per_s ? "413/s $0.923" : "0/s", s.name);
        if (s.size.wasted) assert.ok(Math.abs(num(row.waste) - s.size.wasted.usd_micro_per_hour / 1e6) <= 0.005, s.name);
        if (!s.size.samples) assert.ok(row.cells.includes("not measured"), s.name);
        else {
          assert.ok(row.inside, s.name + ": both drawings are seen");
          assert.equal(row.label, `CPU units: half of the time at most ${s.size.cpu_units.p50}, 95 % ${s.size.cpu_units.p95}, highest ${s.size.cpu_units.max} of ${s.size.cpu_units.reserved}`.replace(/\d{4,}/g, (d) => Number(d).toLocaleString("en-US")));
        }
      }
      assert.match(await text(page, "#sentence"), /One service cannot leave an instance.*One service needs more than reserved\. Right-sizing 1 frees [\d.]+ vCPU\. Reserved and not used: \$0\.03/);
      const figures = await page.locator(".figures > div").allInnerTexts();
      assert.equal(num(figures[1].replace("Tasks", "")), services.reduce((/** @type {number} */ a, /** @type {any} */ s) => a + s.running, 0));
      assert.match(figures[3], /≥/, "a price is unknown, so the sum is a lower bound");
      assert.ok(Math.abs(num(figures[4].replace("Free", "")) - clusters[0].free_cost.usd_micro_per_hour / 1e6) < 0.001);
      assert.match(shown.get("checkout-worker").risk, /desired 1 at 100\/100 %, can neither start nor stop a task\s+->\s+cannot move/);
    };
    await reads(true);
    await page.looks("services");
    await page.asPhone("services");
    await reads(false);
    const units = await page.locator("table.holds td.c-tasks").evaluateAll((/** @type {Element[]} */ all) => all.map((e) => parseFloat(e.textContent || "") + getComputedStyle(e, "::after").content));
    assert.ok(units.includes('1" task"') && units.includes('26" tasks"') && !units.includes('1" tasks"'), units.join());
  }));

  test("services: sorted, filtered and opened by keyboard alone; the files have exactly the rows shown", () => on("many", "", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForSelector("table.holds");
    assert.equal((await page.where()).pathname, "/services");
    const { services } = await api(world, "/services?limit=1000");
    assert.ok(services.length > 500);
    const drawn = await page.locator("tr[data-row]").count();
    assert.ok(drawn < 320, drawn + " rows are drawn of " + services.length);
    await page.getByRole("button", { name: "vCPU reserved" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("th[aria-sort='descending']");
    const cpu = (await page.locator("tr[data-row] td.bar:nth-of-type(4)").allInnerTexts()).map(num);
    assert.deepEqual(cpu, [...cpu].sort((a, b) => b - a));
    assert.equal(cpu[0], Math.max(...services.map((/** @type {any} */ s) => s.reserved.cpu_units)) / 1024);
    await page.locator("#filter").focus();
    await page.keyboard.type("mailer");
    const want = services.filter((/** @type {any} */ s) => s.name === "mailer");
    await page.waitForFunction((/** @type {number} */ n) => document.querySelectorAll("tr[data-row]").length === n, want.length);
    assert.ok((await names(page)).every((/** @type {string} */ n) => n === "mailer"));
    for (const form of ["CSV", "JSON"]) {
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: form, exact: true }).press("Enter")]);
      assert.equal(file.suggestedFilename(), "services." + form.toLowerCase());
      const body = await readFile(await file.path(), "utf8");
      const rows = form === "JSON" ? JSON.parse(body).rows : body.trim().split("\r\n").slice(1);
      assert.equal(rows.length, want.length);
      if (form === "JSON") assert.equal(rows[0].usd_micro_per_month, services.find((/** @type {any} */ s) => s.name === rows[0].service && s.cluster === rows[0].cluster).cost.usd_micro_per_month);
      else assert.match(body, /^cluster,account,region,service,.*,usd_micro_per_month,.*risks\r\n/);
    }
    await page.keyboard.press("Tab");
    await page.locator("h1").click();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".box");
    assert.match((await page.where()).href, /\/clusters\/[^/?]+\?hi=mailer/);
    await page.goBack();
    await page.waitForSelector("table.holds");
    assert.match((await page.where()).href, /q=mailer/, "the filter is in the URL");
  }));

  test("estate: forty clusters, filtered as it is typed and sorted by keyboard alone", () => on("many", "", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    const { clusters } = await api(world, "/clusters");
    const want = clusters.filter((/** @type {any} */ c) => c.name.includes("staging")).length;
    const rows = (/** @type {number} */ n) => page.waitForFunction((/** @type {number} */ k) => document.querySelectorAll("tr[data-row]").length === k, n);
    await rows(clusters.length);  // a few in each frame
    await page.locator("#filter").focus();
    await page.keyboard.type("staging");
    await rows(want);
    await page.getByRole("button", { name: "Instances" }).press("Enter");
    await page.waitForSelector("th[aria-sort='descending']");
    const shown = (await page.locator("tr[data-row] td.inst").allInnerTexts()).map(num);
    assert.deepEqual(shown, [...shown].sort((a, b) => b - a));
    assert.equal(shown.length, want);
    await page.accessible();
  }));

  test("estate: a thousand clusters, their days in one answer, rows only where they are seen", (t) => on("thousand", "?sort=name", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    await page.waitForSelector("td.spark svg");
    assert.ok(world.asked() < 16, "questions: " + world.asked());
    assert.ok((await page.locator("tr[data-row]").count()) < 120);
    await page.shot("estate-thousand-1280", false);
    await page.evaluate(() => {
      /** @type {any} */ (window).long = [];
      new PerformanceObserver((l) => /** @type {any} */ (window).long.push(...l.getEntries().map((e) => Math.round(e.duration)))).observe({ entryTypes: ["longtask"] });
    });
    const { clusters } = await api(world, "/clusters");
    const last = clusters.map((/** @type {any} */ c) => c.name).sort().at(-1);
    for (const at of [0.2, 0.5, 0.8, 1]) {
      await page.evaluate((/** @type {number} */ f) => scrollTo(0, f * document.body.scrollHeight), at);
      await page.waitForTimeout(50);
    }
    await page.waitForFunction((/** @type {string} */ n) => [...document.querySelectorAll("a.row")].at(-1)?.textContent === n, last);
    assert.ok((await page.locator("tr[data-row]").count()) < 120);
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator("#filter").focus();
    await page.keyboard.type("web-04");
    await page.waitForFunction((/** @type {number} */ n) => document.querySelectorAll("tr[data-row]").length === n, clusters.filter((/** @type {any} */ c) => c.name.includes("web-04")).length);
    await page.noOverflow();
    t.diagnostic("tasks over 50 ms while scrolled and filtered: " + JSON.stringify(await page.evaluate(() => /** @type {any} */ (window).long)));
  }));

  test("services: the last rows of many are reached by scrolling", () => on("many", "services?sort=service", {}, async (page, world) => {
    await page.waitForSelector("table.holds");
    const { services } = await api(world, "/services?limit=1000");
    const last = services.map((/** @type {any} */ s) => s.name).sort().at(-1);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.waitForFunction((/** @type {string} */ n) => [...document.querySelectorAll("a.row")].at(-1)?.textContent === n, last);
    assert.ok((await page.locator("tr[data-row]").count()) < 320);
  }));
}
