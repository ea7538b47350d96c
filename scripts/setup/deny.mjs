// cargo-deny: which licences and crates are inside.

import { setUpTool, toolFolder } from "./tool.mjs";

/** Returns the folder to put on PATH. */
export async function setUpDeny() {
  // It runs once: a quick build is worth more than a quick program.
  await setUpTool("cargo-deny", "cargo-deny", "0.20.2", ["--locked", "--debug"]);
  return toolFolder;
}
