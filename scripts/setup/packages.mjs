// npm's packages, installed again only when the lock file has changed.

import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { run } from "../command.mjs";
import { sha256, writeFile } from "../stamp.mjs";
import { at, root, target } from "../tree.mjs";

async function install(folder, options = []) {
  // In node_modules, because `npm ci` begins by removing that: an interrupted one leaves no stamp.
  const stamp = path.join(folder, "node_modules/.lock-hash");
  const lock = sha256(readFileSync(path.join(folder, "package-lock.json")));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  await run("npm", ["ci", "--loglevel=error", ...options], { cwd: folder, timeout: 900_000 });
  writeFile(stamp, lock);
}

export const setUpPackages = () => install(root);

/** Installs what the package.json of a folder of the tree names, apart from everything else. */
async function installApart(from, folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) copyFileSync(at(from, name), path.join(folder, name));
  copyFileSync(at(".npmrc"), path.join(folder, ".npmrc"));
  await install(folder, ["--ignore-scripts"]);
}

/** typedoc, with a compiler of its own: what it asks of one, TypeScript 7 has no more. */
export const setUpTypedoc = () => installApart("scripts/docs", target.typedoc);
