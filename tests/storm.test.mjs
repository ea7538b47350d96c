// Pages in a storm: nothing that was acknowledged is lost, nothing is doubled, nothing out of order. The long form is
// `npm run faults`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { head, isClean, row, storm } from "./storm.mjs";

// A release build breaks no promise.
const DEBUG = fileURLToPath(new URL("../target/debug/micro-chat-server", import.meta.url));

const number = (name, otherwise) => Number(process.env[name] || otherwise);
const rounds = number("FAULT_ROUNDS", 4);
const sends = number("FAULT_SENDS", 2_000);

for (const [harm, how] of Object.entries({ kill: "kill -9", stop: "SIGSTOP" })) {
  test(`nothing is lost, doubled or out of order in pages through ${how}`, { timeout: 3_600_000 }, async () => {
    const verdict = await storm({ harm, rounds, sends });
    console.log(`${head}\n${row(how, verdict)}`);
    assert.ok(isClean(verdict), JSON.stringify(verdict));
  });
}

// The negative controls: with a promise broken on purpose, the matching column has to show it. What is under way when
// the server is killed is left to chance, and a storm in which that was nothing is followed by another.
const STORMS = 5;
for (const [broken, column] of Object.entries({ resume: "missed", dedupe: "doubled", commit: "lost" })) {
  test(`a server that breaks its promise to ${broken} is caught: ${column}`, async () => {
    let verdict;
    for (let storms = 0; storms < STORMS && !verdict?.[column]; storms++) {
      verdict = await storm({ harm: "kill", rounds: 6, sends: 1_000, program: DEBUG, broken });
      console.log(`${head}\n${row(broken, verdict)}`);
    }
    assert.ok(verdict[column] > 0, JSON.stringify(verdict));
  });
}
