// How the page's own functions are called.

import type { MicroError } from "./error.js";
import type { Callback } from "./types.js";

/** Calls a function of the page. What it throws is the page's own uncaught error, and nobody else's failure. */
export function call<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
  try {
    fn(...args);
  } catch (error) {
    if (typeof reportError === "function") reportError(error);
    else
      setTimeout(() => {
        throw error;
      });
  }
}

/** Whether a callback wants to hear of failures; one that throws when it is asked does not. */
export function takesErrors(callback?: Callback<never>): boolean {
  try {
    return !!callback && callback.length > 1;
  } catch {
    return false;
  }
}

/** Tells a callback of a failure if it wants to hear of it. */
export function callWithError(callback: Callback<never> | undefined, error: MicroError): void {
  if (takesErrors(callback)) call(callback as (data: undefined, error: MicroError) => unknown, undefined, error);
}

/** With a callback a failure is handled: it is logged once, and the callback may hear of it. */
export function handled<T>(promise: Promise<T>, callback?: Callback<never>): Promise<T> {
  if (typeof callback === "function") {
    promise.catch((error: MicroError) => {
      console.error(error);
      callWithError(callback, error);
    });
  }
  return promise;
}
