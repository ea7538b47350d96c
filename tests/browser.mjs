// A browser of its own for each test, driven by W3C WebDriver.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Browser as Name, Builder, logging } from "selenium-webdriver";
import { Options, ServiceBuilder } from "selenium-webdriver/chrome.js";

import { browserPrograms } from "../scripts/program.mjs";

const SCREENSHOTS = new URL("../target/screenshots/", import.meta.url);

const FLAGS = [
  "--headless",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// Chromium's sandbox refuses to work for root.
const asRoot = process.getuid?.() === 0;

/** A headless Chromium. */
export class Browser {
  #console = [];
  #folder;

  /** selenium's driver, for all that this class doesn't do. */
  driver;

  static async start() {
    const { chromium, chromedriver } = browserPrograms();
    // Without these paths selenium would download a browser.
    if (!chromium || !chromedriver) throw new Error("chromium and chromedriver have to be on PATH");
    const options = new Options();
    options.setChromeBinaryPath(chromium);
    options.addArguments(...FLAGS, ...(asRoot ? ["--no-sandbox"] : []));
    const preferences = new logging.Preferences();
    preferences.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    options.setLoggingPrefs(preferences);

    const browser = new Browser();
    // Chromium leaves things behind: in a folder of its own, they go when it goes.
    browser.#folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-browser-"));
    const environment = { ...process.env, TMPDIR: browser.#folder };
    browser.driver = await new Builder()
      .forBrowser(Name.CHROME)
      .setChromeOptions(options)
      .setChromeService(new ServiceBuilder(chromedriver).setEnvironment(environment))
      .build();
    await browser.driver.manage().setTimeouts({ script: 30_000, pageLoad: 30_000 });
    return browser;
  }

  async open(url) {
    await this.driver.get(url);
  }

  /** Everything the pages have logged since the start or the last `forgetConsole`: `{ level, message }`. */
  async console() {
    const entries = await this.driver.manage().logs().get(logging.Type.BROWSER);
    this.#console.push(...entries.map(({ level, message }) => ({ level: level.name, message })));
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

  /** Gives the page exactly this many CSS pixels, each of `scale` by `scale`, and the visitor's colour scheme: "light" or "dark". */
  async look({ width = 1280, height = 800, scale = 1, colorScheme = "light" } = {}) {
    // Chromium's own protocol: its windows don't become as narrow as a phone, and WebDriver knows no colour scheme.
    const metrics = { width, height, deviceScaleFactor: scale, mobile: false };
    await this.driver.sendDevToolsCommand("Emulation.setDeviceMetricsOverride", metrics);
    await this.driver.sendDevToolsCommand("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: colorScheme }],
    });
  }

  /** Writes target/screenshots/NAME.png, with a `look` first if one is given; returns the file's path. */
  async screenshot(name, look) {
    if (look) await this.look(look);
    const image = await this.driver.takeScreenshot();
    await mkdir(SCREENSHOTS, { recursive: true });
    const file = new URL(`${encodeURIComponent(name)}.png`, SCREENSHOTS);
    await writeFile(file, image, "base64");
    return fileURLToPath(file);
  }

  async quit() {
    await this.driver.quit();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
