// A systemd of its own, as process 1 of namespaces: it knows its own units only, and sees folders of its own where
// services keep things. It wants Linux, root, systemd and control groups.

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { find } from "../scripts/program.mjs";

const run = promisify(execFile);
const START_MS = 60_000;
const INIT = "/lib/systemd/systemd";

/** Where systemd keeps its groups of processes: in the one hierarchy, or in one of its own. */
const GROUPS = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"].find((folder) => existsSync(`${folder}/cgroup.procs`));

/** What units ask for that this machine's own would give. */
const TARGETS = ["sysinit", "basic", "shutdown", "network-online", "multi-user"];

const INSIDE = `
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
umount -l "$2"
exec env -i PATH="$PATH" container=unshare SYSTEMD_UNIT_PATH="$1" ${INIT} --system --unit=multi-user.target \\
  --log-target=console --show-status=no --default-standard-output=inherit --default-standard-error=inherit
`;

/** Why there can't be one here, if so. */
export function lacksSystemd() {
  if (process.getuid?.() !== 0) return "root has to start a systemd";
  if (!existsSync(INIT) || !find("systemctl")) return "systemd is not installed";
  if (!find("unshare") || !find("nsenter")) return "util-linux is not installed";
  if (!GROUPS) return "there are no control groups";
  return false;
}

export class Systemd {
  #folder;
  #group;
  #child;
  #init;
  /** What it and its services have said. */
  output = "";

  /** Starts it with these units: texts by their names. Undefined where the machine does not let it be. */
  static async start(units) {
    const systemd = new Systemd();
    systemd.#folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-systemd-"));
    for (const name of TARGETS) units[`${name}.target`] = `[Unit]\nDescription=${name}\nDefaultDependencies=no\n`;
    for (const [name, text] of Object.entries(units)) await writeFile(path.join(systemd.#folder, name), text);
    systemd.#group = path.join(GROUPS, path.basename(systemd.#folder));
    try {
      await mkdir(systemd.#group);
      await systemd.#boot();
    } catch (error) {
      await systemd.remove();
      return { reason: `systemd does not start: ${error.message}\n${systemd.output}` };
    }
    return { systemd };
  }

  async #boot() {
    const namespaces = ["--cgroup", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"];
    const args = [...namespaces, "--propagation", "private", "sh", "-e", "-c", INSIDE, "sh", this.#folder, GROUPS];
    const join = `echo $$ > ${this.#group}/cgroup.procs && exec unshare "$@"`;
    this.#child = spawn("sh", ["-c", join, "sh", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", (text) => (this.output += text));
    for (const end = Date.now() + START_MS; ; await sleep(100)) {
      if (this.#child.exitCode !== null || Date.now() > end) throw new Error("it is not there in time");
      const children = await readFile(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, "utf8").catch(
        () => "",
      );
      this.#init = children.trim();
      const state = this.#init && (await this.systemctl("is-active", "multi-user.target").catch(() => ""));
      if (state === "active\n") return;
    }
  }

  /** Runs a program where its services run, as root. */
  async exec(...command) {
    const { stdout } = await run("nsenter", ["-t", this.#init, "-m", "-p", ...command], { timeout: 60_000 });
    return stdout;
  }

  systemctl(...args) {
    return this.exec("systemctl", ...args);
  }

  /** Ends it, and with it all of its services. */
  async remove() {
    if (this.#child?.exitCode === null) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGKILL");
      await ended;
    }
    await removeGroup(this.#group);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A group goes once its last process has. */
async function removeGroup(group) {
  const inside = await readdir(group, { withFileTypes: true }).catch(() => []);
  for (const entry of inside) if (entry.isDirectory()) await removeGroup(path.join(group, entry.name));
  for (let round = 0; round < 300 && existsSync(group); round++) {
    await rmdir(group).catch(() => sleep(100));
  }
}
