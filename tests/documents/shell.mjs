// Running the documents' command lines in a real shell, with the real curl.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";

/** Where the documents' server was. */
const THEIRS = "https://api.m3o.com";

// One line makes curl look for the hosts `related` and `to`: all hosts but the test's server are a closed port of this
// machine, so that no name is looked up and nothing leaves it, and it takes no time.
const settings = (host) => `
connect-to = "${host}:${host}"
connect-to = "::127.0.0.1:1"
noproxy = "*"
connect-timeout = 60
max-time = 120
no-progress-meter
`;

export class Shell {
  #folder;
  #url;

  /** A shell whose curl reaches this server, in place of the documents', and no other. */
  static async start(url) {
    const shell = new Shell();
    shell.#url = url;
    shell.#folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-curl-"));
    await writeFile(path.join(shell.#folder, ".curlrc"), settings(new URL(url).host));
    return shell;
  }

  /** Starts a command line: its process, and what it will have said, `{ code, stdout, stderr }`. */
  start(line) {
    if (!line.includes(THEIRS)) throw new Error(`this doesn't call ${THEIRS}:\n${line}`);
    const child = spawn("bash", ["-c", line.replace(THEIRS, this.#url)], {
      // Without the proxies and start-up files of whoever runs the tests.
      env: { PATH: process.env.PATH, CURL_HOME: this.#folder, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    return { child, said: ended.then(([[code], stdout, stderr]) => ({ code, stdout, stderr })) };
  }

  /** Runs a command line to its end. */
  async run(line) {
    return this.start(line).said;
  }

  async remove() {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
