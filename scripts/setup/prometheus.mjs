// promtool: what Prometheus thinks of our figures, and of the file that has it ask for them.

import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";
import { install } from "./debian.mjs";

const isThere = () => Boolean(find("promtool"));

export async function setUpPrometheus() {
  if (isThere()) return;
  await install("prometheus");
  if (!isThere()) throw new Problem("No Prometheus: install promtool (Debian: prometheus).");
}
