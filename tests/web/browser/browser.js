// Chromium, and what every page of a test is held to: no error, no request that leaves the origin, no axe violation.
// A window costs more to open than most tests take, so one that a test is done with is the next one's.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const axe = await readFile(fileURLToPath(new URL("node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");
const shots = fileURLToPath(new URL("screenshots/", import.meta.url));
/** What of axe looks at colours: all that another theme can change. */
const COLOURS = ["color-contrast", "link-in-text-block"];
const sizeOf = (/** @type {number} */ width) => ({ width, height: width < 600 ? 844 : 900 });

/** @param {string} path */
export async function launch(path) {
  const browser = await chromium.launch({ executablePath: path, args: FLAGS });
  /** Windows whose test ended well, by what cannot be changed in an open one. @type {Map<string, any[]>} */
  const free = new Map();
  return {
    close: () => browser.close(),
    /** @param {string} origin @param {{ width?: number, theme?: "light" | "dark", zone?: string, expect?: RegExp }} [opt] expect: an error that is part of the test */
    async open(origin, opt = {}) {
      const timezoneId = opt.zone || "Asia/Tokyo";
      const hasTouch = !!opt.width && opt.width < 600;
      const size = sizeOf(opt.width || 1280);
      const kin = free.get(timezoneId + hasTouch) || [];
      free.set(timezoneId + hasTouch, kin);
      const page = kin.pop() || await (await browser.newContext({ timezoneId, hasTouch, locale: "en-GB", bypassCSP: false })).newPage();
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: opt.theme || "light", media: null });
      /** @type {string[]} */
      const wrong = [];
      page.on("console", (/** @type {any} */ m) => { if (["error", "warning"].includes(m.type()) && !opt.expect?.test(m.text())) wrong.push(m.type() + ": " + m.text()); });
      page.on("pageerror", (/** @type {Error} */ e) => wrong.push("exception: " + e.stack));
      page.on("request", (/** @type {any} */ r) => { if (!r.url().startsWith(origin)) wrong.push("left the origin: " + r.url()); });
      return Object.assign(page, {
        /** The address as the page itself has it: page.url() is what the browser was told of it, which may be later. */
        async where() {
          return new URL(await page.evaluate(() => location.href));
        },
        /** @param {string} name @param {boolean} [whole] */
        async shot(name, whole = true) {
          await page.screenshot({ path: shots + name + ".png", fullPage: whole });
        },
        /** Runs axe over the whole page; rules of WCAG 2.2 A and AA and the best practices, or some of them. @param {string[]} [rules] */
        async accessible(rules) {
          if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
          const found = await page.evaluate((/** @type {any} */ options) => /** @type {any} */ (window).axe.run(document, options), { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : { rules: { "target-size": { enabled: true } } }) });
          assert.deepEqual(found.violations.map((/** @type {any} */ v) => v.id + ": " + v.nodes.slice(0, 3).map((/** @type {any} */ n) => n.target.join(" ") + " " + n.failureSummary).join(" | ")), []);
        },
        async noOverflow() {
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(over, 0, "the page is wider than its window");
        },
        /** No column of a table must be looked for. @param {string} table */
        async inView(table) {
          assert.equal(await page.locator(table).evaluate((/** @type {Element} */ e) => e.scrollWidth > (e.parentElement?.clientWidth || 0)), false, "a part of " + table + " is out of view");
        },
        /** What each page is held to: axe and a picture in both themes, nothing wider than its window. @param {string} name @param {boolean} [whole] all rules in the dark, too: where asPhone does not follow */
        async looks(name, whole) {
          for (const theme of /** @type {const} */ (["light", "dark"])) {
            await page.emulateMedia({ colorScheme: theme });
            await page.accessible(theme === "dark" && !whole ? COLOURS : undefined);
            await page.shot(`${name}-${theme}-${size.width}`);
          }
          await page.noOverflow();
        },
        /** The page that is open, as wide as a phone from now on, in the theme that it has (after looks: the dark one), held to all rules of axe. @param {string} name */
        async asPhone(name) {
          await page.setViewportSize(sizeOf(390));
          await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
          await page.noOverflow();
          await page.accessible();
          await page.shot(`${name}-390`);
        },
        async done() {
          await page.evaluate(() => localStorage.clear());
          for (const event of ["console", "pageerror", "request", "response"]) page.removeAllListeners(event);
          await page.goto("about:blank");
          await page.mouse.move(0, 0);
          assert.deepEqual(wrong, []);
          kin.push(page);
        },
      });
    },
  };
}
