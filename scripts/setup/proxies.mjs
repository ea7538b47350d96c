// What stands before a server or around it, and is tried with our examples: nginx, Caddy, systemd's checks.

import { Problem } from "../problem.mjs";
import { proxyPrograms } from "../program.mjs";
import { install } from "./debian.mjs";

const PACKAGES = { nginx: "nginx-light", caddy: "caddy", systemdAnalyze: "systemd" };

const missing = () => Object.keys(PACKAGES).filter((name) => !proxyPrograms()[name]);

export async function setUpProxies() {
  const wanted = missing();
  if (wanted.length === 0) return;
  await install(...wanted.map((name) => PACKAGES[name]));
  const still = missing().map((name) => PACKAGES[name]);
  if (still.length > 0) throw new Problem(`The tests of deploy/ need ${still.join(", ")}.`);
}
