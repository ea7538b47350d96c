"use client";
// A component with a chat in it, which Vite's page and Next's show.

import { useEffect, useState } from "react";

import { Micro } from "micro-chat";
import { useChat, useConnection } from "micro-chat/react";

export function Chat() {
  const [chatId, setChatId] = useState<string>();
  const { messages, pending, send, state, error } = useChat(chatId, { namespace: "micro", userId: "ann", after: 0 });
  const connection = useConnection();

  useEffect(() => {
    const api = Micro.params()["api"];
    if (api) Micro.configure({ api });
    let isShown = true;
    void Micro.post<{ chat_id: string }>("/chat/New", "micro", { user_ids: ["ann", "ben"] }).then(({ chat_id }) => {
      if (isShown) setChatId(chat_id);
    });
    return () => {
      isShown = false;
    };
  }, []);

  useEffect(() => {
    if (!chatId) return;
    send("from the package").catch(() => {});
    document.title = chatId;
  }, [chatId, send]);

  return (
    <section data-state={state} data-connection={connection.state}>
      {error && <p role="alert">{error.detail}</p>}
      <ol id="messages">
        {messages.map(({ seq, user_id, text }) => (
          <li key={seq}>{`${seq} ${user_id}: ${text}`}</li>
        ))}
      </ol>
      {pending.length > 0 && <p>{pending.length} on the way</p>}
    </section>
  );
}
