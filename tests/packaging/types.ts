// Every entry of the package, as strict TypeScript reads it.

import { Micro, MicroError, type Message } from "micro-chat";
import { Micro as Inline } from "micro-chat/inline";
import wasm from "micro-chat/micro.wasm";
import { useChat, useConnection, type ChatView } from "micro-chat/react";
import "micro-chat/micro.js";

Inline.configure({ wasm: wasm satisfies string });
globalThis.Micro satisfies typeof Micro satisfies typeof Inline;

export function useEverything(chatId: string): readonly Message[] {
  const chat: ChatView = useChat(chatId, { userId: "ann", after: { epoch: 1, seq: 2 }, own: false });
  const { state, delay } = useConnection();
  if (state === "waiting" && delay) return [];
  if (chat.error instanceof MicroError) return [];
  void chat.send({ text: "typed" }).then(({ seq }) => seq.toFixed());
  return chat.messages;
}
