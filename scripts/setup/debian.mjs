// Debian's packages: installed where apt-get is there and we may use it.

import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { attempt } from "../command.mjs";
import { find } from "../program.mjs";

const LISTS = "/var/lib/apt/lists";

/** How long a machine that was just started may bring itself up to date first, in seconds. */
const LOCK_S = 600;
/** How long before the lists are asked for once more: apt-get waits for no one who has locked them. */
const AGAIN_MS = 20_000;

const asRoot = process.getuid?.() === 0;

/** Whether packages can be installed here. */
export const canInstall = () => Boolean(find("apt-get") && (asRoot || find("sudo")));

/** Runs apt-get; true if it succeeded. */
async function aptGet(...args) {
  const options = ["-o", `DPkg::Lock::Timeout=${LOCK_S}`, "-o", "Acquire::Retries=5"];
  const settings = ["DEBIAN_FRONTEND=noninteractive", "apt-get", ...options, ...args];
  const { code } = asRoot
    ? await attempt("env", settings, { timeout: 1_800_000 })
    : await attempt("sudo", ["env", ...settings], { timeout: 1_800_000, terminal: true });
  return code === 0;
}

const hasLists = () => existsSync(LISTS) && readdirSync(LISTS).some((name) => /_Packages(\.\w+)?$/.test(name));

/** Installs packages; true if they are there now. Lists are only brought up to date when that is needed. */
export async function install(...packages) {
  if (!canInstall()) return false;
  const attemptInstall = () => aptGet("install", "-y", "--no-install-recommends", ...packages);
  if (hasLists() && (await attemptInstall())) return true;
  if (!(await aptGet("update"))) {
    await sleep(AGAIN_MS);
    if (!(await aptGet("update"))) return false;
  }
  return attemptInstall();
}
