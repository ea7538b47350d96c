// What the SDK costs a page: the time of Chromium's main thread to hand over each message, beside that of a bare
// WebSocket, as one would write it by hand: JSON.parse, and the same callback.
//
// Started by `npm run bench -- page` with the address of a server.

import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { Browser } from "../tests/browser.mjs";

const server = process.argv[2];
const TEXT = "x".repeat(200);
/** The two take turns; each round is compared with the one beside it. */
const ROUNDS = 10;
/** How much of a bare socket's time the SDK may take. */
const LIMIT = 1.5;
/** How messages come, how many in all, and how many are sent at a time. */
const WAYS = [
  { name: "one by one", messages: 10_000, atOnce: 1 },
  { name: "as they come", messages: 100_000, atOnce: 64 },
  { name: "history", messages: 100_000 },
];

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

async function post(path, params) {
  const call = request(`http://${server}${path}`, { method: "POST", agent });
  call.end(JSON.stringify(params));
  const [response] = await once(call, "response");
  const answer = JSON.parse((await response.toArray()).join(""));
  if (response.statusCode !== 200) throw new Error(answer.Detail);
  return answer;
}

async function send(chat_id, messages, atOnce) {
  let left = messages;
  const sender = async () => {
    while (left-- > 0) await post("/chat/Send", { chat_id, user_id: "ben", text: TEXT });
  };
  await Promise.all(Array.from({ length: atOnce }, sender));
}

/** Runs in the page: both readers, of a chat's next `count` messages. Resolves once it is live. */
function page(server) {
  window.read = (how, chat_id, after, count) => {
    let [last, characters, frames] = [after, 0, 0];
    let isDone;
    const done = new Promise((resolve) => (isDone = resolve));
    const callback = ({ seq, text }) => {
      if (seq !== ++last) isDone(`seq ${seq} came in place of ${last}`);
      characters += text.length;
      if (last === after + count) isDone(characters === count * 200 ? "" : "not all of it came");
    };
    const address = `ws://${server}/chat/Connect`;
    const readers = {
      sdk() {
        const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: "ann", after }, callback);
        return [new Promise((resolve) => handle.on("caughtup", resolve)), () => handle.close()];
      },
      // The gateway dialect: each frame is a message.
      gateway() {
        const socket = new WebSocket(`${address}?chat_id=${chat_id}&user_id=ann`);
        socket.onmessage = ({ data }) => callback(JSON.parse(data));
        return [new Promise((resolve) => (socket.onopen = resolve)), () => socket.close()];
      },
      // The session dialect, and nothing of what it is for.
      session() {
        const socket = new WebSocket(address, "micro.chat.v1");
        const live = new Promise((resolve) => {
          socket.onopen = () => {
            socket.send(JSON.stringify([1, { user_id: "ann" }]));
            socket.send(JSON.stringify([2, 1, chat_id, 0, after]));
          };
          socket.onmessage = ({ data }) => {
            frames++;
            const frame = JSON.parse(data);
            if (frame[0] === 22) for (const message of frame[4]) callback(message);
            else if (frame[0] === 23) resolve();
          };
        });
        return [live, () => socket.close()];
      },
    };
    const [live, close] = readers[how]();
    window.reading = (async () => {
      const problem = await done;
      close();
      return { problem, frames };
    })();
    return Promise.race([live, reading]).then(() => {});
  };
}

/** The main threads of the browser's pages: a function that says how much CPU time they have taken, in nanoseconds. */
function pageClock(browserId) {
  const stat = (id) =>
    readFileSync(`/proc/${id}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ");
  const descends = (id) => id > 1 && (id === browserId || descends(Number(stat(id)[1])));
  const pages = readdirSync("/proc").filter((name) => {
    try {
      const isPage = () => readFileSync(`/proc/${name}/cmdline`, "latin1").includes("--type=renderer");
      return /^\d+$/.test(name) && isPage() && descends(Number(name));
    } catch {
      return false;
    }
  });
  const timeOf = (id) => Number(readFileSync(`/proc/${id}/task/${id}/schedstat`, "latin1").split(" ")[0]);
  return () => pages.reduce((time, id) => time + timeOf(id), 0);
}

/** One reader's share of a round: microseconds a message. */
async function measure({ driver, clock }, how, chat, way, count) {
  const run = (script, ...args) =>
    driver.executeAsyncScript(
      `const done = arguments[arguments.length - 1]; (async (...args) => { ${script} })(...arguments).then(done)`,
      ...args,
    );
  await driver.sendDevToolsCommand("HeapProfiler.collectGarbage");
  const before = clock();
  const after = way.atOnce ? chat.length : 0;
  await run("await read(...args)", how, chat.chat_id, after, count);
  if (way.atOnce) {
    await send(chat.chat_id, count, way.atOnce);
    chat.length += count;
  }
  const { problem, frames } = await run("return reading");
  if (problem) throw new Error(`${way.name}, ${how}: ${problem}`);
  return { time: (clock() - before) / 1000 / count, perFrame: count / frames };
}

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

async function compare(tab, way) {
  const { chat_id } = await post("/chat/New", { user_ids: ["ann", "ben", way.name] });
  const chat = { chat_id, length: 0 };
  const count = way.messages / ROUNDS;
  if (!way.atOnce) await send(chat_id, (chat.length = count), 64);
  const bare = way.atOnce ? "gateway" : "session";
  // Untimed, until the engine knows the code; and how many share a frame.
  for (const how of ["sdk", bare]) await measure(tab, how, chat, way, count);
  const { perFrame } = await measure(tab, "session", chat, way, count);
  const times = { sdk: [], [bare]: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const how of round % 2 ? ["sdk", bare] : [bare, "sdk"]) {
      times[how].push((await measure(tab, how, chat, way, count)).time);
    }
  }
  const ratios = times.sdk.map((time, round) => time / times[bare][round]).sort((one, other) => one - other);
  const [ratio, low, high] = [median(ratios), ratios[1], ratios.at(-2)];
  console.log(
    [
      way.name.padEnd(14),
      way.messages.toFixed(0).padStart(9),
      perFrame.toFixed(1).padStart(10),
      bare.padStart(9),
      median(times[bare]).toFixed(2).padStart(9),
      median(times.sdk).toFixed(2).padStart(9),
      ratio.toFixed(2).padStart(7),
      `${low.toFixed(2)} to ${high.toFixed(2)}`.padStart(14),
      `≤ ${LIMIT}`.padStart(6),
    ].join(" "),
  );
}

const site = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  response.end(`<!doctype html><link rel="icon" href="data:," />
    <script src="http://${server}/assets/micro.js"></script><script>(${page})("${server}")</script>`);
});
site.listen(0, "127.0.0.1");
await once(site, "listening");
const browser = await Browser.start();
try {
  await browser.driver.manage().setTimeouts({ script: 120_000 });
  await browser.open(`http://127.0.0.1:${site.address().port}/`);
  const browserId = (await browser.driver.getCapabilities()).get("goog:processID");
  const tab = { driver: browser.driver, clock: pageClock(browserId) };
  console.log("messages come   received  per frame   bare is   bare µs    SDK µs   ratio   eight of ten  limit");
  for (const way of WAYS) await compare(tab, way);
} finally {
  await browser.quit();
  site.closeAllConnections();
  site.close();
  agent.destroy();
}
