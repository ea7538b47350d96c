// The licences of npm packages. None of them is in what we ship: they build and test it. `deny.toml` says the same of
// crates.

import { readFileSync } from "node:fs";

import { at } from "../tree.mjs";

/**
 * Permissive ones; MPL-2.0, which only asks that changes of its own files are shown; and CC-BY-4.0, which is that of
 * data, and asks to be named.
 */
const KNOWN = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC-BY-4.0",
  "ISC",
  "MIT",
  "MIT-0",
  "MPL-2.0",
  "PSF-2.0",
  "Python-2.0",
  "Zlib",
];

/** What is installed by npm, and where that is written. */
const LOCKS = ["package-lock.json", "scripts/docs/package-lock.json", "tests/packaging/package-lock.json"];

/** Whether a licence such as `(MIT OR GPL-3.0-or-later)` leaves one that is known. */
function isKnown(licence) {
  const parts = (text, word) => text.split(` ${word} `);
  const bare = licence.replace(/^\(|\)$/g, "");
  return parts(bare, "OR").some((choice) => parts(choice, "AND").every((name) => KNOWN.includes(name)));
}

/** Packages with another licence, or none, as `name: licence`. */
export function unknownLicences() {
  const packages = LOCKS.flatMap((lock) => Object.entries(JSON.parse(readFileSync(at(lock), "utf8")).packages));
  const others = packages.filter(([folder, { license }]) => folder && !isKnown(license ?? "none"));
  return others.map(([folder, { license }]) => `${folder.replace(/^.*node_modules\//, "")}: ${license ?? "none"}`);
}
