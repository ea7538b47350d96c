import path from "node:path";

import resolve from "@rollup/plugin-node-resolve";

export default {
  input: path.join(import.meta.dirname, "main.js"),
  plugins: [resolve({ browser: true })],
  output: { file: path.join(import.meta.dirname, "dist/main.js"), format: "es", inlineDynamicImports: true },
};
