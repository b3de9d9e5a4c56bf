// The report in a real Chromium: walks it, reads its numbers against the API, by keyboard alone, in both themes, at 1280 px
// and as a phone. Two worlds: fixture.js for states that are hard to provoke, and `masu demo` when a binary is given.
//
//   node run.js [--masu FILE] [--only fixture|demo]      MASU_BIN in the environment names the binary first
//
// Screenshots go to screenshots/ beside this file, to be looked at. Exit 77: something needed is not here (meson: skipped).

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";

const here = (/** @type {string} */ p) => fileURLToPath(new URL(p, import.meta.url));
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(here("node_modules/playwright-core")) || !existsSync(CHROMIUM)) {
  console.log("skipped: needs " + CHROMIUM + " and `npm ci` in tests/web/browser");
  process.exit(77);
}
const { launch } = await import("./browser.js");
const { SCRIPT, startFixture } = await import("./fixture.js");
const { states } = await import("./states.js");
const { demo } = await import("./demo.js");
const argument = (/** @type {string} */ name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : "");
const binary = process.env.MASU_BIN || argument("--masu");
const masu = binary && existsSync(binary) ? binary : "";
const only = argument("--only");

await mkdir(here("screenshots"), { recursive: true });
const browser = await launch(CHROMIUM);
after(() => browser.close());

/** What a person would select on the page and read. */
const text = async (/** @type {any} */ page, /** @type {string} */ at) => (await page.locator(at).innerText()).replace(/\s+/g, " ").trim();
const num = (/** @type {string} */ s) => Number(/-?[\d,]+(\.\d+)?/.exec(s)?.[0].replace(/,/g, ""));

if (only !== "demo") test("the page, its script and its style are at most 60 KiB compressed", async () => {
  const dir = here("../../../web/assets/");
  let bytes = 0;
  for (const part of [[], ["style"]]) bytes += gzipSync((await promisify(execFile)("python3", [here("../../../web/bundle.py"), dir, ...part], { maxBuffer: 1 << 24 })).stdout, { level: 9 }).length;
  for (const f of ["index.html", "favicon.svg"]) bytes += gzipSync(await readFile(dir + f), { level: 9 }).length;
  assert.ok(bytes <= 60 * 1024, bytes + " bytes");
});

if (only !== "demo") test("a script without its spaces says the same", async () => {
  const script = 'const f = (a) => { return / [/"`]  x/.source + a; };\n[f("q  \\" r"), \'it  "is"\', `t  ${ [1, { a: 2 }.a].map((x) => `  ${x}  \\` $ `).join(" / ") }  u`, // and "this" is `no part of it\n  ((one, { two, three: [four] }, five = { one }) => { const six = { one, two: four, five }; return JSON.stringify([six, `${two}`]); })(1, { two: 2, three: [3] }), 1 - -1, 8 / 2 / 1, "a b".replace(/\\s /g, "") ].join("|")';
  const squeezed = (await promisify(execFile)("python3", ["-c", "import sys; from bundle import squeeze; sys.stdout.write(squeeze(sys.argv[1]))", script], { env: { ...process.env, PYTHONPATH: here("../../../web") } })).stdout;
  assert.ok(squeezed.length < script.length - 20, squeezed);
  assert.equal(runInNewContext(squeezed), runInNewContext(script));
});

if (only !== "demo") test("numbers are written as Intl writes them", async () => {
  const { num } = await import("../../../web/assets/format.js");
  for (const x of [0, 0.005, 0.5, 1.005, 3.585, 9.995, 12.5, 99.95, 999.5, 1234.5678, 1e6, 123456789.125, 2e-7, 1e15 + 0.5, 3e20])
    for (let digits = 0; digits <= 3; digits++)
      for (const least of [0, digits]) {
        assert.equal(num(x, digits, least), new Intl.NumberFormat("en-US", { maximumFractionDigits: digits, minimumFractionDigits: least }).format(x), `${x} ${digits} ${least}`);
      }
  assert.equal(num(-1234.5, 1), "−1,234.5");
  assert.equal(num(-0.001, 1), "0");
});

if (only !== "demo") test("a variable under a short name is the same variable", async () => {
  const dir = await mkdtemp(join(tmpdir(), "masu-bundle-"));
  await writeFile(join(dir, "one.js"), "const secret = 3;\nexport const twice = (value) => 2 * value + secret;\nexport class Pair {\n  constructor(first) {\n    this.first = first;\n  }\n\n  sum(other) {\n    return this.first + other;\n  }\n}\n");
  await writeFile(join(dir, "app.js"), 'import { Pair, twice as double } from "./one.js";\nconst secret = { value: 5, double: 7 };\nfunction twice({ value, double: other }, { first = value } = {}) {\n  const sum = { value, other, first };\n  return `${Object.keys(sum)} ${double(value)} ${secret.value + other + first}`;\n}\nconst flip = value => value ? secret : { secret };\nglobalThis.out = [twice(secret), twice(secret, { first: 1 }), new Pair(1).sum(2), JSON.stringify([flip(1), flip(0)])].join("|");\n');
  await writeFile(join(dir, "app.css"), "");
  const { stdout } = await promisify(execFile)("python3", [here("../../../web/bundle.py"), dir]);
  const world = /** @type {any} */ ({});
  runInNewContext("globalThis.out = 0;" + stdout, world);
  assert.equal(world.out, 'value,other,first 13 17|value,other,first 13 13|3|[{"value":5,"double":7},{"secret":{"value":5,"double":7}}]');
  assert.doesNotMatch(stdout, /function twice|const secret/);
});

if (only !== "demo") test("the bundle names nothing that nobody declares, and nothing twice", async () => {
  const at = here("screenshots/app.js");
  await writeFile(at, SCRIPT);
  const said = await promisify(execFile)(process.execPath, [here("node_modules/typescript/bin/tsc"), "--ignoreConfig", "--noEmit", "--allowJs", "--checkJs", "--strict", "false", "--target", "esnext", "--lib", "esnext,dom,dom.iterable", at]).then((r) => r.stdout, (e) => e.stdout);
  // a property of an element whose kind only a comment told: no matter here
  assert.deepEqual(said.split("\n").filter((/** @type {string} */ l) => l && !/error TS(2339|2551): Property '\w+' does not exist on type '(HTML)?(Element|EventTarget)'/.test(l)), []);
});

if (only !== "demo") test("the modules pass the type check", async () => {
  await promisify(execFile)(process.execPath, [here("node_modules/typescript/bin/tsc"), "--project", here("tsconfig.json")]).catch((e) => assert.fail(e.stdout || e.message));
});

if (only !== "demo") test("the modules and their tests pass the linter", async () => {
  await promisify(execFile)(here("node_modules/.bin/oxlint"), ["--deny-warnings", "web/assets", "tests/web/browser"], { cwd: here("../../..") }).catch((e) => assert.fail(e.stdout || e.message));
});

if (only !== "demo") describe("states", () => states({ browser, startFixture, text, num }));
if (masu && only !== "fixture") describe("demo", () => demo({ browser, masu, text, num }));
