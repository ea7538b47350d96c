// Finds and starts the wasm, once, and watches over it.

import { Client, call, imports, start as use, streams } from "../target/bindgen/micro_chat.js";
import { addresses } from "./config.js";
import { clientError, isCoded, toError, type MicroError } from "./error.js";
import { inside } from "./inside.js";

/** Filled in by the bundler: whether `inline.ts` may be there. */
declare const __PACKAGE__: boolean;

// What is not named here, bundlers leave out.
const wasm = { Client, call, streams };

/** The Rust side. */
export type Wasm = typeof wasm;

let loading: Promise<Wasm> | undefined;
let dead: MicroError | undefined;

/** Who has to know when the Rust side is gone. */
export const mourners = new Set<(error: MicroError) => void>();

/** Fetches an answer through it. */
export async function request<T>(url: string, init: RequestInit): Promise<T> {
  const wasm = await load();
  try {
    return await guard(() => wasm.call(url, init));
  } catch (error) {
    throw toError(error);
  }
}

/** The Rust side, once it runs. After a failure the next call tries again. */
export const load = (): Promise<Wasm> =>
  (loading ??= start().catch((error: unknown) => {
    loading = undefined;
    throw toError(error);
  }));

async function start(): Promise<Wasm> {
  const url = addresses.wasm;
  const response = await (__PACKAGE__ && inside.wasm ? inside.wasm() : fetch(url).catch(() => undefined));
  if (!response?.ok) {
    throw clientError(
      "LoadFailed",
      `${url} could not be loaded. Check Micro.configure({ wasm }), and the server's CORS.`,
    );
  }
  try {
    // Only with its type does a browser compile it as it comes.
    const isTyped = response.headers.get("content-type") === "application/wasm";
    const { instance } = isTyped
      ? await WebAssembly.instantiateStreaming(response, imports())
      : await WebAssembly.instantiate(await response.arrayBuffer(), imports());
    use(instance);
  } catch (error) {
    await probe();
    throw clientError("LoadFailed", `${url} is not the SDK's wasm: ${error}`);
  }
  return wasm;
}

/** Fails if this page can't have even the smallest module. */
async function probe(): Promise<void> {
  try {
    // Not only compiled: WebKit forbids no more than the instance.
    await WebAssembly.instantiate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  } catch {
    const rule = "add 'wasm-unsafe-eval' to script-src in its Content-Security-Policy";
    throw clientError("WasmForbidden", `This page or this browser forbids WebAssembly. If it is the page: ${rule}.`);
  }
}

/** Every step into wasm goes through here: one that traps is the last, since nobody knows what it left behind. */
export function guard<T>(step: () => T): T {
  if (dead) throw dead;
  try {
    return step();
  } catch (error) {
    // A trap, a stack that overflowed, or whatever else broke off in the middle.
    if (!isCoded(error)) {
      dead = clientError("Crashed", "The SDK met a fault of its own and has stopped. Reload the page.");
      console.error(dead, error);
      for (const mourn of mourners) mourn(dead);
      throw dead;
    }
    throw toError(error);
  }
}
