// A port that nobody listens on.

import { once } from "node:events";
import http from "node:http";

export async function freePort() {
  const taken = http.createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address();
  taken.close();
  await once(taken, "close");
  return port;
}
