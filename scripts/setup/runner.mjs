// What runs the SDK's Rust tests in the browser: wasm-pack, and wasm-bindgen's runner of exactly our version.

import { readFileSync } from "node:fs";

import { Problem } from "../problem.mjs";
import { at } from "../tree.mjs";
import { setUpTool, toolFolder } from "./tool.mjs";

const WASM_PACK = "0.15.1";

/** The version of `wasm-bindgen` that Cargo.lock has; the runner refuses any other. */
function wasmBindgenVersion() {
  const lock = readFileSync(at("Cargo.lock"), "utf8");
  const version = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(lock)?.[1];
  if (!version) throw new Problem("Cargo.lock names no wasm-bindgen.");
  return version;
}

/** Returns the folder to put on PATH. */
export async function setUpRunner() {
  // Without --locked: its lock file names a crate that cannot always be had.
  await setUpTool("wasm-bindgen-cli", "wasm-bindgen-test-runner", wasmBindgenVersion());
  await setUpTool("wasm-pack", "wasm-pack", WASM_PACK, ["--locked"]);
  return toolFolder;
}
