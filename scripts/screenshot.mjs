// npm run screenshot: the picture of a chat in the README, light and dark, taken anew of the page as it is.

import { copyFileSync, statSync } from "node:fs";

import { Browser } from "../tests/browser.mjs";
import { Server } from "../tests/server.mjs";
import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { buildServer } from "./build/server.mjs";
import { run } from "./command.mjs";
import { main, Problem } from "./problem.mjs";
import { find } from "./program.mjs";
import { setUp } from "./setup.mjs";
import { setUpBrowser } from "./setup/browser.mjs";
import { install } from "./setup/debian.mjs";
import { step } from "./step.mjs";
import { at } from "./tree.mjs";

const CONVERSATION = [
  ["ben", "Hi Ann, are you on the train?"],
  ["ann", "Yes, and it goes through every tunnel."],
  ["ben", "Then you won't get this before the next station."],
  ["ann", "I got it when we came out, and all in order."],
  ["ben", "And what did you write in there?"],
  ["ann", "This. It went out by itself."],
];

const LOOK = { width: 640, height: 608, scale: 2 };
const LARGEST = 100_000;
const WAIT_MS = 15_000;

/** Waits until a page is connected, shows so many messages, and knows that they are stored. */
const shows = ({ driver }, count) =>
  driver.wait(
    () =>
      driver.executeScript((count) => {
        const statuses = [...document.querySelectorAll(".message .status")].map(({ textContent }) => textContent);
        const isLive = document.getElementById("state").dataset.state === "live";
        return isLive && statuses.length === count && statuses.every((status) => !status || /stored/.test(status));
      }, count),
    WAIT_MS,
  );

async function converse(users) {
  let count = 0;
  for (const browser of Object.values(users)) await shows(browser, count);
  for (const [user, text] of CONVERSATION) {
    await users[user].driver.findElement({ id: "text" }).sendKeys(text, "\n");
    count += 1;
    for (const browser of Object.values(users)) await shows(browser, count);
  }
}

/** Makes a picture smaller, and loses nothing of it. */
async function shrink(picture) {
  await run("optipng", ["-quiet", "-o5", picture], { timeout: 60_000 });
  const { size } = statSync(picture);
  if (size > LARGEST) throw new Problem(`${picture} has ${size} bytes; it should have at most ${LARGEST}`);
}

async function take() {
  const server = await Server.start();
  const users = {};
  try {
    const { chat_id } = await server.post("/chat/New", { user_ids: ["ann", "ben"] });
    for (const [user, other] of [
      ["ann", "ben"],
      ["ben", "ann"],
    ]) {
      users[user] = await Browser.start();
      await users[user].open(`${server.url}/?${new URLSearchParams({ chat_id, user_id: user, with: other })}`);
    }
    await converse(users);
    for (const colorScheme of ["light", "dark"]) {
      const file = await users.ann.screenshot(`chat-${colorScheme}`, { ...LOOK, colorScheme });
      const picture = at(`docs/chat-${colorScheme}.png`);
      copyFileSync(file, picture);
      await shrink(picture);
    }
  } finally {
    for (const browser of Object.values(users)) await browser.quit();
    await server.remove();
  }
}

await main(async () => {
  await buildSdk(await setUp());
  await bundleSdk();
  await buildServer();
  await step("browser", setUpBrowser);
  await step("optipng", async () => {
    if (!find("optipng") && !(await install("optipng"))) throw new Problem("The pictures need optipng on PATH.");
  });
  await step("screenshots", take);
});
