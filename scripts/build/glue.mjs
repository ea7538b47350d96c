// wasm-bindgen's JavaScript without what no browser that runs this wasm needs: `js/load.ts` loads it, and a page pays
// for every byte.

import { replaceOnly, wrong } from "./names.mjs";

const REPLACEMENTS = [
  // Its loader, for files, modules and old calls alike. Ours has a response, and starts what it makes of that.
  [
    /^let wasmModule, wasmInstance, wasm;\n[^]*^ {4}wasm\.__wbindgen_start\(\);\n[^]*/m,
    "let wasm;\nexport function start(instance) {\n    wasm = instance.exports;\n    wasm.__wbindgen_start();\n}\n" +
      "export { __wbg_get_imports as imports };\n",
    "the loader",
  ],
  // All of these are older than the reference types that this wasm is made of.
  [
    /\(typeof FinalizationRegistry === 'undefined'\)\n.*\n {4}: (?=new FinalizationRegistry\(ptr)/,
    "",
    "what frees clients",
  ],
  [
    /\(typeof FinalizationRegistry === 'undefined'\)\n.*\n {4}: (?=new FinalizationRegistry\(state)/,
    "",
    "what frees closures",
  ],
  [
    /^ {12}const ret = typeof globalThis === 'undefined' \? undefined : globalThis;\n.*\n/m,
    "            return addToExternrefTable0(globalThis);\n",
    "the global object",
  ],
  ...["global", "self", "window"].map((name) => [
    new RegExp(`^ {12}const ret = typeof ${name} === 'undefined' \\? undefined : ${name};\\n.*\\n`, "m"),
    "            return 0;\n",
    `the global object as ${name}`,
  ]),
  // Safari's decoder stops after 2 GB; what is decoded here are names.
  [/^ {4}numBytesDecoded \+= bytes\.length;\n[^]*?^ {4}\}\n/m, "", "the count of what was decoded"],
  // What may throw is wrapped once, and not at each call.
  [
    /^function handleError\(f, args\) \{\n {4}try \{\n {8}return f\.apply\(this, args\);\n([^]*?)^\}\n/m,
    "const caught = (f) => (...args) => {\n    try {\n        return f(...args);\n$1};\n",
    "what catches",
  ],
  // Nobody writes `using` for a client.
  [/^if \(Symbol\.dispose\).*\n/m, "", "the disposal"],
];

// No import asks who called it.
const ARROWS = [
  [
    /^( {8}\w+): function\(\) \{ return handleError\(function \((.*)\) \{\n([^]*?)^ {8}\}, arguments\); \},\n/gm,
    "$1: caught(($2) => {\n$3        }),\n",
  ],
  [/^( {8}\w+): function\((.*)\) \{$/gm, "$1: ($2) => {"],
];

/** The script without all that. Anything that is not exactly where it is expected is an error. */
export function trimmed(script) {
  for (const [pattern, replacement, what] of REPLACEMENTS) script = replaceOnly(script, pattern, replacement, what);
  for (const [pattern, replacement] of ARROWS) script = script.replace(pattern, replacement);
  // An arrow has neither of these, and would silently take its surroundings'.
  const imports = script.slice(script.indexOf("const import0 = {"), script.indexOf("return { a: import0 }"));
  if (/^(?! *\/\/).*\b(?:arguments|this)\b/m.test(imports)) throw wrong("an import asks who called it");
  // Whoever is still caught in the old way would call what is not there.
  if (script.includes("handleError")) throw wrong("an import that may throw is wrapped in another way");
  return script;
}

/** What TypeScript has to know of it. */
export function trimmedTypes(types) {
  const declarations =
    "/** What the wasm imports. */\nexport function imports(): WebAssembly.Imports;\n\n" +
    "/** Makes an instance the one that is in use. */\nexport function start(instance: WebAssembly.Instance): void;\n";
  return replaceOnly(types, /^export type InitInput = [^]*/m, () => declarations, "the loader's types");
}
