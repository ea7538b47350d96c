// A browser of its own for each test: Chromium, or the engine that MICRO_CHAT_BROWSER names.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { enginePrograms } from "../scripts/program.mjs";
import { Chromium } from "./engines/chromium.mjs";
import { Firefox } from "./engines/firefox.mjs";
import { WebKit } from "./engines/webkit.mjs";

const SCREENSHOTS = new URL("../target/screenshots/", import.meta.url);

/** How long a page may take to load. */
const LOAD_MS = 60_000;
/** How long a page may take to know how it is looked at. */
const LOOK_MS = 60_000;
/** How long until it is asked for that once more. */
const AGAIN_MS = 5_000;
/** How long a script in a page may take. */
const SCRIPT_MS = 240_000;
const POLL_MS = 10;

const ENGINES = { chromium: Chromium, firefox: Firefox, webkit: WebKit };

/** The engine that the tests run in. */
export const engine = process.env.MICRO_CHAT_BROWSER || "chromium";
if (!(engine in ENGINES)) throw new Error(`no engine ${engine}; there are ${Object.keys(ENGINES).join(", ")}`);

/** Why a test can't run in this engine, by the first of these abilities that it lacks; false if it can. */
export const lacks = (...abilities) =>
  abilities.map((ability) => ENGINES[engine].lacks[ability]).find(Boolean) ?? false;

/** The colour schemes that a visitor of this engine can have. */
export const colorSchemes = lacks("dark") ? ["light"] : ["light", "dark"];

/** A headless browser. */
export class Browser {
  #console = [];
  #engine;
  #folder;

  /** selenium's driver, for all that this class doesn't do. */
  driver;

  static async start() {
    const programs = enginePrograms(engine);
    const missing = Object.keys(programs).filter((name) => !programs[name]);
    // Without these paths selenium would download a browser.
    if (missing.length > 0) throw new Error(`${missing.join(" and ")} must be there to test in ${engine}`);

    const browser = new Browser();
    // Browsers leave things behind: in a folder of its own, they go when it goes.
    browser.#folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-browser-"));
    browser.#engine = await ENGINES[engine].start(programs, browser.#folder);
    browser.driver = browser.#engine.driver;
    await browser.driver.manage().setTimeouts({ script: SCRIPT_MS, pageLoad: LOAD_MS });
    return browser;
  }

  /** Opens a page. */
  async open(url) {
    await this.#come(url, () => this.driver.get(url));
    await this.#engine.opened?.();
  }

  /** Loads the page in front anew. */
  async reload() {
    await this.#come("the page", () => this.driver.navigate().refresh());
  }

  /** Goes back to the page that was there before the one in front. */
  async back() {
    await this.#come("the page before", () => this.driver.navigate().back());
  }

  /** Goes on to the page that `back` left. */
  async forward() {
    await this.#come("the page after", () => this.driver.navigate().forward());
  }

  /** Comes to another page, and waits until all of it has loaded. */
  async #come(name, go) {
    // A page that goes away in the middle of a question answers with an error.
    const asked = (...question) => this.driver.executeScript(...question).catch(() => false);
    const before = await this.driver.wait(() => asked(() => performance.timeOrigin), LOAD_MS, "no page", POLL_MS);
    await go();
    // On a busy machine drivers come back sooner than that, or even with the last page still in front.
    const isThere = (before) => document.readyState === "complete" && performance.timeOrigin !== before;
    await this.driver.wait(() => asked(isThere, before), LOAD_MS, `${name} did not load`, POLL_MS);
  }

  /** Runs an async function in the page, with `args` and nothing else of its file; resolves to what it returns. */
  async run(fn, ...args) {
    // No `eval`, which pages may forbid.
    const code = `(async () => (${fn})(...${JSON.stringify(args)}))().then(
      (value) => ({ value }),
      (error) => ({ error: error + "\\n" + error?.stack }),
    )`;
    const { value, error } = await this.#engine.run(code);
    if (error) throw new Error(error);
    return value;
  }

  /** Everything the pages have logged since the start or the last `forgetConsole`: `{ level, message }`. */
  async console() {
    this.#console.push(...(await this.#engine.console()));
    return [...this.#console];
  }

  /** The messages of `console.error`, uncaught errors and failed requests, except those that `expected` matches. */
  async errors(expected) {
    const errors = (await this.console()).filter(({ level }) => level === "SEVERE").map(({ message }) => message);
    return expected ? errors.filter((message) => !expected.test(message)) : errors;
  }

  async forgetConsole() {
    await this.console();
    this.#console = [];
  }

  /**
   * Gives the page exactly this many CSS pixels, and the visitor's colour scheme: one of `colorSchemes`. In Chromium
   * each of them is `scale` by `scale` on a screenshot.
   */
  async look({ width = 1280, height = 800, scale = 1, colorScheme = "light" } = {}) {
    // The browser knows it at once, the page a moment later.
    const isSeen = (width, height, colorScheme) =>
      innerWidth === width && innerHeight === height && matchMedia(`(prefers-color-scheme: ${colorScheme})`).matches;
    const seen = () => this.driver.executeScript(isSeen, width, height, colorScheme);
    const look = async () => {
      await this.#engine.look({ width, height, scale, colorScheme });
      // A window that was still about to change its size told a wrong one to begin with.
      return this.driver.wait(seen, AGAIN_MS, "", POLL_MS).catch(() => false);
    };
    await this.driver.wait(look, LOOK_MS, `not ${width} × ${height} and ${colorScheme}`, POLL_MS);
  }

  /**
   * Tells pages that there is no network, or that there is one again; the sockets that stand are the test's to break.
   */
  async offline(offline) {
    await this.#engine.offline(offline);
  }

  /** Freezes the page in front as a browser does to save power, or thaws it. */
  async freeze(frozen) {
    await this.#engine.freeze(frozen);
  }

  /** Forgets the cookies of the page in front, and of all others where the engine can. */
  async forgetCookies() {
    await this.#engine.forgetCookies();
  }

  /** Writes target/screenshots/NAME.png, with a `look` first if one is given; returns the file's path. */
  async screenshot(name, look) {
    if (look) await this.look(look);
    const image = await this.driver.takeScreenshot();
    const folder = engine === "chromium" ? SCREENSHOTS : new URL(`${engine}/`, SCREENSHOTS);
    await mkdir(folder, { recursive: true });
    const file = new URL(`${encodeURIComponent(name)}.png`, folder);
    await writeFile(file, image, "base64");
    return fileURLToPath(file);
  }

  async quit() {
    await this.#engine.quit();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
