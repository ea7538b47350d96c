import { Micro } from "micro-chat";

import { chat } from "../page/chat.js";

chat(Micro);
