// Programs that only tests and tools need, built from source, each in the version that we name.

import { existsSync, rmSync } from "node:fs";
import path from "node:path";

import { attempt, run } from "../command.mjs";
import { find } from "../program.mjs";
import { step } from "../step.mjs";
import { target } from "../tree.mjs";

/** Where they are. */
export const toolFolder = path.join(target.tools, "bin");

async function isVersion(program, version) {
  if (!program || !existsSync(program)) return false;
  const { code, output } = await attempt(program, ["--version"], { quiet: true, timeout: 120_000 });
  return code === 0 && output.trim().split(" ")[1] === version;
}

/** Installs a crate's program unless it is there; `options` are cargo's. */
export async function setUpTool(crate, program, version, options = []) {
  if (await isVersion(path.join(toolFolder, program), version)) return;
  if (await isVersion(find(program), version)) return;
  // Kept until the tool is there, so that an interrupted installation goes on where it was.
  const unfinished = path.join(target.tools, "unfinished");
  await step(crate, () =>
    run("cargo", ["install", crate, "--version", version, "--root", target.tools, "--force", ...options], {
      env: { CARGO_TARGET_DIR: unfinished },
      timeout: 3_600_000,
    }),
  );
  rmSync(unfinished, { recursive: true, force: true });
}
