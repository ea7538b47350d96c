// A window, and what can be seen in it.

import assert from "node:assert/strict";

import { Key, until } from "selenium-webdriver";

import { Browser } from "../browser.mjs";

// The longest wait between two tries to connect is 20 s.
const WAIT_MS = 60_000;

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };

export class Window {
  static async start() {
    const window = new Window();
    window.browser = await Browser.start();
    window.driver = window.browser.driver;
    await window.browser.look(DESKTOP);
    return window;
  }

  /** Runs `fn` in the page. */
  run(fn, ...args) {
    return this.driver.executeScript(`return (${fn})(...arguments)`, ...args);
  }

  /** Waits until `look` returns something that `check` accepts. */
  async until(look, check, what) {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      // A page that goes away in the middle of the question answers with an error.
      const [seen, failure] = await look().then(
        (seen) => [seen],
        (error) => [undefined, error],
      );
      if (!failure && check(seen)) return seen;
      if (Date.now() > deadline) assert.fail(`no ${what}; there is ${failure ?? JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Opens a page of the chat and waits until it is connected. */
  async chat(address) {
    await this.browser.open(address);
    await this.becomes("live");
  }

  state() {
    return this.run(() => document.querySelector("#state")?.dataset.state);
  }

  becomes(state) {
    return this.until(
      () => this.state(),
      (seen) => seen === state,
      state,
    );
  }

  /** The messages in their order: `{ author, text, status }`. */
  messages() {
    return this.run(() =>
      Array.from(document.querySelectorAll(".message"), (item) => ({
        author: item.querySelector(".author").textContent,
        text: item.querySelector(".text").textContent,
        status: item.querySelector(".status").textContent,
      })),
    );
  }

  async texts() {
    return (await this.messages()).map(({ text }) => text);
  }

  /** Waits until exactly these texts are shown, in this order. */
  shows(texts) {
    const same = (seen) => JSON.stringify(seen) === JSON.stringify(texts);
    return this.until(() => this.texts(), same, JSON.stringify(texts));
  }

  /** Waits until all that this window's user has written is stored: it is shown before. */
  stored() {
    const isSo = (messages) => {
      const mine = messages.filter(({ author }) => author === "You");
      return mine.length > 0 && mine.every(({ status }) => /stored/.test(status));
    };
    return this.until(() => this.messages(), isSo, "stored messages");
  }

  /** Types into a field, once it is there. */
  async fill(id, ...keys) {
    const field = await this.driver.wait(until.elementLocated({ id }), WAIT_MS);
    await this.driver.wait(until.elementIsVisible(field), WAIT_MS);
    await field.sendKeys(...keys);
  }

  async type(...keys) {
    await this.fill("text", ...keys);
  }

  /** Types a message and sends it, as a person does. */
  say(text) {
    return this.type(text, Key.ENTER);
  }

  quit() {
    return this.browser.quit();
  }
}
