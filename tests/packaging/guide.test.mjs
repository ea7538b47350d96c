// The components that the README and the guide show, in the page that tries the hooks with Vite.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { build } from "vite";

import { examples } from "../markdown.mjs";
import { Workshop } from "./workshop.mjs";

const WAIT_MS = 60_000;

const MAIN = `
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Connection } from "./Connection";

createRoot(document.getElementById("root")!).render(<><Connection /><App /></>);`;

let workshop;

before(async () => {
  workshop = await Workshop.start();
  await writeFile(workshop.at("react/main.tsx"), MAIN);
  const [chat, app] = examples("README.md", "tsx", "react");
  await writeFile(workshop.at("react/Chat.tsx"), chat);
  const api = '"http://127.0.0.1:8080"';
  assert.ok(app.includes(api));
  await writeFile(workshop.at("react/App.tsx"), app.replace(api, 'Micro.params()["api"]!'));
  await writeFile(workshop.at("react/Connection.tsx"), examples("docs/guide.md", "tsx", "react")[0]);
  await build({ root: workshop.at("react"), logLevel: "error" });
});

after(() => workshop?.stop());

test("the components chat, say when the link is broken, and send what was written meanwhile", async () => {
  const { driver } = await workshop.open(`${await workshop.serve("react/dist")}/`);
  const server = await workshop.server();
  const page = () => driver.executeScript("return document.body.innerText");
  const shows = (text) => driver.wait(async () => (await page()).includes(text), WAIT_MS, `never: ${text}`);
  const field = await driver.wait(async () => (await driver.findElements({ css: "input" }))[0], WAIT_MS);
  await field.sendKeys("hello", "\n");
  await shows("ann: hello");
  await server.kill();
  await shows("Trying again in");
  await field.sendKeys("in between", "\n");
  await shows("1 on the way");
  await server.restart();
  await shows("ann: in between");
  const paragraphs = await driver.executeScript("return [...document.querySelectorAll('p')].map((p) => p.textContent)");
  assert.deepEqual(paragraphs, ["ann: hello", "ann: in between"]);
});
