// The Rust half of the SDK: `src/` → target/bindgen/micro_chat.js and micro.wasm.

import path from "node:path";

import { run } from "../command.mjs";
import { unlessUnchanged } from "../stamp.mjs";
import { step } from "../step.mjs";
import { at, target } from "../tree.mjs";

const compiled = path.join(target.sdk, "wasm32-unknown-unknown/sdk/micro_chat.wasm");

/** wasm-bindgen's JavaScript, which `js/` imports as `../target/bindgen/micro_chat.js`. */
export const glue = path.join(target.bindgen, "micro_chat.js");
/** The wasm as it ships. */
export const wasm = path.join(target.bindgen, "micro.wasm");

const unoptimised = path.join(target.bindgen, "micro_chat_bg.wasm");

// Each of these is worth hundreds of bytes to kilobytes: no panic messages, no source locations, no Debug output.
const FLAGS = ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none", "-Zfmt-debug=none"];

// What rustc enables by default for wasm32, and all browsers of the last years have; wasm-opt may use no more.
const FEATURES = [
  "bulk-memory",
  "bulk-memory-opt",
  "call-indirect-overlong",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
].map((feature) => `--enable-${feature}`);

function compile(toolchain) {
  const what = ["build", "--package=micro-chat", "--lib", "--profile=sdk", "--target=wasm32-unknown-unknown"];
  const std = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];
  return run("cargo", [...what, ...std], {
    env: {
      ...toolchain.sdk,
      // Lets the stable compiler take the flags above and build its own standard library.
      RUSTC_BOOTSTRAP: "1",
      CARGO_ENCODED_RUSTFLAGS: FLAGS.join("\u001f"),
      CARGO_TARGET_DIR: target.sdk,
    },
  });
}

function bind() {
  return unlessUnchanged(
    "bindgen",
    {
      inputs: [compiled, at("crates/bindgen"), at("Cargo.lock")],
      outputs: [glue, glue.replace(/js$/, "d.ts"), unoptimised],
    },
    () => run("cargo", ["run", "--package=micro-chat-bindgen", "--", compiled, target.bindgen]),
  );
}

function optimise() {
  const optimiser = at("node_modules/.bin/wasm-opt");
  const options = ["-Oz", "--converge", ...FEATURES, "--strip-debug", "--strip-producers", "--strip-target-features"];
  return unlessUnchanged(
    "wasm-opt",
    { inputs: [unoptimised, at("package-lock.json"), at("scripts/build/sdk.mjs")], outputs: [wasm] },
    () => run(optimiser, [...options, unoptimised, "-o", wasm]),
  );
}

export async function buildSdk(toolchain) {
  await step("SDK: Rust → wasm", () => compile(toolchain));
  await step("SDK: wasm-bindgen", bind);
  await step("SDK: wasm-opt", optimise);
}
