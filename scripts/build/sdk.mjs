// The Rust half of the SDK: `src/` → target/bindgen/micro_chat.js and micro.wasm.

import { cpSync, readFileSync } from "node:fs";
import path from "node:path";

import { run } from "../command.mjs";
import { unlessUnchanged, writeFile } from "../stamp.mjs";
import { step } from "../step.mjs";
import { at, target } from "../tree.mjs";
import { trimmed, trimmedTypes } from "./glue.mjs";
import { renamed } from "./names.mjs";

const compiled = path.join(target.sdk, "wasm32-unknown-unknown/sdk/micro_chat.wasm");

/** wasm-bindgen's JavaScript with short names, which `js/` imports as `../target/bindgen/micro_chat.js`. */
export const glue = path.join(target.bindgen, "micro_chat.js");
/** The wasm as it ships. */
export const wasm = path.join(target.bindgen, "micro.wasm");

// What wasm-bindgen writes, and wasm-opt reads.
const bound = path.join(target.bindgen, "bound");
const unoptimised = path.join(bound, "micro_chat_bg.wasm");
const longNamed = path.join(bound, "micro_chat.js");

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

// In this order; together they are worth 300 bytes.
const PASSES = [
  // Takes nested expressions apart and builds blocks and loops anew: what is optimised then finds more.
  "--flatten",
  "--rereloop",
  "-Oz",
  "--converge",
  // A call of something that small takes as much as the thing itself.
  "--always-inline-max-function-size=5",
  // Offsets may be part of loads and stores: rustc puts the far end of the stack at the lowest addresses, and no
  // pointer that something is added to is negative.
  "--low-memory-unused",
];

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
      inputs: [compiled, at("crates/bindgen"), at("Cargo.lock"), at("scripts/build/sdk.mjs")],
      outputs: [longNamed, longNamed.replace(/js$/, "d.ts"), unoptimised],
    },
    () => run("cargo", ["run", "--package=micro-chat-bindgen", "--", compiled, bound]),
  );
}

function optimise() {
  const scripts = ["sdk.mjs", "names.mjs", "glue.mjs"].map((name) => at("scripts/build", name));
  return unlessUnchanged(
    "wasm-opt",
    {
      inputs: [bound, at("package-lock.json"), ...scripts],
      outputs: [wasm, glue, glue.replace(/js$/, "d.ts")],
    },
    async () => {
      const optimiser = at("node_modules/.bin/wasm-opt");
      const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
      await run(optimiser, [...PASSES, ...FEATURES, ...strip, unoptimised, "-o", wasm]);
      // A run of its own: each round of `--converge` would shorten, and print, the names anew. wasm-bindgen's names are
      // a tenth of what a page loads.
      const shorten = [...FEATURES, "--minify-imports-and-exports-and-modules", wasm, "-o", wasm];
      const names = JSON.parse(await run(optimiser, shorten, { quiet: true }));
      cpSync(bound, target.bindgen, { recursive: true, filter: (file) => !file.endsWith(".wasm") });
      writeFile(glue, renamed(trimmed(readFileSync(longNamed, "utf8")), names));
      const types = (script) => script.replace(/js$/, "d.ts");
      writeFile(types(glue), trimmedTypes(readFileSync(types(longNamed), "utf8")));
    },
  );
}

export async function buildSdk(toolchain) {
  await step("SDK: Rust → wasm", () => compile(toolchain));
  await step("SDK: wasm-bindgen", bind);
  await step("SDK: wasm-opt", optimise);
}
