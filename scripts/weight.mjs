// What the SDK weighs, raw and as browsers download it.

import { readFileSync } from "node:fs";
import path from "node:path";

import { brotli, gzip } from "./compression.mjs";
import { filesIn } from "./stamp.mjs";
import { at, dist } from "./tree.mjs";

/** The most that a page may load: micro.js and the wasm, brotli. */
export const BUDGET = 24_000;

function weigh(file) {
  const bytes = readFileSync(file);
  return { raw: bytes.length, gzip: gzip(bytes).length, brotli: brotli(bytes).length };
}

/** `{ files, total }`: each shipped file by its path in `dist/`, and the sum of what a page loads. */
export function weights() {
  const shipped = [...filesIn(dist.assets), ...filesIn(dist.npm)].filter((file) => /\.(js|wasm)$/.test(file));
  const files = Object.fromEntries(shipped.map((file) => [path.relative(at("dist"), file), weigh(file)]));
  const total = { raw: 0, gzip: 0, brotli: 0 };
  for (const [name, weight] of Object.entries(files)) {
    if (!/^assets\/(micro\.js|.*\.wasm)$/.test(name)) continue;
    for (const unit of Object.keys(total)) total[unit] += weight[unit];
  }
  return { files, total };
}

/** One line if the budget is exceeded, otherwise undefined. */
export function overBudget({ total }) {
  if (total.brotli <= BUDGET) return undefined;
  return `A page loads ${total.brotli} bytes of brotli, ${total.brotli - BUDGET} over the budget of ${BUDGET}.`;
}
