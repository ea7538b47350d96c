// What the tests of pages rest on: a console that is read, and colours that follow the visitor's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { lacks } from "../browser.mjs";
import { ann, mayLog, server } from "./stage.mjs";
import { DESKTOP } from "./window.mjs";

test("what a page logs is known here, so that a test fails by it", async () => {
  await ann.browser.open(server.url);
  await ann.run(() => {
    console.error("logged");
    setTimeout(() => {
      throw new Error("thrown");
    });
    void Promise.reject(new Error("rejected"));
  });
  for (const what of ["logged", "thrown", "rejected"]) {
    await ann.until(
      () => ann.browser.errors(),
      (errors) => errors.some((error) => error.includes(what)),
      what,
    );
  }
  mayLog(/logged|thrown|rejected/);
});

test("what it logs while it loads is known as well", { skip: lacks("console") }, async () => {
  await ann.browser.open(`data:text/html,<script>throw new Error("thrown")</script>`);
  await ann.until(
    () => ann.browser.errors(),
    (errors) => errors.some((error) => error.includes("thrown")),
    "what was thrown",
  );
  mayLog(/thrown/);
});

test("by night the pages are dark", { skip: lacks("dark") }, async () => {
  await ann.browser.open(server.url);
  const background = async (colorScheme) => {
    await ann.browser.look({ ...DESKTOP, colorScheme });
    const [red, green, blue] = await ann.run(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g));
    return Number(red) + Number(green) + Number(blue);
  };
  const [day, night] = [await background("light"), await background("dark")];
  assert.ok(day > 3 * 128 && night < 3 * 128, `${day} by day, ${night} by night`);
});
