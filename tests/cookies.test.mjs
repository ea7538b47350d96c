// Where a login is kept: out of every script's reach if the browser has such a place, for all tabs, and for as long as
// the user wants.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Key } from "selenium-webdriver";

import { Hosted, PASSWORD } from "./hosted.mjs";
import { visitHosted } from "./visit.mjs";

const HOUR_MS = 3_600_000;

let hosted;
let visitor;
let form;
let email;
let chat_id;

visitHosted((started) => ({ hosted, visitor, form } = started), ["127.0.0.1", "localhost"]);

const inPage = (fn, ...args) => visitor.run(fn, ...args);

beforeEach(async () => {
  await visitor.devtools("Network.clearBrowserCookies");
  email = await hosted.somebody();
});

// Notes what is asked about logins, and what its sockets say.
const page = (more = "", url = hosted.url) => `<script>
  window.asked = [];
  window.answered = [];
  const original = fetch;
  window.fetch = (address, init) => {
    const answer = original(address, init);
    if (/auth\\//.test(address)) {
      const method = String(address).split("/").at(-1);
      asked.push([method, init?.body ?? ""]);
      answer.then(() => answered.push(method), () => {});
    }
    return answer;
  };
  window.sent = [];
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (text) {
    sent.push(JSON.parse(text)[0]);
    return send.call(this, text);
  };
  // A tab is told of the time by its test.
  window.later = 0;
  const { now } = Date;
  Date.now = () => now() + later;
</script>
<script src="${url}/assets/micro.js" crossorigin></script>
<script>
  ${more}
  window.id = (promise) => promise.then(() => "done", ({ id }) => id);
  window.read = async (chat_id, user_id) => {
    window.states = [];
    window.handle = Micro.connect("/chat/Connect", "", { chat_id, user_id, after: 0 });
    handle.on("state", ({ state }) => states.push(state));
    handle.on("error", ({ id }) => states.push(id));
    await new Promise((resolve) => handle.on("open", resolve));
  };
</script>`;

async function logIn() {
  await inPage(() => void (window.entered = id(Micro.requireLogin())));
  await form.titled("Log in");
  await form.fill({ "E-mail or user name": email, Password: PASSWORD });
  await form.gone();
  assert.equal(await inPage(() => entered), "done");
}

/** Opens a page whose user has logged in there and made a chat. */
async function openChat() {
  await visitor.open(page());
  await logIn();
  chat_id = await inPage(
    async (email) => (await Micro.post("/chat/New", "", { user_ids: [email, "ben"] })).chat_id,
    email,
  );
}

/** Has the page in front read that chat. */
const readChat = () => inPage((chat_id, email) => read(chat_id, email), chat_id, email);

const state = () =>
  inPage(async () => {
    await Micro.ready;
    return [Micro.isLoggedIn(), Micro.user?.user_id ?? null];
  });

/** All that the page's scripts could find of it. */
const inReach = () =>
  inPage(async () => {
    const databases = await indexedDB.databases();
    return JSON.stringify([
      document.cookie,
      Object.entries(localStorage),
      Object.entries(sessionStorage),
      databases.map(({ name }) => name),
      Object.entries(Micro).filter(([, value]) => typeof value !== "function"),
    ]);
  });

const cookies = async () => (await visitor.devtools("Network.getAllCookies")).cookies;

for (const [site, host, sameSite, partitioned] of [
  ["the server's own site", "127.0.0.1", "Strict", false],
  ["another site that the server lists", "localhost", "None", true],
]) {
  test(`on ${site} a reload stays logged in, by a cookie that no script can read`, async () => {
    await visitor.open(page(), host);
    assert.deepEqual(await state(), [false, null]);
    await logIn();
    assert.deepEqual(await state(), [true, email]);
    const kept = await cookies();
    assert.equal(kept.length, 1);
    const [cookie] = kept;
    assert.match(cookie.name, /^__Host-micro-/);
    assert.deepEqual(
      [cookie.httpOnly, cookie.secure, cookie.path, cookie.sameSite, Boolean(cookie.partitionKey)],
      [true, true, "/", sameSite, partitioned],
    );
    const found = await inReach();
    assert.ok(!found.includes("mcr_") && !found.includes("eyJ"), found);
    await visitor.reload();
    assert.deepEqual(await state(), [true, email]);
    // No dialog, and what it was for may go on.
    assert.equal(await inPage(() => id(Micro.requireLogin())), "done");
    assert.equal(await inPage((email) => id(Micro.post("/chat/New", "", { user_ids: [email] })), email), "done");
    assert.deepEqual((await visitor.shown()).uncaught, []);
  });
}

test("calls and streams of a page that was just loaded wait for the login that was there", async () => {
  await visitor.open(page());
  await logIn();
  await visitor.open(
    page(`window.early = Micro.post("/chat/New", "", { user_ids: ["${email}"] }).then(({ chat_id }) => chat_id);`),
  );
  chat_id = await inPage(() => early);
  await visitor.open(
    page(`
    window.handle = Micro.connect("/chat/Connect", "", { chat_id: "${chat_id}", user_id: "${email}" });
    window.early = handle.send("early").then(({ seq }) => seq);`),
  );
  assert.equal(await inPage(() => early), 1);
});

test("where no cookie may be kept, the login lives in memory, and ends with the page", async () => {
  const wide = await Hosted.start("*");
  try {
    email = await wide.somebody();
    await visitor.open(page("", wide.url));
    await logIn();
    assert.deepEqual(await state(), [true, email]);
    assert.deepEqual(await cookies(), []);
    const found = await inReach();
    assert.ok(!found.includes("mcr_") && !found.includes("eyJ"), found);
    // It can be refreshed all the same.
    await inPage((late) => (later += late), HOUR_MS);
    assert.equal(await inPage((email) => id(Micro.post("/chat/New", "", { user_ids: [email] })), email), "done");
    const refreshes = (await inPage(() => asked)).filter(([, body]) => body.includes("refresh_token"));
    assert.equal(refreshes.length, 1);
    await visitor.reload();
    assert.deepEqual(await state(), [false, null]);
  } finally {
    await wide.remove();
  }
});

test("the original's cookies are there where the page asks for them, and only there", async () => {
  const legacy = page(`Micro.configure({ cookies: "legacy" });`);
  await visitor.open(legacy);
  await logIn();
  const kept = await cookies();
  assert.deepEqual(kept.map(({ name }) => name).sort(), ["micro_access", "micro_expiry", "micro_refresh"]);
  for (const cookie of kept) {
    assert.deepEqual([cookie.httpOnly, cookie.path, cookie.sameSite], [false, "/", "Lax"]);
    const days = (cookie.expires - Date.now() / 1000) / (24 * 60 * 60);
    assert.ok(days > 29.9 && days < 30.1, `${days} days`);
  }
  await visitor.reload();
  assert.deepEqual(await state(), [true, email]);
  // As the original's pages look for it.
  assert.ok(await inPage(() => /micro_refresh=mcr_/.test(document.cookie)));
  // The access token that is there does for as long as it lives; then another is.
  assert.deepEqual(await inPage(() => asked), []);
  await inPage((late) => (later += late), HOUR_MS);
  assert.equal(await inPage((email) => id(Micro.post("/chat/New", "", { user_ids: [email] })), email), "done");
  assert.equal((await inPage(() => asked)).length, 1);
  assert.notEqual((await cookies()).find(({ name }) => name === "micro_refresh").value, kept[2].value);
  // A page that does not ask for them neither reads nor writes any.
  await visitor.open(page());
  assert.deepEqual(await state(), [false, null]);
  await visitor.open(legacy);
  await inPage(async () => {
    await Micro.ready;
    await Micro.logout();
  });
  assert.deepEqual(await cookies(), []);
});

test("two tabs refresh once, and both go on with it on the sockets that they have", async () => {
  await openChat();
  await readChat();
  const one = await visitor.openTab(page());
  const two = await visitor.tab();
  await readChat();
  const both = async (fn, ...args) => {
    const answers = [];
    for (const tab of [one, two]) {
      await visitor.show(tab);
      answers.push(await inPage(fn, ...args));
    }
    return answers;
  };
  // Each tells its socket of a token, which stays the same: the first one of that which the second one got.
  const RENEW = 6;
  await visitor.show(one);
  await visitor.until(`async () => sent.includes(${RENEW})`);
  await both(() => void (asked.length = sent.length = 0));
  // In both of them the token has a minute left, at the same moment.
  await both(
    (late, email) => {
      window.call = new Promise((resolve) => {
        new BroadcastChannel("now").onmessage = () => {
          later += late;
          resolve(id(Micro.post("/chat/New", "", { user_ids: [email] })));
        };
      });
    },
    HOUR_MS - 50_000,
    email,
  );
  await inPage(() => new BroadcastChannel("now").postMessage(""));
  assert.deepEqual(await both(() => call), ["done", "done"]);
  assert.equal((await both(() => asked)).flat().length, 1);
  const told = await both(() => [sent, states]);
  for (const [ops] of told) ops.splice(0, ops.length, ...ops.filter((op) => op === RENEW));
  assert.deepEqual(told, [
    [[RENEW], ["live"]],
    [[RENEW], ["live"]],
  ]);
  await visitor.closeTab(one);
});

test("who logs out in one tab is logged out in the other, and no stream of theirs goes on", async () => {
  await openChat();
  const one = await visitor.openTab(page());
  const two = await visitor.tab();
  for (const tab of [one, two]) {
    await visitor.show(tab);
    await readChat();
  }
  await inPage(() => Micro.logout());
  for (const tab of [one, two]) {
    await visitor.show(tab);
    await visitor.until(() => !Micro.isLoggedIn() && handle.state === "closed");
    assert.match(await inPage(() => states.find((state) => state.startsWith("auth."))), /^auth\./);
    assert.equal(await inPage(() => id(Micro.post("/chat/New", "", { user_ids: ["x"] }))), "auth.NoToken");
    assert.equal(await inPage(() => Micro.user ?? null), null);
  }
  assert.deepEqual(await cookies(), []);
  await visitor.reload();
  assert.deepEqual(await state(), [false, null]);
  await visitor.closeTab(one);
});

test("who logs out everywhere ends the logins that they left elsewhere", async () => {
  const elsewhere = await hosted.server.post("/auth/Auth/Token", { id: email, secret: PASSWORD });
  await visitor.open(page());
  await logIn();
  await inPage(() => Micro.logout({ everywhere: true }));
  const { refresh_token } = elsewhere.token;
  await assert.rejects(hosted.server.post("/auth/Auth/Token", { refresh_token }), /NoLogin/);
});

test("a login that was ended elsewhere is none here either, and a new one may follow", async () => {
  await openChat();
  await readChat();
  const { token } = await hosted.server.post("/auth/Auth/Token", { id: email, secret: PASSWORD });
  await hosted.server.post("/auth/Auth/Revoke", { refresh_token: token.refresh_token, everywhere: true });
  await visitor.until(() => handle.state === "closed");
  assert.deepEqual(await state(), [false, null]);
  await logIn();
  await readChat();
  assert.deepEqual(await inPage(() => states), ["live"]);
});

test("a server that can't be reached logs nobody out", async () => {
  await visitor.open(page());
  await logIn();
  await hosted.server.stop();
  assert.equal(await inPage(() => id(Micro.logout())), "client.Network");
  assert.deepEqual(await state(), [true, email]);
  await hosted.server.restart();
  await visitor.reload();
  assert.deepEqual(await state(), [true, email]);
});

test("a stream that names nobody is of whoever is logged in", async () => {
  await visitor.open(page());
  await logIn();
  const names = await inPage(async () => {
    const { user_id } = Micro.user;
    const { chat_id } = await Micro.post("/chat/New", "", { user_ids: [user_id, "ben"] });
    const handle = Micro.connect("/chat/Connect", "", { chat_id });
    const sent = await handle.send("hello");
    handle.close();
    return [
      user_id,
      sent.user_id,
      await Micro.post("/chat/Connect", "", { chat_id }).then(({ close }) => typeof close),
    ];
  });
  assert.deepEqual(names, [email, email, "function"]);
});

test("a login's token goes to the server that gave it, and to no other", async () => {
  await visitor.open(page());
  await logIn();
  const refused = await inPage((api) => {
    const configure = (config) => {
      try {
        Micro.configure(config);
        return "taken";
      } catch ({ id }) {
        return id;
      }
    };
    const others = [{ api: "http://127.0.0.1:9" }, { namespace: "other" }, { cookies: "legacy" }];
    // What is so already, a component says each time that it comes.
    return [...others, { api }, { namespace: "micro", sendTimeout: 1000 }].map(configure);
  }, hosted.server.url);
  assert.deepEqual(refused, [...Array(3).fill("client.BadArgument"), "taken", "taken"]);
});

test("whoever closes the dialog while it logs in is not logged in", async () => {
  await visitor.open(page());
  await inPage(() => void (window.entered = id(Micro.requireLogin())));
  await form.titled("Log in");
  // The password is on its way, and Escape comes before its answer.
  await form.go("E-mail or user name");
  process.kill(hosted.server.pid, "SIGSTOP");
  try {
    await visitor.press(email, Key.TAB, PASSWORD, Key.ENTER, Key.ESCAPE);
    await form.gone();
    assert.equal(await inPage(() => entered), "client.LoginCancelled");
  } finally {
    process.kill(hosted.server.pid, "SIGCONT");
  }
  // What it came to is taken back.
  await visitor.until(() => answered.includes("Revoke"));
  assert.deepEqual(await state(), [false, null]);
  assert.deepEqual(await cookies(), []);
});

test("who logs in in one tab need not do so again in the other", async () => {
  await visitor.open(page());
  const one = await visitor.openTab(page());
  const two = await visitor.tab();
  await visitor.show(one);
  await inPage(() => void (window.entered = id(Micro.requireLogin())));
  await form.titled("Log in");
  await visitor.show(two);
  await logIn();
  await visitor.show(one);
  await form.gone();
  assert.equal(await inPage(() => entered), "done");
  assert.deepEqual(await state(), [true, email]);
  await visitor.closeTab(two);
});

test("a page that one comes back to is not logged in any more if one has logged out meanwhile", async () => {
  await visitor.open(page());
  await logIn();
  await visitor.open(page());
  await inPage(async () => {
    await Micro.ready;
    await Micro.logout();
  });
  await visitor.back();
  await visitor.until(async () => {
    await Micro.ready;
    return !Micro.isLoggedIn();
  });
});
