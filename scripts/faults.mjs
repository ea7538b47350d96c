// npm run faults: the long form of the faults tests. 50 kills and 100,000 acknowledged sends, then as many stops, then
// as many full disks; then the same with real pages, 20 kills and 20,000.

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { buildServer } from "./build/server.mjs";
import { run } from "./command.mjs";
import { main } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { setUpBrowser } from "./setup/browser.mjs";
import { step } from "./step.mjs";
import { at } from "./tree.mjs";

const HOUR = 3_600_000;

await main(async () => {
  const toolchain = await setUp();
  const test = ["test", "--release", "--package=micro-chat-server", "--test=faults"];
  await run("cargo", [...test, "--", "--nocapture", "--test-threads=1", "nothing_is_lost"], {
    env: { FAULT_ROUNDS: "50", FAULT_SENDS: "100000" },
    timeout: HOUR,
  });
  await buildSdk(toolchain);
  await bundleSdk();
  await buildServer();
  await step("browser", setUpBrowser);
  const pages = ["--test", "--test-reporter=spec", "--test-name-pattern=nothing is lost", at("tests/storm.test.mjs")];
  await run(process.execPath, pages, { env: { FAULT_ROUNDS: "20", FAULT_SENDS: "20000" }, timeout: HOUR });
});
