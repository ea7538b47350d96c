// npm run format: formats Rust and everything Prettier knows, except prose.

import { run } from "./command.mjs";
import { main } from "./problem.mjs";
import { setUpPackages } from "./setup/packages.mjs";
import { setUpRust } from "./setup/rust.mjs";
import { step } from "./step.mjs";
import { at } from "./tree.mjs";

await main(async () => {
  await step("Rust", setUpRust);
  await step("npm packages", setUpPackages);
  await step("cargo fmt", () => run("cargo", ["fmt", "--all"]));
  await step("prettier", () => run(at("node_modules/.bin/prettier"), ["--write", "--log-level=warn", "."]));
});
