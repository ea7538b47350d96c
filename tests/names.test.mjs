// Shortening the names between wasm and its JavaScript: right, or not at all.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { trimmed } from "../scripts/build/glue.mjs";
import { renamed } from "../scripts/build/names.mjs";

// As wasm-bindgen writes it, less what is of no interest here.
const script = `import * as import1 from "./inline0.js"
export function call() {
    wasm.call(wasm.call_more);
}
function __wbg_get_imports() {
    const import0 = {
        __proto__: null,
        __wbg_now_12: function() {
            return Date.now();
        },
        __wbg_now_123: function() {
            return 5;
        },
    };
    return {
        __proto__: null,
        "./micro_chat_bg.js": import0,
        "./inline0.js": import1,
    };
}
`;

const imports = [
  ["./micro_chat_bg.js", "__wbg_now_12", "a"],
  ["./inline0.js", "parse", "b"],
];
const exports = [
  ["call_more", "d"],
  ["call", "c"],
  ["unused", "e"],
];

test("names are replaced where they stand, and nothing else is", () => {
  const result = renamed(script, { imports, exports });
  for (const [there, times] of [
    ["wasm.c(wasm.d)", 1],
    ["        a: function() {", 1],
    ["        b: import1.parse,", 1],
    ["return { a: import0 };", 1],
    ["__wbg_now_123: function", 1],
    ["export function call() {", 1],
    ["__wbg_now_12:", 0],
  ]) {
    assert.equal(result.split(there).length - 1, times, there);
  }
});

test("what is not where it should be fails the build", () => {
  const wrong = [
    [script.replace("__wbg_now_12:", "__wbg_then_12:"), imports, exports],
    [script.replace("__wbg_now_123:", "__wbg_now_12:"), imports, exports],
    [script.replace('./inline0.js": import1', './inline1.js": import1'), imports, exports],
    [script.replace("__proto__: null", "__proto__: {}"), imports, exports],
    [script.replace('"./micro_chat_bg.js": import0', "import0"), imports, exports],
    [script, [["./missing.js", "parse", "b"]], exports],
    [script, imports, exports.slice(1)],
  ];
  for (const [text, imports, exports] of wrong) {
    assert.throws(() => renamed(text, { imports, exports }), /not as it was/, text);
  }
});

test("wasm-bindgen's JavaScript without its loader still has what wasm asks for, and another version's fails the build", async () => {
  const file = new URL("../target/bindgen/bound/micro_chat.js", import.meta.url);
  const whole = await readFile(file, "utf8");
  const part = trimmed(whole);
  const namesIn = (text) => text.match(/^ {8}__wbg?\w+:/gm);
  assert.ok(namesIn(whole).length > 50, "otherwise this would compare nothing");
  assert.deepEqual(namesIn(part), namesIn(whole));
  assert.match(part, /export function start\(instance\)/);
  for (const word of ["instantiateStreaming", "initSync", "typeof FinalizationRegistry"]) {
    assert.ok(whole.includes(word) && !part.includes(word), word);
  }
  for (const [old, other] of [
    ["let wasmModule, wasmInstance, wasm;", "let wasmModule;"],
    ["typeof FinalizationRegistry", "typeof finalizationRegistry"],
    ["typeof globalThis === 'undefined'", "globalThis === undefined"],
    ["numBytesDecoded += bytes.length", "numBytesDecoded = bytes.length"],
    ["            const ret = Error(", "            const ret = new this.Error("],
  ]) {
    assert.throws(() => trimmed(whole.replace(old, other)), /not as it was/, old);
  }
});
