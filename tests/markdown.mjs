// What the project's own Markdown says: its headings, links, code, and the command lines in it.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import GithubSlugger from "github-slugger";
import { lexer, walkTokens } from "marked";

import { at, root } from "../scripts/tree.mjs";

/** Where an HTML tag leads. */
const ATTRIBUTE = /\s(?:href|src|srcset)="([^"]*)"/g;

/** A text's `{ anchors, links, spans, blocks, tables }`. */
export function read(text) {
  const found = { anchors: new Set(), links: [], spans: [], blocks: [], tables: [] };
  const slugger = new GithubSlugger();
  walkTokens(lexer(text), (token) => {
    if (token.type === "heading") found.anchors.add(slugger.slug(plain(token.tokens)));
    if (token.type === "link" || token.type === "image") found.links.push(token.href);
    if (token.type === "html") found.links.push(...[...token.text.matchAll(ATTRIBUTE)].map(([, address]) => address));
    if (token.type === "codespan") found.spans.push(token.text);
    if (token.type === "code") found.blocks.push({ language: token.lang, text: token.text });
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

/** `[program, …words]` of each command in a text: lines of a shell, with what is behind a `|` or in `<(…)`. */
export function commands(text) {
  const lines = text.replaceAll(/\\\n\s*/g, " ").split("\n");
  const parts = lines.flatMap((line) => line.replace(/(^|\s)#.*/, "").split(/\s(?:\||&&|;)\s|<\(|\)/));
  return parts.map((part) => part.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).filter((words) => words.length > 0);
}

/** The project's files, by their path: all but those that others wrote. */
export function ownMarkdown() {
  const names = execFileSync("git", ["ls-files", "-z", "*.md"], { cwd: root, encoding: "utf8" }).split("\0");
  const own = names.filter((name) => name && !name.startsWith("tests/documents/"));
  return new Map(own.map((name) => [name, read(readFileSync(at(name), "utf8"))]));
}
