// Lines that are too long. rustfmt and prettier know how wide a line may be, and leave comments and strings as they
// are.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

import { filesIn } from "../stamp.mjs";
import { at, root } from "../tree.mjs";

const LONGEST = 120;

const LANGUAGES = [".rs", ".ts", ".tsx", ".js", ".mjs", ".css", ".sh"];

/** What nobody writes by hand. */
const MADE = [".git", "node_modules", "target", "dist", "data", path.join("js", "wire.ts")];

const COMMENT = /^\s*(\/\/|\/?\*|#)/;
const LINK = /https?:\/\/\S+/g;
const STRING = /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`(\\.|[^`\\])*`/g;

/** Whether a line is too long: a link stays in one piece, and a string too, so that whoever looks for it finds it. */
export function isTooLong(line) {
  const whole = COMMENT.test(line) ? LINK : STRING;
  return line.length > LONGEST && line.replace(whole, "").length > LONGEST;
}

/** Lines of ours that are too long, as `file:line`. */
export function longLines() {
  const isOurs = (name) => !MADE.includes(name);
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && isOurs(entry.name),
  );
  const files = folders.flatMap(({ name }) => filesIn(at(name)));
  const names = files.map((file) => path.relative(root, file)).filter(isOurs);
  const written = names.filter((name) => LANGUAGES.includes(path.extname(name)) || name === path.join(".ci", "run"));
  return written.flatMap((name) => {
    const lines = readFileSync(at(name), "utf8").split("\n");
    return lines.flatMap((line, index) => (isTooLong(line) ? [`${name}:${index + 1}`] : []));
  });
}
