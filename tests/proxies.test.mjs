// The examples in deploy/: real proxies before the real server, and a page behind them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { proxyPrograms } from "../scripts/program.mjs";
import { changed, example, Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";
import { SECRET, tokenOf } from "./token.mjs";
import { Visitor } from "./visitor.mjs";

const run = promisify(execFile);
// Few enough to be used up at once, and what the other tests need.
const REQUESTS = 60;

let folder;
let visitor;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-"));
  await writeFile(path.join(folder, "secret"), SECRET);
  visitor = await Visitor.start();
});

after(async () => {
  await visitor?.quit();
  await rm(folder, { recursive: true, force: true });
});

/** The lines of each example that hide the server's own pages. */
const HIDING = { nginx: ["location ~"], caddy: ["@pages path", "respond @pages"] };

const startServer = () =>
  Server.start({
    command: "serve",
    args: [
      ...["--behind-proxy", "--token-key", path.join(folder, "secret"), "--origin", visitor.origin],
      ...["--limit-requests", `1/h:${REQUESTS}`],
    ],
  });

for (const name of ["nginx", "caddy"]) {
  test(`${name}: a page reads and sends through it, and misses nothing when it or the server is started anew`, async () => {
    const server = await startServer();
    const proxy = await Proxy.start(name, server.url);
    try {
      await visitor.open(`<script src="${proxy.url}/assets/micro.js" crossorigin></script>
<script>Micro.configure({ token: () => "${tokenOf("ann")}" });</script>`);
      await visitor.run(async () => {
        const { chat_id } = await Micro.post("/chat/New", "", { user_ids: ["ann", "ben"] });
        window.texts = [];
        window.states = [];
        const params = { chat_id, user_id: "ann", after: 0, own: true };
        window.handle = Micro.connect("/chat/Connect", "", params, ({ text }) => texts.push(text));
        handle.on("state", ({ state }) => states.push(state));
        window.sends = [];
        window.send = (text) => sends.push(handle.send(text));
        send("first");
        await sends[0];
      });
      await proxy.kill();
      await visitor.until(() => handle.state === "waiting");
      await visitor.run(() => send("while the proxy is away"));
      await proxy.run();
      await visitor.until(() => handle.state === "live" && texts.length === 2);
      await server.stop();
      await visitor.run(() => send("while the server is away"));
      await server.restart();
      await visitor.until(() => texts.length === 3);
      const { stored, texts } = await visitor.run(async () => ({
        stored: (await Promise.all(sends)).map(({ seq }) => seq),
        texts,
      }));
      assert.deepEqual(stored, [1, 2, 3]);
      assert.deepEqual(texts, ["first", "while the proxy is away", "while the server is away"]);
    } finally {
      await proxy.remove();
      await server.remove();
    }
  });

  test(`${name}: who calls is who the proxy says, whatever they say themselves, and errors are the server's`, async () => {
    const server = await startServer();
    const proxy = await Proxy.start(name, server.url);
    try {
      let number = 0;
      // Each call says that it comes from somewhere else.
      const call = async (url, body = "{}") => {
        const headers = { "x-forwarded-for": `192.0.2.${++number}` };
        const response = await fetch(`${url}/chat/New`, { method: "POST", headers, body });
        return response.json();
      };
      const ids = async (url) => {
        const answers = await Promise.all(Array.from({ length: REQUESTS + 20 }, () => call(url)));
        return new Set(answers.map(({ Id }) => Id));
      };
      const headers = { authorization: `Bearer ${tokenOf("ann")}` };
      const body = JSON.stringify({ text: "x".repeat(1_200_000) });
      const large = await fetch(`${proxy.url}/chat/Send`, { method: "POST", headers, body });
      assert.equal((await large.json()).Id, "gateway.BodyTooLarge");
      assert.deepEqual(await ids(proxy.url), new Set(["auth.NoToken", "gateway.TooManyRequests"]));
      // Without the proxy whoever lies about their address is believed: this test could tell.
      assert.deepEqual(await ids(server.url), new Set(["auth.NoToken"]));
    } finally {
      await proxy.remove();
      await server.remove();
    }
  });

  test(`${name}: hides the server's own pages where it is told to, and nothing else`, async () => {
    const server = await startServer();
    const shown = async (changes) => {
      const proxy = await Proxy.start(name, server.url, changes);
      const pages = ["/", "/index.html", "/examples.html", "/docs", "/docs/guide", "/docs/deploy/nginx.conf"];
      const others = ["/assets/micro.js", "/healthz", "/auth/Options"];
      const statusOf = async (path) => (await fetch(proxy.url + path)).status;
      try {
        return [await Promise.all(pages.map(statusOf)), await Promise.all(others.map(statusOf))];
      } finally {
        await proxy.remove();
      }
    };
    try {
      const [six, three] = [6, 3].map((count) => (status) => Array(count).fill(status));
      assert.deepEqual(await shown([]), [six(200), three(200)]);
      const uncommented = HIDING[name].map((line) => [`# ${line}`, line]);
      assert.deepEqual(await shown(uncommented), [six(404), three(200)]);
    } finally {
      await server.remove();
    }
  });
}

test("the examples are what nginx and Caddy take as they stand, with a certificate", async () => {
  const { nginx, caddy } = proxyPrograms();
  const certificate = path.join(folder, "chat.example.com");
  await mkdir(certificate);
  const [key, chain] = ["key.pem", "chain.pem"].map((file) => path.join(certificate, file));
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=chat.example.com"];
  await run("openssl", [...request, "-keyout", key, "-out", chain]);
  const site = changed(await example("nginx.conf"), [["/etc/ssl/chat.example.com", certificate]]);
  const file = path.join(folder, "nginx.conf");
  await writeFile(file, `pid ${folder}/pid; events {}\nhttp { access_log off;\n${site}}`);
  const { stderr } = await run(nginx, ["-t", "-c", file, "-p", folder, "-e", path.join(folder, "error.log")]);
  assert.match(stderr, /test is successful/);
  assert.doesNotMatch(stderr, /warn/);
  // Of which nginx warns from 1.25.1 on; the other way to say it, older ones do not know.
  assert.doesNotMatch(site, /^\s*(?:listen .*http2|http2 on)/m);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const caddyfile = new URL("../deploy/Caddyfile", import.meta.url).pathname;
  await run(caddy, ["validate", "--adapter", "caddyfile", "--config", caddyfile], { env });
});

test("systemd finds nothing wrong with the unit, and little that it could do to its machine", async () => {
  const { systemdAnalyze } = proxyPrograms();
  const unit = path.join(folder, "micro-chat-server.service");
  const installed = "/usr/local/bin/micro-chat-server";
  await writeFile(unit, changed(await example("micro-chat-server.service"), [[installed, process.execPath]]));
  const verified = await run(systemdAnalyze, ["verify", "--man=no", unit]);
  assert.equal(verified.stdout + verified.stderr, "");
  // What it counts goes from 0, safe, to 100, not safe at all.
  await run(systemdAnalyze, ["security", "--offline=true", "--threshold=20", unit]);
  await assert.rejects(run(systemdAnalyze, ["security", "--offline=true", "--threshold=10", unit]), { code: 1 });
});
