// The server, which has dist/assets and www/ inside: it is built last.

import { run } from "../command.mjs";
import { step } from "../step.mjs";

export const buildServer = () =>
  step("server", () => run("cargo", ["build", "--release", "--package=micro-chat-server"]));
