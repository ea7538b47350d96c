import type { Host, Login } from "./account.js";
export function createLogin(host: Host): Login { throw host; }
