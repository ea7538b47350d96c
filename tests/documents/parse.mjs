// The examples of the documents beside this file, taken out of them as a reader would copy them.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** The documents and their SHA-256: a formatter that tidies them up would change what is tested. */
const DOCUMENTS = {
  "chat.md": "4f17a50ac78d987e0a5e2f9b51bf1956dfe67841a62a2b713448dd30de5cd024",
  "chat-labels.md": "ad276a5c9add5e6d6045b3dd929900ff4db7372e372602ceaefef44fb1dc425f",
  "chat-service.md": "6adba7c2085a4ade3c8718b24552ba93893e66451d54d3636ae9d6bfde71d001",
  "chats.md": "5f9d81606d993aea8db0441dc9d90ac28d72d4e9e0f78b70735f1ed755f35a34",
  "chat-mirror.md": "bbeccbd5b1d5d49edafc509e955a090da2cbdbf632cade5178db8757352feb51",
};

const SHELLS = ["bash", "shell"];

// These head an example, but don't say what it is of.
const KINDS = ["cURL", "CLI"];

/** `{ document, title, language, text }` of each fenced block. */
function blocksOf(document, content) {
  const blocks = [];
  let title;
  let block;
  for (const line of content.split("\n")) {
    // The mirror's page was saved with its table's borders, as lines of their own.
    if (line === "|") continue;
    const heading = /^#+ (.+)$/.exec(line)?.[1].trim();
    const fence = /^```(\w*)$/.exec(line);
    if (block && fence) block = undefined;
    else if (block) block.lines.push(line);
    else if (fence) blocks.push((block = { document, title, language: fence[1], lines: [] }));
    else if (heading && !KINDS.includes(heading)) title = heading;
  }
  if (block) throw new Error(`${document}: the block of "${title}" has no end`);
  return blocks.map(({ lines, ...rest }) => ({ ...rest, text: lines.join("\n") }));
}

/** The command without its prompt, and the answer that the document shows below it: JSON, or undefined. */
function splitCommand({ text, ...rest }) {
  const [, command, shown] = /^> (curl .*?;)(?:\n# Response)?\n(.*)$/s.exec(text) ?? [];
  if (!command) throw new Error(`${rest.document}: the command of "${rest.title}" has no end:\n${text}`);
  return { ...rest, text: command, shown: /^[{[]/.test(shown) ? JSON.parse(shown) : undefined };
}

async function read([document, hash]) {
  const content = await readFile(new URL(document, import.meta.url));
  if (createHash("sha256").update(content).digest("hex") !== hash) throw new Error(`${document} was changed`);
  return blocksOf(document, content.toString());
}

const blocks = async () => (await Promise.all(Object.entries(DOCUMENTS).map(read))).flat();

/** Every HTML example: `{ document, title, text }`. */
export const htmlExamples = async () => (await blocks()).filter(({ language }) => language === "html");

/** Every curl command: `{ document, title, text, shown }`. */
export const curlExamples = async () =>
  (await blocks())
    .filter(({ language, text }) => SHELLS.includes(language) && text.startsWith("> curl "))
    .map(splitCommand);
