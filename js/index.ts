// The entry for `import { Micro } from "micro-chat"`. Importing it does nothing, on a server as in a page.

import { Micro } from "./client.js";
import { addresses } from "./config.js";

// Bundlers find the file by this expression, and take it along. A classic script that one has made of this knows no
// address of its own; then it is looked for beside the page.
addresses.wasm = import.meta.url ? new URL("./micro.wasm", import.meta.url).href : "micro.wasm";
addresses.login = () => import("./login.js");

export { Micro };
/** @internal */
export { inside } from "./inside.js";
export { MicroError } from "./error.js";
export type * from "./types.js";
