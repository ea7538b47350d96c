// npm's packages, installed again only when the lock file has changed.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

import { run } from "../command.mjs";
import { sha256, writeFile } from "../stamp.mjs";
import { at, root, target } from "../tree.mjs";

async function install(folder, command) {
  const stamp = path.join(folder, "node_modules/.lock-hash");
  const lock = sha256(readFileSync(path.join(folder, "package-lock.json")));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  // An interrupted installation leaves none.
  rmSync(stamp, { force: true });
  await run("npm", [...command, "--loglevel=error"], { cwd: folder, timeout: 1_800_000 });
  writeFile(stamp, lock);
}

export const setUpPackages = () => install(root, ["ci"]);

/**
 * Installs what the package.json of a folder of the tree names, apart from everything else; none of it runs scripts.
 */
async function installApart(from, folder, command) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) copyFileSync(at(from, name), path.join(folder, name));
  copyFileSync(at(".npmrc"), path.join(folder, ".npmrc"));
  await install(folder, [command, "--ignore-scripts"]);
}

/** typedoc, with a compiler of its own: what it asks of one, TypeScript 7 has no more. */
export const setUpTypedoc = () => installApart("scripts/docs", target.typedoc, "ci");

/**
 * The bundlers and frameworks that the package is tried with, which nobody needs who only builds. Next's `sharp`, which
 * brings a library under the LGPL and makes pictures smaller, is replaced in their package.json by one that is there
 * anyway: none of our pages has a picture. Not `npm ci`: a lock file that npm writes leaves out the optional binaries
 * that it was not given where it was written, here those for anything but Linux, and `ci` refuses a lock file that
 * lacks some. `install` adds the platform's own, in the version that the package asks for, and keeps to the lock file
 * otherwise.
 */
export const setUpPackaging = () => installApart("tests/packaging", target.packaging, "install");
