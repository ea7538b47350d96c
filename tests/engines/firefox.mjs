// Firefox: by W3C WebDriver, its console by WebDriver BiDi, and its preferences where no standard has a word.

import { Browser as Name, Builder } from "selenium-webdriver";
import { Context, Options, ServiceBuilder } from "selenium-webdriver/firefox.js";

// What Firefox calls them.
const SCHEMES = { dark: 0, light: 1 };

/** What nobody answers any more. */
const GONE = { error: "closed", message: "Firefox is gone" };

export class Firefox {
  #bidi;
  #answers = new Map();
  #console = [];

  driver;

  /** What it can't do, and why. */
  static lacks = {
    devtools: "Firefox does not speak Chromium's own protocol",
    cache: "Firefox never keeps a page that has a socket or a lock",
    freeze: "Firefox does not freeze tabs",
    order:
      "Firefox runs a timer that is due before messages that came earlier: the link is made anew, and nothing lost",
  };

  static async start({ firefox, geckodriver }, folder) {
    const options = new Options();
    options.setBinary(firefox);
    options.addArguments("-headless");
    options.enableBidi();
    // All that it would ask its makers for.
    options.setPreference("network.captive-portal-service.enabled", false);
    options.setPreference("network.connectivity-service.enabled", false);

    const engine = new Firefox();
    // Its profile is in TMPDIR; in HOME it wants to write, whose ever that is.
    const environment = { ...process.env, TMPDIR: folder, HOME: folder };
    engine.driver = await new Builder()
      .forBrowser(Name.FIREFOX)
      .setFirefoxOptions(options)
      .setFirefoxService(
        new ServiceBuilder(geckodriver).addArguments("--allow-system-access").setEnvironment(environment),
      )
      .build();
    await engine.#listen();
    return engine;
  }

  /** Runs an expression in the page; resolves to what its Promise resolves to. */
  async run(code) {
    // WebDriver's scripts have a `JSON` and an `Error` of their own here, and not the page's.
    const target = { context: await this.driver.getWindowHandle() };
    const expression = `${code}.then((answer) => JSON.stringify(answer))`;
    const answer = await this.#send("script.evaluate", { expression, target, awaitPromise: true });
    if (answer.type !== "success") throw new Error(answer.exceptionDetails.text);
    return JSON.parse(answer.result.value);
  }

  /** What pages have logged since the last call: `{ level, message }`. */
  async console() {
    // Behind whatever Firefox has told so far: both come by the same socket.
    await this.#send("session.status", {});
    return this.#console.splice(0);
  }

  async look({ width, height, colorScheme }) {
    const scheme = SCHEMES[colorScheme];
    await this.#inside(`Services.prefs.setIntPref("layout.css.prefers-color-scheme.content-override", ${scheme})`);
    // Its windows don't become as narrow as a phone either.
    const context = await this.driver.getWindowHandle();
    const viewport = { width, height };
    await this.#send("browsingContext.setViewport", { context, viewport, devicePixelRatio: 1 });
  }

  /** Whether pages are told that there is no network. */
  async offline(offline) {
    await this.#inside(`Services.io.offline = ${offline}`);
  }

  async forgetCookies() {
    await this.#inside("Services.cookies.removeAll()");
  }

  async quit() {
    await this.driver.quit();
  }

  async #listen() {
    this.#bidi = await this.driver.getBidi();
    await this.#bidi.subscribe("log.entryAdded");
    this.#bidi.socket.on("message", (data) => {
      const { id, method, params, ...answer } = JSON.parse(data);
      this.#answers.get(id)?.(answer);
      this.#answers.delete(id);
      if (method !== "log.entryAdded") return;
      const { level, text } = params;
      this.#console.push({ level: level === "error" ? "SEVERE" : level.toUpperCase(), message: text });
    });
    this.#bidi.socket.on("close", () => this.#answers.forEach((answer) => answer(GONE)));
  }

  /**
   * Sends a command of WebDriver BiDi; resolves to its result. Not by selenium's `send`, which waits for half a minute
   * only: a test's script in a page may take longer.
   */
  async #send(method, params) {
    const id = ++this.#bidi.id;
    const answered = new Promise((resolve) => this.#answers.set(id, resolve));
    this.#bidi.socket.send(JSON.stringify({ id, method, params }), (error) => error && this.#answers.get(id)?.(GONE));
    const { error, message, result } = await answered;
    if (error) throw new Error(`${method}: ${error}: ${message}`);
    return result;
  }

  /** Runs a script in the browser itself. */
  async #inside(script) {
    await this.driver.setContext(Context.CHROME);
    try {
      await this.driver.executeScript(script);
    } finally {
      await this.driver.setContext(Context.CONTENT);
    }
  }
}
