// What runs the SDK's Rust tests in the browser: wasm-pack, and wasm-bindgen's runner of exactly our version.

import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

import { attempt, run } from "../command.mjs";
import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";
import { step } from "../step.mjs";
import { at, target } from "../tree.mjs";

const WASM_PACK = "0.15.1";

const bin = path.join(target.tools, "bin");
// Kept until the tool is there, so that an interrupted installation goes on where it was.
const unfinished = path.join(target.tools, "unfinished");

/** The version of `wasm-bindgen` that Cargo.lock has; the runner refuses any other. */
function wasmBindgenVersion() {
  const lock = readFileSync(at("Cargo.lock"), "utf8");
  const version = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(lock)?.[1];
  if (!version) throw new Problem("Cargo.lock names no wasm-bindgen.");
  return version;
}

async function isVersion(program, version) {
  if (!program || !existsSync(program)) return false;
  const { code, output } = await attempt(program, ["--version"], { quiet: true, timeout: 20_000 });
  return code === 0 && output.trim().split(" ")[1] === version;
}

async function provide(crate, program, version, options) {
  if (await isVersion(path.join(bin, program), version)) return;
  if (await isVersion(find(program), version)) return;
  await run("cargo", ["install", crate, "--version", version, "--root", target.tools, "--force", ...options], {
    env: { CARGO_TARGET_DIR: unfinished },
    timeout: 1_500_000,
  });
}

/** Returns the folder to put on PATH. */
export async function setUpRunner() {
  // Without --locked: its lock file names a crate that cannot always be had.
  const version = wasmBindgenVersion();
  await step("wasm-bindgen's test runner", () => provide("wasm-bindgen-cli", "wasm-bindgen-test-runner", version, []));
  await step("wasm-pack", () => provide("wasm-pack", "wasm-pack", WASM_PACK, ["--locked"]));
  rmSync(unfinished, { recursive: true, force: true });
  return bin;
}
