import path from "node:path";

/** Where the packages are that this one shares with the other examples. */
const root = path.join(import.meta.dirname, "../../../..");

export default { turbopack: { root }, outputFileTracingRoot: root };
