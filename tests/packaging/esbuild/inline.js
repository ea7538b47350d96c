import { Micro } from "micro-chat/inline";

import { chat } from "../page/chat.js";

chat(Micro);
