// Chromium, and what every page of a test is held to: no error, no request that leaves the origin, no axe violation.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const axe = await readFile(fileURLToPath(new URL("node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");
const shots = fileURLToPath(new URL("screenshots/", import.meta.url));

/** @param {string} path */
export async function launch(path) {
  const browser = await chromium.launch({ executablePath: path, args: FLAGS });
  return {
    close: () => browser.close(),
    /** @param {string} origin @param {{ width?: number, theme?: "light" | "dark", zone?: string, expect?: RegExp }} [opt] expect: an error that is part of the test */
    async open(origin, opt = {}) {
      const context = await browser.newContext({ viewport: { width: opt.width || 1280, height: opt.width && opt.width < 600 ? 844 : 900 }, colorScheme: opt.theme || "light", timezoneId: opt.zone || "Asia/Tokyo", locale: "en-GB", bypassCSP: false, hasTouch: !!opt.width && opt.width < 600 });
      const page = await context.newPage();
      /** @type {string[]} */
      const wrong = [];
      page.on("console", (m) => { if (["error", "warning"].includes(m.type()) && !opt.expect?.test(m.text())) wrong.push(m.type() + ": " + m.text()); });
      page.on("pageerror", (e) => wrong.push("exception: " + e.stack));
      page.on("request", (r) => { if (!r.url().startsWith(origin)) wrong.push("left the origin: " + r.url()); });
      return Object.assign(page, {
        /** @param {string} name @param {boolean} [whole] */
        async shot(name, whole = true) {
          await page.screenshot({ path: shots + name + ".png", fullPage: whole });
        },
        /** Runs axe over the whole page; rules of WCAG 2.2 A and AA and the best practices. */
        async accessible() {
          const found = /** @type {any} */ (await page.evaluate(axe + "; axe.run(document, { resultTypes: ['violations'] })"));
          assert.deepEqual(found.violations.map((/** @type {any} */ v) => v.id + ": " + v.nodes.slice(0, 3).map((/** @type {any} */ n) => n.target.join(" ") + " " + n.failureSummary).join(" | ")), []);
        },
        async noOverflow() {
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(over, 0, "the page is wider than its window");
        },
        async done() {
          await context.close();
          assert.deepEqual(wrong, []);
        },
      });
    },
  };
}
