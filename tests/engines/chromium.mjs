// Chromium, which can do all that the tests ask for: much of it by its own protocol.

import { Browser as Name, Builder, logging } from "selenium-webdriver";
import { Options, ServiceBuilder } from "selenium-webdriver/chrome.js";

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

export class Chromium {
  driver;

  /** What it can't do, and why. */
  static lacks = {};

  static async start({ chromium, chromedriver }, folder) {
    const options = new Options();
    options.setChromeBinaryPath(chromium);
    options.addArguments(...FLAGS, ...(asRoot ? ["--no-sandbox"] : []));
    const preferences = new logging.Preferences();
    preferences.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    options.setLoggingPrefs(preferences);

    const engine = new Chromium();
    engine.driver = await new Builder()
      .forBrowser(Name.CHROME)
      .setChromeOptions(options)
      .setChromeService(new ServiceBuilder(chromedriver).setEnvironment({ ...process.env, TMPDIR: folder }))
      .build();
    return engine;
  }

  /** Runs an expression in the page; resolves to what its Promise resolves to. */
  async run(code) {
    // Without a name of its own, which would hide one of the page's.
    return this.driver.executeAsyncScript(`${code}.then(arguments[0])`);
  }

  /** What pages have logged since the last call: `{ level, message }`. */
  async console() {
    const entries = await this.driver.manage().logs().get(logging.Type.BROWSER);
    return entries.map(({ level, message }) => ({ level: level.name, message }));
  }

  async look({ width, height, scale, colorScheme }) {
    // Its own protocol: its windows don't become as narrow as a phone, and WebDriver knows no colour scheme.
    const metrics = { width, height, deviceScaleFactor: scale, mobile: false };
    await this.driver.sendDevToolsCommand("Emulation.setDeviceMetricsOverride", metrics);
    await this.driver.sendDevToolsCommand("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: colorScheme }],
    });
  }

  /** Whether pages are told that there is no network; the sockets that stand are the test's to break. */
  async offline(offline) {
    await this.driver.sendDevToolsCommand("Network.enable");
    await this.driver.sendDevToolsCommand("Network.emulateNetworkConditions", {
      offline,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
  }

  async freeze(frozen) {
    await this.driver.sendDevToolsCommand("Page.setWebLifecycleState", { state: frozen ? "frozen" : "active" });
  }

  async forgetCookies() {
    await this.driver.sendDevToolsCommand("Network.clearBrowserCookies");
  }

  async quit() {
    await this.driver.quit();
  }
}
