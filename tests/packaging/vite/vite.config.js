export default {
  // Up to Vite 7 it moves dependencies' scripts while developing, but not the wasm beside them.
  optimizeDeps: { exclude: ["micro-chat"] },
};
