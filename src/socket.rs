//! One WebSocket.

use crate::page::Page;
use micro_chat_wire::{SUBPROTOCOL, close};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    // Not web-sys's: this one's `send` takes the string as JavaScript has it, instead of copying it in and out.
    #[derive(Clone)]
    type WebSocket;
    #[wasm_bindgen(constructor, catch)]
    fn new(url: &JsValue, protocol: &str) -> Result<WebSocket, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn send(this: &WebSocket, text: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &WebSocket, code: u16) -> Result<(), JsValue>;
    #[wasm_bindgen(method, setter)]
    fn set_onopen(this: &WebSocket, handler: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &WebSocket, handler: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_onclose(this: &WebSocket, handler: &JsValue);
}

/// The socket in use, if there is one. Its handlers are the page's and live as long as the client, so that a reconnect
/// allocates nothing that would have to be freed.
#[derive(Default)]
pub struct Socket {
    /// The browser's socket.
    inner: RefCell<Option<WebSocket>>,
}

impl Socket {
    /// Opens a socket to `url` in place of the one in use; its events go to the handlers of `page`.
    pub fn open(&self, url: &JsValue, page: &Page) -> Result<(), JsValue> {
        self.close();
        let socket = WebSocket::new(url, SUBPROTOCOL)?;
        socket.set_onopen(&page.onopen());
        socket.set_onmessage(&page.onmessage());
        // An `error` event says nothing that the `close` event behind it doesn't.
        socket.set_onclose(&page.onclose());
        *self.inner.borrow_mut() = Some(socket);
        Ok(())
    }

    /// Sends a text frame. What can't be sent is lost with its socket, whose close event follows.
    pub fn send(&self, text: &JsValue) {
        // Not in the condition: the borrow would last as long as the page's `send`, where it has one of its own.
        let socket = self.inner.borrow().clone();
        if let Some(socket) = socket {
            let _ = socket.send(text);
        }
    }

    /// Closes the socket, which says nothing more from here on: first its handlers go, then it does.
    pub fn close(&self) {
        if let Some(socket) = self.inner.take() {
            socket.set_onopen(&JsValue::NULL);
            socket.set_onmessage(&JsValue::NULL);
            socket.set_onclose(&JsValue::NULL);
            let _ = socket.close(close::NORMAL);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}
