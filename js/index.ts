// The entry for `import { Micro } from "micro-chat"`. Importing it does nothing, on a server as in a page.

import { Micro } from "./client.js";
import { addresses } from "./config.js";

// Bundlers find the file by this expression, and take it along.
addresses.wasm = new URL("./micro.wasm", import.meta.url).href;
addresses.login = () => import("./login.js");

export { Micro };
export { MicroError } from "./error.js";
export type * from "./types.js";
