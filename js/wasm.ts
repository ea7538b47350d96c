// What `import wasm from "micro-chat/micro.wasm"` is, where a bundler makes an address of the file: for
// `Micro.configure({ wasm })`.

/** Where the file is. */
declare const address: string;
export default address;
