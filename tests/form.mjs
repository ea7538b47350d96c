// The login dialog of the page in front, as its user sees it: by keyboard, and by what is read out.

import { Key } from "selenium-webdriver";

/** What is in the dialog; nothing where there is none. */
function look() {
  const root = document.querySelector("micro-chat-login")?.shadowRoot;
  if (!root) return null;
  const textOf = (selector) => root.querySelector(selector)?.textContent ?? "";
  const active = root.activeElement;
  return {
    title: textOf("h2"),
    lead: textOf(".lead"),
    alert: textOf('[role="alert"]'),
    status: textOf('[role="status"]'),
    fields: [...root.querySelectorAll(".field > label:first-child")].map((label) => label.textContent),
    buttons: [...root.querySelectorAll("form button")].map((button) => button.textContent),
    focus: active?.labels?.[0]?.textContent ?? active?.ariaLabel ?? active?.textContent ?? "",
  };
}

/** Where Tab may stop in it, in its order, and which of these places has the focus. */
function stops() {
  const root = document.querySelector("micro-chat-login").shadowRoot;
  const all = [...root.querySelectorAll("input:not([hidden]), button")];
  const names = all.map((one) => one.labels?.[0]?.textContent ?? one.ariaLabel ?? one.textContent);
  return { names, place: all.indexOf(root.activeElement) };
}

export class Form {
  #visitor;

  constructor(visitor) {
    this.#visitor = visitor;
  }

  /** What it shows. */
  async shown() {
    return this.#visitor.run(look);
  }

  /** What it shows once its title is that. */
  async titled(title) {
    await this.#visitor.until(
      `() => document.querySelector("micro-chat-login")?.shadowRoot.querySelector("h2").textContent === ${JSON.stringify(title)}`,
    );
    return this.shown();
  }

  /** What it complains about, once it does. */
  async complaint() {
    await this.#visitor.until(
      () => document.querySelector("micro-chat-login")?.shadowRoot.querySelector('[role="alert"]').textContent !== "",
    );
    return (await this.shown()).alert;
  }

  /** Presses keys. */
  async press(...keys) {
    await this.#visitor.press(...keys);
  }

  /** Goes to what bears that label, by Tab alone. */
  async go(label) {
    for (let tries = 0; tries < 20; tries++) {
      const { names, place } = await this.#visitor.run(stops);
      if (names[place] === label) return;
      // The way that leads there: round the end, some browsers have buttons of their own.
      if (names.indexOf(label) < place) await this.#visitor.hold(Key.SHIFT, Key.TAB);
      else await this.press(Key.TAB);
    }
    throw new Error(`Tab does not lead to ${label}`);
  }

  /** Fills in fields by their labels, and goes on with Enter. */
  async fill(values) {
    for (const [label, value] of Object.entries(values)) {
      await this.go(label);
      await this.#visitor.selectAll();
      await this.press(value);
    }
    await this.press(Key.ENTER);
  }

  /** Presses a button by its words. */
  async choose(label) {
    await this.go(label);
    await this.press(Key.ENTER);
  }

  /** Waits until it is gone. */
  async gone() {
    await this.#visitor.until(() => !document.querySelector("micro-chat-login"));
  }
}
