// A server and a visitor of pages that use it, for all tests of a file.

import { after, before } from "node:test";

import { Form } from "./form.mjs";
import { Hosted } from "./hosted.mjs";
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

/** The same with a server that has accounts, of which pages at these hosts may ask, and the form of its login. */
export function visitHosted(begin, hosts = ["127.0.0.1"]) {
  let hosted;
  let visitor;

  before(async () => {
    visitor = await Visitor.start();
    hosted = await Hosted.start(...hosts.map((host) => visitor.origin.replace("127.0.0.1", host)));
    begin({ hosted, visitor, form: new Form(visitor) });
  });

  after(async () => {
    await visitor?.quit();
    await hosted?.remove();
  });
}
