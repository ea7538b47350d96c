// The steps of `npm test`, in their order. Each says what it needs beforehand, and returns `{ passed, failed }`.

import path from "node:path";

import { makeRustReference, makeTypescriptReference } from "../build/reference.mjs";
import { run } from "../command.mjs";
import { Problem } from "../problem.mjs";
import { browserPrograms } from "../program.mjs";
import { filesIn } from "../stamp.mjs";
import { at, target } from "../tree.mjs";
import { overBudget, weights } from "../weight.mjs";
import { longLines } from "./lengths.mjs";
import { unknownLicences } from "./licences.mjs";
import { cargo, check, node, tally } from "./tally.mjs";

const MINUTE = 60_000;

/** How long the tests of one file in Node may take, on a machine that is slow and busy: all of them together. */
const FILE = 20 * MINUTE;
/** How long a small check may take. */
const SMALL = 15 * MINUTE;
/** How long a step may, before it counts as one that hangs. */
const STEP = 90 * MINUTE;

const npmProgram = (name) => at("node_modules/.bin", name);

function format() {
  return check(
    () => run("cargo", ["fmt", "--all", "--check"], { timeout: SMALL }),
    () => run(npmProgram("prettier"), ["--check", "--log-level=warn", "."], { timeout: SMALL }),
    () => {
      const long = longLines();
      if (long.length > 0) throw new Problem(`too long, break by hand: ${long.join(", ")}`);
    },
  );
}

function lint({ deny }) {
  const clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
  const licences = ["deny", "--workspace", "check", "licenses", "bans", "sources"];
  const env = { PATH: [deny, process.env.PATH].join(path.delimiter) };
  return check(
    () => run("cargo", clippy, { timeout: STEP }),
    () => run(npmProgram("tsc"), ["--noEmit"], { timeout: SMALL }),
    () => run(process.execPath, [at("scripts/wire.mjs"), "--check"], { timeout: SMALL }),
    () => run("cargo", licences, { env, timeout: SMALL }),
    () => {
      const unknown = unknownLicences();
      if (unknown.length > 0) throw new Problem(`licences to look at: ${unknown.join(", ")}`);
    },
  );
}

const docs = () => check(makeTypescriptReference, makeRustReference);

const unit = () => tally(cargo, "cargo", ["test", "--workspace", "--no-fail-fast"], { timeout: STEP });

const size = () =>
  check(() => {
    const over = overBudget(weights());
    if (over) throw new Problem(over);
  });

function wasm({ tests, runner }) {
  const { chromedriver } = browserPrograms();
  // Not the examples in comments (`cargo test` on the host runs those): rustdoc is always that of the host's compiler.
  const cargoArgs = ["--", "--all-targets"];
  const browserArgs = ["--headless", "--chrome", "--chromedriver", chromedriver];
  const args = ["test", "--mode=no-install", ...browserArgs, ...cargoArgs];
  const folders = [...tests.folders, runner, process.env.PATH];
  return tally(cargo, "wasm-pack", args, {
    env: {
      ...tests.env,
      PATH: folders.join(path.delimiter),
      CARGO_TARGET_DIR: target.wasm,
      WASM_BINDGEN_TEST_TIMEOUT: "120",
    },
    timeout: STEP,
  });
}

/** The files of the tests that run in Node. */
function tests() {
  const files = filesIn(at("tests")).filter((file) => file.endsWith(".test.mjs"));
  if (files.length === 0) throw new Problem("no tests/**/*.test.mjs");
  return files;
}

function browser() {
  const args = ["--test", "--test-reporter=spec", `--test-timeout=${FILE}`, ...tests()];
  return tally(node, process.execPath, args, { timeout: STEP });
}

/**
 * The files and folders of tests that every engine runs: what a page's visitor meets. The others are about the server,
 * or Chromium's own.
 */
const VISITED = ["micro", "outbox", "lifecycle", "login", "module", "pages"];

/** The step for another engine than Chromium. */
const engine = (name) => ({
  needs: ["sdk", "server", name],
  run({ [name]: missing }) {
    if (missing) return { passed: 0, failed: 0, skipped: [`all of it: ${missing}`] };
    const isVisited = (file) => VISITED.includes(path.relative(at("tests"), file).split(/[/.]/)[0]);
    const files = tests().filter(isVisited);
    const args = ["--test", "--test-reporter=spec", `--test-timeout=${FILE}`, ...files];
    return tally(node, process.execPath, args, { env: { MICRO_CHAT_BROWSER: name }, timeout: STEP });
  },
});

export const steps = {
  format: { needs: [], run: format },
  // Rust and TypeScript both include what the build makes.
  lint: { needs: ["sdk", "deny"], run: lint },
  // typedoc reads what the build makes, too.
  docs: { needs: ["sdk", "typedoc"], run: docs },
  unit: { needs: ["sdk", "pebble", "prometheus"], run: unit },
  size: { needs: ["sdk"], run: size },
  wasm: { needs: ["tests", "runner", "browser"], run: wasm },
  browser: {
    needs: ["sdk", "server", "debug", "cli", "browser", "proxies", "packaging", "schemathesis"],
    run: browser,
  },
  firefox: engine("firefox"),
  webkit: engine("webkit"),
};
