// Steps as a person sees them: a line each, with its time; what the tools print only when it takes long or fails.

import { performance } from "node:perf_hooks";

/** A step slower than this shows what its tools print. */
const SLOW_MS = 3000;

// Not stdout: that belongs to what was asked for (`npm run size -- --json`).
const out = process.stderr;
const colour = out.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

let current;

/** Milliseconds as a person reads them. */
export function duration(ms) {
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function line(mark, name, ms) {
  out.write(`${mark} ${name.padEnd(44)} ${paint(2, duration(ms).padStart(12))}\n`);
}

/** Runs `work` under `name`. Steps don't nest: an inner one is part of the outer one. */
export async function step(name, work) {
  if (current) return work();
  const started = performance.now();
  const shown = { waiting: [], streaming: false };
  current = shown;
  const show = () => {
    if (shown.streaming) return;
    shown.streaming = true;
    out.write(`${paint(36, "▸")} ${name} …\n`);
    for (const chunk of shown.waiting.splice(0)) out.write(chunk);
  };
  const timer = setTimeout(show, SLOW_MS);
  let mark = paint(31, "✗");
  try {
    const result = await work();
    mark = paint(32, "✓");
    return result;
  } catch (error) {
    show();
    throw error;
  } finally {
    clearTimeout(timer);
    current = undefined;
    line(mark, name, performance.now() - started);
  }
}

/** What a tool printed. */
export function print(chunk) {
  if (!current || current.streaming) out.write(chunk);
  else current.waiting.push(chunk);
}
