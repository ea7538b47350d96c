// `npm start`, as a newcomer runs it. What it builds is there already.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

let data;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), "micro-chat-start-"));
});

after(() => rm(data, { recursive: true, force: true }));

/** Starts it and waits for its address. */
async function start(args, env = {}) {
  const child = spawn("npm", ["start", "--", "--data", data, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const started = { child, output: "", ended: once(child, "close") };
  const listening = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        started.output += text;
        const address = /listening on (http:\S+)/.exec(started.output)?.[1];
        if (address) resolve(address);
      });
    }
  });
  const ended = started.ended.then(([code]) => Promise.reject(new Error(`it ended with ${code}:\n${started.output}`)));
  started.url = await Promise.race([listening, ended]);
  ended.catch(() => {});
  return started;
}

const health = async (url) => (await (await fetch(`${url}/healthz`)).json()).status;

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`it serves where it is told to, and ${signal} ends it and its server cleanly`, async () => {
    const { child, url, ended } = await start(["--listen", "127.0.0.1:0"]);
    assert.equal(await health(url), "ok");
    assert.match(await (await fetch(url)).text(), /<script/);
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
    await assert.rejects(fetch(url), "the server is gone, too");
  });
}

test("PORT changes the port, and the server's failure is the command's", async () => {
  const first = await start(["--listen", "127.0.0.1:0"]);
  const port = new URL(first.url).port;
  const second = await start([], { PORT: port }).catch(({ message }) => message);
  assert.match(second, /it ended with [1-9]/);
  assert.match(second, new RegExp(`can't listen on 127\\.0\\.0\\.1:${port}`));
  first.child.kill("SIGTERM");
  await first.ended;
});
