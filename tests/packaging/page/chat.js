// What each page does, whatever made it: opens a chat, sends, and shows what comes.

/** Chats through `Micro`, wherever that was imported from. The page's title is the chat's id. */
export async function chat(Micro) {
  Micro.configure({ api: Micro.params().api });
  const { chat_id } = await Micro.post("/chat/New", "micro", { user_ids: ["ann", "ben"] });
  const handle = Micro.connect(
    "/chat/Connect",
    "micro",
    { chat_id, user_id: "ann", after: 0, own: true },
    (message) => {
      const line = document.createElement("li");
      line.textContent = `${message.seq} ${message.user_id}: ${message.text}`;
      document.getElementById("messages").append(line);
    },
  );
  await handle.send("from the package");
  document.title = chat_id;
}
