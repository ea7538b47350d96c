// Tokens as a site's own server makes them.

import { createHmac } from "node:crypto";

/** What the servers of tests check tokens with. */
export const SECRET = "a-secret-of-the-tests-that-is-long-enough";

/** A token of that user, good for an hour. */
export function tokenOf(user) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}
