// Finding installed programs.

import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** The program's full path, or undefined if PATH doesn't have it. */
export function find(program) {
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The browser and its driver, if they are there; `CHROMIUM` and `CHROMEDRIVER` name others than those on PATH. */
export const browserPrograms = () => ({
  chromium: process.env.CHROMIUM ?? ["chromium", "chromium-browser", "google-chrome"].map(find).find(Boolean),
  chromedriver: process.env.CHROMEDRIVER ?? find("chromedriver"),
});
