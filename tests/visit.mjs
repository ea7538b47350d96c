// A server and a visitor of pages that use it, for all tests of a file.

import { after, before } from "node:test";

import { Server } from "./server.mjs";
import { Visitor } from "./visitor.mjs";

/** Starts both before the first test, hands them to `begin`, and ends them behind the last. */
export function visit(begin) {
  let server;
  let visitor;

  before(async () => {
    server = await Server.start();
    visitor = await Visitor.start();
    begin({ server, visitor });
  });

  after(async () => {
    await visitor?.quit();
    await server?.remove();
  });
}
