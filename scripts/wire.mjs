// The wire's types for TypeScript, made from crates/server/openapi.json: `node scripts/wire.mjs` writes js/wire.ts,
// with `--check` it says whether that is up to date.

import { readFile, writeFile } from "node:fs/promises";

import { compile } from "json-schema-to-typescript";
import { format, resolveConfig } from "prettier";

import { main, Problem } from "./problem.mjs";
import { at } from "./tree.mjs";

const DOCUMENT = at("crates/server/openapi.json");
const TYPES = at("js/wire.ts");

const BANNER = `// What goes over the wire. Made from crates/server/openapi.json by scripts/wire.mjs: change crates/wire instead.`;

/** `chat.NewRequest` is `ChatNewRequest`, as TypeScript names types. */
const nameOf = (schema) => schema.replaceAll(/(?:^|\.)(\w)/g, (_, first) => first.toUpperCase());

const definition = (name) => ({ $ref: `#/definitions/${nameOf(name)}` });

/** A schema with its references and names as one JSON Schema has them. */
function translate(value) {
  if (Array.isArray(value)) return value.map(translate);
  if (typeof value !== "object" || value === null) return value;
  if (value.$ref) {
    const reference = definition(value.$ref.split("/").at(-1));
    // Words beside a reference are the property's.
    return value.description ? { description: value.description, allOf: [reference] } : reference;
  }
  if (value.oneOf?.length === 1) return translate(value.oneOf[0]);
  if (value.oneOf?.[0].type === "null") {
    const [nothing, { description, ...schema }] = value.oneOf;
    return { description, anyOf: [nothing, translate(schema)] };
  }
  // Bounds are the server's to check: a type that lists arrays of each length says less.
  const { minItems, maxItems, format, ...rest } = value;
  return Object.fromEntries(Object.entries(rest).map(([key, part]) => [key, translate(part)]));
}

/** A reference with words of its own. */
const described = (schema, description) => ({ description, allOf: [translate(schema)] });

/** A method: what it takes and answers. What answers in two ways does so for chats and for groups. */
function method({ summary, requestBody, responses }) {
  const schemaOf = ({ content }) => content["application/json"].schema;
  const { content } = responses["200"];
  const lines = content["application/x-ndjson"];
  const answer = lines ? { type: "array", items: lines.schema } : content["application/json"].schema;
  const [ofChats, ofGroups] = answer.anyOf ?? [answer];
  const properties = {
    request: described(schemaOf(requestBody), "What it takes."),
    answer: described(ofChats, "What it answers."),
    ...(ofGroups && { group: described(ofGroups, "What it answers where the request has a `group_id`.") }),
  };
  return { type: "object", description: `${summary}.`, properties, required: Object.keys(properties) };
}

/** What one can call: each path with its method. */
function methods(paths) {
  // A stream has no answer.
  const called = Object.entries(paths).filter(([, { post }]) => post?.responses["200"]?.content);
  const properties = Object.fromEntries(called.map(([path, { post }]) => [path, method(post)]));
  const description = "What one can call with `post` or `get`.";
  return { type: "object", description, properties, required: Object.keys(properties) };
}

async function generate() {
  const { paths, components } = JSON.parse(await readFile(DOCUMENT, "utf8"));
  const schemas = Object.entries(components.schemas).map(([name, schema]) => [nameOf(name), translate(schema)]);
  const root = { ...methods(paths), definitions: Object.fromEntries(schemas) };
  const options = { additionalProperties: false, bannerComment: BANNER, unreachableDefinitions: true, format: false };
  const text = await compile(root, "Methods", options);
  // It says of each type where it was found, which nobody asks; and a comment of one line may be one line.
  const plain = text
    .replaceAll(/(?:\s*\*)+\s*This interface was referenced by [^*]*\* via the `definition` "\w+"\./g, "")
    .replaceAll(/\/\*\*\s*\* ([^\n]*)\s*\*\//g, "/** $1 */");
  return format(plain, { ...(await resolveConfig(TYPES)), parser: "typescript" });
}

await main(async () => {
  const text = await generate();
  if (process.argv.includes("--check")) {
    const last = await readFile(TYPES, "utf8").catch(() => "");
    if (last !== text) throw new Problem("js/wire.ts is out of date: node scripts/wire.mjs");
  } else {
    await writeFile(TYPES, text);
  }
  return 0;
});
