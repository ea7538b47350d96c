// Messages, kept until they are read.

import { clientError, type MicroError } from "./error.js";
import type { Message } from "./types.js";

/** How many messages may wait for one iterator. */
const CAPACITY = 10_000;

/** An iterator, and what fills it. */
export interface Buffer extends AsyncIterator<Message, undefined> {
  /** Adds a message; false once it is no use any more. */
  push(message: Message): boolean;
  /** Nothing more will come: the iterator ends, or fails with `error`, behind what is left. */
  end(error?: MicroError): void;
}

/** A new buffer; `leave` is called when its reader has left. */
export function createBuffer(leave: () => void): Buffer {
  let messages: Message[] = [];
  let next = 0;
  let ended: { error?: MicroError | undefined } | undefined;
  // One promise for all who wait: they wake in the order in which they came.
  let waiting: Promise<void> | undefined;
  let wake: (() => void) | undefined;
  const end = (error?: MicroError) => {
    ended ??= { error };
    wake?.();
  };
  return {
    push(message) {
      if (messages.length - next >= CAPACITY) {
        end(clientError("Behind", `This iterator left ${CAPACITY} messages unread. Connect anew, after the last one.`));
      } else {
        messages.push(message);
        wake?.();
      }
      return !ended;
    },
    end,
    async next() {
      for (;;) {
        const message = messages[next];
        if (message) {
          // Not `shift`, which would move all the others each time.
          if (++next > 1000 && next * 2 > messages.length) {
            messages = messages.slice(next);
            next = 0;
          }
          return { value: message, done: false };
        }
        if (ended?.error) {
          const { error } = ended;
          ended = {};
          throw error;
        }
        if (ended) return { value: undefined, done: true };
        await (waiting ??= new Promise<void>((resolve) => {
          wake = () => {
            waiting = wake = undefined;
            resolve();
          };
        }));
      }
    },
    async return() {
      messages = [];
      end();
      leave();
      return { value: undefined, done: true };
    },
  };
}
