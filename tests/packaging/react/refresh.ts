// Fast Refresh, by which development servers change the code of a component that is shown.

import { injectIntoGlobalHook, performReactRefresh, register } from "react-refresh/runtime";

injectIntoGlobalHook(globalThis);

/** Puts this function in the place of the one before, wherever that is shown; returns it. */
export function replaceChat<T>(component: T): T {
  register(component, "Chat");
  performReactRefresh();
  return component;
}
