// The original's cookies, which every script of the page can read: only where the page asks for them.

import type { Tokens } from "./keeper.js";

const MONTH = 30 * 24 * 60 * 60;

function set(name: string, value: string | number, age: number): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `micro_${name}=${value}; path=/; max-age=${age}; samesite=lax${secure}`;
}

/** Keeps a login. */
export function keepCookies({ access_token, refresh_token, expiry }: Tokens): void {
  set("access", access_token, MONTH);
  set("refresh", refresh_token, MONTH);
  set("expiry", expiry, MONTH);
}

/** What is kept; nothing of what is not. */
export function readCookies() {
  const get = (name: string) => new RegExp(`(?:^|; )micro_${name}=([^;]*)`).exec(document.cookie)?.[1] ?? "";
  return { access: get("access"), refresh: get("refresh"), expiry: Number(get("expiry")) };
}

/** Keeps it no longer. */
export function forgetCookies(): void {
  for (const name of ["access", "refresh", "expiry"]) set(name, "", 0);
}
