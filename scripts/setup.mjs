// Everything a build needs, installed where it is missing.

import { setUpCompiler } from "./setup/compiler.mjs";
import { setUpPackages } from "./setup/packages.mjs";
import { setUpRust } from "./setup/rust.mjs";
import { setUpWasm } from "./setup/wasm.mjs";
import { step } from "./step.mjs";

/** Returns the wasm toolchain; see `setUpWasm`. */
export async function setUp() {
  await step("C compiler", setUpCompiler);
  await step("Rust", setUpRust);
  await step("npm packages", setUpPackages);
  return step("wasm32 target", setUpWasm);
}
