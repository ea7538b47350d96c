// A front-end developer's page: the package, its types, a chat.

import { Micro, MicroError, type Handle, type Message } from "micro-chat";

const api = Micro.params()["api"];
if (api) Micro.configure({ api });

function show(message: Message): void {
  const line = document.createElement("li");
  line.textContent = `${message.seq} ${message.user_id}: ${message.text}`;
  document.getElementById("messages")?.append(line);
}

try {
  const { chat_id } = await Micro.post("/chat/New", "micro", { user_ids: ["ann", "ben"] });
  const chat: Handle = Micro.connect("/chat/Connect", "micro", { chat_id, user_id: "ann", after: 0, own: true }, show);
  await chat.send("from the package");
  document.title = chat_id;
} catch (error) {
  document.title = error instanceof MicroError ? error.id : String(error);
}
