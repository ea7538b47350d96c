// A component that tests can steer, and that notes what it was given at each render.

// First: React looks for it while it loads.
import { replaceChat } from "./refresh";

import { Activity, StrictMode, Suspense, use } from "react";
import { createRoot } from "react-dom/client";

import { Micro } from "micro-chat/inline";
import { useChat, useConnection, type ChatOptions, type ChatView } from "micro-chat/react";

interface Props {
  chatId?: string;
  options: ChatOptions;
  /** What it waits for before it shows anything, as for data that are loaded. */
  data?: Promise<unknown>;
}

const views: ChatView[] = [];
const links: string[] = [];
const handles: ReturnType<typeof Micro.connect>[] = [];

Micro.configure({ api: Micro.params()["api"]! });

const { connect } = Micro;
Micro.connect = (...args) => {
  const handle = connect(...args);
  handles.push(handle);
  return handle;
};

/** The component, another function each time, as a development server makes it anew when its file is changed. */
const makeChat = () =>
  function Chat({ chatId, options, data }: Props) {
    const view = useChat(chatId, options);
    if (data) use(data);
    views.push(view);
    return null;
  };

const Chat = replaceChat(makeChat());

function Link() {
  links.push(useConnection().state);
  return null;
}

const root = createRoot(document.createElement("div"));

/** What a page is told in frames of one op. */
const MESSAGES = "[22,";
const ACK = "[24,";
const { parse } = JSON;

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
          <Suspense>
            <Chat {...props} />
          </Suspense>
        </Activity>
      </StrictMode>,
    ),
  /** Changes the code of the component that is shown. */
  refresh: () => void replaceChat(makeChat()),
  unmount: () => root.render(<Link />),
  until: async (condition: () => unknown, what: string) => {
    for (let tries = 0; !(await condition()); tries++) {
      if (tries > 6000) throw new Error(`never: ${what}; ${JSON.stringify([views.at(-1), links.at(-1)])}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
  /** Loses what comes of one kind, as a link does that breaks at the wrong moment; without a kind, nothing any more. */
  lose: (kind?: "messages" | "acks") => {
    const op = kind && { messages: MESSAGES, acks: ACK }[kind];
    JSON.parse = (text) => (op && text.startsWith(op) ? undefined : parse(text));
  },
  /** So long that what should not come would have come. */
  settle: () => new Promise((resolve) => setTimeout(resolve, 300)),
};

declare global {
  var probe: unknown;
}
globalThis.probe = probe;
