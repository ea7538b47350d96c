// npm run build [sdk | server]: builds the SDK, then the server that serves it; or one of the two.

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { buildServer } from "./build/server.mjs";
import { main, Problem } from "./problem.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const part = process.argv[2];
  if (part && part !== "sdk" && part !== "server") throw new Problem("usage: npm run build [-- sdk | server]");
  const toolchain = await setUp();
  if (part !== "server") {
    await buildSdk(toolchain);
    const integrity = await bundleSdk();
    for (const [file, hash] of Object.entries(integrity)) console.log(`${file.padEnd(32)} ${hash}`);
  }
  if (part !== "sdk") await buildServer();
});
