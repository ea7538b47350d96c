// The documents' examples, live. Each of them is what stands in its box, posted to its path; below it comes what the
// server answered, untouched.

import { element } from "./element.js";

const NAMESPACE = "micro";

/** The users that real ids belong to. */
const JOHN = "John";
const BARRY = "Barry";

let chat;

/** The id of a chat with at least one message, made when the first example asks for it. */
function realChat() {
  return (chat ??= makeChat().catch((error) => {
    chat = undefined;
    throw error;
  }));
}

async function makeChat() {
  const { chat_id } = await Micro.post("/chat/Chat/New", NAMESPACE, { user_ids: [JOHN, BARRY] });
  // Always the same client_id: it is stored once, however often this page is visited.
  const first = { chat_id, client_id: "the first message", user_id: JOHN, subject: "Hello", text: "Hey Barry" };
  await Micro.post("/chat/Chat/Send", NAMESPACE, first);
  return chat_id;
}

/** `written` is what the documents have; `real` makes the same with ids that exist. */
const examples = [
  {
    service: "chat",
    method: "New",
    about: "Finds or creates the chat of these users. The same users, in any order, always get the same chat.",
    written: {},
    real: () => ({ user_ids: [JOHN, BARRY] }),
  },
  {
    service: "chat",
    method: "Send",
    about: "Sends a message to a chat. The answer comes when it is stored.",
    written: {
      chat_id: "id of the chat the message is being sent to / from",
      client_id: "a client side id, should be validated by the server to make the request retry safe",
      subject: "subject of the message",
      text: "text of the message",
      user_id: "id of the user who sent the message",
    },
    real: async () => ({
      chat_id: await realChat(),
      client_id: newId(),
      subject: "Hello",
      text: "Hey Barry",
      user_id: JOHN,
    }),
  },
  {
    service: "chat",
    method: "History",
    about: "The messages of a chat, oldest first. “limit”, “before” and “after” ask for a part of them.",
    written: { chat_id: "string" },
    real: async () => ({ chat_id: await realChat(), limit: 5 }),
  },
  {
    service: "chat",
    method: "Connect",
    about: "A stream: messages arrive as others send them. The documents have no parameters here; {} stands for them.",
    written: {},
    real: async () => ({ chat_id: await realChat(), user_id: BARRY }),
    streams: true,
  },
  {
    service: "chats",
    method: "CreateChat",
    about: "Finds or creates a chat, by its id or by its users, of whom it wants two.",
    written: { id: "The chat ID", user_ids: ["string"] },
    real: async () => ({ id: await realChat(), user_ids: [JOHN, BARRY] }),
  },
  {
    service: "chats",
    method: "SendMessage",
    about: "Sends a message. The same “id” once more gives the message that is there already.",
    written: { author_id: "string", chat_id: "string", id: "string", text: "string" },
    real: async () => ({ author_id: JOHN, chat_id: await realChat(), id: newId(), text: "Hey Barry" }),
  },
  {
    service: "chats",
    method: "ListMessages",
    about: "The messages of a chat, newest first unless “order” is “asc”.",
    written: {
      chat_id: "unique id of the chat",
      limit: 1,
      offset: 1,
      order: 'order "asc" or "desc" (defaults to reverse chronological)',
    },
    real: async () => ({ chat_id: await realChat(), limit: 5, offset: 0, order: "desc" }),
  },
];

for (const example of examples) {
  const { index, section } = build(example);
  element("index").append(index);
  element("examples").append(section);
}
// The sections weren't there yet when the browser looked for the one that the address names.
if (location.hash) element(location.hash.slice(1))?.scrollIntoView();

function build({ service, method, about, written, real, streams }) {
  const id = `${service}-${method}`;
  const path = `/${service}/${service[0].toUpperCase()}${service.slice(1)}/${method}`;

  const section = element("example").content.cloneNode(true).firstElementChild;
  const part = (name) => section.querySelector(name);
  section.id = id;
  section.setAttribute("aria-labelledby", `${id}-title`);
  part("h2").id = `${id}-title`;
  part("h2").append(tag("span", `${service} `), method);
  part(".about").textContent = about;
  for (const radio of section.querySelectorAll("input")) radio.name = `${id}-values`;

  // The documents' page around the parameters.
  part(".before").append(
    `<script src="${location.origin}/assets/micro.js"></script>\n`,
    `<script type="text/javascript">\n`,
    `  document.addEventListener("DOMContentLoaded", function (event) {\n`,
    `    // Login is only required for endpoints doing authorization\n`,
    `    Micro.requireLogin(function () {\n`,
    tag("b", `      Micro.post(\n        "${path}",\n        "${NAMESPACE}",`),
  );
  part(".after").append(
    tag("b", `        function (data) {\n          console.log("Success.");\n        }\n      );\n`),
    `    });\n  });\n</script>`,
  );
  part(".before").setAttribute("aria-label", `The example for ${method}, up to its parameters`);
  part(".after").setAttribute("aria-label", `The rest of the example for ${method}`);

  const params = part(".params");
  params.setAttribute("aria-label", `Parameters of ${method}`);
  params.addEventListener("input", () => fit(params));
  const fill = (values) => {
    params.value = JSON.stringify(values, null, 2);
    fit(params);
  };
  const show = (kind, verdict, value) => {
    part(".answer").className = `answer ${kind}`;
    part(".verdict").textContent = verdict;
    part(".body").hidden = value === undefined;
    part(".body").textContent = value === undefined ? "" : JSON.stringify(value, null, 2);
  };
  const fail = (error) => show("bad", `Error ${error.code || ""}`.trim(), received(error));

  part("[value=written]").addEventListener("click", () => fill(written));
  part("[value=real]").addEventListener("click", async () => {
    try {
      fill(await real());
    } catch (error) {
      fail(error);
      part("[value=written]").checked = true;
    }
  });
  fill(written);
  const unchanged = params.value;
  // At first, what succeeds. Where the server lets nobody make a chat yet, it stays as written.
  Promise.resolve(real()).then(
    (values) => {
      if (params.value !== unchanged) return;
      fill(values);
      part("[value=real]").checked = true;
    },
    () => {},
  );
  // Fonts and widths are known only once the section is on the page.
  // In the next frame, as it changes the section once more.
  new ResizeObserver(() => requestAnimationFrame(() => fit(params))).observe(section);

  const call = streams ? stream(section, show, fail) : post;
  part(".run").addEventListener("click", () => {
    let request;
    try {
      request = JSON.parse(params.value);
    } catch (error) {
      return show("bad", `The box does not hold JSON: ${error.message}`);
    }
    show("", "Running…");
    Micro.requireLogin(() => call(path, request)).catch(fail);
  });

  async function post(path, request) {
    try {
      show("good", "Answer", await Micro.post(path, NAMESPACE, request));
    } catch (error) {
      fail(error);
    }
  }

  const link = tag("a", `${service} ${method}`);
  link.href = `#${id}`;
  const index = document.createElement("li");
  index.append(link);
  return { index, section };
}

/** Connect goes on: what arrives is listed, and somebody else can be made to say something. */
function stream(section, show, fail) {
  const form = element("stream").content.cloneNode(true).firstElementChild;
  const part = (name) => form.querySelector(name);
  section.querySelector(".answer").after(form);
  let handle;
  let chat_id;
  let latest = 0;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await Micro.post("/chat/Chat/Send", NAMESPACE, { chat_id, user_id: JOHN, text: part(".field").value });
    } catch (error) {
      fail(error);
    }
  });
  part(".stop").addEventListener("click", () => handle.close());

  return async function connect(path, request) {
    handle?.close();
    part(".arrived").replaceChildren();
    form.hidden = true;
    chat_id = request?.chat_id;
    show("", "Connecting…");
    const run = (latest += 1);
    let opened;
    try {
      // Posting to a stream opens it.
      opened = await Micro.post(path, NAMESPACE, request, (message) => {
        part(".arrived").append(tag("li", JSON.stringify(message, null, 2)));
      });
    } catch (error) {
      return fail(error);
    }
    if (run !== latest) return opened.close();
    handle = opened;
    form.hidden = false;
    const showState = ({ state, delay }) => {
      const words = {
        connecting: "Connecting…",
        live: "Connected. What others send arrives here:",
        waiting: `No connection; next try in ${Math.ceil((delay ?? 0) / 1000)} s.`,
        offline: "No network.",
        closed: "Closed.",
      };
      show(state === "live" ? "good" : "", words[state]);
    };
    showState(handle);
    handle.on("state", showState);
    handle.on("error", fail);
    handle.on("close", () => (form.hidden = true));
  };
}

/** An error as `Micro.post` rejects with it. */
function received(error) {
  const { id, code, detail, status } = error;
  return id ? { id, code, detail, status } : String(error);
}

/** As high as what is in it. */
function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}

function tag(name, text) {
  const part = document.createElement(name);
  part.textContent = text;
  return part;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
