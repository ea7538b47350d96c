// Skipping what has been done: a step's stamp is the hash of everything it read.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { root, target } from "./tree.mjs";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** All files under a folder, sorted. */
export function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function hashOf(inputs) {
  const hash = createHash("sha256");
  for (const input of inputs) {
    const files = existsSync(input) && statSync(input).isDirectory() ? filesIn(input) : [input];
    for (const file of files) {
      hash.update(`${path.relative(root, file)}\0${existsSync(file) ? sha256(readFileSync(file)) : "missing"}\n`);
    }
  }
  return hash.digest("hex");
}

/**
 * Runs `work` unless it last ran on the same inputs (files or folders) and its outputs are still there.
 * An interrupted run leaves no stamp.
 */
export async function unlessUnchanged(name, { inputs, outputs }, work) {
  const stamp = path.join(target.stamps, name);
  const hash = hashOf(inputs);
  const unchanged = existsSync(stamp) && readFileSync(stamp, "utf8") === hash && outputs.every(existsSync);
  if (unchanged) return;
  rmSync(stamp, { force: true });
  await work();
  writeFile(stamp, hash);
}

/** Writes a file whole or not at all, and not if it has these bytes already: cargo goes by the time of change. */
export function writeFile(file, bytes) {
  const content = Buffer.from(bytes);
  if (existsSync(file) && content.equals(readFileSync(file))) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, file);
}
