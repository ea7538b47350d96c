// The server does what its OpenAPI document says: Schemathesis sends what that allows and what it does not, and looks
// at every answer. `schemathesis.toml` has the checks, and why some are off.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { schemathesis } from "../scripts/setup/schemathesis.mjs";
import { Postbox } from "./postbox.mjs";
import { Server } from "./server.mjs";
import { SECRET, tokenOf } from "./token.mjs";

const CONFIG = new URL("schemathesis.toml", import.meta.url);
const CHECKS = fileURLToPath(new URL("schemathesis.py", import.meta.url));
// It stops where a number overflows, which the release build does not.
const PROGRAM = fileURLToPath(new URL("../target/debug/micro-chat-server", import.meta.url));
const UNLIMITED = ["requests", "connects", "bytes", "bytes-of-user", "sends", "chats", "passwords", "codes", "mails"];

/** The namespace that has accounts; the users of the other one come with tokens. */
const STAFF = "staff";

let folder;
let postbox;
let dev;
let serve;

/** Calls a method for Ann. */
async function call(server, method, params) {
  const headers = { authorization: `Bearer ${tokenOf("ann")}` };
  const answer = await fetch(server.url + method, { method: "POST", headers, body: JSON.stringify(params) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

/** The committed configuration, with chats, groups and users that there are. */
async function configure(server) {
  const { chat_id } = await call(server, "/chat/New", { user_ids: ["ann", "ben"] });
  await call(server, "/chat/Send", { chat_id, user_id: "ann", text: "Hello" });
  const { group } = await call(server, "/chat/Create", { name: "All", user_ids: ["ann", "ben"] });
  await call(server, "/chat/Send", { group_id: group.id, user_id: "ann", text: "Hello, all" });
  const dictionaries = {
    addresses: ["ann@example.org"],
    namespaces: [STAFF, "micro"],
    chats: [chat_id, group.id],
    groups: [group.id],
    users: ["ann", "ben", "eve"],
  };
  const lines = Object.entries(dictionaries).map(
    ([name, values]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(values)}\n`,
  );
  const login = `[auth.openapi]\ntoken = { bearer = "${tokenOf("ann")}" }\n`;
  const file = path.join(folder, `${new URL(server.url).port}.toml`);
  await writeFile(
    file,
    [`hooks = ${JSON.stringify(CHECKS)}`, await readFile(CONFIG, "utf8"), ...lines, login].join("\n"),
  );
  return file;
}

/** Runs it; resolves to whether it found nothing wrong, and what it printed. */
async function check(server, { document = `${server.url}/openapi.json`, options = [] } = {}) {
  const config = await configure(server);
  const args = ["--config-file", config, "--no-color", "run", document, "--url", server.url, ...options];
  return new Promise((resolve) => {
    execFile(schemathesis, args, { cwd: folder, timeout: 600_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ isWell: !error, output: stdout + stderr }),
    );
  });
}

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-"));
  const secret = path.join(folder, "secret");
  await writeFile(secret, SECRET);
  dev = await Server.start({ program: PROGRAM });
  const limits = UNLIMITED.flatMap((name) => [`--limit-${name}`, "off"]);
  postbox = await Postbox.start();
  const mail = ["--sign-up", STAFF, "--mail-server", postbox.url, "--mail-from", "chat@example.org"];
  const args = ["--token-key", secret, ...mail, ...limits];
  serve = await Server.start({ program: PROGRAM, command: "serve", args });
});

after(async () => {
  await dev?.remove();
  await serve?.remove();
  await postbox?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("both kinds of server give the same document, and a copy is good until it changes", async () => {
  const [one, other] = await Promise.all([dev, serve].map(({ url }) => fetch(`${url}/openapi.json`)));
  assert.equal(one.headers.get("content-type"), "application/json");
  assert.deepEqual(await one.json(), await other.json());
  const headers = { "if-none-match": one.headers.get("etag") };
  assert.equal((await fetch(`${dev.url}/openapi.json`, { headers })).status, 304);
});

/** All methods; then the one that takes away what the others need. */
async function checkAll(server, options) {
  const last = "/chats/DeleteUser";
  for (const part of [
    ["--exclude-path", last],
    ["--include-path", last],
  ]) {
    const { isWell, output } = await check(server, { options: [...options, ...part] });
    assert.ok(isWell, output);
  }
}

// Nobody has to log in there: that is what it is for.
test("a server that believes everybody answers as it says", () => checkAll(dev, ["--exclude-checks", "ignored_auth"]));

test("a server that wants a login answers as it says", () => checkAll(serve, []));

test("a document that is wrong about an answer, a status or a bound is found to be", async () => {
  const document = await (await fetch(`${dev.url}/openapi.json`)).json();
  const lies = {
    response_schema_conformance: ["/chat/New", ({ schemas }) => (schemas["chat.NewResponse"].required = ["id"])],
    status_code_conformance: ["/chat/New", (_, paths) => delete paths["/chat/New"].post.responses["400"]],
    valid_data_is_understood: [
      "/chat/List",
      ({ schemas }) => (schemas["groups.ListRequest"].properties.limit = { type: "boolean" }),
    ],
    negative_data_rejection: [
      "/chat/List",
      ({ schemas }) => (schemas["groups.ListRequest"].properties.limit.maximum = 5),
    ],
  };
  for (const [name, [method, lie]] of Object.entries(lies)) {
    const copy = structuredClone(document);
    lie(copy.components, copy.paths);
    const file = path.join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(copy));
    const options = ["--include-path", method, "--checks", name];
    assert.ok((await check(dev, { options })).isWell, `${name} finds fault with the document as it is`);
    const { isWell, output } = await check(dev, { document: file, options });
    assert.ok(!isWell && /FAILURES/.test(output), `${name}\n${output}`);
  }
});
