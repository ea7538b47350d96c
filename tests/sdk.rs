//! The SDK in a real browser: `npm test -- wasm`.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn version_is_the_crates() {
    assert_eq!(micro_chat::version(), env!("CARGO_PKG_VERSION"));
}
