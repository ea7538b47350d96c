// The unit in deploy/ under a real systemd: it starts, comes back however often it fails, and has what a backup holds
// after the steps in docs/operations.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { freePort } from "./port.mjs";
import { changed, example } from "./proxy.mjs";
import { lacksSystemd, Systemd } from "./systemd.mjs";
import { SECRET, tokenOf } from "./token.mjs";

const PROGRAM = fileURLToPath(new URL("../target/release/micro-chat-server", import.meta.url));
const UNIT = "micro-chat-server.service";
const LOG = "/run/service.log";
const DATA = ["--data", "/var/lib/micro-chat/data"];
const PATIENCE_MS = 60_000;

async function until(what, isSo) {
  for (const end = Date.now() + PATIENCE_MS; !(await isSo()); await sleep(50)) {
    if (Date.now() > end) throw new Error(`${what} in ${PATIENCE_MS / 1000} s`);
  }
}

test("the unit's server comes back however often it fails, and with a backup that root restored", async (t) => {
  const lacking = lacksSystemd();
  if (lacking) return t.skip(lacking);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // Its folders are in memory, it may fail more quickly, and its key comes without LoadCredential: that lets the
  // service read it by an ACL, and not every kernel heeds those in memory.
  const unit = changed(await example(UNIT), [
    ["/usr/local/bin/micro-chat-server", "/run/program/micro-chat-server"],
    ["LoadCredential=token.key:/etc/micro-chat/token.key\n", ""],
    ["/etc/micro-chat/", "/run/options/"],
    ["RestartSec=2s", "RestartSec=100ms"],
    ["DynamicUser=true", `DynamicUser=true\nStandardError=append:${LOG}`],
  ]);
  const { systemd, reason } = await Systemd.start({ [UNIT]: unit });
  if (!systemd) return t.skip(reason);
  const shell = (script, ...args) => systemd.exec("sh", "-e", "-c", script, "sh", ...args);
  const log = () => systemd.exec("cat", LOG).catch(() => "");
  const isWell = () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const isStarted = () => until("it is not there", isWell);
  const call = async (method, params) => {
    const headers = { authorization: `Bearer ${tokenOf("ann")}` };
    const answer = await fetch(url + method, { method: "POST", headers, body: JSON.stringify(params) });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  try {
    const options = `listen = "127.0.0.1:${port}"\ndata = "data"\ntoken-key = ["/run/options/token.key"]\n`;
    await shell(
      `mkdir -m 755 /run/program /run/options; cp "$1" /run/program/; chmod 755 /run/program/*
       printf %s "$2" > /run/options/chat.toml; printf %s "$3" > /run/options/token.key`,
      ...[PROGRAM, options, SECRET],
    );
    await systemd.systemctl("start", UNIT);
    await isStarted();
    const { chat_id } = await call("/chat/New", { user_ids: ["ann", "ben"] });
    await call("/chat/Send", { chat_id, text: "kept" });
    const texts = async () => (await call("/chat/History", { chat_id })).messages.map(({ text }) => text);

    // systemd's own limit is five in ten seconds.
    const restarts = async () => Number(await systemd.systemctl("show", "--property=NRestarts", "--value", UNIT));
    for (let round = 1; round <= 8; round++) {
      await systemd.systemctl("kill", "--signal=KILL", UNIT);
      await until("it does not come back", async () => (await restarts()) === round);
      await isStarted();
    }
    assert.deepEqual(await texts(), ["kept"]);

    const program = "/run/program/micro-chat-server";
    await systemd.exec(program, ...["keys", "create", "--namespace", "micro"], ...DATA);
    await systemd.exec(program, "backup", "/run/chat.db", ...DATA);
    await call("/chat/Send", { chat_id, text: "too late" });
    await systemd.systemctl("stop", UNIT);
    await systemd.exec(program, "restore", "/run/chat.db", ...DATA);
    // It is root's now, which the service can't read.
    await shell(`: > ${LOG}`);
    await systemd.systemctl("start", UNIT);
    await until("it does not fail", async () => (await log()).includes("chat.db"));
    assert.equal(await isWell(), false);
    await systemd.systemctl("stop", UNIT);
    await shell("chown -R --reference=/var/lib/micro-chat/ /var/lib/micro-chat/data");
    await systemd.systemctl("start", UNIT);
    await isStarted();
    assert.deepEqual(await texts(), ["kept"]);
    await systemd.systemctl("stop", UNIT);
    assert.equal(await isWell(), false);
  } catch (error) {
    const status = await systemd.systemctl("status", UNIT).catch(({ stdout }) => stdout);
    error.message += `\n${status}\n${await log()}\n${systemd.output}`;
    throw error;
  } finally {
    await systemd.remove();
  }
});
