// The package in every bundler, and without one: each page connects, sends, receives, and shows no error.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";

import { build as esbuild, context as esbuildContext } from "esbuild";
import { build, createServer } from "vite";

import { Workshop } from "./workshop.mjs";

let workshop;

before(async () => {
  workshop = await Workshop.start();
});

afterEach(() => workshop?.tidy());
after(() => workshop?.stop());

/** A page goes beside what a bundler that knows no pages has made. */
const addPage = (example) => workshop.page(`${example}/dist/index.html`, "main.js");

const wasmIn = async (folder) =>
  (await readdir(workshop.at(folder), { recursive: true })).filter((file) => file.endsWith(".wasm"));

for (const example of ["vite", "react"]) {
  test(`${example}: what Vite builds chats`, async () => {
    const { output } = await build({ root: workshop.at(example), logLevel: "error" });
    // What only a login needs is a file of its own there, too.
    const holders = output.filter(({ code }) => code?.includes("micro-chat-login")).map(({ isEntry }) => isEntry);
    assert.deepEqual(holders, [false]);
    await workshop.chats(`${await workshop.serve(`${example}/dist`)}/`);
  });

  test(`${example}: Vite's development server's page chats`, async () => {
    const server = { port: 0, host: "127.0.0.1" };
    const site = await createServer({ root: workshop.at(example), logLevel: "error", server });
    workshop.later(() => site.close());
    await site.listen();
    await workshop.chats(site.resolvedUrls.local[0]);
  });
}

/** webpack's compiler for the example. */
async function compiler(options = {}) {
  const webpack = workshop.import("webpack");
  const { default: config } = await import(workshop.at("webpack/webpack.config.js"));
  return webpack({ ...config, ...options });
}

test("webpack: what it builds chats", async () => {
  const compiled = await compiler();
  const stats = await new Promise((resolve, reject) =>
    compiled.run((error, stats) => (error ? reject(error) : resolve(stats))),
  );
  await new Promise((resolve) => compiled.close(resolve));
  assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString());
  await addPage("webpack");
  await workshop.chats(`${await workshop.serve("webpack/dist")}/`);
});

test("webpack: its development server's page chats", async () => {
  const Server = workshop.import("webpack-dev-server");
  const options = { port: 0, host: "127.0.0.1", static: workshop.at("page"), hot: true };
  const site = new Server(options, await compiler({ mode: "development", infrastructureLogging: { level: "error" } }));
  workshop.later(() => site.stop());
  await site.start();
  await workshop.chats(`http://127.0.0.1:${site.server.address().port}/`);
});

test("Rollup: what it builds of the inline entry chats, and asks for no wasm", async () => {
  await workshop.run(workshop.program("rollup"), ["--config", "--failAfterWarnings"], "rollup");
  assert.deepEqual(await readdir(workshop.at("rollup/dist")), ["main.js"]);
  await addPage("rollup");
  await workshop.chats(`${await workshop.serve("rollup/dist")}/`);
});

/** esbuild's options for the example: all that it needs for us is the loader. */
const esbuildOptions = () => ({
  absWorkingDir: workshop.at("esbuild"),
  entryPoints: ["main.js"],
  bundle: true,
  format: "esm",
  splitting: true,
  outdir: "dist",
  loader: { ".wasm": "file" },
  logLevel: "error",
});

test("esbuild: what it builds chats, with the wasm as a file and one option for that", async () => {
  await esbuild(esbuildOptions());
  assert.equal((await wasmIn("esbuild/dist")).length, 1);
  await addPage("esbuild");
  await workshop.chats(`${await workshop.serve("esbuild/dist")}/`);
});

test("esbuild: its development server's page chats", async () => {
  await workshop.page("esbuild/served/index.html", "main.js");
  const context = await esbuildContext({ ...esbuildOptions(), outdir: "served", write: false });
  workshop.later(() => context.dispose());
  const { port } = await context.serve({ host: "127.0.0.1", servedir: workshop.at("esbuild/served") });
  await workshop.chats(`http://127.0.0.1:${port}/`);
});

test("esbuild: a classic script with everything inside chats, without an option", async () => {
  const options = { entryPoints: ["inline.js"], bundle: true, outdir: "classic" };
  await esbuild({ absWorkingDir: workshop.at("esbuild"), ...options, logLevel: "error" });
  await workshop.page("esbuild/classic/index.html", "inline.js", "text/javascript");
  assert.deepEqual(await wasmIn("esbuild/classic"), []);
  await workshop.chats(`${await workshop.serve("esbuild/classic")}/`);
});

test("Parcel: what it builds chats", async () => {
  const args = ["build", "index.html", "--no-cache", "--no-autoinstall", "--no-source-maps", "--dist-dir", "dist"];
  await workshop.run(workshop.program("parcel"), args, "parcel");
  await workshop.chats(`${await workshop.serve("parcel/dist")}/`);
});

test("Parcel: its development server's page chats", async () => {
  const args = (port) => [
    "serve",
    "index.html",
    "--no-cache",
    "--no-autoinstall",
    "--dist-dir",
    "served",
    "--port",
    port,
  ];
  await workshop.chats(`${await workshop.spawn(workshop.program("parcel"), args, "parcel")}/`);
});

for (const [what, page] of [
  ["a module that is imported by its address", "index"],
  ["a module that is found by an import map", "map"],
  ["a classic script, whose wasm lies beside it", "classic"],
]) {
  test(`without a bundler: ${what}, chats`, async () => {
    await workshop.chats(`${await workshop.serve("")}/module/${page}.html`);
  });
}

for (const entry of ["", "/react"]) {
  test(`what is imported from micro-chat${entry} and not used leaves nothing`, async () => {
    const bundle = async (code) => {
      const stdin = { contents: code, resolveDir: workshop.folder };
      const options = { bundle: true, format: "esm", minify: true, write: false, external: ["react"] };
      const { outputFiles } = await esbuild({ stdin, ...options, logLevel: "error" });
      return outputFiles[0].text.trim();
    };
    const name = entry ? "useChat" : "Micro";
    const importing = `import { ${name} } from "micro-chat${entry}";`;
    assert.equal(await bundle(importing + "console.log(1);"), "console.log(1);");
    // And what is used is there.
    assert.ok((await bundle(importing + `console.log(${name});`)).length > 10_000);
  });
}

test("the package's script for a plain tag is the one that the server serves", async () => {
  const shipped = await readFile(workshop.at("node_modules/micro-chat/dist/npm/micro.js"), "utf8");
  const served = await (await fetch(`${(await workshop.server()).url}/assets/micro.js`)).text();
  // They differ only in the names of what lies beside them.
  const unnamed = served.replace(/micro-[0-9a-f]+\.wasm/, "micro.wasm").replace(/login-[0-9a-f]+\.js/, "login.js");
  assert.equal(shipped, unnamed);
});
