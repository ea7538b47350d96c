// The compiler for wasm32: rustup's own where rustup can have it, otherwise Debian's beside it.
//
// The server and the native tests are always built by the ordinary toolchain; only what this returns decides who
// builds for the browser.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import { attempt, run } from "../command.mjs";
import { Problem } from "../problem.mjs";
import { find } from "../program.mjs";
import { step } from "../step.mjs";
import { writeFile } from "../stamp.mjs";
import { target } from "../tree.mjs";
import { canInstall, install } from "./debian.mjs";

const TARGET = "wasm32-unknown-unknown";

const HOW =
  "The wasm32 target is missing: run `rustup target add wasm32-unknown-unknown && rustup component add rust-src`, " +
  "or on Debian, as root, `apt-get install rustc-web rust-web-src lld-22`.";

/** What was decided on this machine. Asking rustup again on each start would take too long where it can't download. */
const decision = path.join(target.setup, "wasm.json");

const hasTarget = (sysroot) => existsSync(path.join(sysroot, "lib/rustlib", TARGET, "lib"));
// The small build compiles the standard library with its own flags.
const hasSources = (sysroot) => existsSync(path.join(sysroot, "lib/rustlib/src/rust/library/std/Cargo.toml"));

/**
 * Returns how to build for wasm32: `sdk` is the environment for the SDK, whose standard library is built from source;
 * `tests()` makes sure that ordinary builds work, too, and returns their `{ env, folders }`, the folders for PATH.
 */
export async function setUpWasm() {
  const sysroot = (await run("rustc", ["--print", "sysroot"], { quiet: true })).trim();
  if (hasTarget(sysroot) && hasSources(sysroot)) return ordinary();

  const decided = readDecision();
  if (decided?.sysroot === sysroot && debianIsThere(decided.linker)) return debian(decided.linker);

  if (await rustupCan(sysroot)) return ordinary();
  const linker = await installDebian();
  // Where there is nothing else, a download that broke off is begun again.
  if (!linker && (await rustupCan(sysroot, "5"))) return ordinary();
  if (!linker) throw new Problem(HOW);
  writeFile(decision, JSON.stringify({ sysroot, linker }));
  return debian(linker);
}

const ordinary = () => ({ sdk: {}, tests: async () => ({ env: {}, folders: [] }) });

async function rustupCan(sysroot, retries = "0") {
  if (!find("rustup")) return false;
  // Where rustup can't download, say so soon: Debian's packages are the better use of the time.
  const options = { env: { RUSTUP_MAX_RETRIES: retries }, timeout: 240_000, quiet: true };
  return (
    (await attempt("rustup", ["target", "add", TARGET], options)).code === 0 &&
    (await attempt("rustup", ["component", "add", "rust-src"], options)).code === 0 &&
    hasTarget(sysroot) &&
    hasSources(sysroot)
  );
}

function readDecision() {
  try {
    return JSON.parse(readFileSync(decision, "utf8"));
  } catch {
    return undefined;
  }
}

// Debian's `rustc-web` is kept at the version its browsers need, with `rust-web-src` always of the same version.
const DEBIAN = { rustc: "/usr/bin/rustc", sysroot: "/usr" };

const debianIsThere = (linker) => existsSync(DEBIAN.rustc) && hasSources(DEBIAN.sysroot) && Boolean(find(linker));

/** Installs what is missing of Debian's compiler; returns the linker's name. */
async function installDebian() {
  if (!canInstall()) return undefined;
  if (!existsSync(DEBIAN.rustc) || !hasSources(DEBIAN.sysroot)) {
    if (!(await install("rustc-web", "rust-web-src"))) return undefined;
  }
  // The linker has to understand what this compiler's LLVM writes.
  const version = await run(DEBIAN.rustc, ["-vV"], { quiet: true });
  const llvm = /^LLVM version: (\d+)/m.exec(version)?.[1];
  if (!llvm) return undefined;
  const linker = `wasm-ld-${llvm}`;
  if (!find(linker)) await install(`lld-${llvm}`);
  return debianIsThere(linker) ? linker : undefined;
}

function debian(linker) {
  const env = { RUSTC: DEBIAN.rustc, CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker };
  return { sdk: env, tests: () => debianTarget(env) };
}

/**
 * Debian's compiler has no ready standard library for wasm32, and `wasm-pack test` wants one. So it is built once and
 * put into a sysroot of our own, which a small `rustc` in front of Debian's points to. /usr stays as apt left it.
 */
async function debianTarget(env) {
  const version = (await run(DEBIAN.rustc, ["--version"], { quiet: true })).trim();
  const toolchain = path.join(target.setup, "debian");
  const marker = path.join(toolchain, "version");
  if (!existsSync(marker) || readFileSync(marker, "utf8") !== version) {
    await step("standard library for wasm32", () => buildDebianTarget(env, toolchain));
    writeFile(marker, version);
  }
  const rustc = path.join(toolchain, "bin/rustc");
  return { env: { ...env, RUSTC: rustc }, folders: [path.dirname(rustc)] };
}

async function buildDebianTarget(env, toolchain) {
  const crate = path.join(target.setup, "std");
  writeFile(path.join(crate, "Cargo.toml"), '[workspace]\n[package]\nname = "std-for-wasm"\nedition = "2024"\n');
  writeFile(path.join(crate, "src/lib.rs"), "");
  await run("cargo", ["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort,proc_macro,test"], {
    cwd: crate,
    env: { ...env, RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: path.join(crate, "target"), CARGO_ENCODED_RUSTFLAGS: "" },
    timeout: 3_600_000,
  });

  const unfinished = `${toolchain}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  const rustlib = path.join(unfinished, "lib/rustlib");
  const libraries = path.join(rustlib, TARGET, "lib");
  mkdirSync(libraries, { recursive: true });
  const deps = path.join(crate, "target", TARGET, "release/deps");
  for (const name of readdirSync(deps)) {
    if (name.endsWith(".rlib") && !name.startsWith("libstd_for_wasm"))
      cpSync(path.join(deps, name), path.join(libraries, name));
  }
  for (const name of readdirSync(path.join(DEBIAN.sysroot, "lib/rustlib"))) {
    if (name !== TARGET) symlinkSync(path.join(DEBIAN.sysroot, "lib/rustlib", name), path.join(rustlib, name));
  }
  mkdirSync(path.join(unfinished, "bin"));
  const wrapper = `#!/bin/sh\nexec ${DEBIAN.rustc} --sysroot '${toolchain}' "$@"\n`;
  writeFileSync(path.join(unfinished, "bin/rustc"), wrapper, { mode: 0o755 });
  rmSync(toolchain, { recursive: true, force: true });
  renameSync(unfinished, toolchain);
  rmSync(crate, { recursive: true, force: true });
}
