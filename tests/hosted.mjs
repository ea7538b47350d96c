// A server with accounts of its own, and people who have one.

import { Postbox } from "./postbox.mjs";
import { Server } from "./server.mjs";

export const PASSWORD = "correct horse battery";

let people = 0;

export class Hosted {
  /** The server. */
  server;
  /** Where its mail goes. */
  postbox;

  /** Starts it: anybody may sign up in `micro`, nobody in `staff`. */
  static async start(...origins) {
    const hosted = new Hosted();
    hosted.postbox = await Postbox.start();
    const mail = ["--mail-server", hosted.postbox.url, "--mail-from", "Chat <chat@example.org>"];
    // Whoever guessed too often stays out, however long a test takes.
    const limits = ["--limit-passwords", "1/h:20"];
    const accounts = ["--sign-up", "micro", "--accounts", "staff"];
    const args = [...accounts, ...mail, ...limits, ...origins.flatMap((one) => ["--origin", one])];
    hosted.server = await Server.start({ command: "serve", args });
    return hosted;
  }

  get url() {
    return this.server.url;
  }

  /** An address that nobody has used. */
  address() {
    return `somebody-${++people}@example.org`;
  }

  /** Somebody who has an account; resolves to their address. */
  async somebody() {
    const email = this.address();
    await this.server.post("/signup/sendVerificationEmail", { email });
    const token = await this.postbox.code(email);
    await this.server.post("/signup/completeSignup", { email, secret: PASSWORD, token });
    return email;
  }

  async remove() {
    await this.server?.remove();
    await this.postbox?.stop();
  }
}
