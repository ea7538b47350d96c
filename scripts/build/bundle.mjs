// The TypeScript half of the SDK, with the wasm beside it: `js/` → dist/assets and dist/npm.

import { readFileSync, rmSync } from "node:fs";
import path from "node:path";

import { run } from "../command.mjs";
import { brotli, deflate, gzip } from "../compression.mjs";
import { filesIn, sha256, unlessUnchanged, writeFile } from "../stamp.mjs";
import { step } from "../step.mjs";
import { at, dist, target } from "../tree.mjs";
import { writeIntegrity } from "./integrity.mjs";
import { glue, wasm } from "./sdk.mjs";

const { version, exports } = JSON.parse(readFileSync(at("package.json"), "utf8"));

const hashOf = (bytes) => sha256(bytes).slice(0, 10);

/**
 * Bundles one entry into one minified file, with these words for what it leaves open, and more of esbuild's options.
 */
async function bundle(entry, format, words = {}, options = []) {
  const filledIn = { __VERSION__: version, __PACKAGE__: false, ...words };
  const file = path.join(target.bundles, `${path.basename(entry, ".ts")}.js`);
  await run(at("node_modules/.bin/esbuild"), [
    `js/${entry}`,
    "--bundle",
    "--minify",
    `--format=${format}`,
    "--target=es2020",
    "--charset=utf8",
    "--legal-comments=none",
    ...Object.entries(filledIn).map(([name, value]) => `--define:${name}=${JSON.stringify(value)}`),
    ...options,
    `--outfile=${file}`,
    "--log-level=warning",
  ]);
  return readFileSync(file);
}

/** Makes `folder` hold these files and, of those it held before, no others but what `keep` says. */
function fill(folder, files, keep = () => false) {
  for (const [name, bytes] of Object.entries(files)) writeFile(path.join(folder, name), bytes);
  for (const file of filesIn(folder)) {
    const name = path.relative(folder, file);
    if (!(name in files) && !keep(name)) rmSync(file);
  }
}

async function writeAssets() {
  const wasmBytes = readFileSync(wasm);
  const wasmFile = `micro-${hashOf(wasmBytes)}.wasm`;
  const login = await bundle("login.ts", "esm");
  const loginFile = `login-${hashOf(login)}.js`;
  const script = await bundle("global.ts", "iife", { __WASM_FILE__: wasmFile, __LOGIN_FILE__: loginFile });
  const files = {
    [loginFile]: login,
    "micro.js": script,
    // The same under a name that never means anything else, for pages that pin it.
    [`micro-${hashOf(script)}.js`]: script,
    [wasmFile]: wasmBytes,
  };
  for (const [name, bytes] of Object.entries(files)) {
    files[`${name}.br`] = brotli(bytes);
    files[`${name}.gz`] = gzip(bytes);
  }
  fill(dist.assets, files);
}

const PACKAGE = [
  // One `Micro` for all entries; and the login is a file of its own for whoever bundles them.
  ...["./index.js", "./login.js", "react"].map((name) => `--external:${name}`),
  // Every browser that runs this wasm knows it, and bundlers write what their own site wants.
  "--target=es2021",
];

async function writePackage() {
  const wasmBytes = readFileSync(wasm);
  const entry = (name, words) => bundle(name, "esm", { __PACKAGE__: true, ...words }, PACKAGE);
  const files = {
    "index.js": await entry("index.ts"),
    "inline.js": await entry("inline.ts", { __WASM__: deflate(wasmBytes).toString("base64") }),
    "react.js": await entry("react.ts"),
    "login.js": await entry("login.ts"),
    "micro.js": await bundle("global.ts", "iife", { __WASM_FILE__: "micro.wasm", __LOGIN_FILE__: "login.js" }),
    "micro.wasm": wasmBytes,
  };
  fill(dist.npm, files, (name) => name.endsWith(".d.ts"));
}

async function writeTypes() {
  const types = () => filesIn(dist.npm).filter((file) => file.endsWith(".d.ts"));
  for (const file of types()) rmSync(file);
  await run(at("node_modules/.bin/tsc"), ["--project", "tsconfig.types.json"]);
  // What no entry leads to says nothing to anybody, and may name what is not in the package.
  const led = new Set(Object.values(exports).map(({ types }) => at(types)));
  for (const file of led) {
    for (const [, name] of readFileSync(file, "utf8").matchAll(/"\.\/([^"]+)\.js"/g)) {
      led.add(path.join(dist.npm, `${name}.d.ts`));
    }
  }
  for (const file of types()) if (!led.has(file)) rmSync(file);
}

const sources = [at("js"), glue, at("package.json"), at("package-lock.json"), at("scripts/build/bundle.mjs")];

/** Returns what the files' integrity is. */
export async function bundleSdk() {
  await step("SDK: bundles", async () => {
    const outputs = [
      path.join(dist.assets, "micro.js"),
      path.join(dist.npm, "index.js"),
      path.join(dist.npm, "micro.wasm"),
    ];
    await unlessUnchanged("bundles", { inputs: [...sources, wasm], outputs }, async () => {
      await writeAssets();
      await writePackage();
    });
  });
  await step("SDK: types", () =>
    unlessUnchanged(
      "types",
      {
        inputs: [...sources, glue.replace(/js$/, "d.ts"), at("tsconfig.json"), at("tsconfig.types.json")],
        outputs: [path.join(dist.npm, "index.d.ts")],
      },
      writeTypes,
    ),
  );
  return writeIntegrity();
}
