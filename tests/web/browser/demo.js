// The page against the real thing: `masu demo`, a day of a virtual AWS in two minutes, walked while it lives.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { planning } from "./planning.js";

/** Starts the demo on a free port and reads its address from what it prints. @param {string} masu @param {string[]} more */
async function startDemo(masu, ...more) {
  const child = spawn(masu, ["demo", "--listen", "127.0.0.1:0", "--seed", "7", "--for", "30d", ...more], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const url = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("no address within 20 s: " + said)), 20_000);
    const read = (/** @type {Buffer} */ b) => {
      said += b;
      const m = /report\s+(http:\/\/\S+\/)/.exec(said);
      if (m) { clearTimeout(late); resolve(m[1]); }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code, signal) => reject(new Error("ended with " + (code ?? signal) + ": " + said)));
  });
  let asked = false;
  child.on("exit", (code, signal) => { if (!asked) console.error("the demo ended by itself with " + (code ?? signal) + ": " + said.slice(-2000)); });
  const stop = async () => {
    if (asked || child.exitCode !== null) return;
    asked = true;
    const ended = new Promise((done) => child.on("exit", done));
    child.kill("SIGTERM");
    await ended;
  };
  const open = () => readdirSync(`/proc/${child.pid}/fd`).map((fd) => { try { return readlinkSync(`/proc/${child.pid}/fd/${fd}`); } catch { return ""; } });
  return { url, stop, journal: () => open().find((f) => f.endsWith("/state.db")) || "" };
}

/**
 * Opens the reasons of a decision. One that is under way has none yet, and the oldest leaves a feed that goes on: then the next.
 * @param {any} page @param {number[]} which
 */
async function asks(page, which) {
  let said = [];
  for (const i of which) {
    await page.locator(".feed .ask").nth(i).click();
    if (await page.waitForSelector(".feed .more .verdict", { timeout: 10_000 }).then(() => true, () => false)) return;
    said.push(await page.locator(".feed .more").allInnerTexts());
  }
  assert.fail("no decision tells why: " + JSON.stringify(said));
}

/** @param {any} t */
export function demo({ browser, masu, text, num }) {
  /** @type {any} */
  let world;
  before(async () => { world = await startDemo(masu); });
  after(() => world?.stop());

  /** Keeps the newest answer of a path that the page is given, from before it asks. @param {any} page @param {RegExp} path */
  const follow = (page, path) => {
    const seen = { answer: /** @type {any} */ (null) };
    page.on("response", async (/** @type {any} */ r) => { if (path.test(new URL(r.url()).pathname) && r.status() === 200) seen.answer = await r.json().catch(() => seen.answer); });
    return seen;
  };
  /**
   * Reads the page, in one question to it, until what it shows is what its own newest answers say: both move.
   * @param {any} page @param {{ answer: any }[]} newest @param {() => any} read in the page @param {(shown: any, answers: any[]) => void} check
   */
  const agrees = async (page, newest, read, check) => {
    let last = new Error("no answer");
    for (const end = Date.now() + 15_000; Date.now() < end; await page.waitForTimeout(100)) {
      if (newest.some((n) => !n.answer)) continue;
      try {
        check(await page.evaluate(read), newest.map((n) => n.answer));
        return;
      } catch (e) {
        last = /** @type {Error} */ (e);
      }
    }
    throw last;
  };

  test("demo: the estate shows the numbers of its API, in both themes", async () => {
    const page = await browser.open(world.url);
    const estate = follow(page, /^\/api\/v1\/clusters$/);
    await page.goto(world.url);
    await page.waitForSelector("a.row");
    await agrees(page, [estate], () => {
      const said = (/** @type {any} */ e, /** @type {string} */ at) => e.querySelector(at)?.innerText;
      return { figures: [...document.querySelectorAll(".figures > div")].map((e) => /** @type {any} */ (e).innerText), rows: [...document.querySelectorAll("tbody tr")].map((e) => ({ name: said(e, "a.row"), inst: said(e, "td.inst"), cost: said(e, "td.cost") })) };
    }, ({ figures, rows }, [a]) => {
      const sum = (/** @type {any} */ f) => a.clusters.reduce((/** @type {number} */ n, /** @type {any} */ c) => n + f(c), 0);
      assert.equal(num(figures[0].replace("Instances", "")), sum((/** @type {any} */ c) => c.instances.total));
      assert.equal(num(figures[2].replace("Waiting", "")), sum((/** @type {any} */ c) => c.waiting_tasks));
      for (const c of a.clusters) {
        const row = rows.find((/** @type {any} */ r) => r.name?.includes(c.name));
        assert.equal(num(row.inst), c.instances.total);
        assert.equal(num(row.cost), Number((c.cost_usd_micro_per_hour / 1e6).toFixed(c.cost_usd_micro_per_hour < 1e6 ? 3 : 2)));
      }
    });
    await page.waitForSelector("td.spark svg");
    await page.looks("demo-estate");
    await page.done();
  });

  test("demo: each cluster shows the numbers of its API, its boxes and its decisions, in both themes", async () => {
    const { clusters } = await (await fetch(world.url + "api/v1/clusters")).json();
    for (const { name } of clusters) {
      const page = await browser.open(world.url);
      const newest = ["", "/instances"].map((part) => follow(page, new RegExp("^/api/v1/clusters/" + name + part + "$")));
      await page.goto(world.url + "?cluster=" + encodeURIComponent(name));
      await page.waitForSelector(".box");
      await page.waitForSelector("#chart svg", { timeout: 20_000 });
      await agrees(page, newest, () => ({
        figures: [...document.querySelectorAll(".figures > div")].map((e) => /** @type {any} */ (e).innerText), services: document.querySelectorAll("table.services tbody tr").length, boxes: [...document.querySelectorAll(".box")].map((e) => e.getAttribute("data-id")).sort(),
      }), ({ figures, services, boxes }, [{ cluster }, { instances }]) => {
        assert.equal(num(figures[0].replace("Instances", "")), cluster.instances.total);
        assert.equal(num(figures[1].replace("CPU reserved", "")), Math.round((100 * cluster.reserved.cpu_units) / cluster.capacity.cpu_units));
        assert.equal(num(figures[3].replace("Waiting", "")), cluster.waiting_tasks);
        const of = (/** @type {boolean} */ daemon) => cluster.services.filter((/** @type {any} */ s) => (s.kind === "daemon") === daemon).length;
        assert.equal(services, Math.min(12, of(false)) + (of(true) ? 1 : 0));
        assert.deepEqual(boxes, instances.map((/** @type {any} */ i) => i.id).sort());
      });
      assert.ok((await page.locator(".feed > li").count()) > 0);
      await page.looks("demo-" + name);
      await page.done();
    }
  });

  test("demo: the world moves, and the page with it, in place", async () => {
    const page = await browser.open(world.url);
    await page.goto(world.url);
    await page.waitForSelector("a.row");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".box");
    await page.keyboard.press("b");
    const id = await page.evaluate(() => document.activeElement?.getAttribute("data-id"));
    await page.evaluate(() => { /** @type {any} */ (document.querySelector("#chart-head")).kept = true; });
    const reading = await text(page, ".reading");
    await page.waitForFunction((/** @type {string} */ was) => (document.querySelector(".reading")?.textContent || "").slice(0, 5) !== was.slice(0, 5), reading, { timeout: 20_000 });
    assert.equal(await page.evaluate(() => /** @type {any} */ (document.querySelector("#chart-head")).kept), true, "the page was drawn anew");
    const now = await page.evaluate(() => document.activeElement?.getAttribute("data-id"));
    const lives = await page.locator(`.box[data-id="${id}"]`).count();
    if (lives) assert.equal(now, id, "the focus went away");
    await page.done();
  });

  test("demo: an old decision tells why, from the journal", async () => {
    const page = await browser.open(world.url);
    const { clusters } = await (await fetch(world.url + "api/v1/clusters")).json();
    await page.goto(world.url + "?cluster=" + clusters[0].name);
    await page.waitForSelector(".feed .ask", { timeout: 60_000 });
    const many = await page.locator(".feed .ask").count();
    await asks(page, [Math.max(0, many - 4), Math.max(0, many - 5), 0]);
    const { ticks } = await (await fetch(world.url + "api/v1/ticks?acting=true&limit=50&cluster=" + clusters[0].name)).json();
    await page.goto(world.url + "clusters/" + clusters[0].name + "?at=" + ticks.at(-1).at);
    await page.waitForFunction(() => /As it was at/.test(document.querySelector(".then b")?.textContent || ""));
    const id = num(await text(page, ".then a:not(.nowrap)"));
    const { tick } = await (await fetch(world.url + "api/v1/ticks/" + id)).json();
    assert.ok(tick.at <= ticks.at(-1).at && id >= ticks.at(-1).tick, "the newest that is not after it");
    const then = await page.evaluate(() => ({ boxes: document.querySelectorAll(".box").length, figures: [...document.querySelectorAll(".figures > div")].map((e) => /** @type {any} */ (e).innerText) }));
    assert.equal(then.boxes, tick.summary.instances.total);
    assert.equal(num(then.figures[0].replace("Instances", "")), tick.summary.instances.total);
    assert.equal(num(then.figures[1].replace("CPU reserved", "")), Math.round((100 * tick.summary.reserved.cpu_units) / tick.summary.capacity.cpu_units));
    assert.equal(num(then.figures[3].replace("Waiting", "")), tick.summary.waiting_tasks);
    await page.looks("demo-past");
    await page.done();
  });

  test("demo: fits a phone", async () => {
    const page = await browser.open(world.url, { width: 390 });
    await page.goto(world.url);
    await page.waitForSelector("a.row");
    await page.noOverflow();
    await page.shot("demo-estate-390");
    await page.locator("a.row").first().tap();
    await page.waitForSelector(".box");
    await page.waitForSelector("#chart svg");
    await page.noOverflow();
    await page.shot("demo-cluster-390");
    await page.done();
  });

  test("demo: the services add up to the bill, and a tick has its page", async () => {
    const page = await browser.open(world.url);
    const bill = follow(page, /^\/api\/v1\/services$/);
    await page.goto(world.url + "services?per=hour");
    await page.waitForSelector("table.holds");
    await agrees(page, [bill], () => ({ figures: [...document.querySelectorAll(".figures > div")].map((e) => /** @type {any} */ (e).innerText), rows: document.querySelectorAll("tr[data-row]").length, said: document.getElementById("sentence")?.textContent || "" }), ({ figures, rows, said }, [a]) => {
      const part = (/** @type {string} */ k) => a.clusters.reduce((/** @type {number} */ n, /** @type {any} */ c) => n + c[k].usd_micro_per_hour, 0);
      const held = a.services.reduce((/** @type {number} */ n, /** @type {any} */ s) => n + s.cost.usd_micro_per_hour, 0);
      assert.ok(Math.abs(num(figures[3].replace("Held by services", "")) - held / 1e6) < 0.011);
      assert.ok(Math.abs(num(figures[4].replace("Free", "")) - part("free_cost") / 1e6) < 0.011);
      assert.equal(rows, a.services.length);
      const used = a.services.some((/** @type {any} */ s) => s.used), judged = a.services.some((/** @type {any} */ s) => s.size?.samples);
      assert.equal(/Usage is not measured/.test(said), !used && !judged);
    });
    await page.looks("demo-services");
    const { ticks } = await (await fetch(world.url + "api/v1/ticks?acting=true&limit=1")).json();
    await page.goto(world.url + "clusters/" + ticks[0].cluster + "/ticks/" + ticks[0].tick);
    await page.waitForSelector(".verdicts");
    assert.equal(await page.locator("table.acts tbody tr").count(), ticks[0].actions);
    await page.looks("demo-tick");
    await page.done();
  });

  test("demo: the report of one file shows what its journal has, and loads nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "masu-report-"));
    const file = join(folder, "report.html");
    const doc = JSON.parse(execFileSync(masu, ["report", "--state", world.journal(), "--out", file, "--format", "json"], { encoding: "utf8", maxBuffer: 1 << 28 }));
    // However much else there is: the newest decisions of each cluster are explained.
    const written = readFileSync(file, "utf8");
    for (const c of doc.estate.clusters) assert.ok(written.split(`"/clusters/${c.name}/ticks/`).length > 1, c.name + " has no explanation");
    const page = await browser.open("file://" + file);
    await page.goto("file://" + file);
    await page.waitForSelector("a.row");
    assert.match(await text(page, "#banner"), /A report of .* not live/);
    for (const c of doc.estate.clusters) assert.equal(num(await page.locator("tbody tr", { hasText: c.name }).locator("td.inst").innerText()), c.instances.total);
    await page.accessible();
    await page.shot("report-estate");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".box");
    await page.waitForSelector("#chart svg");
    await asks(page, [0, 1, 2]);
    await page.accessible();
    const ranges = page.getByRole("group", { name: "Range" }).getByRole("button");
    // Those for which there was room are offered, all of them and no other; the shortest and the day always are.
    const steps = [...new Set([...written.matchAll(/"\/clusters\/([^/"]+)\/series\?step=(\w+)"/g)].filter((m) => page.url().includes("/clusters/" + m[1])).map((m) => m[2]))];
    assert.ok(steps.includes("5m") && steps.includes("1m"), steps.join());
    assert.equal(await ranges.count(), steps.length, "every range in the file is offered, and no other: " + steps.join());
    for (const range of await ranges.all()) {
      await range.click();
      await page.waitForFunction((/** @type {string} */ name) => document.querySelector(".ranges [aria-pressed=true]")?.textContent === name && document.querySelector("#chart svg"), await range.textContent());
      assert.doesNotMatch(await page.locator("section:has(#chart)").innerText(), /tries again|Retry|not in this file/);
    }
    await page.shot("report-13mo", false);
    await page.keyboard.press("2");
    await page.keyboard.press("+");
    await page.waitForURL(/from=/);
    await page.waitForSelector("#chart svg");
    await page.shot("report-zoomed", false);
    await page.keyboard.press("0");
    assert.equal(await page.locator("#chart .f-fan").count() > 0, !!doc.estate.clusters.find((/** @type {any} */ c) => page.url().includes("/clusters/" + c.name)).need_4h_q90, "what is expected is drawn where it is known");
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print" });
    await page.shot("report-print");
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    await page.emulateMedia({ media: "screen" });
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForSelector("table.holds");
    await page.waitForFunction((/** @type {number} */ n) => document.querySelectorAll("tr[data-row]").length === n, doc.services.services.length);
    await page.accessible();
    await page.done();
    rmSync(folder, { recursive: true });
  });

  test("demo: with --history the weeks before the first tick are drawn, and limits have dates", async () => {
    const past = await startDemo(masu, "--history", "30d");
    try {
      const page = await browser.open(past.url);
      await page.goto(past.url + "clusters/main?range=4w");
      await page.waitForFunction(() => /** @type {SVGPathElement | null} */ (document.querySelector("#chart path.f-reserved"))?.getBBox().width > 600);
      await page.shot("demo-history-4w", false);
      await page.goto(past.url + "planning?cluster=main");
      await page.waitForSelector("table.limits tbody tr");
      const limits = await page.locator("table.limits tbody tr").allInnerTexts();
      assert.ok(limits.some((/** @type {string} */ l) => /peaks of (29|30|31) days change by/.test(l)), limits.join());
      await page.shot("demo-history-planning");
      await page.done();
    } finally {
      await past.stop();
    }
  });

  planning({ browser, world: () => world, text, num });

  test("demo: when the daemon ends, the last view stays and the page says so", async () => {
    const page = await browser.open(world.url, { expect: /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|Failed to load resource/ });
    const { clusters } = await (await fetch(world.url + "api/v1/clusters")).json();
    await page.goto(world.url + "?cluster=" + clusters[0].name);
    await page.waitForSelector(".box");
    await page.waitForSelector("#chart svg");
    await world.stop();
    await page.waitForSelector(".banner.stop", { timeout: 20_000 });
    assert.ok((await page.locator(".box").count()) > 0);
    await page.shot("demo-stopped");
    await page.done();
  });
}
