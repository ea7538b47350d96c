// WebKit, as WebKitGTK has it: its MiniBrowser, driven by W3C WebDriver alone.

import { mkdir, writeFile } from "node:fs/promises";
import { STATUS_CODES } from "node:http";
import path from "node:path";

import { Builder, Capabilities } from "selenium-webdriver";
import { DriverService } from "selenium-webdriver/remote/index.js";

import { Display } from "./display.mjs";

// What is around the page takes more room than a phone has, unless it is made small.
const STYLE = `* {
  font-size: 1px; min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; border-spacing: 0;
  -gtk-icon-source: none;
}`;
const SETTINGS = "[Settings]\ngtk-decoration-layout=\ngtk-toolbar-style=GTK_TOOLBAR_TEXT\n";

/** In the page: begins to collect what it logs, and what nobody handles. */
function collect() {
  const errors = [];
  // Not among the names that the page sees.
  Object.defineProperty(window, Symbol.for("errors"), { value: errors, configurable: true });
  const { error } = console;
  console.error = (...values) => {
    errors.push(values.map(String).join(" "));
    error.apply(console, values);
  };
  addEventListener("error", (event) => errors.push(event.message ?? `${event.target.src} failed`), true);
  addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
}

/** In the page: what has been collected, and `[address, status]` of each answer that is an error. */
function collected() {
  const errors = window[Symbol.for("errors")]?.splice(0) ?? [];
  const refused = performance.getEntriesByType("resource").filter(({ responseStatus }) => responseStatus >= 400);
  performance.clearResourceTimings();
  return [errors, refused.map(({ name, responseStatus }) => [name, responseStatus])];
}

export class WebKit {
  #display;
  #service;

  driver;

  /** What it can't do, and why. */
  static lacks = {
    devtools: "WebKit does not speak Chromium's own protocol",
    console: "WebKitGTK shows its console to nobody: pages collect what they log only once they are there",
    cookie: "WebKit takes no secure cookie over plain HTTP, not even on loopback",
    freeze: "WebKitGTK does not freeze tabs",
    offline: "WebKitGTK's WebDriver takes no network away",
    dark: "WebKitGTK takes its colours from the desktop, which has only one theme while it runs",
  };

  static async start({ MiniBrowser, WebKitWebDriver, Xvfb }, folder) {
    const engine = new WebKit();
    engine.#display = await Display.start(Xvfb);
    const settings = path.join(folder, "gtk-3.0");
    await mkdir(settings);
    await writeFile(path.join(settings, "gtk.css"), STYLE);
    await writeFile(path.join(settings, "settings.ini"), SETTINGS);
    const environment = {
      ...process.env,
      DISPLAY: engine.#display.name,
      WAYLAND_DISPLAY: "",
      GDK_BACKEND: "x11",
      GTK_THEME: "Adwaita",
      GSETTINGS_BACKEND: "memory",
      HOME: folder,
      TMPDIR: folder,
      XDG_CONFIG_HOME: folder,
    };
    engine.#service = new DriverService.Builder(WebKitWebDriver).setLoopback(true).setEnvironment(environment).build();
    const capabilities = new Capabilities({
      browserName: "MiniBrowser",
      "webkitgtk:browserOptions": { binary: MiniBrowser, args: ["--automation"] },
    });
    const url = await engine.#service.start();
    engine.driver = await new Builder().usingServer(url).withCapabilities(capabilities).build();
    return engine;
  }

  /** After each page that was opened. Its console cannot be read, so the page collects from there on. */
  async opened() {
    await this.driver.executeScript(collect);
  }

  /** Runs an expression in the page; resolves to what its Promise resolves to. */
  async run(code) {
    // Without a name of its own, which would hide one of the page's.
    return this.driver.executeAsyncScript(`${code}.then(arguments[0])`);
  }

  /** What the page has logged since the last call or since it was opened: `{ level, message }`. */
  async console() {
    const [errors, refused] = await this.driver.executeScript(collected);
    // In Chromium's words, which the tests know.
    const requests = refused.map(
      ([url, code]) =>
        `${url} - Failed to load resource: the server responded with a status of ${code} (${STATUS_CODES[code]})`,
    );
    return [...errors, ...requests].map((message) => ({ level: "SEVERE", message }));
  }

  async look({ width, height }) {
    const { driver } = this;
    const window = driver.manage().window();
    const rect = await window.getRect();
    const [innerWidth, innerHeight] = await driver.executeScript("return [innerWidth, innerHeight]");
    if (innerWidth === width && innerHeight === height) return;
    await window.setRect({
      ...rect,
      width: rect.width + width - innerWidth,
      height: rect.height + height - innerHeight,
    });
  }

  async forgetCookies() {
    await this.driver.manage().deleteAllCookies();
  }

  async quit() {
    await this.driver.quit();
    await this.#service.kill();
    await this.#display.stop();
  }
}
