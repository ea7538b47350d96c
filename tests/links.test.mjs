// What the project's Markdown points at is there: files, their headings, and the tests that it names.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { filesIn } from "../scripts/stamp.mjs";
import { at } from "../scripts/tree.mjs";
import { ownMarkdown, read } from "./markdown.mjs";

const files = ownMarkdown();

/** What is wrong with a link from the file `from`; nothing if it leads outside, or somewhere. */
function fault(from, link) {
  if (/^(?:[a-z]+:|\/\/)/i.test(link)) return undefined;
  const [name, anchor] = link.split("#");
  const file = name ? path.posix.join(path.posix.dirname(from), name) : from;
  if (file.startsWith("..") || !existsSync(at(file))) return `${from}: ${link}: no such file`;
  if (anchor !== undefined && !files.get(file)?.anchors.has(anchor)) return `${from}: ${link}: no such heading`;
  return undefined;
}

const faults = (list, check) => list.map(check).filter(Boolean);

test("every link leads to a file, and to a heading in it", () => {
  const links = [...files].flatMap(([name, { links }]) => links.map((link) => [name, link]));
  assert.ok(links.filter(([, link]) => !link.includes(":")).length > 20, "links are found");
  assert.deepEqual(
    faults(links, ([name, link]) => fault(name, link)),
    [],
  );
});

/** A file or folder of the tree, in a span of code. */
const PLACE = /^(?:bench|crates|deploy|docs|fuzz|js|scripts|src|tests|www)\/[\w./-]*$/;

/** What is written by running something; and how docs/security.md says where tests are. */
const NOT_THERE = /^fuzz\/corpus\/|\/a\.rs$/;

const missing = (place) => !NOT_THERE.test(place) && !existsSync(at(place)) && `${place}: no such file`;

test("every file that is named is there", () => {
  const places = [...files.values()].flatMap(({ spans }) => spans.filter((span) => PLACE.test(span)));
  assert.ok(places.length > 10, "names are found");
  assert.deepEqual(faults(places, missing), []);
});

/** The tests in Rust: `file::name`, of files and folders of that name. */
const rust = filesIn(at("crates"))
  .filter((file) => file.endsWith(".rs") && file.includes(`${path.sep}tests${path.sep}`))
  .map((file) => ({ parts: file.replace(/\.rs$/, "").split(path.sep), text: readFileSync(file, "utf8") }));

function untested(span) {
  const [module, name] = span.split("::");
  const texts = rust.filter(({ parts }) => parts.includes(module)).map(({ text }) => text);
  const isThere = texts.some((text) =>
    name === "*" ? text.includes("#[test") || /#\[\w+::test/.test(text) : text.includes(`fn ${name}(`),
  );
  return !isThere && `${span}: no such test`;
}

test("every test that shows something is there", () => {
  const { spans } = files.get("docs/security.md");
  const named = spans.filter((span) => /^[a-z_]+::(?:\*|[a-z_]+)$/.test(span) && span !== "a::b");
  assert.ok(named.length > 40, "tests are found");
  assert.deepEqual(faults(named, untested), []);
  const scripts = spans.filter((span) => /^[\w-]+\.test\.mjs$/.test(span)).map((span) => `tests/${span}`);
  assert.deepEqual(faults(scripts, missing), []);
});

test("what is not there is told: these tests can fail", () => {
  const { links } = read('[a](gone.md) [b](#gone) [c](guide.md#gone) ![d](gone.png) <img src="gone.png" />');
  assert.equal(faults(links, (link) => fault("docs/README.md", link)).length, 5);
  assert.ok(fault("README.md", "../README.md"));
  assert.ok(missing("tests/gone.mjs"));
  assert.ok(untested("limits::gone"));
  assert.ok(untested("gone::*"));
});
