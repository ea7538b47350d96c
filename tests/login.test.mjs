// Logging in, in a real browser against a real server with a real mail server: by keyboard, in words, and without the
// page noticing more than that somebody is there.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { Key } from "selenium-webdriver";

import { colorSchemes } from "./browser.mjs";
import { Hosted, PASSWORD } from "./hosted.mjs";
import { Server } from "./server.mjs";
import { visitHosted } from "./visit.mjs";

let hosted;
let visitor;
let form;

visitHosted((started) => ({ hosted, visitor, form } = started));

const inPage = (fn, ...args) => visitor.run(fn, ...args);

/** A site's page, on which nobody is logged in yet. */
async function open(before = "", more = "") {
  // What the last test's people left.
  await visitor.browser.forgetCookies();
  await visitor.open(`<script>localStorage.clear()</script><main id="page"><h1>A site</h1><button id="enter">Enter</button></main>
${before}
<script src="${hosted.url}/assets/micro.js" crossorigin></script>
<script>
  ${more}
  window.called = 0;
  window.ends = [];
  window.enter = () => Micro.requireLogin(() => called++).then(() => ends.push("in"), ({ id }) => ends.push(id));
  document.getElementById("enter").onclick = enter;
</script>`);
}

/** Opens the dialog as a visitor does: by the page's button. */
async function openForm() {
  await inPage(() => document.getElementById("enter").focus());
  await visitor.press(Key.ENTER);
  return form.titled("Log in");
}

const whoIsIt = () => inPage(() => ({ loggedIn: Micro.isLoggedIn(), user: Micro.user ?? null, called, ends }));

test("somebody signs up by keyboard alone, and the page notices nothing but that they are there", async () => {
  await open(`<style>
  * { color: rgb(1, 2, 3); } body > * { display: flex; margin: 50px; text-transform: uppercase; }</style>
  <script>
    window.keys = [];
    for (const type of ["keydown", "keyup", "keypress"]) addEventListener(type, ({ key }) => keys.push(key));
    window.clicks = 0;
    document.getElementById("page").addEventListener("click", () => clicks++);
  </script>`);
  const email = hosted.address();
  await inPage(() => {
    window.body = [...document.body.children].map((child) => child.outerHTML);
    window.globals = Object.keys(window);
    // The last one is the driver's.
    window.own = ["globals", "own", "look", "ret_nodes"];
    window.look = JSON.stringify(Object.entries(getComputedStyle(document.getElementById("page"))));
  });
  const first = await openForm();
  assert.deepEqual(first, {
    title: "Log in",
    lead: "",
    alert: "",
    status: "",
    fields: ["E-mail or user name", "Password"],
    buttons: ["Log in", "Forgot your password?", "Sign up"],
    focus: "E-mail or user name",
  });
  await inPage(() => (keys.length = 0));
  await form.choose("Sign up");
  assert.equal((await form.titled("Sign up")).focus, "E-mail");
  await form.fill({ "E-mail": email });
  const sent = await form.titled("Check your e-mail");
  assert.ok(sent.lead.includes(email), sent.lead);
  assert.equal(sent.focus, "Code");
  await form.fill({ Code: await hosted.postbox.code(email), "New password": PASSWORD });
  await form.gone();
  assert.deepEqual(await whoIsIt(), {
    loggedIn: true,
    user: { user_id: email, namespace: "micro" },
    called: 1,
    ends: ["in"],
  });
  // Not a key of it was for the page, nothing of the page is another, and the focus is where it was.
  assert.deepEqual(
    await inPage(() => ({
      keys: keys.filter((key) => key.length === 1),
      body: JSON.stringify([...document.body.children].map((child) => child.outerHTML)) === JSON.stringify(body),
      globals: Object.keys(window).filter((name) => ![...globals, ...own].includes(name)),
      look: look === JSON.stringify(Object.entries(getComputedStyle(document.getElementById("page")))),
      focus: document.activeElement.id,
    })),
    { keys: [], body: true, globals: [], look: true, focus: "enter" },
  );
  // Who that is, the server knows as well.
  const texts = await inPage(async (email) => {
    const { chat_id } = await Micro.post("/chat/New", "", { user_ids: [email, "ben"] });
    const handle = Micro.connect("/chat/Connect", "", { chat_id, user_id: email });
    await handle.send("hello");
    return (await Micro.get("/chat/History", "", { chat_id })).messages.map(({ user_id, text }) => [user_id, text]);
  }, email);
  assert.deepEqual(texts, [[email, "hello"]]);
  assert.deepEqual((await visitor.shown()).uncaught, []);
});

test("somebody who has an account logs in by it, under any name of theirs, and once is enough", async () => {
  const email = await hosted.somebody();
  await open();
  await openForm();
  await form.fill({ "E-mail or user name": ` ${email.toUpperCase()} `, Password: PASSWORD });
  await form.gone();
  await inPage(() => enter());
  assert.deepEqual(await whoIsIt(), {
    loggedIn: true,
    user: { user_id: email, namespace: "micro" },
    called: 2,
    ends: ["in", "in"],
  });
});

test("who logs out is nobody, and is asked again", async () => {
  const email = await hosted.somebody();
  await open();
  await openForm();
  await form.fill({ "E-mail or user name": email, Password: PASSWORD });
  await form.gone();
  await inPage(() => Micro.logout());
  assert.deepEqual(await whoIsIt(), { loggedIn: false, user: null, called: 1, ends: ["in"] });
  await openForm();
});

for (const [how, close] of Object.entries({
  "the Escape key": () => form.press(Key.ESCAPE),
  "its button": () => form.choose("Close"),
})) {
  test(`whoever closes it by ${how} is not logged in, and all who waited are told`, async () => {
    await open();
    await openForm();
    const shared = await inPage(() => {
      void enter();
      return document.querySelectorAll("micro-chat-login").length;
    });
    assert.equal(shared, 1, "both wait for one dialog");
    await close();
    await form.gone();
    await visitor.until(() => ends.length === 2);
    const cancelled = "client.LoginCancelled";
    assert.deepEqual(await whoIsIt(), { loggedIn: false, user: null, called: 0, ends: [cancelled, cancelled] });
    assert.equal(await inPage(() => document.activeElement.id), "enter");
    // It can be opened again, and a callback that wants to hear of it does.
    await inPage(() => {
      window.heard = [];
      Micro.requireLogin((data, error) => heard.push([data ?? null, error?.id])).catch(() => {});
    });
    await form.titled("Log in");
    await form.press(Key.ESCAPE);
    await visitor.until(() => heard.length === 1);
    assert.deepEqual(await inPage(() => heard), [[null, cancelled]]);
  });
}

test("a page that takes the dialog away has closed it, and may have another", async () => {
  await open();
  await openForm();
  await inPage(() => document.querySelector("micro-chat-login").remove());
  await visitor.until(() => ends.length === 1);
  assert.deepEqual(await inPage(() => ends), ["client.LoginCancelled"]);
  await openForm();
  await form.press(Key.ESCAPE);
  await form.gone();
});

test("what goes wrong is said in words, at the place where it can be put right", async () => {
  const email = await hosted.somebody();
  await open();
  await openForm();
  const says = async (what, alert, focus) => {
    // What it said before may be the same words.
    let shown;
    const isSo = async () => {
      shown = await form.shown();
      return shown.alert === alert && shown.focus === focus;
    };
    await visitor.browser.driver.wait(isSo, 60_000).catch(() => {});
    assert.deepEqual([shown.alert, shown.focus], [alert, focus], what);
  };
  await form.press(Key.ENTER);
  await says("nothing filled in", "Please fill this in.", "E-mail or user name");
  await form.fill({ "E-mail or user name": email });
  await says("no password", "Please fill this in.", "Password");
  await form.fill({ Password: "wrong horse battery" });
  await says("wrong password", "The name or the password is wrong.", "Password");
  await form.choose("Sign up");
  await form.titled("Sign up");
  await form.fill({ "E-mail": "nobody" });
  await says("no address", "This is not an e-mail address.", "E-mail");
  const other = hosted.address();
  await form.fill({ "E-mail": other });
  await form.titled("Check your e-mail");
  await form.fill({ Code: "00000000", "New password": "short" });
  await says("a short password", "Use 8 characters or more.", "New password");
  const code = await hosted.postbox.code(other);
  await form.fill({ "New password": PASSWORD });
  await says("a wrong code", "The code is wrong or too old.", "Code");
  await form.choose("Send another code");
  await visitor.until(
    () => document.querySelector("micro-chat-login").shadowRoot.querySelector("[role=status]").textContent[0] === "A",
  );
  assert.equal((await form.shown()).status, "Another code is on its way.");
  await hosted.postbox.code(other, 2);
  // Its server goes away in the middle of it.
  await hosted.server.stop();
  await form.fill({ Code: code, "New password": PASSWORD });
  await visitor.until(
    () => document.querySelector("micro-chat-login").shadowRoot.querySelector("[role=alert]").textContent !== "",
  );
  assert.equal((await form.shown()).alert, "The server can't be reached. Check your connection and try again.");
  await hosted.server.restart();
  assert.deepEqual((await visitor.shown()).uncaught, []);
});

test("whoever guesses too often is told to wait, and for how long", async () => {
  await open();
  const id = "guessed@example.org";
  let waits = 0;
  // Nobody types so fast.
  for (let tries = 0; tries < 40 && !waits; tries++) {
    const body = JSON.stringify({ id, secret: `guess ${tries} of many` });
    const answer = await (await fetch(`${hosted.url}/auth/Auth/Token`, { method: "POST", body })).json();
    if (answer.Id === "auth.TooManyAttempts") waits = answer.retry_after;
  }
  assert.ok(waits > 0, `${waits}`);
  await openForm();
  await form.fill({ "E-mail or user name": id, Password: PASSWORD });
  assert.match(await form.complaint(), /^Too many attempts\. Try again in \d+ (second|minute)s?\.$/);
});

test("who forgot the password gets another, which logs them in and makes the old one void", async () => {
  const email = await hosted.somebody();
  await open();
  await openForm();
  await form.choose("Forgot your password?");
  await form.titled("New password");
  await form.fill({ "E-mail": email });
  await form.titled("Check your e-mail");
  await form.fill({ Code: await hosted.postbox.code(email, 2), "New password": "another horse battery" });
  await form.gone();
  assert.equal((await whoIsIt()).user.user_id, email);
  await assert.rejects(hosted.server.post("/auth/Auth/Token", { id: email, secret: PASSWORD }), /WrongCredentials/);
});

test("whether an address has an account, the dialog does not tell", async () => {
  const known = await hosted.somebody();
  const seen = [];
  for (const email of [known, hosted.address()]) {
    await open();
    await openForm();
    await form.choose("Sign up");
    await form.titled("Sign up");
    await form.fill({ "E-mail": email });
    const { lead, ...shown } = await form.titled("Check your e-mail");
    seen.push({ ...shown, lead: lead.replace(email, "") });
  }
  assert.deepEqual(seen[0], seen[1]);
});

test("a page has its own words, and every one of them can be another", async () => {
  await open(
    "",
    `Micro.configure({ words: { lang: "de", login: "Anmelden", user: "Name", missing: "Bitte ausfüllen." } });`,
  );
  await inPage(() => void enter());
  const { fields, buttons } = await form.titled("Anmelden");
  assert.deepEqual(
    [fields, buttons],
    [
      ["Name", "Password"],
      ["Anmelden", "Forgot your password?", "Sign up"],
    ],
  );
  await form.press(Key.ENTER);
  assert.equal(await form.complaint(), "Bitte ausfüllen.");
  assert.equal(
    await inPage(() => document.querySelector("micro-chat-login").shadowRoot.querySelector("dialog").lang),
    "de",
  );
});

test("where nobody may sign up, nobody is asked to; where there are no accounts, the page is told what is missing", async () => {
  await open("", `Micro.configure({ namespace: "staff" });`);
  await inPage(() => void enter());
  assert.deepEqual((await form.titled("Log in")).buttons, ["Log in", "Forgot your password?"]);
  await open("", `Micro.configure({ namespace: "elsewhere" });`);
  await inPage(() => enter());
  assert.deepEqual(await whoIsIt(), { loggedIn: false, user: null, called: 0, ends: ["client.LoginUnavailable"] });
});

test("a screen reader is told what it is, what each field is, and what is wrong with it", async () => {
  await open();
  await openForm();
  const { driver } = visitor.browser;
  const root = await driver.executeScript("return document.querySelector('micro-chat-login').shadowRoot");
  const { By } = await import("selenium-webdriver");
  const find = (selector) => root.findElement(By.css(selector));
  const dialog = await find("dialog");
  assert.deepEqual([await dialog.getAriaRole(), await dialog.getAccessibleName()], ["dialog", "Log in"]);
  for (const [selector, roles, name, autocomplete] of [
    ["#id", ["textbox"], "E-mail or user name", "username"],
    // Of no role by the standard; some browsers give it that of other fields.
    ["#secret", ["textbox", ""], "Password", "current-password"],
  ]) {
    const input = await find(selector);
    const role = await input.getAriaRole();
    assert.ok(roles.includes(role), `${selector} is a ${role}`);
    assert.deepEqual([await input.getAccessibleName(), await input.getAttribute("autocomplete")], [name, autocomplete]);
  }
  assert.equal(await (await find(".close")).getAccessibleName(), "Close");
  await form.press(Key.ENTER);
  await form.complaint();
  const input = await find("#id");
  assert.equal(await input.getAttribute("aria-invalid"), "true");
  assert.equal(await input.getAttribute("aria-errormessage"), "alert");
  // The page behind is not there, for eyes, keys and readers alike.
  const focused = [];
  for (let tabs = 0; tabs < 12; tabs++) {
    await form.press(Key.TAB);
    focused.push(await inPage(() => document.activeElement.tagName));
  }
  assert.ok(!focused.includes("BUTTON"), `${focused}`);
});

test("what only a login needs is loaded when somebody logs in, and not before", async () => {
  const loaded = () =>
    inPage(() =>
      performance
        .getEntriesByType("resource")
        .map(({ name }) => name)
        .filter((name) => name.includes("/login-")),
    );
  await open();
  await inPage(async () => {
    await Micro.ready;
    await Micro.post("/chat/New", "", { user_ids: ["ann"] }).catch(() => {});
  });
  assert.deepEqual(await loaded(), []);
  await openForm();
  assert.match(String(await loaded()), /\/assets\/login-[0-9a-f]+\.js$/);
  const dev = await Server.start();
  try {
    await visitor.open(`<script src="${dev.url}/assets/micro.js" crossorigin></script>`);
    await inPage(() => Micro.requireLogin());
    assert.deepEqual(await loaded(), []);
  } finally {
    await dev.remove();
  }
});

test("a page that allows next to nothing has its dialog all the same", async () => {
  const site = createServer((request, response) => {
    response.setHeader("content-security-policy", policy);
    if (request.url === "/page.js") {
      response.setHeader("content-type", "text/javascript");
      return response.end(`window.violations = [];
        addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));`);
    }
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><link rel="icon" href="data:,"><title>Strict</title><script src="/page.js"></script>
      <script src="${strict.url}/assets/micro.js"></script>`);
  }).listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = `http://127.0.0.1:${site.address().port}`;
  const strict = await Hosted.start(address);
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${strict.url} 'wasm-unsafe-eval'`,
    `connect-src ${strict.url} ${strict.url.replace("http", "ws")}`,
    "img-src data:",
    "form-action 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  try {
    const email = await strict.somebody();
    await visitor.browser.open(address);
    // Not by `run`, which the page forbids, too.
    const { driver } = visitor.browser;
    await driver.executeScript("Micro.requireLogin().then(() => (window.end = 'in'), ({ id }) => (window.end = id))");
    const dialog = "document.querySelector('micro-chat-login')?.shadowRoot.querySelector('dialog')";
    await driver.wait(() => driver.executeScript(`return !!${dialog}?.open`), 60_000);
    const style = await driver.executeScript(
      `const { display, padding } = getComputedStyle(${dialog}); return [display, padding]`,
    );
    assert.deepEqual(style, ["block", "28px"], "it has its style");
    await visitor.press(email, Key.TAB, PASSWORD, Key.ENTER);
    await driver.wait(() => driver.executeScript("return window.end"), 60_000);
    assert.equal(await driver.executeScript("return window.end"), "in");
    assert.deepEqual(await driver.executeScript("return violations"), []);
    // It can fail: what is not allowed is told.
    await driver.executeScript("document.body.setAttribute('style', 'color: red')");
    await driver.wait(() => driver.executeScript("return violations.length"), 60_000);
  } finally {
    site.closeAllConnections();
    site.close();
    await strict.remove();
  }
});

/** What is hard to read or does not fit, in the dialog as it stands. */
function flaws() {
  const dialog = document.querySelector("micro-chat-login").shadowRoot.querySelector("dialog");
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [red, green, blue] = parts(color).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return (parts(backgroundColor)[3] ?? 1) > 0 ? backgroundColor : behind(element.parentElement);
  };
  const found = [];
  for (const element of dialog.querySelectorAll("h2, p, label, button, input, span")) {
    if (!element.checkVisibility()) continue;
    const words = element.ariaLabel ?? element.value ?? element.textContent;
    const [light, dark] = [getComputedStyle(element).color, behind(element)]
      .map((color) => luminance(color) + 0.05)
      .sort((one, other) => other - one);
    if (light / dark < 4.5) found.push(`${words}: contrast ${light / dark}`);
    const box = element.getBoundingClientRect();
    if (element.tagName === "BUTTON" && box.height < 40) found.push(`${words}: ${box.height} pixels high`);
    const mayScroll = element.tagName === "INPUT" || getComputedStyle(element).display === "inline";
    if (!mayScroll && element.scrollWidth > element.clientWidth + 1) {
      found.push(`${words}: cut off`);
    }
  }
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) found.push("the dialog leaves the window");
  if (dialog.scrollWidth > dialog.clientWidth) found.push("it is too wide");
  return found;
}

test("each step can be read and fits, on a phone and on a desk, by day and by night", async () => {
  await open();
  const { browser } = visitor;
  const look = async (name) => {
    for (const width of [390, 1280]) {
      for (const colorScheme of colorSchemes) {
        await browser.screenshot(`login-${name}-${width}-${colorScheme}`, { width, height: 844, colorScheme });
        assert.deepEqual(await inPage(flaws), [], `${name}, ${width} pixels, ${colorScheme}`);
      }
    }
    await browser.look({ width: 320, height: 480 });
    assert.deepEqual(await inPage(flaws), [], `${name}, a small phone`);
    await browser.look();
  };
  const email = await hosted.somebody();
  await openForm();
  await look("1 log in");
  await form.fill({ "E-mail or user name": email, Password: "wrong horse battery" });
  await form.complaint();
  await look("2 wrong");
  await form.choose("Forgot your password?");
  await form.titled("New password");
  await look("3 forgot");
  await form.fill({ "E-mail": email });
  await form.titled("Check your e-mail");
  await look("4 reset");
  await form.choose("Back");
  await form.titled("New password");
  await form.choose("Back");
  await form.titled("Log in");
  await form.choose("Sign up");
  await form.titled("Sign up");
  await look("5 sign up");
  await form.fill({ "E-mail": `${"a-long-name-".repeat(5)}@a-long-domain-of-somebody.example.org` });
  await form.titled("Check your e-mail");
  await look("6 verify");
  await form.fill({ Code: "00000000", "New password": PASSWORD });
  await form.complaint();
  await look("7 wrong code");
  await inPage(
    () => (document.querySelector("micro-chat-login").style = "--micro-text: #bbb; --micro-background: #fff"),
  );
  assert.ok(
    (await inPage(flaws)).some((flaw) => flaw.includes("contrast")),
    "this test can fail",
  );
});
