// Schemathesis, which calls a server with whatever its OpenAPI document allows and does not allow. It has its own
// Python environment.

import { existsSync, rmSync } from "node:fs";
import path from "node:path";

import { attempt, run } from "../command.mjs";
import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";
import { step } from "../step.mjs";
import { target } from "../tree.mjs";
import { install } from "./debian.mjs";

const VERSION = "4.32.5";

const folder = path.join(target.tools, "schemathesis");

/** Its program, once it is set up. */
export const schemathesis = path.join(folder, "bin/schemathesis");

async function isThere() {
  if (!existsSync(schemathesis)) return false;
  // Its first line names the environment by its whole path: where the folder was moved, nobody can start it.
  const asked = attempt(schemathesis, ["--version"], { quiet: true, timeout: 300_000 });
  const { code, output } = await asked.catch(() => ({ code: 1, output: "" }));
  return code === 0 && output.includes(VERSION);
}

async function makeEnvironment() {
  const make = () => attempt("python3", ["-m", "venv", "--clear", folder], { quiet: true, timeout: 600_000 });
  if (find("python3") && (await make()).code === 0) return;
  // Debian's Python comes without what makes environments.
  await install("python3", "python3-venv");
  const { code, output } = find("python3") ? await make() : { code: 1, output: "" };
  if (code !== 0) throw new Problem(`No Python environment: install python3 and its module venv.\n${output}`);
}

export async function setUpSchemathesis() {
  if (await isThere()) return;
  await step("schemathesis", async () => {
    rmSync(folder, { recursive: true, force: true });
    await makeEnvironment();
    const python = path.join(folder, "bin/python");
    const options = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    await run(python, ["-m", "pip", "install", ...options, `schemathesis==${VERSION}`], { timeout: 1_800_000 });
  });
}
