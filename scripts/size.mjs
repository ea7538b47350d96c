// npm run size [-- --json | --check]: what a page downloads.

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { main, Problem } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { overBudget, weights } from "./weight.mjs";

function table({ files, total }) {
  const row = (name, { raw, gzip, brotli }) =>
    [name.padEnd(34), ...[raw, gzip, brotli].map((cell) => String(cell).padStart(8))].join(" ");
  const rows = Object.entries(files).map(([name, weight]) => row(name, weight));
  return [row("bytes", { raw: "raw", gzip: "gzip", brotli: "brotli" }), ...rows, row("a page loads", total)].join("\n");
}

await main(async () => {
  const asked = process.argv.slice(2);
  const unknown = asked.find((argument) => argument !== "--json" && argument !== "--check");
  if (unknown) throw new Problem(`${unknown}: unknown; usage: npm run size [-- --json | --check]`);
  await buildSdk(await setUp());
  await bundleSdk();
  const weight = weights();
  console.log(asked.includes("--json") ? JSON.stringify(weight) : table(weight));
  if (!asked.includes("--check")) return;
  const over = overBudget(weight);
  if (over) throw new Problem(over);
});
