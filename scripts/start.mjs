// npm start [-- --listen 127.0.0.1:8080 --data ./data …]: sets up, builds, and runs the server.

import { bundleSdk } from "./build/bundle.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { buildServer } from "./build/server.mjs";
import { serve } from "./command.mjs";
import { main } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { target } from "./tree.mjs";

await main(async () => {
  const toolchain = await setUp();
  await buildSdk(toolchain);
  await bundleSdk();
  await buildServer();
  return serve(target.server, ["dev", ...process.argv.slice(2)]);
});
