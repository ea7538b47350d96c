// A real mail server that keeps what it is given, and reads codes out of it.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { SMTPServer } from "smtp-server";

const WAIT_MS = 60_000;

/** The last of what has come, once there is so much of it. */
async function newest(count, come, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = come();
    if (found.length >= count) return found.at(-1);
    if (Date.now() > end) throw new Error(`no ${what}`);
    await sleep(10);
  }
}

const codeIn = (text) => /\b\d{8}\b/.exec(text.slice(text.indexOf("\r\n\r\n")))?.[0];

export class Postbox {
  #mails = [];
  #server;

  /** For `--mail-server`. */
  url;

  /** Takes mail from everybody, or only from who has that `user` and `password`. */
  static async start({ user, password } = {}) {
    const postbox = new Postbox();
    postbox.#server = new SMTPServer({
      authOptional: user === undefined,
      disabledCommands: user === undefined ? ["AUTH", "STARTTLS"] : ["STARTTLS"],
      onAuth: (login, session, done) =>
        login.username === user && login.password === password ? done(null, { user }) : done(new Error("who is that?")),
      async onData(stream, session, done) {
        const text = Buffer.concat(await stream.toArray()).toString();
        const to = session.envelope.rcptTo.map(({ address }) => address);
        for (const address of to) postbox.#mails.push({ address, from: session.envelope.mailFrom.address, to, text });
        done();
      },
    });
    postbox.#server.listen(0, "127.0.0.1");
    await once(postbox.#server.server, "listening");
    const name = user === undefined ? "" : `${encodeURIComponent(user)}@`;
    postbox.url = `smtp://${name}127.0.0.1:${postbox.#server.server.address().port}`;
    return postbox;
  }

  /** All that have come for an address, the oldest first. */
  mails(address) {
    return this.#mails.filter((mail) => mail.address === address);
  }

  /** How many have come. */
  get total() {
    return this.#mails.length;
  }

  /** The newest mail to an address, once there are so many: `from` and `to` as its envelope says, and `text`. */
  mail(address, count = 1) {
    return newest(count, () => this.mails(address), `mail for ${address}`);
  }

  /** The newest code for an address, once so many mails had one. */
  code(address, count = 1) {
    const codes = () => this.mails(address).flatMap(({ text }) => codeIn(text) ?? []);
    return newest(count, codes, `code for ${address}`);
  }

  async stop() {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
