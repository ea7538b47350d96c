// Where things are in the tree.

import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** A path in the tree, given by its parts. */
export const at = (...parts) => path.join(root, ...parts);

/** What the build makes on its way; see `scripts/build/`. */
export const target = {
  /** Decisions of the set-up, so that the next start doesn't probe again. */
  setup: at("target/setup"),
  /** Content hashes of what each step last ran on. */
  stamps: at("target/stamps"),
  /** Cargo's folder for the SDK: its flags would invalidate everything else. */
  sdk: at("target/sdk"),
  /** Cargo's folder for the SDK's tests in the browser. */
  wasm: at("target/wasm"),
  /** wasm-bindgen's output, which `js/` imports, and the optimised wasm. */
  bindgen: at("target/bindgen"),
  /** esbuild's output, before it goes to `dist/`. */
  bundles: at("target/bundles"),
  /** Programs that only the tests need. */
  tools: at("target/tools"),
  /** typedoc, and its compiler. */
  typedoc: at("target/typedoc"),
  /** The reference, of TypeScript and of Rust. */
  docs: at("target/docs"),
  /** The bundlers that the package is tried with, and the pages that they make. */
  packaging: at("target/packaging"),
  server: at("target/release/micro-chat-server"),
};

export const dist = {
  /** What the server serves under `/assets/`. */
  assets: at("dist/assets"),
  /** What the npm package holds. */
  npm: at("dist/npm"),
  /** What a page may check of them. */
  integrity: at("dist/integrity.json"),
};
