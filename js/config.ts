// Where things are.

import { badArgument } from "./error.js";
import type { Config } from "./types.js";

/** The addresses in use. The entry fills in what lies beside it. */
export const addresses = { api: "", wasm: "" };

/** The API's address, without a slash at its end. */
export const api = () => (addresses.api || location.origin).replace(/\/+$/, "");

/** Sets the addresses that are given, for what is called from here on. */
export function configure(config: Config): void {
  for (const key of ["api", "wasm"] as const) {
    const address = config?.[key];
    // None, or an empty one, changes nothing.
    if (address === undefined || address === "") continue;
    try {
      if (typeof address !== "string") throw address;
      addresses[key] = new URL(address, document.baseURI).href;
    } catch {
      throw badArgument(`configure: ${key} has to be an address, not ${address}.`);
    }
  }
}
