import { Micro } from "micro-chat";
import wasm from "micro-chat/micro.wasm";

import { chat } from "../page/chat.js";

// esbuild knows where it has put the file.
Micro.configure({ wasm });
await chat(Micro);
