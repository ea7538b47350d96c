//! The Rust side of the SDK in a real browser: `npm test -- wasm`. Nothing here has a server; what happens with one is
//! tested through the page's API.
#![cfg(target_arch = "wasm32")]

mod client;
mod error;
mod frame;
mod http;
mod page;

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Nobody listens here: the port is reserved for a protocol that is gone, and browsers let one try.
const CLOSED: &str = "127.0.0.1:2";

#[wasm_bindgen_test]
fn streams_are_known_by_their_paths() {
    let streams = |path: &str| micro_chat::streams(&JsValue::from(path).unchecked_into());
    for path in ["/chat/Connect", "chat/Connect", "/chat/Chat/Connect", "v1/chat/Connect", "/v1/chat/Chat/Connect"] {
        assert!(streams(path), "{path}");
    }
    // The last one's letters are those of another, but for what a byte can't hold.
    for path in ["/chat/New", "", "/", "chat/connect", "🦀/Connect", "/chat/\u{143}onnect"] {
        assert!(!streams(path), "{path}");
    }
}
