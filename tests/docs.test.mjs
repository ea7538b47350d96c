// The documentation as the server shows it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser } from "./browser.mjs";
import { Server } from "./server.mjs";

let server;
let browser;
let pages;

before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  await browser.open(`${server.url}/docs`);
  pages = await browser.driver.executeScript(() =>
    [...document.querySelectorAll(".pages li a")].map(({ href }) => href),
  );
});

after(async () => {
  await browser?.quit();
  await server?.remove();
});

test("every page loads all of itself from the server, and runs nothing", async () => {
  assert.ok(pages.length > 5, pages.join(" "));
  for (const page of pages) {
    await browser.open(page);
    const { loaded, scripts } = await browser.driver.executeScript(() => ({
      loaded: performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin),
      scripts: document.scripts.length,
    }));
    assert.deepEqual([...new Set(loaded)], [server.url], page);
    assert.equal(scripts, 0, page);
  }
  assert.deepEqual(await browser.errors(), []);
});

test("every link leads somewhere, to the place that it names", async () => {
  const places = new Map();
  for (const page of pages) {
    await browser.open(page);
    const found = await browser.driver.executeScript(() => ({
      ids: [...document.querySelectorAll("[id]")].map(({ id }) => `#${id}`),
      links: [...document.links].map(({ href }) => href),
    }));
    places.set(page, found);
  }
  for (const [page, { links }] of places) {
    for (const link of links.filter((link) => link.startsWith(server.url))) {
      const { origin, pathname, hash } = new URL(link);
      const target = places.get(origin + pathname);
      if (hash) assert.ok(target?.ids.includes(decodeURIComponent(hash)), `${page} links to ${link}`);
      else if (!target) assert.equal((await fetch(link)).status, 200, `${page} links to ${link}`);
    }
  }
});

test("pages fit a phone and a desktop, light and dark", async () => {
  for (const page of pages) {
    await browser.open(page);
    const name = new URL(page).pathname.slice(1).replace("/", "-");
    for (const width of [390, 1280]) {
      for (const colorScheme of ["light", "dark"]) {
        await browser.screenshot(`${name}-${width}-${colorScheme}`, { width, colorScheme });
      }
      const wide = await browser.driver.executeScript("return document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${page} is ${wide} wide at ${width}`);
      const cut = await browser.driver.executeScript(
        () => [...document.querySelectorAll(".scroller")].filter((one) => one.scrollWidth > one.clientWidth).length,
      );
      assert.equal(cut, 0, `${page} has tables that are cut off at ${width}`);
    }
  }
});
