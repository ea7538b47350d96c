// The names by which wasm and its JavaScript know each other, after wasm-opt has shortened them.

import { Problem } from "../problem.mjs";

/** What is to be said where wasm-bindgen writes another script than these files expect. */
export const wrong = (what) =>
  new Problem(`wasm-bindgen's JavaScript is not as it was: ${what}. See scripts/build/names.mjs and glue.mjs.`);

/** Replaces the one place that `pattern` matches; it is an error if there are none or several. */
export function replaceOnly(text, pattern, replacement, what) {
  const { length } = [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))];
  if (length !== 1) throw wrong(`${what} is there ${length} times instead of once`);
  return text.replace(pattern, replacement);
}

/**
 * Gives the names in wasm-bindgen's JavaScript the form that they have in the wasm now. `names` is what wasm-opt's
 * `--minify-imports-and-exports-and-modules` prints: `{ imports: [[module, old, new]], exports: [[old, new]] }`; all
 * modules have become one, "a". Anything that is not exactly where it is expected is an error: the alternative is an
 * SDK that fails in the browser.
 */
export function renamed(script, { imports, exports }) {
  // The modules, by the name of the object that holds each: `"./micro_chat_bg.js": import0,`.
  const modules = Object.fromEntries(
    [...script.matchAll(/^ {8}"([^"\n]+)": (import\d+),$/gm)].map(([, module, object]) => [module, object]),
  );
  // The first holds functions made for their purpose; what the others hold is taken from somebody's module as it is.
  const taken = [];
  for (const [module, old, short] of imports) {
    const object = modules[module];
    if (!object) throw wrong(`there is no module ${module}`);
    if (object === "import0") {
      script = replaceOnly(script, new RegExp(`^ {8}${old}: `, "m"), () => `        ${short}: `, old);
    } else {
      taken.push(`        ${short}: ${object}.${old},\n`);
    }
  }
  const beginning = /^ {4}const import0 = \{\n {8}__proto__: null,\n/m;
  script = replaceOnly(script, beginning, (text) => text + taken.join(""), "the object of the imports");
  const end = /^ {4}return \{\n {8}__proto__: null,\n(?: {8}"[^"\n]+": import\d+,\n)+ {4}\};$/m;
  script = replaceOnly(script, end, () => "    return { a: import0 };", "what holds the modules");

  // What wasm exports and nobody uses does no harm; what is used and not exported would.
  const shorts = new Map(exports);
  return script.replace(/(?<![\w$.])wasm\.([\w$]+)/g, (_, old) => {
    const short = shorts.get(old);
    if (!short) throw wrong(`wasm.${old} is no export`);
    return `wasm.${short}`;
  });
}
