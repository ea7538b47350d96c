// Finding installed programs.

import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

import { target } from "./tree.mjs";

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

/** Where WebKitGTK's own browser may be: Debian's folder for each architecture, and everybody else's. */
const libraries = () => {
  const folders = ["/usr/lib", "/usr/libexec", "/usr/lib64"].filter((folder) => existsSync(folder));
  return folders.flatMap((folder) => [folder, ...readdirSync(folder).map((name) => path.join(folder, name))]);
};

/** What each engine is driven with, if it is there: by the programs' names. */
const ENGINES = {
  chromium: browserPrograms,
  firefox: () => ({
    firefox: ["firefox-esr", "firefox"].map(find).find(Boolean),
    geckodriver: find("geckodriver") ?? findIn(path.join(target.tools, "bin"), "geckodriver"),
  }),
  webkit: () => ({
    MiniBrowser: libraries()
      .map((folder) => findIn(path.join(folder, "webkit2gtk-4.1"), "MiniBrowser"))
      .find(Boolean),
    WebKitWebDriver: find("WebKitWebDriver"),
    Xvfb: find("Xvfb"),
  }),
};

export const enginePrograms = (engine) => ENGINES[engine]();
