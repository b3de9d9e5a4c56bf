// The page of services: its numbers, order, filter, files, and the keyboard alone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

/** @param {any} t */
export function servicesPage({ on, api, text, num }) {
  const names = (/** @type {any} */ page) => page.locator("table.holds a.row").allInnerTexts();

  for (const [theme, width] of /** @type {["light" | "dark", number][]} */ ([["light", 1280], ["dark", 1280], ["light", 390]])) {
    test(`services: each with its part, as the API says, ${theme} ${width}`, () => on("pictures", "services?cluster=production-web&per=hour", { theme, width }, async (page, world) => {
      await page.waitForSelector("table.holds");
      const { services, clusters } = await api(world, "/services?cluster=production-web");
      for (const s of services) {
        const row = page.locator("table.holds tr", { has: page.getByRole("link", { name: s.name, exact: true }) });
        const cells = await row.locator("td").allInnerTexts();
        assert.equal(num(await row.locator(".c-tasks").innerText()), s.running, s.name);
        const said = await row.locator(".cost").innerText();
        if (s.cost) assert.ok(Math.abs(num(said) - s.cost.usd_micro_per_hour / 1e6) <= 0.005, s.name + " " + said);
        else assert.equal(said, "unknown");
        if (width > 600 && !s.size.samples) assert.ok(cells.includes("not measured"), s.name);
        if (width > 600 && s.size.wasted) assert.ok(Math.abs(num(await row.locator(".waste").innerText()) - s.size.wasted.usd_micro_per_hour / 1e6) <= 0.005, s.name);
        if (s.size.samples && s.size.verdict !== "fits") assert.ok((await row.locator(".risk").innerText()).includes(s.size.verdict), s.name);
        if (width > 600) assert.ok(await row.locator("td.bar").evaluateAll((/** @type {Element[]} */ l) => l.every((e) => e.scrollWidth <= e.clientWidth)), s.name + ": no number is cut");
        if (width > 600 && s.size.samples) {
          const cell = await row.locator(".c-used").boundingBox(), last = await row.locator(".c-used svg").last().boundingBox();
          assert.ok(last.x + last.width <= cell.x + cell.width, s.name + ": both drawings are seen");
        }
        if (width > 600 && s.size.samples) assert.equal(await row.locator(".c-used svg").first().getAttribute("aria-label"), `CPU units: half of the time at most ${s.size.cpu_units.p50}, 95 % ${s.size.cpu_units.p95}, highest ${s.size.cpu_units.max} of ${s.size.cpu_units.reserved}`.replace(/\d{4,}/g, (d) => Number(d).toLocaleString("en-US")));
      }
      assert.match(await text(page, "#sentence"), /One service cannot leave an instance.*One service needs more than reserved\. Right-sizing 1 frees [\d.]+ vCPU\. Reserved and not used: \$0\.03/);
      const figures = await page.locator(".figures > div").allInnerTexts();
      assert.equal(num(figures[1].replace("Tasks", "")), services.reduce((/** @type {number} */ a, /** @type {any} */ s) => a + s.running, 0));
      assert.match(figures[3], /≥/, "a price is unknown, so the sum is a lower bound");
      assert.ok(Math.abs(num(figures[4].replace("Free", "")) - clusters[0].free_cost.usd_micro_per_hour / 1e6) < 0.001);
      const worker = page.locator("table.holds tr", { hasText: "checkout-worker" });
      assert.match(await worker.locator(".risk").innerText(), /desired 1 at 100\/100 %, can neither start nor stop a task\s+->\s+cannot move/);
      await page.accessible();
      await page.noOverflow();
      await page.shot(`services-${theme}-${width}`);
    }));
  }

  test("services: sorted, filtered and opened by keyboard alone; the files have exactly the rows shown", () => on("many", "", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForSelector("table.holds");
    assert.equal(new URL(page.url()).pathname, "/services");
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
    assert.match(page.url(), /\/clusters\/[^/?]+\?hi=mailer/);
    await page.goBack();
    await page.waitForSelector("table.holds");
    assert.match(page.url(), /q=mailer/, "the filter is in the URL");
  }));

  test("estate: forty clusters, filtered as it is typed and sorted by keyboard alone", () => on("many", "", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    const { clusters } = await api(world, "/clusters");
    const want = clusters.filter((/** @type {any} */ c) => c.name.includes("staging")).length;
    assert.equal(await page.locator("tr[data-row]").count(), clusters.length);
    await page.locator("#filter").focus();
    await page.keyboard.type("staging");
    await page.waitForFunction((/** @type {number} */ n) => document.querySelectorAll("tr[data-row]").length === n, want);
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
