// npm run size [-- --json | --check | --peers]: what a page downloads; with --peers, what it would of others.

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { main, Problem } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { overBudget, weights } from "./weight.mjs";

const row = (name, { raw, gzip, brotli }) =>
  [name.padEnd(34), ...[raw, gzip, brotli].map((cell) => String(cell).padStart(8))].join(" ");

const heading = row("bytes", { raw: "raw", gzip: "gzip", brotli: "brotli" });

/** The lightest first; whoever can't be weighed says why. */
function tableOf(peers) {
  const weighed = Object.entries(peers).sort(
    ([, one], [, other]) => (one.brotli ?? Infinity) - (other.brotli ?? Infinity),
  );
  return weighed
    .map(([name, weight]) => (weight.brotli ? row(name, weight) : `${name.padEnd(34)} ${weight}`))
    .join("\n");
}

function table({ files, total }) {
  const rows = Object.entries(files).map(([name, weight]) => row(name, weight));
  return [heading, ...rows, row("a page loads", total)].join("\n");
}

await main(async () => {
  const asked = process.argv.slice(2);
  const unknown = asked.find((argument) => !["--json", "--check", "--peers"].includes(argument));
  if (unknown) throw new Problem(`${unknown}: unknown; usage: npm run size [-- --json | --check | --peers]`);
  await buildSdk(await setUp());
  await bundleSdk();
  const weight = weights();
  console.log(asked.includes("--json") ? JSON.stringify(weight) : table(weight));
  // They need what the set-up brings, and nobody else needs them.
  if (asked.includes("--peers")) console.log(`\n${tableOf(await (await import("./peers.mjs")).peers())}`);
  if (!asked.includes("--check")) return;
  const over = overBudget(weight);
  if (over) throw new Problem(over);
});
