// What `import wasm from "micro-chat/micro.wasm"` is, where a bundler makes an address of the file: for
// `Micro.configure({ wasm })`.

declare const address: string;
export default address;
