// A screen that nobody sees, for engines that need one.

import { spawn } from "node:child_process";
import { once } from "node:events";

// Larger than any window that a test asks for.
const SCREEN = "1920x1400x24";

export class Display {
  #child;
  #kill;

  /** `:NUMBER`, for DISPLAY. */
  name;

  static async start(program) {
    const display = new Display();
    // It looks for a number that is free, and tells it when it is there.
    const args = ["-displayfd", "3", "-screen", "0", SCREEN, "-nolisten", "tcp"];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    display.#child = child;
    display.#kill = () => child.kill("SIGKILL");
    process.once("exit", display.#kill);
    const ended = once(child, "close").then(() => {
      throw new Error(`${program} did not start`);
    });
    const [number] = await Promise.race([once(child.stdio[3], "data"), ended]);
    ended.catch(() => {});
    display.name = `:${String(number).trim()}`;
    return display;
  }

  async stop() {
    process.removeListener("exit", this.#kill);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill();
    await closed;
  }
}
