import path from "node:path";

export default {
  mode: "production",
  context: import.meta.dirname,
  entry: "./main.js",
  output: { path: path.join(import.meta.dirname, "dist"), filename: "main.js" },
};
