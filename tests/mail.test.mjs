// Accounts as their owners have them: the real server, a real mail server, and everything from signing up to deleting.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Postbox } from "./postbox.mjs";
import { Server } from "./server.mjs";

const ANN = "ann@example.com";
const USER = "chat@example.org";
// With what a URL would take for something else.
const PASSWORD = "p@ss:w%41rd/with#all";

let folder;
let postbox;
let server;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "micro-chat-"));
  await writeFile(path.join(folder, "password"), `${PASSWORD}\n`);
  postbox = await Postbox.start({ user: USER, password: PASSWORD });
  const args = [
    ...["--sign-up", "micro", "--mail-from", `Chat <${USER}>`],
    ...["--mail-server", postbox.url],
    ...["--mail-password-file", path.join(folder, "password")],
  ];
  server = await Server.start({ command: "serve", args });
});

after(async () => {
  await server?.remove();
  await postbox?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Calls a method; its status, and its answer. */
async function call(method, body, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(server.url + method, { method: "POST", headers, body: JSON.stringify(body) });
  return [response.status, await response.json()];
}

/** The id of the error that a call gets. */
const refused = async (...args) => (await call(...args))[1].Id;

/** Calls a method, which has to succeed. */
async function ask(...args) {
  const [status, answer] = await call(...args);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
}

test("somebody signs up, logs in, forgets the password, logs out everywhere, and goes", async () => {
  // Sign up.
  assert.deepEqual(await ask("/signup/sendVerificationEmail", { email: ANN }), {});
  const first = await postbox.mail(ANN);
  assert.deepEqual([first.from, first.to], [USER, [ANN]]);
  assert.match(first.text, /^From: Chat <chat@example\.org>\r\n/m);
  assert.match(first.text, /^To: ann@example\.com\r\n/m);
  const secret = "correct horse battery";
  const wrong = { email: ANN, secret, token: "00000000", namespace: "micro" };
  assert.equal(await refused("/signup/completeSignup", wrong), "signup.WrongCode");
  const signedUp = await ask("/signup/completeSignup", { ...wrong, token: await postbox.code(ANN) });
  assert.deepEqual([signedUp.namespace, signedUp.account], ["micro", { id: ANN, namespace: "micro" }]);
  const { access_token, refresh_token, created, expiry } = signedUp.authToken;
  assert.equal(expiry - created, 3600);
  const { chat_id } = await ask("/chat/New", { user_ids: [ANN, "ben@example.com"] }, access_token);

  // Stay logged in, and log in elsewhere.
  const refreshed = await ask("/auth/Auth/Token", { refresh_token });
  const elsewhere = await ask("/auth/Auth/Token", { id: "Ann@Example.com", secret, options: { namespace: "micro" } });
  await ask("/chat/Send", { chat_id, text: "hello" }, elsewhere.token.access_token);

  // Forget the password.
  assert.deepEqual(await ask("/auth/Auth/SendPasswordResetEmail", { email: ANN, namespace: "micro" }), {});
  const reset = { email: ANN, token: await postbox.code(ANN, 2), secret: "another password" };
  assert.deepEqual(await ask("/auth/Auth/ResetPassword", reset), {});
  const told = await postbox.mail(ANN, 3);
  assert.deepEqual([told.from, told.to], [USER, [ANN]]);
  assert.match(told.text, /^Subject: Your password was changed\r\n/m);
  assert.match(
    told.text,
    /\r\n\r\nThe password of your account was changed on \d+ \w+ \d{4} at \d\d:\d\d UTC,\r\nwith a code/,
  );
  assert.equal(await refused("/auth/Token", { id: ANN, secret }), "auth.WrongCredentials");
  for (const { token } of [refreshed, elsewhere]) {
    assert.equal(await refused("/auth/Token", { refresh_token: token.refresh_token }), "auth.NoLogin");
    assert.equal(await refused("/chat/History", { chat_id }, token.access_token), "auth.RevokedToken");
  }

  // Log out everywhere.
  const log_in = async () => (await ask("/auth/Token", { id: ANN, secret: "another password" })).token;
  const [here, there] = [await log_in(), await log_in()];
  assert.equal((await ask("/chat/History", { chat_id }, there.access_token)).messages.length, 1);
  assert.deepEqual(await ask("/auth/Auth/Revoke", { refresh_token: here.refresh_token, everywhere: true }), {});
  assert.equal(await refused("/chat/History", { chat_id }, there.access_token), "auth.RevokedToken");
  assert.equal(await refused("/auth/Token", { refresh_token: there.refresh_token }), "auth.NoLogin");
  assert.match((await postbox.mail(ANN, 4)).text, /^Subject: You were logged out everywhere\r\n/m);

  // Go.
  const last = await log_in();
  assert.deepEqual(await ask("/auth/Auth/Delete", { secret: "another password" }, last.access_token), {});
  assert.equal(await refused("/auth/Token", { id: ANN, secret: "another password" }), "auth.WrongCredentials");
  assert.equal(await refused("/chat/History", { chat_id }, last.access_token), "auth.RevokedToken");
});

test("what comes from outside is in no header of a mail, and goes to nobody else", async () => {
  const before = postbox.total;
  for (const email of [
    "ann@example.com\r\nBcc: eve@example.com",
    "ann@example.com\nSubject: Free money",
    "ann@example.com, eve@example.com",
    "Eve <eve@example.com>",
    "ann@example.com>\r\nRCPT TO:<eve@example.com",
    "ann%eve@example.com\u0000",
    '"ann\r\nBcc: eve@example.com"@example.com',
    "ann@example.com\u2028Bcc: eve@example.com",
  ]) {
    for (const method of ["/signup/sendVerificationEmail", "/auth/SendPasswordResetEmail"]) {
      assert.match(await refused(method, { email }), /^(signup|auth)\.InvalidEmail$/, email);
    }
  }
  await ask("/signup/sendVerificationEmail", { email: "eve+tag@example.com" });
  const mail = await postbox.mail("eve+tag@example.com");
  assert.equal(postbox.total, before + 1);
  assert.deepEqual(mail.to, ["eve+tag@example.com"]);
  const headers = mail.text.split("\r\n\r\n")[0].split("\r\n");
  const names = headers.filter((line) => !/^\s/.test(line)).map((line) => line.split(":")[0].toLowerCase());
  assert.deepEqual(names.toSorted(), [
    "auto-submitted",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "subject",
    "to",
  ]);
});

test("what the server logs and prints holds no code, no password and no token", async () => {
  await ask("/signup/sendVerificationEmail", { email: "cem@example.com" });
  const token = await postbox.code("cem@example.com");
  const secret = "a password to look for";
  const { authToken } = await ask("/signup/completeSignup", { email: "cem@example.com", secret, token });
  await ask("/auth/Token", { refresh_token: authToken.refresh_token });
  await ask("/auth/Token", { refresh_token: authToken.refresh_token });
  await refused("/auth/Token", { id: "cem@example.com", secret: "a wrong one to look for" });
  for (const word of [token, "to look for", authToken.access_token, authToken.refresh_token, PASSWORD]) {
    assert.ok(!server.output.includes(word), word);
  }
});

test("dev prints its mail, has every namespace open, and asks nobody to log in", async () => {
  const dev = await Server.start();
  try {
    const post = async (method, body) =>
      (await fetch(dev.url + method, { method: "POST", body: JSON.stringify(body) })).json();
    assert.deepEqual(await post("/auth/Options", {}), { login: "none", sign_up: true, accounts: true });
    await post("/signup/sendVerificationEmail", { email: ANN, namespace: "somewhere" });
    const deadline = Date.now() + 60_000;
    while (!/^To: ann@example\.com$/m.test(dev.output) || !/\b\d{8}\b/.test(dev.output)) {
      assert.ok(Date.now() < deadline, dev.output);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const completed = { email: ANN, secret: "correct horse battery", namespace: "somewhere", id: "ann" };
    const { account, authToken } = await post("/signup/completeSignup", {
      ...completed,
      token: /\b\d{8}\b/.exec(dev.output)[0],
    });
    assert.deepEqual(account, { id: "ann", namespace: "somewhere" });
    const inspected = await post("/auth/Inspect", { token: authToken.access_token });
    assert.deepEqual([inspected.account.id, inspected.account.issuer], ["ann", "somewhere"]);
    assert.ok((await post("/chat/New", { user_ids: ["whoever"] })).chat_id);
  } finally {
    await dev.remove();
  }
});
