// npm's packages, installed again only when the lock file has changed.

import { existsSync, readFileSync } from "node:fs";

import { run } from "../command.mjs";
import { sha256, writeFile } from "../stamp.mjs";
import { at } from "../tree.mjs";

// In node_modules, because `npm ci` begins by removing that: an interrupted one leaves no stamp.
const stamp = at("node_modules/.lock-hash");

export async function setUpPackages() {
  const lock = sha256(readFileSync(at("package-lock.json")));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  await run("npm", ["ci", "--loglevel=error"], { timeout: 900_000 });
  writeFile(stamp, lock);
}
