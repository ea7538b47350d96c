// Every entry of the package, as strict TypeScript reads it.

import { Micro, MicroError, type Cursor, type Handle, type Message } from "micro-chat";
import { Micro as Inline } from "micro-chat/inline";
import wasm from "micro-chat/micro.wasm";
import { useChat, useConnection, type ChatView } from "micro-chat/react";
import "micro-chat/micro.js";

Inline.configure({ wasm: wasm satisfies string });
globalThis.Micro satisfies typeof Micro satisfies typeof Inline;

/** What is not said may be said to be so. */
export async function open(api: string | undefined, kept: Cursor | undefined): Promise<Handle> {
  Micro.configure({ api });
  const handle = await Micro.post("/chat/Connect", "micro", { chat_id: "x", user_id: "ann", after: kept }, ({ seq }) =>
    seq.toFixed(),
  );
  await handle.send({ text: "typed", subject: undefined });
  await Micro.logout({ everywhere: undefined });
  return Micro.connect("/chat/Connect", "micro", { chat_id: "x", user_id: "ann", after: handle.cursor });
}

export function useEverything(chatId: string): readonly Message[] {
  const chat: ChatView = useChat(chatId, { userId: "ann", after: { epoch: 1, seq: 2 }, own: false });
  const { state, delay } = useConnection();
  if (state === "waiting" && delay) return [];
  if (chat.error instanceof MicroError) return [];
  void chat.send({ text: "typed" }).then(({ seq }) => seq.toFixed());
  return chat.messages;
}
