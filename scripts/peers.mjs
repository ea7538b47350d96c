// What other SDKs weigh: each installed in its pinned version, bundled with what a page that chats imports of it, and
// minified, alike for all.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { build } from "esbuild";

import { run } from "./command.mjs";
import { brotli, gzip } from "./compression.mjs";
import { at } from "./tree.mjs";

const folder = at("target/peers");

/** Packages with their versions, and what a page imports. */
const PEERS = [
  ["phoenix@1.8.16", `export { Socket } from "phoenix"`],
  ["socket.io-client@4.8.4", `export { io } from "socket.io-client"`],
  ["@supabase/realtime-js@2.119.1", `export { RealtimeClient } from "@supabase/realtime-js"`],
  ["pusher-js@8.6.0", `export { default } from "pusher-js"`],
  ["centrifuge@5.8.0", `export { Centrifuge } from "centrifuge"`],
  ["tinode-sdk@0.25.3", `export { Tinode } from "tinode-sdk"`],
  ["pubnub@12.0.3", `export { default } from "pubnub"`],
  [
    "ably@2.28.0 @ably/chat@1.4.0",
    `export { Realtime } from "ably";
     export { ChatClient } from "@ably/chat"`,
  ],
  ["stream-chat@9.53.0", `export { StreamChat } from "stream-chat"`],
  [
    "@sendbird/chat@4.22.12",
    `export { default } from "@sendbird/chat";
     export { GroupChannelModule } from "@sendbird/chat/groupChannel"`,
  ],
  ["matrix-js-sdk@43.0.0", `export { createClient } from "matrix-js-sdk"`],
];

async function weigh(entry) {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    // Some ask for it where they run on a server.
    external: ["node:*", "crypto"],
    loader: { ".wasm": "file" },
    outdir: path.join(folder, "out"),
    write: false,
    logLevel: "silent",
  });
  const script = Buffer.concat(outputFiles.filter((file) => file.path.endsWith(".js")).map((file) => file.contents));
  return { raw: script.length, gzip: gzip(script).length, brotli: brotli(script).length };
}

/** `{ name: weight }` of each peer, or what went wrong with it. */
export async function peers() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), "{}\n");
  const packages = PEERS.flatMap(([names]) => names.split(" "));
  // They run nothing here.
  const settings = ["--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--loglevel=error"];
  await run("npm", ["install", "--prefix", folder, ...settings, ...packages], { timeout: 600_000 });
  const all = {};
  for (const [names, entry] of PEERS) {
    try {
      all[names] = await weigh(entry);
    } catch (error) {
      all[names] = String(error.message).split("\n")[0];
    }
  }
  return all;
}
