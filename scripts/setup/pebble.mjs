// Pebble, the ACME server that the tests order certificates from.

import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";
import { install } from "./debian.mjs";

const isThere = () => Boolean(find("pebble") && find("pebble-challtestsrv"));

export async function setUpPebble() {
  if (isThere()) return;
  await install("pebble");
  if (!isThere()) throw new Problem("No ACME server: install pebble and pebble-challtestsrv (Debian: pebble).");
}
