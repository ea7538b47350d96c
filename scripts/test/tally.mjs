// Counting tests by what their runners say at the end.

import { attempt } from "../command.mjs";
import { Problem } from "../problem.mjs";

const sum = (output, pattern) => [...output.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);

/** `cargo test`, and wasm-bindgen's runner, which speaks the same. */
export const cargo = {
  passed: /^\s*test result: .*?(\d+) passed;/gm,
  failed: /^\s*test result: .*?; (\d+) failed;/gm,
  failures: /^\s*failures:\n\n---- [^]*?(?=^\s*failures:\n {4}|^\s*test result:)/gm,
};

/** `node --test --test-reporter=spec`, which also says what was skipped, and why. */
export const node = {
  passed: /^ℹ pass (\d+)/gm,
  failed: /^ℹ (?:fail|cancelled) (\d+)/gm,
  skipped: /^\s*﹣ (.+) \([\d.]+ms\) # (.+)$/gm,
  failures: /^✖ failing tests:\n[^]*/gm,
};

/**
 * Runs a test runner; returns `{ passed, failed, skipped, failures, reason }`: `skipped` with a line for each,
 * `failures` as the runner told them. A runner that fails without a failed test counts as one.
 */
export async function tally(runner, program, args, options) {
  const { code, output, timedOut } = await attempt(program, args, options);
  const passed = sum(output, runner.passed);
  const failed = sum(output, runner.failed);
  const skipped = runner.skipped && [...output.matchAll(runner.skipped)].map(([, name, why]) => `${name}: ${why}`);
  const failures = output.match(runner.failures) ?? [];
  const result = { passed, failed, skipped, failures };
  if (timedOut) return { ...result, failed: failed + 1, reason: `stopped after ${options.timeout / 60_000} min` };
  if (code === 0 || failed > 0) return result;
  return { ...result, failed: 1, reason: `exit code ${code}` };
}

/** Runs checks that pass or fail as a whole, all of them; they count as one test. */
export async function check(...checks) {
  const problems = [];
  for (const work of checks) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error.message);
    }
  }
  return problems.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, reason: problems.join("; ") };
}
