// A component that tests can steer, and that notes what it was given at each render.

import { Activity, StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Micro } from "micro-chat/inline";
import { useChat, useConnection, type ChatOptions, type ChatView } from "micro-chat/react";

interface Props {
  chatId?: string;
  options: ChatOptions;
}

const views: ChatView[] = [];
const links: string[] = [];
const handles: ReturnType<typeof Micro.connect>[] = [];

const { connect } = Micro;
Micro.connect = (...args) => {
  const handle = connect(...args);
  handles.push(handle);
  return handle;
};

function Chat({ chatId, options }: Props) {
  views.push(useChat(chatId, options));
  return null;
}

function Link() {
  links.push(useConnection().state);
  return null;
}

const root = createRoot(document.createElement("div"));

const probe = {
  Micro,
  views,
  links,
  handles,
  /** Renders it, as a page that is asked to again. */
  render: (props: Props, mode: "visible" | "hidden" = "visible") =>
    root.render(
      <StrictMode>
        <Link />
        <Activity mode={mode}>
          <Chat {...props} />
        </Activity>
      </StrictMode>,
    ),
  unmount: () => root.render(<Link />),
  until: async (condition: () => unknown, what: string) => {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 1000) throw new Error(`never: ${what}; ${JSON.stringify([views.at(-1), links.at(-1)])}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
  /** So long that what should not come would have come. */
  settle: () => new Promise((resolve) => setTimeout(resolve, 300)),
};

declare global {
  var probe: unknown;
}
globalThis.probe = probe;
