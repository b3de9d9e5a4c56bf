// ./dev bench --only 'page-*': how soon the page is there, what it weighs, how long a chart's numbers take, and what 200 requests a
// second of the estate cost the loop beside them. 40 clusters, 500 services, 2,000 instances, 90 days of history, on loopback.
//
// usage: node bench.js BENCH_PAGE; prints one JSON object. Exit 77: Chromium or the npm packages are not here.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(fileURLToPath(new URL("node_modules/playwright-core", import.meta.url))) || !existsSync(CHROMIUM)) process.exit(77);
const { launch } = await import("./browser.js");

const RUNS = 5;
const VISITS = 9;
const QUIET_MS = 300;
const SETTLED_MS = 1500;
const median = (/** @type {number[]} */ v) => [...v].sort((a, b) => a - b)[Math.floor(v.length / 2)];
const server = spawn(process.argv[2], [], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const { url, cluster } = await next();
const look = async () => { server.stdin.write("look\n"); return (await next()).ms; };
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const ask = (/** @type {string} */ path) => new Promise((done, fail) => get(url + path, { agent, headers: { "accept-encoding": "gzip" } }, (r) => { r.on("data", () => {}); r.on("end", () => (r.statusCode === 200 ? done(undefined) : fail(new Error(path + " " + r.statusCode)))); }).on("error", fail));

/** What a page's visit is measured in: a window with nothing of it in any cache, whose browser and renderer run: as a reader's do who comes from
 * another page. It shows a line of text of our server, then goes on to `path`. Nothing asks the page for a while then: the helpers of playwright
 * take tens of milliseconds of its thread when they come first. @param {any} browser @param {string} path @param {() => void} [watch] */
async function visit(browser, path, watch) {
  const page = await browser.open(url);
  await page.goto(url + "assets/nowhere");
  await page.waitForTimeout(QUIET_MS);
  if (watch) await page.addInitScript(watch);
  await page.goto(url + path);
  await page.waitForTimeout(SETTLED_MS);
  if (watch) await page.waitForSelector("td.spark svg");
  const got = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN, ready: /** @type {any} */ (window).ready, long: Math.max(0, .../** @type {any} */ (window).long || []),
    bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((n, e) => n + /** @type {any} */ (e).transferSize, 0),
  }));
  await page.context().close();
  return got;
}

/** The estate: ready when its rows are there and were drawn, which the frame after says; its longest task until then and after. @param {any} browser */
const estate = (browser) => visit(browser, "", () => {
  /** @type {any} */ (window).ready = 0;
  /** @type {any} */ (window).long = [];
  new PerformanceObserver((l) => /** @type {any} */ (window).long.push(...l.getEntries().map((e) => e.duration))).observe({ entryTypes: ["longtask"] });
  const drawn = () => { /** @type {any} */ (window).ready = performance.now(); };
  const seen = () => requestAnimationFrame(document.querySelectorAll("tr[data-row]").length > 10 ? drawn : seen);
  requestAnimationFrame(seen);
});

/** First paint of a page of one line, without script or style: what the browser itself takes on this machine. @param {any} browser */
const floor = (browser) => visit(browser, "assets/nowhere?again");

/** @param {number} rate requests a second, until stop */
function load(rate) {
  let sent = 0;
  let failed = 0;
  const from = performance.now();
  const timer = setInterval(() => {
    for (const due = ((performance.now() - from) / 1000) * rate; sent < due; sent++) ask("api/v1/clusters").catch(() => failed++);
  }, 10);
  return () => { clearInterval(timer); return { sent, failed }; };
}

const looks = async (/** @type {number} */ n) => { const v = []; for (let i = 0; i < n; i++) v.push(await look()); return median(v); };

const browser = await launch(CHROMIUM);
await estate(browser);
const visits = [];
const floors = [];
for (let i = 0; i < VISITS; i++) {
  visits.push(await estate(browser));
  floors.push((await floor(browser)).paint);
}
await browser.close();
const { now } = await (await fetch(url + "api/v1/clusters")).json();
const ago = (/** @type {number} */ days) => encodeURIComponent(new Date(Date.parse(now) - days * 86_400_000).toISOString());
const chart = [];
for (let i = 0; i < 21; i++) {
  const begin = performance.now();
  await ask(`api/v1/clusters/${cluster}/series?from=${ago(90)}&step=2h`);
  chart.push(performance.now() - begin);
}
await looks(3);
const ratios = [];
for (let i = 0; i < RUNS; i++) {
  const alone = await looks(3);
  const stop = load(200);
  const beside = await looks(3);
  const { failed } = stop();
  if (failed) throw new Error(failed + " requests failed");
  ratios.push(beside / alone);
}
console.log(JSON.stringify({ paint_ms: median(visits.map((v) => v.paint)), floor_ms: median(floors), ready_ms: median(visits.map((v) => v.ready)), long_ms: median(visits.map((v) => v.long)), transfer_kib: median(visits.map((v) => v.bytes)) / 1024, chart_ms: median(chart), slowdown: median(ratios) }));
server.stdin.end();
agent.destroy();
