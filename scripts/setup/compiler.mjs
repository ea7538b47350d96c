// The C compiler: SQLite is C, and rustc links with it.

import { existsSync } from "node:fs";

import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";
import { canInstall, install } from "./debian.mjs";

// On Debian the compiler comes without the C library's headers; elsewhere they are somewhere else.
const present = () => Boolean(find("cc")) && (!canInstall() || existsSync("/usr/include/stdio.h"));

export async function setUpCompiler() {
  if (present()) return;
  await install("gcc", "libc6-dev");
  if (!present()) throw new Problem("No C compiler: install gcc and the C library's headers (Debian: gcc libc6-dev).");
}
