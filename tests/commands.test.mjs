// The commands, options, names and limits that the documentation mentions are those that there are, and none is left
// out.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import { filesIn } from "../scripts/stamp.mjs";
import { at } from "../scripts/tree.mjs";
import { steps } from "../scripts/test/steps.mjs";
import { Micro } from "../dist/npm/index.js";
import { commands, ownMarkdown, spansOf } from "./markdown.mjs";

const files = ownMarkdown();
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8"));

const kebab = (name) => name.replaceAll("_", "-");

/** A program's command as its `--help` tells it: `{ help, flags, commands }`, each command likewise. */
function ask(program, words = []) {
  const help = execFileSync(program, [...words, "--help"], { encoding: "utf8", env: { PATH: process.env.PATH } });
  const section = /^Commands:\n((?:  .*\n|\n)*)/m.exec(help)?.[1] ?? "";
  const names = [...section.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name).filter((name) => name !== "help");
  return {
    help,
    flags: new Map(
      [...help.matchAll(/^ +(?:-\w, )?--([\w-]+)(.*(?:\n {8,}.*|\n)*)/gm)].map(([, name, rest]) => [kebab(name), rest]),
    ),
    commands: new Map(names.map((name) => [name, ask(program, [...words, name])])),
  };
}

let programs;

before(() => {
  programs = {
    "micro-chat-server": ask(at("target/debug/micro-chat-server")),
    micro: ask(at("target/debug/micro")),
  };
});

/** All commands of a program, itself included. */
const all = (command) => [command, ...[...command.commands.values()].flatMap(all)];

const flagOf = (word) => kebab(/^--([\w-]+)/.exec(word)?.[1] ?? "");

/** What is wrong with a command line of ours. */
function fault([program, ...words]) {
  const line = [program, ...words].join(" ");
  if (program === "npm") return npmFault(words) && `${line}: ${npmFault(words)}`;
  if (!Object.hasOwn(programs, program)) return undefined;
  let command = programs[program];
  while (command.commands.size > 0 && /^[a-z]/.test(words[0] ?? "")) {
    if (!command.commands.has(words[0])) return `${line}: no command ${words[0]}`;
    command = command.commands.get(words.shift());
  }
  const unknown = words.find((word) => word.startsWith("--") && !command.flags.has(flagOf(word)));
  return unknown && `${line}: no option ${unknown}`;
}

/** What the scripts say of themselves, each by its name: options, and what else may stand behind `--`. */
const scripts = (name) => readFileSync(at(/scripts\/\S+/.exec(manifest.scripts[name])[0]), "utf8");

function npmFault([verb, ...words]) {
  const name = verb === "run" ? words.shift() : verb;
  if (["install", "ci", "pack"].includes(name)) return undefined;
  if (!(name in manifest.scripts)) return `no script ${name}`;
  const options = words[0] === "--" ? words.slice(1).filter((word) => /^(?:--)?[a-z]/.test(word)) : [];
  const isKnown = (word) => {
    if (name === "test") return word in steps;
    // What `npm start` does not know is the server's.
    if (name === "start")
      return !word.startsWith("--") || programs["micro-chat-server"].commands.get("dev").flags.has(flagOf(word));
    return scripts(name).includes(word.startsWith("--") ? `--${flagOf(word)}` : word);
  };
  const unknown = options.find((word) => !isKnown(word));
  return unknown && `no ${unknown}`;
}

/** Command lines in blocks, and in the text. */
const lines = [...files.values()].flatMap(({ blocks, spans }) =>
  [...blocks.filter(({ language }) => language === "sh").map(({ text }) => text), ...spans].flatMap(commands),
);

const faults = (list, check) => list.map(check).filter(Boolean);

test("every command line is one that its program understands", () => {
  const ours = lines.filter(([program]) => ["npm", "micro", "micro-chat-server"].includes(program));
  assert.ok(ours.length > 40, `${ours.length} are found`);
  assert.deepEqual(faults(ours, fault), []);
});

/** Options of others that stand by themselves: esbuild's. */
const OTHERS = ["loader"];

/** Properties of the login dialog's CSS begin with dashes, too. */
const style = readFileSync(at("js/style.ts"), "utf8");

function strange(span) {
  const known = Object.values(programs).flatMap((program) => all(program).flatMap(({ flags }) => [...flags.keys()]));
  const isKnown =
    [...known, ...OTHERS].includes(flagOf(span)) || (span.startsWith("--micro-") && style.includes(`var(${span},`));
  return !isKnown && `${span}: no such option`;
}

test("every option in the text is one of the server's or the command line's", () => {
  const spans = [...files.values()].flatMap(({ spans }) => spans.filter((span) => /^--[a-z]/.test(span)));
  assert.ok(spans.length > 40, `${spans.length} are found`);
  assert.deepEqual(faults(spans, strange), []);
});

/** Rows of a file's tables, or of those with this heading, whose first cell has code: `[names, …other cells]`. */
const rows = (file, heading) =>
  files
    .get(file)
    .tables.filter(({ header }) => !heading || header[0].text === heading)
    .flatMap(({ rows }) => rows)
    .map(([first, ...others]) => [spansOf(first), ...others])
    .filter(([names]) => names.length > 0);

/** The default that an option's help gives, if it does. */
const defaultOf = (flag) => /\[default: (.*?)\]/.exec(flag.replaceAll(/\s+/g, " "))?.[1];

test("the table of options has each of the server's, with the default that it has", () => {
  const { flags } = programs["micro-chat-server"].commands.get("serve");
  const listed = new Map(
    rows("docs/operations.md", "option").flatMap(([names, cell]) =>
      names.map((name, place) => [name, spansOf(cell)[place]]),
    ),
  );
  const unlisted = [...flags.keys()].filter((name) => !["help", "config", "print-config"].includes(name));
  assert.deepEqual([...listed.keys()].toSorted(), unlisted.toSorted());
  // Where the text says it in words there is no code.
  const given = [...flags].filter(([name, help]) => defaultOf(help) && listed.get(name));
  assert.ok(given.length > 20, `${given.length} are compared`);
  for (const [name, help] of given) assert.equal(listed.get(name), defaultOf(help), name);
});

test("the table of commands has each of the command line's", () => {
  const listed = new Set();
  for (const [names] of rows("docs/cli.md")) {
    let above = [];
    for (const span of names.filter((name) => /^[a-z]/.test(name))) {
      const words = span.split(" ").filter((word) => /^[a-z]/.test(word));
      // `send` behind `chat new` is `chat send`; `zsh` behind `completions bash` is a value.
      for (const path of [words, [...above, ...words]]) {
        let command = programs.micro;
        const known = path.filter((word) => (command = command?.commands.get(word)));
        if (known.length === 0 || (known.length < path.length && path === words && above.length > 0)) continue;
        listed.add(known.join(" "));
        above = path.slice(0, -1);
        break;
      }
    }
  }
  const leaves = (command, path) =>
    command.commands.size === 0
      ? [path]
      : [...command.commands].flatMap(([name, next]) => leaves(next, [...path, name]));
  const unlisted = leaves(programs.micro, []).map((path) => path.join(" "));
  assert.deepEqual(
    unlisted.filter((path) => !listed.has(path)),
    [],
  );
});

test("every variable is one that something reads", () => {
  const read = Object.values(programs)
    .flatMap((program) => all(program).map(({ help }) => help))
    .join("");
  const sources = ["scripts", "crates", "tests"]
    .flatMap((folder) => filesIn(at(folder)))
    .map((file) => readFileSync(file, "utf8"))
    .join("");
  const named = [...files.values()].flatMap(({ spans }) =>
    spans.flatMap((span) => span.match(/\bMICRO_[A-Z_]+/g) ?? []),
  );
  assert.ok(named.length > 5, `${named.length} are found`);
  assert.deepEqual(
    named.filter(
      (name) => !read.includes(`[env: ${name}`) && !sources.includes(`"${name}"`) && !sources.includes(`env.${name}`),
    ),
    [],
  );
});

test("what pages call is there", () => {
  const named = [...files.values()].flatMap(({ spans, blocks }) =>
    [...spans, ...blocks.map(({ text }) => text)].flatMap((text) => text.match(/(?<=\bMicro\.)(?!js\b)\w+/g) ?? []),
  );
  assert.ok(named.length > 20, `${named.length} are found`);
  assert.deepEqual(
    [...new Set(named)].filter((name) => !(name in Micro)),
    [],
  );
});

/** The errors that docs/errors.md has. */
const errors = new Set(rows("docs/errors.md").flatMap(([names]) => names));

const ID = /^(?:chats?(?:\.[A-Z]\w+){2}|(?:auth|client|gateway|signup)(?:\.[A-Z]\w+){1,2})$/;

/** What any method may answer stands there once. */
const unlisted = (id) =>
  !errors.has(id) && !errors.has(id.replace(/.*\./, "<method>.")) && `${id}: not in docs/errors.md`;

test("every error that is named is in docs/errors.md", () => {
  const named = [...files.values()].flatMap(({ spans }) => spans.filter((span) => ID.test(span)));
  assert.ok(named.length > 100, `${named.length} are found`);
  assert.deepEqual(faults(named, unlisted), []);
});

test("docs/errors.md has each error of the page's side, and no other", () => {
  const sources = [...filesIn(at("js")), ...filesIn(at("src"))].map((file) => readFileSync(file, "utf8")).join("");
  const raised = [...sources.matchAll(/clientError\(\s*"(\w+)"|"client\.(\w+)"/g)].map(([, ts, rust]) => ts ?? rust);
  const listed = [...errors].filter((id) => id.startsWith("client.")).map((id) => id.slice("client.".length));
  assert.deepEqual(new Set(listed.toSorted()), new Set(raised.toSorted()));
});

/** What docs/protocol.md calls each of the wire's limits. */
const LIMITS = {
  TEXT: "`text` of a message",
  SUBJECT: "`subject` of a message",
  ID: "each id",
  USER_IDS: "`user_ids` of a request",
  MEMBERS: "members of a group",
  MESSAGE: "a message as JSON",
  BODY: "body of a request",
  FRAME: "a WebSocket frame",
  PAGE: "messages in an answer",
  CHATS: "chats in an answer",
  UNREAD: "messages that are looked at",
  NAMED: "`user_ids` of a chat",
  QUEUE_FRAMES: "messages that wait",
  QUEUE_BYTES: "messages that wait",
  QUEUE_EVENTS: "changes of members",
  SUBSCRIPTIONS: "subscriptions of a connection",
};

/** Why a limit, as crates/wire has it, is not in the table. */
function unlimited([, name, factors]) {
  const limit = factors.split("*").reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1);
  const row = files
    .get("docs/protocol.md")
    .tables.filter(({ header }) => header[1].text === "at most")
    .flatMap(({ rows }) => rows)
    .find(([what]) => LIMITS[name] && what.text.includes(LIMITS[name]));
  const said = row?.[1].text.match(/[\d,]*\d(?: [KM]iB)?/g) ?? [];
  const units = { "": 1, " KiB": 1024, " MiB": 1024 * 1024 };
  const isSaid = Object.entries(units).some(([unit, size]) =>
    said.includes((limit / size).toLocaleString("en") + unit),
  );
  return !isSaid && `${name}: not in docs/protocol.md`;
}

test("the table of limits has each of the wire's", () => {
  const source = readFileSync(at("crates/wire/src/limit.rs"), "utf8");
  const limits = [...source.matchAll(/^pub const (\w+): \w+ = ([\d_ *]+);$/gm)];
  assert.equal(limits.length, source.match(/^pub const/gm).length);
  assert.deepEqual(faults(limits, unlimited), []);
});

test("what is not there is told: these tests can fail", () => {
  for (const [name, factors] of [
    ["GONE", "1_000"],
    ["MEMBERS", "1_000"],
    ["TEXT", "64"],
    ["QUEUE_BYTES", "25 * 1024"],
  ]) {
    assert.ok(unlimited(["", name, factors]), name);
  }
  for (const line of [
    "micro-chat-server serve --gone",
    "micro-chat-server gone",
    "micro-chat-server keys gone --data ./data",
    "micro chat send --chat_id=… --gone=1",
    "git log -1 | micro chat gone",
    "source <(micro gone bash)",
    "npm run gone",
    "npm test -- gone",
    "npm run size -- --gone",
    "npm run bench -- gone",
    "npm start -- --gone",
  ]) {
    assert.ok(faults(commands(line), fault).length === 1, line);
  }
  assert.ok(strange("--gone"));
  assert.ok(strange("--micro-gone"));
  assert.ok(unlisted("client.Gone"));
  assert.ok(unlisted("chat.Send.Gone"));
});
