// Real pages that send and read while everything around them breaks, and what came of it. The native clients' storm is
// in crates/server/tests/faults; this one has the same columns, and `left`: what pages left unsent when they were
// reloaded, which counts like what was acknowledged.

import { setTimeout as sleep } from "node:timers/promises";

import { Network } from "./network.mjs";
import { Server } from "./server.mjs";
import { Visitor } from "./visitor.mjs";

/** Tabs, by their users: two of them are the same. Each sends to all chats and reads all. */
const USERS = ["ann", "ben", "ben"];
/** The tab that is reloaded in each round, with all that waits. */
const RELOADED = 0;
const CHATS = 2;
/** Messages of one tab that wait for their ack at once. */
const IN_FLIGHT = 16;
/** How long everything may take to come to rest once nothing breaks any more, in milliseconds. */
const REST_MS = 180_000;

const COLUMNS = ["rounds", "acknowledged", "left", "lost", "doubled", "missed", "disordered", "unanswered", "seconds"];
/** The table's first line. */
export const head = ["harm".padEnd(10), ...COLUMNS].join("  ");
/** A line of it. */
export const row = (name, verdict) =>
  [name.padEnd(10), ...COLUMNS.map((column) => String(verdict[column]).padStart(column.length))].join("  ");
/** Whether every promise was kept. */
export const isClean = ({ acknowledged, left, lost, doubled, missed, disordered, unanswered }) =>
  acknowledged > 0 && left > 0 && lost + doubled + missed + disordered + unanswered === 0;

const below = (limit) => Math.floor(Math.random() * limit);

/** Runs in the page: sends and reads until it is told that all is calm; goes on where the page before a reload was. */
async function page(chats, user_id, tab, inFlight) {
  const before = JSON.parse(sessionStorage.storm ?? "{}");
  const storm = { calm: false, acks: before.acks ?? [], unanswered: 0, waiting: inFlight };
  window.storm = storm;
  let messages = before.messages ?? 0;
  storm.chats = chats.map((chat_id, chat) => {
    const { seqs, cursor } = before.chats?.[chat] ?? { seqs: [] };
    const params = { chat_id, user_id, after: cursor ?? 0 };
    const handle = Micro.connect("/chat/Connect", "micro", params, ({ seq }) => seqs.push(seq));
    return { seqs, handle, cursor };
  });
  // What the page before left unsent.
  Micro.on("sent", ({ chat_id, text, seq }) => storm.acks.push([chats.indexOf(chat_id), text, seq]));
  Micro.on("failed", () => storm.unanswered++);
  addEventListener("pagehide", () => {
    const kept = storm.chats.map(({ seqs, handle, cursor }) => ({ seqs, cursor: handle.cursor ?? cursor }));
    sessionStorage.storm = JSON.stringify({ acks: storm.acks, messages, chats: kept });
  });
  const send = async () => {
    while (!storm.calm) {
      const chat = Math.floor(Math.random() * chats.length);
      const text = `${tab} ${messages++}`;
      await storm.chats[chat].handle.send(text).then(
        ({ seq }) => storm.acks.push([chat, text, seq]),
        () => storm.unanswered++,
      );
    }
  };
  for (let count = 0; count < inFlight; count++) void send().then(() => storm.waiting--);
}

/** Runs in the page: what the browser keeps of what waits. */
function kept() {
  return new Promise((resolve) => {
    indexedDB.open("micro-chat", 1).onsuccess = ({ target: { result: database } }) => {
      database.transaction("outbox").objectStore("outbox").getAll().onsuccess = ({ target: { result } }) => {
        database.close();
        resolve(result.map(({ text }) => text));
      };
    };
  });
}

/**
 * Harms the server `rounds` times, by "kill" or by "stop", a page and the network before each, until `sends` messages
 * are acknowledged; returns the verdict. `program` and `broken` are for a server that breaks a promise on purpose.
 */
export async function storm({ harm, rounds, sends, program, broken }) {
  const started = performance.now();
  const env = { MICRO_CHAT_BREAK: broken ?? "" };
  const server = await Server.start({ program, env, args: ["--heartbeat", "1", "--grace", "1"] });
  const network = await Network.start(server.url);
  const visitor = await Visitor.start();
  try {
    const post = async (method, params) => {
      const response = await fetch(`${server.url}/chat/${method}`, { method: "POST", body: JSON.stringify(params) });
      if (!response.ok) throw new Error(await response.text());
      return response.json();
    };
    const chats = [];
    for (let chat = 0; chat < CHATS; chat++) {
      chats.push((await post("New", { user_ids: ["ann", "ben", `storm ${chat}`] })).chat_id);
    }
    const script = `<script src="${server.url}/assets/micro.js" data-api="${network.url}" crossorigin></script>`;
    const tabs = [];
    for (const [tab, user_id] of USERS.entries()) {
      if (tab === 0) await visitor.open(script);
      else await visitor.openTab(script);
      tabs.push(await visitor.tab());
      await visitor.run(page, chats, user_id, tab, IN_FLIGHT);
    }
    const inEach = async (fn, ...args) => {
      const answers = [];
      for (const tab of tabs) {
        await visitor.show(tab);
        answers.push(await visitor.run(fn, ...args));
      }
      return answers;
    };
    const acknowledged = async () => {
      const counts = await inEach(() => storm.acks.length);
      return counts.reduce((sum, count) => sum + count, 0);
    };

    const left = new Set();
    for (let round = 1; round <= rounds; round++) {
      const patience = performance.now() + REST_MS;
      await visitor.show(tabs[RELOADED]);
      network.stall();
      await sleep(100);
      for (const text of await visitor.run(kept)) if (text.startsWith(`${RELOADED} `)) left.add(text);
      await visitor.reload();
      network.flow();
      await visitor.run(page, chats, USERS[RELOADED], RELOADED, IN_FLIGHT);
      while ((await acknowledged()) < (sends * round) / rounds && performance.now() < patience) {
        await sleep(20 + below(130));
        await hurt(network, round);
      }
      if (harm === "kill") {
        await server.kill();
        await sleep(below(400));
        await server.restart();
      } else {
        process.kill(server.pid, "SIGSTOP");
        await sleep(200 + below(2_800));
        process.kill(server.pid, "SIGCONT");
      }
    }
    network.delay = 0;

    // Each waits for what it has sent, and then for all there is.
    const end = performance.now() + REST_MS;
    const isThere = async (condition, ...args) => {
      while (!(await inEach(condition, ...args)).every(Boolean)) {
        if (performance.now() > end) return;
        await sleep(50);
      }
    };
    await isThere(async () => {
      storm.calm = true;
      return storm.waiting === 0 && (await Micro.pending()).length === 0;
    });
    const histories = [];
    for (const chat_id of chats) histories.push(await historyOf(post, chat_id));
    const ends = histories.map((texts) => texts.length);
    await isThere((ends) => storm.chats.every(({ handle }, chat) => handle.cursor?.seq >= ends[chat]), ends);
    const seen = await inEach(() => {
      if (shown.uncaught.length) throw new Error(shown.uncaught.join());
      const { acks, unanswered, waiting, chats } = storm;
      return { acks, unanswered: unanswered + waiting, seqs: chats.map(({ seqs }) => seqs) };
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    return { rounds, ...judge(seen, left, histories), seconds };
  } finally {
    await visitor.quit();
    await network.stop();
    await server.remove();
  }
}

/** Breaks something of the network, perhaps. */
async function hurt(network, round) {
  const stall = async (time) => {
    network.stall();
    await sleep(time);
    network.flow();
  };
  const dice = below(12);
  if (dice === 0) network.cut();
  else if (dice === 1) await stall(50 + below(550));
  else if (dice === 2) network.delay = 1 + below(14);
  else if (dice < 6) network.delay = 0;
  // Longer than a heartbeat and its grace: the pages give the links up.
  else if (dice === 6 && round % 4 === 0) await stall(2_600);
}

/** All texts of a chat, `seq` 1 first. */
async function historyOf(post, chat_id) {
  const texts = [];
  for (let more = true; more;) {
    const { messages, has_more } = await post("History", { chat_id, after: texts.length });
    for (const { seq, text } of messages)
      if (texts.push(text) !== seq) throw new Error(`seq ${texts.length} is missing`);
    more = has_more;
  }
  return texts;
}

/** Holds what the pages saw and were told against what is stored. */
function judge(seen, left, histories) {
  const all = new Set(histories.flat());
  const lost = [...left].filter((text) => !all.has(text)).length;
  const verdict = { acknowledged: 0, left: left.size, lost, doubled: 0, missed: 0, disordered: 0, unanswered: 0 };
  for (const texts of histories) {
    verdict.doubled += texts.length - new Set(texts).size;
    const newest = new Map();
    for (const text of new Set(texts)) {
      const [tab, message] = text.split(" ").map(Number);
      if (newest.get(tab) > message) verdict.disordered++;
      newest.set(tab, message);
    }
  }
  for (const [tab, { acks, unanswered, seqs }] of seen.entries()) {
    verdict.acknowledged += acks.length;
    verdict.unanswered += unanswered;
    for (const [chat, text, seq] of acks) if (histories[chat][seq - 1] !== text) verdict.lost++;
    for (const [chat, texts] of histories.entries()) {
      // All but what this tab itself has sent.
      const wanted = texts.flatMap((text, index) => (text.startsWith(`${tab} `) ? [] : [index + 1]));
      const came = new Set(seqs[chat]);
      verdict.doubled += seqs[chat].length - came.size;
      const missed = wanted.filter((seq) => !came.has(seq)).length;
      verdict.missed += missed;
      // Its own, which came back: only those of the page before it may.
      if (tab !== RELOADED) verdict.doubled += came.size + missed - wanted.length;
      if (seqs[chat].some((seq, index) => seq < seqs[chat][index - 1])) verdict.disordered++;
    }
  }
  return verdict;
}
