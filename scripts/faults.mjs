// npm run faults: the long form of the faults test. 50 kills and 100,000 acknowledged sends, then as many stops.

import { run } from "./command.mjs";
import { main } from "./problem.mjs";
import { setUpCompiler } from "./setup/compiler.mjs";
import { setUpRust } from "./setup/rust.mjs";
import { step } from "./step.mjs";

const HOUR = 3_600_000;

await main(async () => {
  await step("C compiler", setUpCompiler);
  await step("Rust", setUpRust);
  const test = ["test", "--release", "--package=micro-chat-server", "--test=faults"];
  await run("cargo", [...test, "--", "--nocapture", "--test-threads=1", "nothing_is_lost"], {
    env: { FAULT_ROUNDS: "50", FAULT_SENDS: "100000" },
    timeout: HOUR,
  });
});
