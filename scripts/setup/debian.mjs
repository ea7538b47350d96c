// Debian's packages: installed where apt-get is there and we may use it.

import { existsSync, readdirSync } from "node:fs";

import { attempt } from "../command.mjs";
import { find } from "../program.mjs";

const LISTS = "/var/lib/apt/lists";

const asRoot = process.getuid?.() === 0;

/** Whether packages can be installed here. */
export const canInstall = () => Boolean(find("apt-get") && (asRoot || find("sudo")));

/** Runs apt-get; true if it succeeded. */
async function aptGet(...args) {
  const settings = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120", ...args];
  const { code } = asRoot
    ? await attempt("env", settings, { timeout: 900_000 })
    : await attempt("sudo", ["env", ...settings], { timeout: 900_000, terminal: true });
  return code === 0;
}

const hasLists = () => existsSync(LISTS) && readdirSync(LISTS).some((name) => /_Packages(\.\w+)?$/.test(name));

/** Installs packages; true if they are there now. Lists are only brought up to date when that is needed. */
export async function install(...packages) {
  if (!canInstall()) return false;
  const attemptInstall = () => aptGet("install", "-y", "--no-install-recommends", ...packages);
  if (hasLists() && (await attemptInstall())) return true;
  return (await aptGet("update")) && attemptInstall();
}
