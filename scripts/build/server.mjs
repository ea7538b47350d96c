// The server, which has dist/assets and www/ inside: it is built last. And the command line.

import { run } from "../command.mjs";
import { step } from "../step.mjs";

export const buildServer = () =>
  step("server", () => run("cargo", ["build", "--release", "--package=micro-chat-server"]));

/** Its debug build, which can break a promise on purpose: `MICRO_CHAT_BREAK`. */
export const buildDebugServer = () =>
  step("debug server", () => run("cargo", ["build", "--package=micro-chat-server"]));

/** The command line's debug build: tests ask it what it understands. */
export const buildCommandLine = () => step("command line", () => run("cargo", ["build", "--package=micro-chat-cli"]));
