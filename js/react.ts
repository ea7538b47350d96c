"use client";
// The entry `micro-chat/react`: hooks on `Micro.connect`, and nothing but that.

import { useState, useSyncExternalStore } from "react";

import { page, type Connection } from "./link.js";
import { createView, type ChatView } from "./view.js";
import type { Cursor } from "./index.js";

/** What `useChat` connects with. */
export interface ChatOptions {
  /** Who reads and sends. While there is nobody, nothing is opened. */
  userId: string | undefined;
  /** The namespace of the chat. */
  namespace?: string | undefined;
  /**
   * Begin behind this message: its `seq`, or a kept cursor. 0 is from the start; without it, from now on. It is where
   * the chat begins; what it is later, changes nothing.
   */
  after?: number | Cursor | undefined;
  /** Whether `messages` has what is sent here, too; yes, unless this is false. */
  own?: boolean | undefined;
}

/**
 * Opens a chat while the component is there, and renders it anew when something has changed. While `chatId` is
 * undefined, nothing is opened. Another chat, user or namespace begins anew.
 */
export function useChat(chatId: string | undefined, options: ChatOptions): ChatView {
  const { userId, namespace, after, own = true } = options;
  // Without `after`: that follows the messages where a page keeps it.
  const asked = [chatId, userId, namespace, own];
  const begin = () => ({ asked, view: createView({ chat_id: chatId, user_id: userId, namespace, after, own }) });
  // State, for React may forget what `useMemo` keeps, and does when a page's code is changed under it: with it would go
  // what was shown, and where the next handle goes on.
  const [kept, keep] = useState(begin);
  let { view } = kept;
  if (asked.some((part, place) => !Object.is(part, kept.asked[place]))) {
    const next = begin();
    keep(next);
    view = next.view;
  }
  return useSyncExternalStore(view.subscribe, view.now, view.initial);
}

/** How the page is connected, for a line like "No network". */
export const useConnection = (): Connection => useSyncExternalStore(page.subscribe, page.now, page.initial);

export type { ChatView, Connection };
