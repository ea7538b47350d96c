// npm run bench -- idle | fanout | send | hostile | page | all [options …]: measures the release server, a new one for
// each measurement.
//
// Server and load generator share this machine: only numbers of one run, on a machine with nothing else to do, can be
// compared. The exit code says whether a message was lost, doubled or out of order; times and rates are only printed.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { run, serve } from "./command.mjs";
import { main, Problem } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { setUpBrowser } from "./setup/browser.mjs";
import { setUpCompiler } from "./setup/compiler.mjs";
import { setUpRust } from "./setup/rust.mjs";
import { step } from "./step.mjs";
import { at, target } from "./tree.mjs";

const PROGRAM = at("target/release/micro-chat-bench");
const NAMES = ["idle", "fanout", "send", "hostile", "page"];
const START_MS = 20_000;

/** Runs a program with as many open files as the system allows: ten thousand connections are ten thousand files. */
const unlimited = (program, args) => ["sh", ["-c", 'ulimit -n "$(ulimit -Hn)" && exec "$0" "$@"', program, ...args]];

/**
 * What a server is told that others attack. An address has less than by default: on loopback there are many of them.
 */
const GUARDED = [
  ["--limit-requests", "10/s:100"],
  ["--limit-connects", "10/s:100"],
  ["--limit-connections", "50"],
  ["--limit-sends-of-namespace", "500/s:1000"],
].flat();

/**
 * Starts the server on a free port; resolves to its address, the file with its secret where it has one, and a function
 * that ends it and removes its data.
 */
async function startServer(isGuarded) {
  // Not in the system's folder for temporary files: where that is in memory, a sync costs nothing.
  const data = mkdtempSync(at("target/bench-"));
  const secret = path.join(data, "secret");
  if (isGuarded) writeFileSync(secret, randomBytes(32).toString("base64"), { mode: 0o600 });
  const mode = isGuarded ? ["serve", "--token-key", secret, ...GUARDED] : ["dev"];
  const args = [...mode, "--listen", "127.0.0.1:0", "--data", data];
  const child = spawn(...unlimited(target.server, args), { stdio: ["ignore", "pipe", "pipe"] });
  const remove = () => {
    child.kill("SIGKILL");
    rmSync(data, { recursive: true, force: true });
  };
  process.once("exit", remove);
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
  const listening = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const address = /listening on http:\/\/(\S+)/.exec(line)?.[1];
      if (address) resolve(address);
    });
  });
  const ended = new Promise((resolve) => child.once("close", () => resolve()));
  const late = new Promise((resolve) => setTimeout(resolve, START_MS).unref());
  const address = await Promise.race([listening, ended, late]);
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    remove();
    process.removeListener("exit", remove);
  };
  if (address) return { address, secret, pid: child.pid, stop, output: () => output };
  await stop();
  throw new Problem(`the server did not start:\n${output}`);
}

async function measure(name, options) {
  const isGuarded = name === "hostile";
  const server = await startServer(isGuarded);
  try {
    const secret = isGuarded ? ["--secret", server.secret] : [];
    const args = ["--server", server.address, "--pid", String(server.pid), name, ...secret, ...options];
    const code =
      name === "page"
        ? await serve(process.execPath, [at("bench/page.mjs"), server.address])
        : await serve(...unlimited(PROGRAM, args));
    if (server.output()) console.error(`the server said:\n${server.output()}`);
    return code === 0;
  } finally {
    await server.stop();
  }
}

await main(async () => {
  const [name, ...options] = process.argv.slice(2);
  if (name !== "all" && !NAMES.includes(name)) {
    throw new Problem(`usage: npm run bench -- ${NAMES.join(" | ")} | all [options; --help lists them]`);
  }
  if (name === "page" || name === "all") {
    // The server has the SDK inside.
    await buildSdk(await setUp());
    await bundleSdk();
    await step("browser", setUpBrowser);
  } else {
    await step("C compiler", setUpCompiler);
    await step("Rust", setUpRust);
  }
  await step("server and load generator", () =>
    run("cargo", ["build", "--release", "--package=micro-chat-server", "--package=micro-chat-bench"]),
  );
  let failed = 0;
  for (const each of name === "all" ? NAMES : [name]) failed += (await measure(each, options)) ? 0 : 1;
  return failed === 0 ? 0 : 1;
});
