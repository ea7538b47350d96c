// Opening an example on somebody's site, and watching what it shows.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Key } from "selenium-webdriver";

import { Browser } from "./browser.mjs";
import { Site } from "./site.mjs";

const WAIT_MS = 60_000;
const POLL_MS = 20;
// For what must not come: a second callback, a late error.
const SETTLE_MS = 200;

/** Whether a page has logged so much, or gone wrong so often: to be waited for. */
export const anything =
  (times) =>
  ({ log, error, uncaught }) =>
    log.length >= times || error.length + uncaught.length >= times;

export class Visitor {
  #browser;
  #site;

  static async start() {
    const visitor = new Visitor();
    visitor.#site = await Site.start();
    visitor.#browser = await Browser.start();
    return visitor;
  }

  /** Where the pages are. */
  get origin() {
    return this.#site.url;
  }

  /** Opens a new page with this example in it, on the site's `host` if that is not its own. */
  async open(example, host = "127.0.0.1") {
    await this.#browser.forgetConsole();
    const url = this.#site.publish(example).replace("127.0.0.1", host);
    await this.#browser.open(url);
  }

  /** Opens a new page with this example in it, in a tab of its own; resolves to the tab that was in front. */
  async openTab(example) {
    const { driver } = this.#browser;
    const before = await driver.getWindowHandle();
    await driver.switchTo().newWindow("tab");
    await this.open(example);
    return before;
  }

  /** The tab in front. */
  async tab() {
    return this.#browser.driver.getWindowHandle();
  }

  /** Comes to the tab that `tab` is. */
  async show(tab) {
    await this.#browser.driver.switchTo().window(tab);
  }

  /** Closes the tab that `tab` is, and comes back to the one in front. */
  async closeTab(tab) {
    const { driver } = this.#browser;
    const front = await driver.getWindowHandle();
    await driver.switchTo().window(tab);
    await driver.close();
    await driver.switchTo().window(front);
  }

  /** Loads the page in front anew. */
  async reload() {
    await this.#browser.reload();
  }

  /** Goes back to the page that was there before the one in front. */
  async back() {
    await this.#browser.back();
  }

  /** Presses keys, one after the other, wherever the focus is. */
  async press(...keys) {
    await this.#browser.driver
      .actions()
      .sendKeys(...keys)
      .perform();
  }

  /** Presses a key while another one is held. */
  async hold(held, key) {
    await this.#browser.driver.actions().keyDown(held).sendKeys(key).keyUp(held).perform();
  }

  /** Selects what is in the field that has the focus. */
  async selectAll() {
    await this.hold(Key.CONTROL, "a");
  }

  /** The browser, for what only that knows. */
  get browser() {
    return this.#browser;
  }

  /** Undoes `back`. */
  async forward() {
    await this.#browser.forward();
  }

  /** Tells the page's tab something for which W3C's protocol has no word; resolves to the answer. */
  async devtools(command, params = {}) {
    return this.#browser.driver.sendAndGetDevToolsCommand(command, params);
  }

  /** Runs an async function in the page, with `args` and nothing else of its file; resolves to what it returns. */
  async run(fn, ...args) {
    return this.#browser.run(fn, ...args);
  }

  /** Waits until `condition`, a function for the page, is true there. */
  async until(condition) {
    let failure = "";
    // A page that goes away in the middle of the question answers with an error.
    const isSo = () =>
      this.run(condition).catch((error) => {
        failure = `: ${error}`;
        return false;
      });
    await this.#browser.driver.wait(isSo, WAIT_MS, () => `never in the page: ${condition}${failure}`);
  }

  /** What the page has shown by now: `log`, `error`, `uncaught`, and the `frames` of its sockets. */
  async shown() {
    return this.#browser.driver.executeScript("return window.shown");
  }

  /** What it has shown once `enough` is true of that, and a little later: all that came, and nothing that didn't. */
  async shows(enough = anything(1)) {
    // What is missing after so long, the test will say.
    await this.#browser.driver.wait(async () => enough(await this.shown()), WAIT_MS, "", POLL_MS).catch(() => {});
    await sleep(SETTLE_MS);
    return this.shown();
  }

  /**
   * Throws if the browser's own console has an error that the page has not `shown`, or lacks one; `failing`, an address
   * and the status of its answer, is a request whose failure the browser tells.
   */
  async checkConsole(shown, failing) {
    const errors = await this.#browser.errors();
    const request =
      failing && `${failing.url} - Failed to load resource: the server responded with a status of ${failing.code} `;
    const requests = errors.filter((message) => request && message.startsWith(request));
    assert.equal(requests.length, failing ? 1 : 0, errors.join("\n"));
    assert.equal(errors.length - requests.length, shown.error.length, errors.join("\n"));
  }

  async quit() {
    await this.#browser?.quit();
    await this.#site.stop();
  }
}
