// The reference, made of doc comments → target/docs. What is missing there, or leads nowhere, fails.

import { cpSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

import { run } from "../command.mjs";
import { at, target } from "../tree.mjs";

const MINUTE = 60_000;

/** The files that the package's entries are made of. */
function entries() {
  const { exports } = JSON.parse(readFileSync(at("package.json"), "utf8"));
  const types = Object.values(exports).map((entry) => entry.types);
  return types.filter(Boolean).map((file) => at("js", path.basename(file, ".d.ts") + ".ts"));
}

/** What a page can call. */
export async function makeTypescriptReference() {
  const typedoc = path.join(target.typedoc, "node_modules/typedoc/bin/typedoc");
  const out = path.join(target.docs, "typescript");
  const options = ["--options", at("scripts/docs/typedoc.json"), "--out", out];
  await run(process.execPath, [typedoc, ...options, ...entries()], { timeout: 15 * MINUTE });
}

/** What each crate has. */
export async function makeRustReference() {
  const document = ["doc", "--workspace", "--no-deps"];
  const options = { env: { RUSTDOCFLAGS: "-D warnings" }, timeout: 45 * MINUTE };
  // Once as others see it: only there a link to what is private leads nowhere. Once with all that is inside.
  await run("cargo", document, options);
  await run("cargo", [...document, "--document-private-items"], options);
  const out = path.join(target.docs, "rust");
  rmSync(out, { recursive: true, force: true });
  cpSync(at("target/doc"), out, { recursive: true });
}
