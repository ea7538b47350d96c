// Running other programs: their output goes to the step that runs them, and none outlives this process.

import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";

import { Problem } from "./problem.mjs";
import { print } from "./step.mjs";
import { root } from "./tree.mjs";

/** How long a program that was told to stop may take before it is killed. */
const GRACE_MS = 10_000;
/** npm passes a Ctrl-C on although the terminal has sent it already; both are one request to stop. */
const SAME_REQUEST_MS = 1000;

const running = new Set();
let stoppedBy;

/** Sends a signal to a program and all it has started. */
function signalAll(child, signal) {
  try {
    process.kill(child.ownGroup ? -child.pid : child.pid, signal);
  } catch {
    // Already gone.
  }
}

function end(child, signal) {
  signalAll(child, signal);
  setTimeout(() => signalAll(child, "SIGKILL"), GRACE_MS).unref();
}

const exitCodeOf = (signal) => 128 + (os.constants.signals[signal] ?? 0);

let requestedAt = -Infinity;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (performance.now() - requestedAt < SAME_REQUEST_MS) return;
    requestedAt = performance.now();
    stoppedBy = signal;
    console.error(`\nstopping: ${signal}`);
    if (running.size === 0) process.exit(exitCodeOf(signal));
    for (const child of running) {
      // The server stops in its own time: it has messages to keep.
      if (child.foreground) signalAll(child, signal);
      else end(child, signal);
    }
  });
}

function start(program, args, { env, cwd = root, stdio, terminal = false }) {
  if (stoppedBy) process.exit(exitCodeOf(stoppedBy));
  // A group of its own, so that what the program starts can be stopped with it. `sudo` has to keep the terminal to
  // ask for the password.
  const child = spawn(program, args, { cwd, stdio, detached: !terminal, env: { ...process.env, ...env } });
  child.ownGroup = !terminal;
  running.add(child);
  const ended = new Promise((resolve, reject) => {
    child.on("error", (error) => {
      running.delete(child);
      reject(new Problem(`${program}: ${error.code === "ENOENT" ? "not found" : error.message}`));
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? exitCodeOf(signal), signal });
    });
  });
  return { child, ended };
}

/**
 * Runs a program to its end and returns `{ code, output, timedOut }`, whatever the exit code.
 *
 * Options: `env` (added to the environment), `cwd`, `timeout` in ms, `quiet` (don't show the output),
 * `terminal` (leave it the terminal).
 */
export async function attempt(program, args, options = {}) {
  const { timeout, quiet = false, terminal = false } = options;
  const { child, ended } = start(program, args, {
    ...options,
    stdio: [terminal ? "inherit" : "ignore", "pipe", "pipe"],
  });
  let output = "";
  let timedOut = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (!quiet) print(text);
    });
  }
  const timer = timeout && setTimeout(() => ((timedOut = true), end(child, "SIGTERM")), timeout);
  try {
    const { code } = await ended;
    if (stoppedBy && running.size === 0) process.exit(exitCodeOf(stoppedBy));
    return { code, output, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program that has to succeed; returns its output. Options as for `attempt`. */
export async function run(program, args, options = {}) {
  const { code, output, timedOut } = await attempt(program, args, options);
  if (code === 0 && !timedOut) return output;
  if (options.quiet) print(output);
  const what = [path.basename(program), ...args.slice(0, 3)].join(" ");
  throw new Problem(timedOut ? `${what}: stopped after ${options.timeout / 1000} s` : `${what}: exit code ${code}`);
}

/** Runs a program in the foreground until it ends by itself or is told to stop; returns its exit code. */
export async function serve(program, args) {
  const { child, ended } = start(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  child.foreground = true;
  const { code } = await ended;
  return code;
}
