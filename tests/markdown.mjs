// What the project's own Markdown says: its headings, links, code, and the command lines in it.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

import GithubSlugger from "github-slugger";
import { lexer, walkTokens } from "marked";

import { filesIn } from "../scripts/stamp.mjs";
import { at, root } from "../scripts/tree.mjs";

/** Where an HTML tag leads. */
const ATTRIBUTE = /\s(?:href|src|srcset)="([^"]*)"/g;

/** A text's `{ anchors, links, spans, blocks, tables }`; of a block also the anchor that it stands `under`. */
export function read(text) {
  const found = { anchors: new Set(), links: [], spans: [], blocks: [], tables: [] };
  const slugger = new GithubSlugger();
  let under = "";
  walkTokens(lexer(text), (token) => {
    if (token.type === "heading") found.anchors.add((under = slugger.slug(plain(token.tokens))));
    if (token.type === "link" || token.type === "image") found.links.push(token.href);
    if (token.type === "html") found.links.push(...[...token.text.matchAll(ATTRIBUTE)].map(([, address]) => address));
    if (token.type === "codespan") found.spans.push(token.text);
    if (token.type === "code") found.blocks.push({ under, language: token.lang, text: token.text });
    if (token.type === "table") found.tables.push(token);
  });
  return found;
}

/** What a heading says, as a reader sees it. */
const plain = (tokens) => tokens.map((token) => (token.tokens ? plain(token.tokens) : token.text)).join("");

/** The spans of code in a table's cell. */
export function spansOf(cell) {
  const spans = [];
  walkTokens(cell.tokens, (token) => token.type === "codespan" && spans.push(token.text));
  return spans;
}

/**
 * `[program, …words]` of each command in a text: lines of a shell, with what is behind a `|`, in `<(…)` or in `$(…)`.
 */
export function commands(text) {
  const lines = text.replaceAll(/\\\n\s*/g, " ").split("\n");
  const parts = lines.flatMap((line) => line.replace(/(^|\s)#.*/, "").split(/\s(?:\||&&|;)\s|[<$]\(|\)/));
  return parts.map((part) => part.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).filter((words) => words.length > 0);
}

/** What is in the tree's folder and no part of the tree: what git ignores, and git's own. */
const isOther = (name) =>
  name.startsWith(".") || readFileSync(at(".gitignore"), "utf8").split("\n").includes(`/${name}`);

/** The project's files, by their path: all but those that others wrote. */
export function ownMarkdown() {
  const entries = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !isOther(name));
  const files = entries.flatMap((entry) => (entry.isDirectory() ? filesIn(at(entry.name)) : [at(entry.name)]));
  const names = files.map((file) => path.relative(root, file).replaceAll(path.sep, "/"));
  const own = names.filter((name) => name.endsWith(".md") && !name.startsWith("tests/documents/"));
  return new Map(own.map((name) => [name, read(readFileSync(at(name), "utf8"))]));
}

/** The examples in a language that one of the project's files has, under one of its headings or in all of it. */
export function examples(name, language, heading) {
  const { blocks } = read(readFileSync(at(name), "utf8"));
  const texts = blocks
    .filter((block) => block.language === language && (heading === undefined || block.under === heading))
    .map(({ text }) => text);
  if (texts.length === 0) throw new Error(`${name} has no example in ${language} under ${heading}`);
  return texts;
}
