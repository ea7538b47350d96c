// Rust itself is the one thing besides Node that has to be there.

import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";

export function setUpRust() {
  if (find("cargo") && find("rustc")) return;
  // Just installed by rustup, in a shell that doesn't know yet.
  const installed = path.join(process.env.CARGO_HOME ?? path.join(os.homedir(), ".cargo"), "bin");
  if (!existsSync(path.join(installed, "cargo"))) {
    throw new Problem("No Rust: install the stable toolchain with rustup, https://rustup.rs");
  }
  process.env.PATH = `${installed}${path.delimiter}${process.env.PATH}`;
}
