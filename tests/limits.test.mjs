// Calls that come too soon: waited out where that is short, and otherwise the page's to decide.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Server } from "./server.mjs";
import { SECRET, tokenOf } from "./token.mjs";
import { Visitor } from "./visitor.mjs";

let folder;
let server;
let visitor;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-"));
  const secret = path.join(folder, "secret");
  await writeFile(secret, SECRET);
  visitor = await Visitor.start();
  const args = ["--token-key", secret, "--origin", visitor.origin];
  const limits = ["--limit-sends", "20/min:1", "--limit-chats", "1/min:1"];
  server = await Server.start({ command: "serve", args: [...args, ...limits] });
});

after(async () => {
  await visitor?.quit();
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Opens a page of this user, which also notes what is answered. */
const open = (user) =>
  visitor.open(`<script src="${server.url}/assets/micro.js" crossorigin></script>
<script>
  Micro.configure({ token: () => "${tokenOf(user)}" });
  window.answers = [];
  window.fetch = ((fetch) => async (url, init) => {
    const answer = await fetch(url, init);
    if (!url.endsWith(".wasm")) answers.push(answer.status);
    return answer;
  })(fetch);
  window.outcome = (call) => call.then(() => "done", ({ id, code, retry_after }) => [id, code, retry_after > 5_000]);
  window.newChat = () => Micro.post("/chat/New", "", { user_ids: ["${user}", "another"] });
  window.send = (chat_id, text) => Micro.post("/chat/Send", "", { chat_id, user_id: "${user}", text });
</script>`);

const inPage = (fn, ...args) => visitor.run(fn, ...args);

test("a call that comes a little too soon is made again, and done once", async () => {
  await open("ann");
  const seen = await inPage(async () => {
    const { chat_id } = await newChat();
    const outcomes = [await outcome(send(chat_id, "first")), await outcome(send(chat_id, "second"))];
    const { messages } = await Micro.get("/chat/History", "", { chat_id });
    return { outcomes, texts: messages.map(({ text }) => text), answers };
  });
  // It is the server that had no room, once.
  const answers = [200, 200, 429, 200, 200];
  assert.deepEqual(seen, { outcomes: ["done", "done"], texts: ["first", "second"], answers });
});

test("one that would wait for long fails at once, and says how long", async () => {
  await open("ben");
  const seen = await inPage(async () => [await outcome(newChat()), await outcome(newChat()), answers]);
  assert.deepEqual(seen, ["done", ["chat.New.TooMany", 429, true], [200, 429]]);
});

test("no call waits for long in several turns", async () => {
  await open("cid");
  const outcomes = await inPage(async () => {
    const { chat_id } = await newChat();
    // One finds room, another has what there is after a wait, and the rest would have to wait once more.
    const texts = ["1", "2", "3", "4"];
    return (await Promise.all(texts.map((text) => outcome(send(chat_id, text))))).map(String).sort();
  });
  const refused = "chat.Send.TooMany,429,false";
  assert.deepEqual(outcomes, [refused, refused, "done", "done"]);
});
