// The page against fixture.js: each designed state, hostile names, the keyboard alone, both themes, phone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chartOfCluster } from "./chart.js";
import { servicesPage } from "./services.js";
import { tickPage } from "./tick.js";

/** @param {any} t */
export function states({ browser, startFixture, text, num }) {
  /** Opens a page on a world of its own. @param {string} kind @param {string} path @param {any} opt @param {(page: any, world: any) => Promise<void>} body */
  const on = async (kind, path, opt, body) => {
    const world = await startFixture(kind);
    const page = await browser.open(world.url, opt);
    try {
      await page.goto(world.url + path);
      await page.waitForSelector("#title");
      await body(page, world);
      await page.done();
    } catch (e) {
      await page.context().close(); // else it goes on asking beside the next test
      throw e;
    } finally {
      world.close();
    }
  };
  const api = async (/** @type {any} */ world, /** @type {string} */ path) => (await fetch(world.url + "api/v1" + path)).json();
  servicesPage({ on, api, text, num });
  tickPage({ on, api, text, num });
  chartOfCluster({ on, text });

  test("alerts come and go in place, are said once, and are read by keyboard alone", () => on("pictures", "?cluster=production-web", {}, async (page, world) => {
    await page.waitForSelector(".going");
    assert.equal(await page.locator(".alerts").count(), 0);
    world.set("alerts");
    await page.waitForSelector(".alerts li", { timeout: 10_000 });
    assert.match(await page.locator("#live").innerText(), /512 GiB/);
    await page.keyboard.press("a");
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "SUMMARY");
    assert.equal(await page.locator(".alerts details[open]").count(), 3);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".alerts details[open]").count(), 2);
    world.set("alerts, resumed");
    await page.waitForSelector(".title .tag", { state: "detached" });
    assert.equal(await page.locator(".alerts details[open]").count(), 2, "a new answer must not open what the reader closed");
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "SUMMARY", "the focus stays");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "SUMMARY");
    world.set("pictures");
    await page.waitForFunction(() => !document.querySelector(".alerts"), null, { timeout: 10_000 });
    assert.equal(await page.locator(".banner.held").count(), 0);
    assert.doesNotMatch(await page.locator("#live").innerText(), /512 GiB/);
  }));

  test("the page is painted while its script is still on its way", () => on("pictures", "", {}, async (page, world) => {
    let go = () => {};
    const held = new Promise((done) => { go = () => done(undefined); });
    await page.route("**/assets/app.*", async (/** @type {any} */ route) => { await held; await route.continue(); });
    await page.goto(world.url, { waitUntil: "commit" });
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length);
    assert.equal(await page.locator("nav a").count(), 3);
    assert.equal(await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector("#top"))).display), "flex", "with its style");
    go();
    await page.waitForSelector("#title");
    await page.unroute("**/assets/app.*");
  }));

  test("alerts fit a phone", () => on("alerts", "?cluster=production-web", { width: 390 }, async (page) => {
    await page.waitForSelector(".alerts li");
    await page.waitForSelector(".box");
    const [alerts, boxes] = await page.evaluate(() => [".order-alerts", ".order-boxes"].map((s) => /** @type {Element} */ (document.querySelector(s)).getBoundingClientRect().top));
    assert.ok(alerts < boxes, "alerts come before the boxes");
    await page.accessible();
    await page.noOverflow();
    await page.shot("alerts-cluster-390");
    await page.goto(page.url().split("?")[0]);
    await page.waitForSelector(".looks li");
    await page.noOverflow();
    await page.shot("alerts-estate-390");
  }));

  test("alerts and who holds masu back stand on both pages, in both themes", () => on("alerts", "", {}, async (page) => {
    await page.waitForSelector(".looks li");
    const looks = await page.locator(".looks .fact").allInnerTexts();
    assert.ok(looks.some((/** @type {string} */ t) => t.includes("largest type of the fleets has 64 GiB")), looks.join("|"));
    assert.ok(!looks.some((/** @type {string} */ t) => t.includes("never registered")), "a note is no look");
    const row = page.locator("tbody tr", { hasText: "production-web" });
    assert.match(await row.locator("td.state").innerText(), /3 alerts/);
    assert.equal(await row.locator(".tag").innerText(), "paused");
    const banners = (await page.locator(".banner").allInnerTexts()).join("|");
    assert.match(banners, /production-web is paused\..*hana, API from 10\.0\.0\.7, since .*, until .*: incident 4711/);
    assert.match(banners, /masu itself\..*new policy was refused/);
    await page.looks("alerts-estate");
    await page.locator("a.row", { hasText: "production-web" }).click();
    await page.waitForSelector(".alerts li");
    await page.waitForSelector("#chart svg");
    assert.equal(await page.locator(".alerts li").count(), 3);
    assert.match(await page.locator(".alerts li").first().innerText(), /critical.*512 GiB[^]*Add a type with more memory[^]*since/);
    assert.match(await text(page, "#sentence"), /masu is paused by hana, API from 10\.0\.0\.7/);
    assert.equal(await text(page, ".title .tag"), "paused");
    assert.match(await page.locator("section[aria-labelledby='fleets-head']").innerText(), /read only: owned by masu-staging; tag masu:mode pause incident 4711/);
    await page.looks("alerts-cluster");
  }));

  test("the estate reads as the API says, in both themes", () => on("pictures", "", {}, async (page, world) => {
    await page.waitForSelector("td.spark svg");
    const { clusters } = await api(world, "/clusters");
    assert.equal(await text(page, "#title"), "2 of 3 clusters are fine, 1 needs a look");
    const sum = (/** @type {any} */ f) => clusters.reduce((/** @type {number} */ a, /** @type {any} */ c) => a + f(c), 0);
    const figures = await page.locator(".figures > div").allInnerTexts();
    assert.equal(num(figures[0].replace("Instances", "")), sum((/** @type {any} */ c) => c.instances.total));
    assert.equal(num(figures[1].replace("Capacity", "")), Math.round(sum((/** @type {any} */ c) => c.capacity.cpu_units) / 1024));
    assert.match(figures[0], /\d\u00a0% spot/, "a unit stays beside its number");
    for (const c of clusters) {
      const row = page.locator("tbody tr", { hasText: c.name });
      assert.equal(num(await row.locator("td.inst").innerText()), c.instances.total);
      assert.equal(/^enough until 23:45$/.test(await row.locator("td.next").innerText()), !!c.enough_until);
      assert.equal(num(await row.locator("td.cost").innerText()), Math.round(c.cost_usd_micro_per_hour / 10000) / 100);
      if (c.used) {
        const k = c.reserved.cpu_units / c.capacity.cpu_units > c.reserved.memory_mib / c.capacity.memory_mib ? "cpu_units" : "memory_mib";
        const of = (/** @type {any} */ r) => Math.round((100 * r[k]) / c.capacity[k]);
        assert.equal((await row.locator("td.bar-cell").getAttribute("title")).replace(/\u00a0/g, " "), `${of(c.used)} % used, ${of(c.need)} % needed, up to ${of(c.need_4h_q90)} % in the next 4 h by forecast`);
      }
      assert.equal(num(await row.locator("td.saved").innerText()), Math.round((100 * c.saved_usd_micro_per_hour) / (c.cost_usd_micro_per_hour + c.saved_usd_micro_per_hour)));
    }
    assert.equal(await text(page, "tbody tr:has-text('internal-ci') td.next"), "22:33 raise 1,412 to 1,498, in steps of 12");
    const cut = () => page.locator("td.next").evaluateAll((/** @type {HTMLElement[]} */ all) => all.filter((e) => e.scrollWidth > e.clientWidth || e.getBoundingClientRect().left < /** @type {any} */ (e.parentElement).querySelector(".what").getBoundingClientRect().right).map((e) => e.innerText));
    assert.deepEqual(await cut(), [], "the last act is read whole");
    await page.looks("estate", true);
    await page.setViewportSize({ width: 390, height: 844 });
    assert.deepEqual(await cut(), []);
    await page.noOverflow();
  }));

  test("a cluster reads as the API says, in both themes", () => on("pictures", "?cluster=production-web", {}, async (page, world) => {
    await page.waitForSelector("#chart svg");
    await page.waitForSelector(".box");
    const { cluster } = await api(world, "/clusters/production-web");
    const { instances } = await api(world, "/clusters/production-web/instances");
    assert.equal(await page.locator(".box").count(), instances.length);
    const figures = await page.locator(".figures > div").allInnerTexts();
    assert.equal(num(figures[0].replace("Instances", "")), cluster.instances.total);
    assert.equal(num(figures[1].replace("CPU reserved", "")), Math.round((100 * cluster.reserved.cpu_units) / cluster.capacity.cpu_units));
    assert.equal(num(figures[3].replace("Waiting", "")), cluster.waiting_tasks);
    assert.equal(await page.locator(".going > li").count(), cluster.in_progress.length);
    assert.match(await text(page, "#sentence"), /Otherwise capacity is enough until 23:45: \d/);
    assert.deepEqual((await page.locator(".ahead > li").allInnerTexts()).map((/** @type {string} */ l) => l.replace(/\s+/g, " ").replace(/i-0\w+…\w+/, "ID").trim()), [
      "now r5.2xlarge 1a boots since 23:03", "23:05 ID is taken by AWS", "23:11 ID: the deadline of its drain", "23:19 ID: the deadline of its drain", "23:45 capacity is enough until here by the forecast", "16 Jan 00:39 valentine begins"]);
    assert.match(await text(page, ".feed"), /16 ticks: nothing to do|15 ticks: nothing to do/);
    assert.match(await page.locator(".feed > li").nth(1).evaluate((/** @type {Element} */ e) => e.textContent), /13 tasks -> drain now/);
    assert.match(await text(page, "section:has(#chart)"), /Of 168 forecasts an hour ahead 91 % stayed below the upper line, with 0.61 of the error/);
    assert.equal(await page.locator("#chart .f-fan").count(), 4, "two bands for each resource");
    const [wide, half] = await page.locator("#chart .f-fan").evaluateAll((/** @type {SVGPathElement[]} */ all) => all.slice(0, 2).map((p) => p.getBBox().height));
    assert.ok(wide > half, "half of it falls in the inner band");
    assert.equal(await page.locator("#chart path.f-used").count(), 2, "what is used stands in the chart");
    assert.match(await text(page, ".reading"), /used \d+(\.\d+)? vCPU, \d+ GiB/);
    assert.equal(await page.locator("#chart svg text", { hasText: "breakers open" }).count(), 1, "when less was asked than was wanted is marked");
    assert.equal(await page.locator("#chart svg text", { hasText: "valentine" }).count(), 1, "what is known ahead is marked by name");
    assert.equal(await page.locator("#chart svg text", { hasText: "television" }).count(), 0);
    assert.equal(await page.locator("#chart svg text", { hasText: "dinner" }).count(), 2, "yesterday's too, of which the end is shown");
    await page.looks("cluster", true);
  }));

  test("the estate and a cluster fit a phone", () => on("pictures", "", { width: 390 }, async (page) => {
    await page.waitForSelector(".bar-cell svg");
    await page.noOverflow();
    await page.accessible();
    await page.shot("estate-light-390");
    assert.equal(await page.locator(".looks .open:visible").count(), 2, "what needs a look opens from here");
    await page.locator("a.row").first().tap();
    await page.waitForSelector(".box");
    await page.waitForSelector("#chart svg");
    await page.noOverflow();
    await page.accessible();
    await page.shot("cluster-light-390");
  }));

  test("the pools say what they cost and hold, and which are avoided and why", () => on("pictures", "?cluster=production-web", { theme: "dark" }, async (page) => {
    await page.waitForSelector("table.pools");
    const rows = () => page.locator("table.pools tbody tr").allInnerTexts();
    const said = (await rows()).map((/** @type {string} */ r) => r.replace(/\s+/g, " ").trim());
    assert.ok(said.includes("avoided until 23:09: out of stock, interrupted 23:03, 2 failures"), said.join("\n"));
    assert.ok(said.includes("slow to register 22:33"));
    assert.ok(said.includes("no free address in 1 of 2 subnets"));
    assert.ok(said.includes("no free address in its subnets: nothing can launch"));
    assert.match(said.find((/** @type {string} */ r) => r.startsWith("c5.4xlarge")) || "", /about ≈ ?16(\.0)? about ≈ ?30\.0/);
    assert.equal(said.filter((/** @type {string} */ r) => /^[cmr]\d/.test(r)).length, 12);
    await page.inView("table.pools");
    const all = page.getByRole("button", { name: "all 13 pools" });
    await all.focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /m6i\.large any zone/.test(document.querySelector("table.pools")?.textContent || ""));
    assert.match(await page.evaluate(() => document.activeElement?.textContent || ""), /the first 12/, "the focus stays on the button");
    await page.accessible();
    assert.match(await text(page, "section[aria-labelledby='pools-head']"), /A pool of any zone has no placement score: EC2 scores one zone at a time \(SingleAvailabilityZone\)\./);
    await page.asPhone("pools");
    await page.inView("table.pools");
  }));

  for (const kind of ["pictures", "hostile"]) {
    test(`planning tells what is known ahead, ${kind}`, () => on(kind, "planning" + (kind === "pictures" ? "?cluster=production-web" : ""), {}, async (page, world) => {
      await page.waitForSelector("table.calendar");
      await page.waitForSelector("table.limits");
      const { entries } = await api(world, "/calendar");
      const told = (await api(world, "/limits?cluster=" + encodeURIComponent(entries[0].cluster))).limits;
      const lines = async (/** @type {string} */ of) => (await page.locator(`table.${of} tbody tr`).allInnerTexts()).map((/** @type {string} */ r) => r.replace(/\s+/g, " ").trim());
      const reads = async (/** @type {boolean} */ wide) => {
        const [rows, limits] = [await lines("calendar"), await lines("limits")];
        assert.equal(rows.length, entries.length);
        assert.ok(rows[0].includes(entries[0].name.slice(0, 8)), rows[0]);
        assert.match(rows[0], / to .* twice the forecast/);
        assert.match(rows[1], /^dinner now until .* room for at least 96 vCPU, 512 GiB/);
        assert.match(rows[2], /^television over 1.5 times the forecast; room for at least 40 instances/);
        assert.equal(limits.length, told.length);
        assert.ok(limits[0].includes(told[0].name.slice(0, 8)), limits[0]);
        assert.match(limits[0], / 24 40( 60 % 37)? \d+ \w+ \d+ \w+/);
        assert.match(limits[1], / 5 of 14 days 5 of 14 days/);
        assert.match(limits[2], /^quota Standard Spot .* > 90 days > 90 days/);
        if (wide) assert.match(rows[0], /02-14 each year, 08:00 to 24:00, Asia\/Tokyo/);
      };
      await reads(true);
      if (kind === "pictures") await page.looks("calendar");
      await page.asPhone("calendar-" + kind);
      await reads(false);
      await page.inView("table.limits");
    }));
  }

  test("every box says in words what it shows", () => on("pictures", "?cluster=production-web", {}, async (page, world) => {
    await page.waitForSelector(".box");
    const { instances } = await api(world, "/clusters/production-web/instances");
    for (const it of instances) {
      const label = await page.locator(`.box[data-id="${it.id}"] svg`).getAttribute("aria-label");
      assert.ok(label.startsWith(it.id + ", " + it.type), label);
      assert.ok(label.includes(it.box), label);
    }
    const held = instances.find((/** @type {any} */ i) => i.box === "held");
    await page.hover(`.box[data-id="${held.id}"]`);
    await page.waitForFunction((/** @type {string} */ id) => document.querySelector(".inspector .id")?.textContent === id, held.id);
    assert.match(await text(page, ".inspector"), /of checkout-worker, protected/);
  }));

  test("the keyboard alone reaches a box, pins it, reads the chart and comes back", () => on("pictures", "", {}, async (page) => {
    await page.waitForSelector("a.row");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".box");
    assert.match((await page.where()).href, /\/clusters\/production-web$/);
    await page.keyboard.press("b");
    const first = await page.evaluate(() => document.activeElement?.getAttribute("data-id"));
    await page.keyboard.press("ArrowLeft");
    const second = await page.evaluate(() => document.activeElement?.getAttribute("data-id"));
    assert.notEqual(second, first);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    const pinned = await page.evaluate(() => document.activeElement?.getAttribute("data-id"));
    assert.match((await page.where()).href, new RegExp("focus=" + pinned));
    await page.waitForFunction((p) => document.querySelector(".inspector .id")?.textContent === p, pinned);
    assert.equal(await page.locator('.box[tabindex="0"]').count(), 1);
    await page.keyboard.press("t");
    await page.waitForSelector("table.instances");
    assert.match(await text(page, "table.instances"), /5 of 9 tasks left, deadline 23:19 -> go on draining/);  // Tokyo
    assert.match((await page.locator("table.instances time").first().getAttribute("title")) ?? "", /^15\sJan 2026 23:19:50 GMT\+9$/);
    await page.accessible();
    await page.shot("cluster-table-1280");
    await page.keyboard.press("t");
    await page.focus("#chart");
    const now = await page.getAttribute("#chart", "aria-valuetext");
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction((/** @type {string} */ was) => document.querySelector("#chart")?.getAttribute("aria-valuetext") !== was, now);
    await page.keyboard.press("2");
    await page.waitForURL(/range=6h/);
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await page.accessible();
    await page.shot("keys-1280");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog[open]", { state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.waitForSelector("a.row");
    await page.keyboard.press("/");
    await page.keyboard.type("recip");
    await page.waitForSelector("#found0");
    await page.keyboard.press("Enter");
    await page.waitForURL(/clusters\/recipes-web/);
    await page.goBack();
    await page.waitForSelector("a.row");
  }));

  test("Enter finds what was typed last, though nothing of it is drawn yet", () => on("pictures", "", {}, async (page) => {
    await page.waitForSelector("a.row");
    await page.keyboard.press("/");
    await page.evaluate(() => {
      const box = /** @type {HTMLInputElement} */ (document.activeElement);
      box.value = "recip";
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    });
    await page.waitForURL(/clusters\/recipes-web/);
  }));

  test("d changes the theme and z the time zone", () => on("pictures", "?cluster=production-web", {}, async (page) => {
    await page.waitForSelector("#chart svg");
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.keyboard.press("d");
    assert.notEqual(await paper(), light);
    assert.match(await text(page, ".status"), /GMT\+9|JST/);
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await page.evaluate(() => { // before the browser takes the focus from what is no longer shown
      const box = /** @type {HTMLElement} */ (document.getElementById("keys-on"));
      /** @type {HTMLDialogElement} */ (document.getElementById("keys")).close();
      box.dispatchEvent(new KeyboardEvent("keydown", { key: "z", bubbles: true }));
    });
    await page.waitForURL(/tz=utc/);
    await page.waitForFunction(() => document.querySelector(".reading")?.textContent?.startsWith("14:04"));
  }));

  test("hostile names are text, and nothing of them runs", () => on("hostile", "", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    assert.equal(await page.locator("a.row bdi", { hasText: "<img src=x" }).count(), 1);
    await page.noOverflow();
    await page.shot("hostile-estate-1280");
    await page.locator("a.row").first().click();
    await page.waitForSelector(".box");
    const hostile = "<script>alert(1)</script>";
    const harmless = async (/** @type {string} */ name) => {
      assert.equal(await page.locator("main script, main img").count(), 0);
      await page.noOverflow();
      await page.accessible();
      await page.shot("hostile-" + name + "-1280");
    };
    assert.equal(await page.locator(".services bdi", { hasText: hostile }).count(), 1);
    assert.ok((await page.locator(".alerts bdi", { hasText: hostile }).count()) > 0);
    await harmless("cluster");
    await page.goto(world.url + "services");
    await page.waitForSelector("table.holds");
    assert.ok((await page.locator("table.holds bdi", { hasText: hostile }).count()) > 0);
    await harmless("services");
    await page.goto(world.url + "clusters/" + encodeURIComponent("<img src=x onerror=alert(1)>") + "/ticks/48212");
    await page.waitForSelector(".verdicts");
    assert.ok((await page.locator("main bdi", { hasText: hostile }).count()) > 0, "the demand by service");
    await harmless("tick");
    await page.goto(world.url);
    await page.waitForSelector("a.row");
    await page.asPhone("hostile-estate");
  }));

  test("no cluster yet: says what to do", () => on("empty", "", {}, async (page) => {
    assert.equal(await text(page, "#title"), "No cluster yet");
    await page.accessible();
    await page.shot("state-empty-1280");
  }));

  test("a stale source is said above everything", () => on("stale", "?cluster=production-web", {}, async (page) => {
    await page.waitForSelector(".banner");
    assert.match(await text(page, ".banner"), /^EC2 instances: 42 min old\. DescribeInstances: timed out 84 times .*scale-in is held, scale-out goes on$/);
    await page.accessible();
    await page.shot("state-stale-1280");
  }));

  test("a stopped daemon is said in red and its chart ends at the last tick", () => on("stopped", "?cluster=production-web", {}, async (page) => {
    await page.waitForSelector(".banner.stop");
    assert.match(await text(page, ".banner"), /^masu stopped at 21:40\. This is its last view\. Nothing is scaled until it runs/);
    await page.waitForSelector("#chart .unknown");
    await page.accessible();
    await page.shot("state-stopped-1280");
  }));

  test("a dry run says so beside the name, and its acts are conditional", () => on("dryrun", "?cluster=staging-batch", {}, async (page) => {
    await page.waitForSelector(".feed .verdict");
    assert.equal(await text(page, ".title .tag"), "dry run");
    assert.match(await text(page, ".feed"), /would launch/);
    await page.waitForSelector("#chart svg");
    assert.match(await page.locator("#chart svg > path.f-red").getAttribute("d"), /^M[^M]+$/, "a notice is marked though nothing was done");
    assert.equal(await page.locator("#chart svg > text", { hasText: /^×2$/ }).count(), 1);
    await page.accessible();
    await page.shot("state-dryrun-1280");
  }));

  test("one part that fails leaves the rest of the page", async () => {
    const world = await startFixture("pictures");
    const page = await browser.open(world.url, { expect: /status of 503/ });
    world.fail("series");
    await page.goto(world.url + "?cluster=production-web");
    await page.waitForSelector(".problem");
    await page.waitForSelector(".box");
    assert.match(await text(page, ".problem"), /The chart did not load\. 503 history is busy/);
    await page.accessible();
    await page.shot("state-part-1280");
    await page.locator(".problem button").click();
    world.fail("");
    await page.waitForSelector("#chart svg");
    for (const [part, path, said] of [["forecast", "clusters/production-web", "The forecast"], ["calendar", "clusters/production-web", "The calendar"], ["calendar", "planning", "The calendar"], ["limits", "planning", "The limits"], ["pools", "planning", "The pools"], ["simulate", "planning", "The simulation"],
      ["/ticks", "", "The last acts"], ["/series", "", "The day of each cluster"], ["production-web", "", "Why production-web"], ["services", "services", "The services"]]) {
      world.fail(part);
      await page.goto(world.url + path);
      await page.waitForFunction((/** @type {string} */ s) => document.querySelector("main")?.textContent?.includes(s + " did not load"), said);
    }
    await page.done();
    world.close();
  });

  test("a lost connection keeps the data and says since when", async () => {
    const world = await startFixture("pictures");
    const page = await browser.open(world.url, { expect: /status of 503/ });
    await page.goto(world.url + "?cluster=production-web");
    await page.waitForSelector(".box");
    world.fail("all");
    await page.waitForFunction(() => /no answer for/.test(document.querySelector(".status")?.textContent || ""), null, { timeout: 10_000 });
    assert.equal(await page.locator(".box").count(), 24);
    world.fail("");
    await page.waitForFunction(() => /live/.test(document.querySelector(".status")?.textContent || ""), null, { timeout: 10_000 });
    await page.done();
    world.close();
  });

  test("a wrong name names the nearest", async () => {
    const world = await startFixture("pictures");
    const page = await browser.open(world.url, { expect: /status of 404/ });
    await page.goto(world.url + "?cluster=prodution-web");
    await page.waitForFunction(() => /No cluster is called/.test(document.querySelector("#title")?.textContent || ""));
    assert.match(await text(page, ".sentence"), /^Nearest: production-web\./);
    await page.done();
    world.close();
  });

  test("a live update moves no row and keeps the focus; r sorts again", () => on("many", "", {}, async (page, world) => {
    await page.waitForSelector("a.row");
    const names = () => page.locator("a.row").allInnerTexts();
    const { clusters } = await api(world, "/clusters");
    await page.waitForFunction((/** @type {number} */ n) => document.querySelectorAll("a.row").length === n, clusters.length);  // a few in each frame
    await page.locator("a.row").nth(7).focus();
    const before = await names();
    world.set("many-moved");
    await page.waitForFunction(() => /would move/.test(document.querySelector(".head")?.textContent || ""), null, { timeout: 10_000 });
    assert.deepEqual(await names(), before);
    assert.equal(await page.evaluate(() => [...document.querySelectorAll("a.row")].indexOf(/** @type {any} */ (document.activeElement))), 7);
    await page.keyboard.press("r");
    await page.waitForFunction(() => !/would move/.test(document.querySelector(".head")?.textContent || ""));
    assert.notDeepEqual(await names(), before);
    const [said, there] = await page.evaluate(() => [[...document.querySelectorAll("tbody.group th span")].map((e) => Number(e.textContent)), [...document.querySelectorAll("tbody[id]")].map((e) => e.querySelectorAll("a.row").length)]);
    assert.deepEqual(there, said, "what went to another part of the table is there");
    await page.shot("estate-many-1280");
  }));

  test("five hundred boxes are drawn small, and each can be reached", () => on("huge", "?cluster=production-web", {}, async (page) => {
    await page.waitForSelector(".box");
    assert.equal(await page.locator(".box").count(), 500);
    await page.noOverflow();
    await page.shot("boxes-500-1280");
  }));

  test("on paper the controls are gone and the head line is there", () => on("pictures", "?cluster=production-web", { theme: "dark" }, async (page) => {
    await page.waitForSelector("#chart svg");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator(".find").isVisible(), false);
    assert.match(await text(page, ".printed"), /^production-web, 15 Jan 2026 23:04:50/);
    await page.shot("print-cluster");
    const notes = page.locator("#notes li");
    assert.equal(await notes.count(), 0);
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    const links = page.locator("#main a[data-note]");
    assert.ok((await links.count()) > 0);
    const said = await links.evaluateAll((/** @type {any[]} */ all) => all.map((a) => [a.dataset.note, a.href]));
    for (const [n, url] of said) assert.equal(await notes.nth(+n - 1).innerText(), url);
    assert.equal(await notes.count(), new Set(said.map((s) => s[1])).size);
    await page.shot("print-notes");
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    await page.waitForFunction(() => !document.querySelector("[data-note], #notes li"));
  }));

  test("paper takes all rows of a long list at once", () => on("thousand", "", {}, async (page) => {
    await page.waitForSelector("tr.gap");
    const [before, after] = await page.evaluate(() => {
      const rows = () => document.querySelectorAll("tr[data-row]").length;
      const n = rows();
      dispatchEvent(new Event("beforeprint"));
      return [n, rows()];
    });
    assert.ok(before < 1000, before + " rows before");
    assert.equal(after, 1000);
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  }));
}
