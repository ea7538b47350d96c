// npm test [-- step …]: sets up what the tests need, runs all steps (or those named), and sums up.

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { buildCommandLine, buildDebugServer, buildServer } from "./build/server.mjs";
import { main, Problem } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { setUpBrowser, setUpEngine } from "./setup/browser.mjs";
import { setUpDeny } from "./setup/deny.mjs";
import { setUpPackaging, setUpTypedoc } from "./setup/packages.mjs";
import { setUpPebble } from "./setup/pebble.mjs";
import { setUpPrometheus } from "./setup/prometheus.mjs";
import { setUpProxies } from "./setup/proxies.mjs";
import { setUpRunner } from "./setup/runner.mjs";
import { setUpSchemathesis } from "./setup/schemathesis.mjs";
import { duration, step } from "./step.mjs";
import { steps } from "./test/steps.mjs";

/** What steps can need, in the order in which it is made. */
const preparations = {
  sdk: async (toolchain) => {
    await buildSdk(toolchain);
    await bundleSdk();
  },
  server: () => buildServer(),
  debug: () => buildDebugServer(),
  cli: () => buildCommandLine(),
  browser: () => step("browser", setUpBrowser),
  proxies: () => step("proxies", setUpProxies),
  packaging: () => step("bundlers", setUpPackaging),
  firefox: () => step("Firefox", () => setUpEngine("firefox")),
  webkit: () => step("WebKit", () => setUpEngine("webkit")),
  tests: (toolchain) => toolchain.tests(),
  runner: () => setUpRunner(),
  deny: () => setUpDeny(),
  typedoc: () => step("typedoc", setUpTypedoc),
  schemathesis: () => setUpSchemathesis(),
  pebble: () => step("ACME server", setUpPebble),
  prometheus: () => step("Prometheus", setUpPrometheus),
};

/** Returns what each preparation gave, or why it failed: one that fails takes down only the steps that need it. */
async function prepare(names) {
  const toolchain = await setUp();
  const needed = new Set(names.flatMap((name) => steps[name].needs));
  const prepared = {};
  for (const [need, work] of Object.entries(preparations)) {
    if (!needed.has(need)) continue;
    try {
      prepared[need] = await work(toolchain);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      prepared[need] = error;
    }
  }
  return prepared;
}

async function runStep(name, prepared) {
  const started = performance.now();
  const { needs, run } = steps[name];
  const result = { name, passed: 0, failed: 0 };
  try {
    await step(name, async () => {
      for (const need of needs) if (prepared[need] instanceof Problem) throw prepared[need];
      Object.assign(result, await run(prepared));
      if (result.failed > 0) throw new Problem(result.reason ?? "");
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    result.failed ||= 1;
    result.reason ??= error.message;
  }
  result.skipped ??= [];
  result.failures ??= [];
  return { ...result, time: performance.now() - started };
}

function summary(results) {
  for (const { name, passed, failed, skipped, time, reason } of results) {
    const cells = [
      name.padEnd(10),
      `${passed} passed`.padStart(12),
      `${failed} failed`.padStart(12),
      `${skipped.length} skipped`.padStart(12),
      duration(time).padStart(14),
    ];
    console.log(cells.join(" ") + (reason ? `   ${reason}` : ""));
    for (const test of skipped) console.log(`  skipped: ${test}`);
  }
}

await main(async () => {
  const started = performance.now();
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !(name in steps));
  if (unknown) throw new Problem(`${unknown}: no such step; there are ${Object.keys(steps).join(", ")}`);
  const names = Object.keys(steps).filter((name) => asked.length === 0 || asked.includes(name));

  const prepared = await prepare(names);
  const results = [];
  for (const name of names) results.push(await runStep(name, prepared));

  // Once more what failed: between there and here are the steps that came after.
  for (const { name, failures } of results) for (const failure of failures) console.log(`\n${name}: ${failure.trim()}`);
  console.log();
  summary(results);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`\nin ${duration(performance.now() - started)}`);
  const skipped = results.reduce((total, result) => total + result.skipped.length, 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed` + (skipped ? `, ${skipped} skipped` : ""));
  return sum("failed") === 0 ? 0 : 1;
});
