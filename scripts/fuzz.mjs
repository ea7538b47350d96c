// npm run fuzz [-- target …] [--minutes=10]: tries hostile input on every parser that reads from outside.
//
// What reaches something new is kept in fuzz/corpus/, which `npm test` replays; an input that breaks a promise is
// named, and belongs there, too, once it does no more.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { attempt, run } from "./command.mjs";
import { main, Problem } from "./problem.mjs";
import { setUpCompiler } from "./setup/compiler.mjs";
import { setUpRust } from "./setup/rust.mjs";
import { setUpTool, toolFolder } from "./setup/tool.mjs";
import { step } from "./step.mjs";
import { at } from "./tree.mjs";

const CARGO_FUZZ = "0.13.2";
const MINUTE = 60_000;

const folder = at("target/fuzz");
const corpus = (target) => at("fuzz/corpus", target);

/** The targets, as the library lists them. */
const targets = () =>
  [...readFileSync(at("fuzz/Cargo.toml"), "utf8").matchAll(/\[\[bin\]\]\nname = "(\w+)"/g)].map(([, name]) => name);

async function build() {
  // libFuzzer wants compiler flags that the stable toolchain only takes so. Our code has nothing unsafe, so that there
  // is nothing for an address sanitizer to find.
  const flags = ["-O", "-a", "--sanitizer=none", "--features=search", "--fuzz-dir=fuzz", `--target-dir=${folder}`];
  await run("cargo", ["fuzz", "build", ...flags], {
    env: { RUSTC_BOOTSTRAP: "1", PATH: [toolFolder, process.env.PATH].join(path.delimiter) },
    timeout: 30 * MINUTE,
  });
  const machine = /^host: (.+)$/m.exec(await run("rustc", ["-vV"], { quiet: true }))?.[1];
  return (target) => path.join(folder, machine, "release", target);
}

/** Searches for so long, beginning with what is kept; then keeps the smallest set that reaches as much. */
async function search(target, program, minutes) {
  const work = path.join(folder, "corpus", target);
  const found = path.join(folder, "found");
  mkdirSync(work, { recursive: true });
  mkdirSync(found, { recursive: true });
  const limits = ["-max_len=4096", "-timeout=20", "-rss_limit_mb=2048"];
  const searching = [work, corpus(target), ...limits, `-artifact_prefix=${found}/${target}-`];
  const { code, output } = await attempt(program, [...searching, `-max_total_time=${minutes * 60}`], {
    quiet: true,
    timeout: (minutes + 5) * MINUTE,
  });
  if (code !== 0) {
    const input = /Test unit written to (\S+)/.exec(output)?.[1];
    throw new Problem(`${target} broke a promise on ${input ?? "an input"}:\n${output.slice(-2_000)}`);
  }
  const kept = mkdtempSync(path.join(folder, `${target}-`));
  const keeping = ["-set_cover_merge=1", "-use_counters=0", "-max_len=1024", "-timeout=20"];
  const merged = await attempt(program, [...keeping, kept, corpus(target), work], {
    quiet: true,
    timeout: 10 * MINUTE,
  });
  if (merged.code !== 0)
    throw new Problem(`${target}: what was found can't be merged:\n${merged.output.slice(-2_000)}`);
  // What is new comes first, so that a stop in between loses nothing. Files are named by what is in them.
  const files = readdirSync(kept);
  for (const file of files) copyFileSync(path.join(kept, file), path.join(corpus(target), file));
  for (const file of readdirSync(corpus(target))) if (!files.includes(file)) rmSync(path.join(corpus(target), file));
  rmSync(kept, { recursive: true });
  const runs = /stat::number_of_executed_units:\s+(\d+)/.exec(output)?.[1] ?? /Done (\d+) runs/.exec(output)?.[1];
  console.log(`${target}: ${Number(runs ?? 0).toLocaleString("en")} inputs, none broke a promise`);
}

await main(async () => {
  const all = targets();
  const args = process.argv.slice(2);
  const minutes = Number(args.find((arg) => arg.startsWith("--minutes="))?.slice("--minutes=".length) ?? 10);
  const asked = args.filter((arg) => !arg.startsWith("--"));
  const unknown = asked.find((name) => !all.includes(name));
  if (unknown || !(minutes > 0)) throw new Problem(`usage: npm run fuzz -- [${all.join(" | ")} …] [--minutes=10]`);
  await step("C compiler", setUpCompiler);
  await step("Rust", setUpRust);
  await setUpTool("cargo-fuzz", "cargo-fuzz", CARGO_FUZZ, ["--locked"]);
  const program = await step("targets", build);

  const waiting = all.filter((name) => asked.length === 0 || asked.includes(name));
  const problems = [];
  const worker = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      try {
        await search(target, program(target), minutes);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        problems.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  if (problems.length > 0) throw new Problem(problems.join("\n\n"));
  return 0;
});
