// Finding installed programs.

import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** The program's full path, or undefined if PATH doesn't have it. */
export function find(program) {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders.map((folder) => findIn(folder, program)).find(Boolean);
}

function findIn(folder, program) {
  const file = path.join(folder, program);
  try {
    accessSync(file, constants.X_OK);
    if (statSync(file).isFile()) return file;
  } catch {
    // Not in this folder.
  }
  return undefined;
}

/** nginx, Caddy and systemd's checker, if they are there; Debian keeps servers where only root looks. */
export const proxyPrograms = () => ({
  nginx: find("nginx") ?? findIn("/usr/sbin", "nginx"),
  caddy: find("caddy"),
  systemdAnalyze: find("systemd-analyze"),
});

/** The browser and its driver, if they are there; `CHROMIUM` and `CHROMEDRIVER` name others than those on PATH. */
export const browserPrograms = () => ({
  chromium: process.env.CHROMIUM ?? ["chromium", "chromium-browser", "google-chrome"].map(find).find(Boolean),
  chromedriver: process.env.CHROMEDRIVER ?? find("chromedriver"),
});
