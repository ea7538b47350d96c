// What a page that stays open for days does all the time, reconnecting, opening and closing, leaves nothing behind.

import assert from "node:assert/strict";
import { readdir, readlink } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Network } from "./network.mjs";
import { Server } from "./server.mjs";
import { Visitor } from "./visitor.mjs";

const RECONNECTS = 10_000;
/** Chromium makes a hundred links a second to one address, so the page has several. */
const LINKS = 8;
const CYCLES = 1_000;
const MEGABYTE = 2 ** 20;

let server;
let networks;
let visitor;

before(async () => {
  server = await Server.start();
  networks = await Promise.all(Array.from({ length: LINKS }, () => Network.start(server.url)));
  visitor = await Visitor.start();
});

after(async () => {
  await visitor?.quit();
  for (const network of networks ?? []) await network.stop();
  await server?.remove();
});

const inPage = (fn, ...args) => visitor.run(fn, ...args);

let chats = 0;
let chat_id;

/** Opens a page that can read a chat, and lets the wasm's memory be seen. */
async function open() {
  ({ chat_id } = await server.post("/chat/New", { user_ids: ["ann", "ben", `leaks ${++chats}`] }));
  await visitor.open(`<script>
    // The browser's own: the recorder's keeps every frame.
    window.WebSocket = Object.getPrototypeOf(WebSocket);
    const { instantiateStreaming } = WebAssembly;
    WebAssembly.instantiateStreaming = async (...args) => {
      const loaded = await instantiateStreaming.apply(WebAssembly, args);
      window.memory = Object.values(loaded.instance.exports).find((one) => one instanceof WebAssembly.Memory);
      return loaded;
    };
  </script>
  <script src="${server.url}/assets/micro.js" crossorigin></script>`);
  await inPage(async (chat_id) => {
    window.join = async (user_id) => {
      const seen = { last: 0, wrong: 0, count: 0 };
      const handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id, after: 0 }, ({ seq }) => {
        seen.wrong += seq === seen.last + 1 ? 0 : 1;
        seen.last = seq;
        seen.count++;
      });
      await new Promise((resolve) => handle.on("open", resolve));
      return { handle, seen };
    };
  }, chat_id);
}

/** How many objects there are in the page, after a collection, that have this prototype. */
async function count(prototype) {
  const { result } = await visitor.devtools("Runtime.evaluate", { expression: prototype });
  const { objects } = await visitor.devtools("Runtime.queryObjects", { prototypeObjectId: result.objectId });
  const length = await visitor.devtools("Runtime.callFunctionOn", {
    objectId: objects.objectId,
    functionDeclaration: "function () { return this.length }",
  });
  for (const { objectId } of [result, objects]) await visitor.devtools("Runtime.releaseObject", { objectId });
  return length.result.value;
}

/** What the page holds, garbage aside. */
async function weigh() {
  // What is closing takes a moment to be closed.
  await sleep(300);
  for (let time = 0; time < 3; time++) await visitor.devtools("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0 } = await visitor.devtools("Runtime.getHeapUsage");
  const { jsEventListeners } = await visitor.devtools("Memory.getDOMCounters");
  return {
    heap: usedSize + embedderHeapUsedSize,
    wasm: await inPage(() => memory.buffer.byteLength),
    sockets: await count("WebSocket.prototype"),
    closures: await count("Function.prototype"),
    listeners: jsEventListeners,
  };
}

/** What it holds more than before. */
const growth = (before, now) => Object.fromEntries(Object.keys(now).map((key) => [key, now[key] - before[key]]));

/**
 * Ends each link from beyond as a server does whose reader fell behind: with 4001, behind the frame that says it is
 * live, which the page answers by coming back at once. Returns a function that waits for so many more.
 */
function endEach() {
  let ended = 0;
  const onreply = (client) => {
    // What is not yet a whole frame.
    let rest = Buffer.alloc(0);
    let [isOpen, isLive, isOver] = [false, false, false];
    return (piece) => {
      if (isOver) return "";
      rest = Buffer.concat([rest, piece]);
      const head = rest.indexOf("\r\n\r\n");
      if (!isOpen && rest.includes("HTTP/1.1 101") && head > 0) {
        isOpen = true;
        rest = rest.subarray(head + 4);
      }
      while (isOpen && rest.length >= 4) {
        const isLong = (rest[1] & 127) === 126;
        const body = isLong ? 4 : 2;
        const end = body + (isLong ? rest.readUInt16BE(2) : rest[1]);
        if (rest.length < end) break;
        isLive ||= rest.toString("latin1", body, body + 4) === "[23,";
        rest = rest.subarray(end);
      }
      if (!isLive || rest.length > 0) return piece;
      isOver = true;
      ended++;
      // Its own close frame is all that may follow.
      client.once("data", () => client.destroy());
      return Buffer.concat([piece, Buffer.from([0x88, 2, 4001 >> 8, 4001 & 255])]);
    };
  };
  for (const network of networks) {
    network.onreply = onreply;
    network.cut();
  }
  return async (times) => {
    const target = ended + times;
    while (ended < target) await sleep(5);
  };
}

/**
 * Has the page read the chat over all its links, and each of them end over and over; `weighs` has the time in between.
 */
async function reconnecting(weighs) {
  await inPage(
    async (addresses) => {
      window.readers = [];
      for (const api of addresses) {
        Micro.configure({ api });
        readers.push(await join("ann"));
      }
    },
    networks.map(({ url }) => url),
  );
  const more = endEach();
  // Meanwhile somebody talks.
  let talks = true;
  let last = 0;
  const talking = (async () => {
    for (; talks; await sleep(50), last++)
      await server.post("/chat/Send", { chat_id, user_id: "ben", text: "from ben" });
  })();
  try {
    await weighs(more);
  } finally {
    talks = false;
    await talking;
    for (const network of networks) network.onreply = undefined;
  }
  await visitor.until(`async () => readers.every(({ seen }) => seen.last >= ${last})`);
  const seen = await inPage(() => readers.map(({ seen }) => seen));
  assert.deepEqual(seen, Array(LINKS).fill({ last, wrong: 0, count: last }));
}

/** What so many reconnects add. */
async function reconnectsAdd(times) {
  let grown;
  await reconnecting(async (more) => {
    // What is made once is made.
    await more(1_000);
    const before = await weigh();
    await more(times);
    grown = growth(before, await weigh());
  });
  return grown;
}

/** What so many handles add that are opened and closed, every other one beside one that stays open. */
async function handlesAdd(times) {
  const cycle = (times) =>
    inPage(async (times) => {
      let stays;
      for (let time = 0; time < times; time++) {
        if (time === times / 2) stays = await join("ben");
        const { handle } = await join("ben");
        handle.close();
      }
      stays.handle.close();
    }, times);
  await cycle(100);
  const before = { ...(await weigh()), links: await links() };
  await cycle(times);
  return growth(before, { ...(await weigh()), links: await links() });
}

/** How many sockets the server has open, where the system tells. */
async function links() {
  const folder = `/proc/${server.pid}/fd`;
  const files = await Promise.all(
    (await readdir(folder).catch(() => [])).map((file) => readlink(`${folder}/${file}`).catch(() => "")),
  );
  return files.filter((file) => file.startsWith("socket:")).length;
}

test(`${RECONNECTS} reconnects leave the memory flat, and nothing is lost or doubled`, async (test) => {
  await open();
  const grown = await reconnectsAdd(RECONNECTS);
  test.diagnostic(JSON.stringify(grown));
  assert.ok(grown.heap < MEGABYTE && grown.wasm < MEGABYTE, JSON.stringify(grown));
  // A few are always on their way.
  const few = 10 * LINKS;
  assert.ok(grown.sockets < few && grown.closures < few && grown.listeners < few, JSON.stringify(grown));
});

test(`${CYCLES} handles that were opened and closed leave no socket and no closure`, async (test) => {
  await open();
  const grown = await handlesAdd(CYCLES);
  test.diagnostic(JSON.stringify(grown));
  assert.ok(grown.heap < MEGABYTE / 4 && grown.wasm < MEGABYTE / 4, JSON.stringify(grown));
  // What a look itself makes, and what is about to be closed; far less than one for each handle.
  const few = CYCLES / 50;
  for (const what of ["sockets", "closures", "listeners", "links"]) assert.ok(grown[what] < few, JSON.stringify(grown));
});

test("the scales show what a page keeps on purpose", async (test) => {
  await open();
  await inPage(() => {
    window.leaked = [];
    window.WebSocket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        leaked.push(this);
      }
    };
    const { connect } = Micro;
    Micro.connect = (...args) => {
      const handle = connect(...args);
      leaked.push(handle);
      return handle;
    };
  });
  const times = RECONNECTS / 10;
  const reconnects = await reconnectsAdd(times);
  test.diagnostic(JSON.stringify(reconnects));
  assert.ok(reconnects.heap > MEGABYTE / 10 && reconnects.sockets >= times, JSON.stringify(reconnects));
  const handles = await handlesAdd(CYCLES);
  test.diagnostic(JSON.stringify(handles));
  assert.ok(handles.heap > MEGABYTE / 4 && handles.closures >= CYCLES, JSON.stringify(handles));
});
