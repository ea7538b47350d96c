// Subresource integrity: what a page says of a file, so that its browser runs no other. → dist/integrity.json

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

import { filesIn, writeFile } from "../stamp.mjs";
import { at, dist } from "../tree.mjs";

const integrityOf = (bytes) => `sha384-${createHash("sha384").update(bytes).digest("base64")}`;

/** Notes it for what the server and the package hand out, by the paths in `dist/`, and returns it. */
export function writeIntegrity() {
  const files = [dist.assets, dist.npm].flatMap(filesIn).filter((file) => /\.(js|wasm)$/.test(file));
  const integrity = Object.fromEntries(
    files.map((file) => [path.relative(at("dist"), file), integrityOf(readFileSync(file))]),
  );
  writeFile(dist.integrity, JSON.stringify(integrity, undefined, 2) + "\n");
  return integrity;
}
