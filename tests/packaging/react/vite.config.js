export default {
  // Vite moves dependencies' scripts while developing, but not the wasm beside them.
  optimizeDeps: { exclude: ["micro-chat"] },
};
