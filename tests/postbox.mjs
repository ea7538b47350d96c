// A real mail server that keeps what it is given, and reads codes out of it.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { SMTPServer } from "smtp-server";

const WAIT_MS = 10_000;

export class Postbox {
  #mails = [];
  #server;

  /** For `--mail-server`. */
  url;

  static async start() {
    const postbox = new Postbox();
    postbox.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["AUTH", "STARTTLS"],
      async onData(stream, session, done) {
        const text = Buffer.concat(await stream.toArray()).toString();
        for (const { address } of session.envelope.rcptTo) postbox.#mails.push({ address, text });
        done();
      },
    });
    postbox.#server.listen(0, "127.0.0.1");
    await once(postbox.#server.server, "listening");
    postbox.url = `smtp://127.0.0.1:${postbox.#server.server.address().port}`;
    return postbox;
  }

  /** How many mails have come for an address. */
  count(address) {
    return this.#mails.filter((mail) => mail.address === address).length;
  }

  /** The code in the newest mail to an address, once there are so many. */
  async code(address, count = 1) {
    const end = Date.now() + WAIT_MS;
    while (this.count(address) < count) {
      if (Date.now() > end) throw new Error(`no mail for ${address}`);
      await sleep(10);
    }
    const { text } = this.#mails.findLast((mail) => mail.address === address);
    const code = /\b\d{8}\b/.exec(text.slice(text.indexOf("\r\n\r\n")))?.[0];
    if (!code) throw new Error(`no code in\n${text}`);
    return code;
  }

  async stop() {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
