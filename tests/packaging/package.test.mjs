// The package as a developer gets it: from the packed tarball, not from the source tree.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { examples } from "../markdown.mjs";
import { Workshop } from "./workshop.mjs";

const TSC = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
const STRICT = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "ES2022"].concat([
  "--lib",
  "ES2022,DOM,DOM.Iterable",
]);
const execute = promisify(execFile);

let workshop;

before(async () => {
  workshop = await Workshop.start();
});

after(() => workshop?.stop());

const tsc = (...args) => workshop.run(process.execPath, [TSC, ...args]);

test("the tarball holds the package, its words and its licences, and nothing else", () => {
  const names = workshop.packed.files.map(({ path }) => path).sort();
  const others = names.filter((name) => !/^dist\/npm\/[a-z]+\.d\.ts$/.test(name));
  assert.deepEqual(others, [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    ...["index.js", "inline.js", "login.js", "micro.js", "micro.wasm", "react.js"].map((name) => `dist/npm/${name}`),
    "package.json",
  ]);
});

test("every file that its package.json names is there, types first, and no file names a map", async () => {
  const home = workshop.at("node_modules/micro-chat");
  const { exports, main, types, unpkg, jsdelivr } = JSON.parse(await readFile(path.join(home, "package.json"), "utf8"));
  for (const conditions of Object.values(exports)) assert.deepEqual(Object.keys(conditions), ["types", "default"]);
  const named = [...Object.values(exports).flatMap(Object.values), main, types, unpkg, jsdelivr];
  for (const file of named) assert.ok((await readFile(path.join(home, file))).length > 0, file);
  assert.deepEqual([unpkg, jsdelivr], [exports["./micro.js"].default, exports["./micro.js"].default]);
  for (const file of await readdir(path.join(home, "dist/npm"))) {
    if (/\.(js|ts)$/.test(file)) {
      assert.doesNotMatch(await readFile(path.join(home, "dist/npm", file), "utf8"), /sourceMappingURL/, file);
    }
  }
});

for (const [module, resolution] of [
  ["ESNext", "bundler"],
  ["Node16", "node16"],
  ["NodeNext", "nodenext"],
]) {
  test(`its types fit strict pages that are resolved as ${resolution}`, async () => {
    const files = resolution === "bundler" ? [] : ["--ignoreConfig", "types.ts", "vite/main.ts", ...STRICT];
    const project = resolution === "bundler" ? ["--project", "."] : [];
    await tsc(...project, ...files, "--module", module, "--moduleResolution", resolution);
  });

  test(`types that are used wrongly are told by ${resolution}: the check above can fail`, async () => {
    const wrong = `wrong-${resolution}.ts`;
    await writeFile(
      workshop.at(wrong),
      `import { Micro, MicroError } from "micro-chat/inline";
       import { useChat } from "micro-chat/react";
       Micro.connect("/chat/Connect", "micro", { chat_id: 5 });
       useChat("chat", { user_id: "ann" });
       Micro.post("/chat/New", "micro", { user_ids: "ann" });
       Micro.post("/chat/New").then(({ chat }) => chat);
       Micro.post("/chat/Connect", "micro", { chat_id: "x", user_id: "y" }, ({ chat }) => chat);
       new MicroError("in words");`,
    );
    const compiled = tsc("--ignoreConfig", wrong, ...STRICT, "--module", module, "--moduleResolution", resolution);
    await assert.rejects(compiled, ({ message }) => {
      assert.match(message, /wrong-.*not assignable to type 'string'/);
      assert.match(message, /wrong-.*'user_id' does not exist in type 'ChatOptions'/);
      assert.match(message, /wrong-.*not assignable to type 'string\[\]'/);
      assert.match(message, /wrong-.*'chat' does not exist on type 'ChatNewResponse'/);
      assert.match(message, /wrong-.*'chat' does not exist on type 'ChatMessage'/);
      assert.match(message, /wrong-.*not assignable to parameter of type 'ErrorBody'/);
      return true;
    });
  });
}

test("what the README and the guide show of the package fits strict pages, too", async () => {
  const files = [];
  for (const document of ["README.md", "docs/guide.md"]) {
    for (const language of ["ts", "tsx"]) {
      for (const example of examples(document, language)) {
        // A component's file is called as it is: another of the same document may want it.
        const name = /export function (\w+)/.exec(example)?.[1] ?? `example-${files.length}`;
        files.push(`${path.parse(document).name}/${name}.${language}`);
        await mkdir(workshop.at(path.dirname(files.at(-1))), { recursive: true });
        await writeFile(workshop.at(files.at(-1)), example);
      }
    }
  }
  const jsx = ["--jsx", "react-jsx", "--module", "ESNext", "--moduleResolution", "bundler"];
  await tsc("--ignoreConfig", ...files, ...STRICT, ...jsx);
});

const publint = (tarball) => workshop.run(workshop.program("publint"), [tarball, "--strict"]);
// The wasm is no module, and its types are those of an address: what it is, a bundler's option says.
const attw = (tarball) =>
  workshop.run(workshop.program("attw"), [
    tarball,
    ...["--profile", "esm-only", "--exclude-entrypoints", "./micro.wasm", "--no-emoji"],
  ]);

test("publint and attw find nothing to say", async () => {
  assert.match((await publint(workshop.tarball)).stdout, /All good/);
  // It fails where it finds something.
  const { stdout } = await attw(workshop.tarball);
  for (const entry of ["", "/inline", "/react", "/micro.js"])
    assert.match(stdout, new RegExp(`"micro-chat${entry}" +│ OK \\(ESM\\) +│ OK `));
});

/** The tarball with another package.json. */
async function broken(name, change) {
  const folder = workshop.at(name);
  await mkdir(folder);
  await execute("tar", ["-xzf", workshop.tarball, "-C", folder]);
  const file = path.join(folder, "package/package.json");
  const description = JSON.parse(await readFile(file, "utf8"));
  change(description.exports["."]);
  await writeFile(file, JSON.stringify(description));
  const tarball = path.join(folder, "broken.tgz");
  await execute("tar", ["-czf", tarball, "-C", folder, "package"]);
  return tarball;
}

test("publint notices types that come last, and attw types that are missing: the checks above can fail", async () => {
  const late = await broken("late", (entry) => {
    const { types } = entry;
    delete entry.types;
    entry.types = types;
  });
  await assert.rejects(publint(late), /types.*should be the first/s);
  const missing = await broken("missing", (entry) => (entry.types = "./dist/npm/nothing.d.ts"));
  await assert.rejects(attw(missing), /node16 \(from ESM\): Used fallback condition/);
});

test("importing and configuring it in Node does nothing and throws nothing", async () => {
  const script = `
    const before = Object.keys(globalThis);
    globalThis.fetch = () => { throw new Error("fetched") };
    const { Micro, MicroError } = await import("micro-chat");
    const inline = await import("micro-chat/inline");
    if (typeof Micro.post !== "function" || !(MicroError.prototype instanceof Error)) throw new Error("no Micro");
    if (inline.Micro !== Micro) throw new Error("two of them");
    Micro.configure({ api: "https://chat.example.com", wasm: "/assets/micro.wasm", token: async () => "" });
    let refused;
    try { Micro.configure({ api: "http://" }) } catch (error) { refused = error.id }
    if (refused !== "client.BadArgument") throw new Error(refused);
    console.log(JSON.stringify(Object.keys(globalThis).filter((key) => !before.includes(key))));`;
  const { stdout, stderr } = await workshop.run(process.execPath, ["--input-type=module", "-e", script]);
  assert.deepEqual(JSON.parse(stdout), []);
  assert.equal(stderr, "");
});
