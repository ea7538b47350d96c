// The entry `micro-chat/inline`: the same `Micro`, with the wasm inside, for bundlers and servers that can't hand out a
// file beside the script.

import { inside } from "./index.js";

/** The wasm: deflated, in base64. Filled in by the bundler. */
declare const __WASM__: string;

inside.wasm = () => {
  const bytes = Uint8Array.from(atob(__WASM__), (unit) => unit.charCodeAt(0));
  const wasm = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  // A response of our own is no request: the page's Content-Security-Policy need not allow one.
  return new Response(wasm, { headers: { "content-type": "application/wasm" } });
};

export * from "./index.js";
