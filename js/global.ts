// The entry for `<script src="…/assets/micro.js">`: one global, and nothing else.

import { Micro } from "./client.js";
import { addresses, configure } from "./config.js";

/** Filled in by the bundler. */
declare const __WASM_FILE__: string;
declare const __LOGIN_FILE__: string;

declare global {
  /** What the script leaves behind. */
  var Micro: typeof import("./client.js").Micro;
}

// Known only while the script is evaluated.
const script = document.currentScript;

// Its own: an element with that id is in the window, too.
if (!Object.prototype.hasOwnProperty.call(window, "Micro")) {
  const source = script instanceof HTMLScriptElement && script.src ? script.src : location.origin + "/assets/micro.js";
  addresses.wasm = new URL(__WASM_FILE__, source).href;
  addresses.login = () => import(new URL(__LOGIN_FILE__, source).href);
  Object.assign(window, { Micro });
  configure({ api: script?.dataset["api"] || new URL(source).origin });
}
