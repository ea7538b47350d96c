// Lines that are too long are found, and what can't be broken is let be.

import assert from "node:assert/strict";
import test from "node:test";

import { isTooLong } from "../scripts/test/lengths.mjs";

const words = (count) => "word ".repeat(count).trim();

test("a comment or code over 120 characters is too long, and a link or a string is not broken", () => {
  for (const line of [
    `// ${words(24)}`,
    ` * ${words(24)} "${words(2)}"`,
    `const sum = ${words(24)};`,
    `# ${words(24)}`,
  ]) {
    assert.ok(isTooLong(line), line);
  }
  for (const line of [
    `// ${words(23)}`,
    `// See https://example.com/${"x".repeat(120)}.`,
    `test("${words(30)}", async () => {`,
    `let said = "${words(15)} \\"${words(15)}\\"";`,
  ]) {
    assert.ok(!isTooLong(line), line);
  }
});
