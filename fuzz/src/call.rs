//! What comes by HTTP.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use axum::response::IntoResponse;
use micro_chat_server::api::fault::Fault;
use micro_chat_server::api::request::{self, Call};
use micro_chat_wire::chat::{HistoryRequest, NewRequest, SendRequest};
use micro_chat_wire::chats::{CreateChatRequest, ListMessagesRequest, SendMessageRequest};
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::limit;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::{is_object, is_told};

/// A call: its path with a query in the first line, headers' values in the second, the rest is the body.
pub fn call(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (target, header, body) = (lines.next(), lines.next(), lines.next());
    let Some(target) = target.and_then(|target| std::str::from_utf8(target).ok()) else { return };
    let (header, body) = (header.unwrap_or_default(), body.unwrap_or_default());
    let method = if body.is_empty() { Method::GET } else { Method::POST };
    let mut called = Request::builder().method(method).uri(target);
    for name in ["micro-namespace", "authorization", "x-forwarded-for", "user-id"] {
        if let Ok(value) = HeaderValue::from_bytes(header) {
            called = called.header(name, value);
        }
    }
    let Ok(called) = called.body(()) else { return };
    let (parts, ()) = called.into_parts();
    let _ = Endpoint::from_path(parts.uri.path());
    let _ = request::forwarded_for(&parts);
    match request::token(&parts) {
        Ok(token) => assert!(token.is_empty() || header.to_ascii_lowercase().starts_with(b"bearer ")),
        Err(fault) => is_told(&fault),
    }
    match request::namespace(&parts) {
        Ok(namespace) => assert!(namespace.len() <= limit::ID),
        Err(fault) => is_told(&fault),
    }
    read::<NewRequest>(&parts, body);
    read::<SendRequest>(&parts, body);
    read::<HistoryRequest>(&parts, body);
    read::<CreateChatRequest>(&parts, body);
    read::<SendMessageRequest>(&parts, body);
    read::<ListMessagesRequest>(&parts, body);
}

/// Reads it as one endpoint would.
fn read<T: DeserializeOwned>(parts: &axum::http::request::Parts, body: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    let receiving = Call::receive(parts, Body::from(body.to_vec()), |_| Ok(()));
    let received = RUNTIME.with(|runtime| runtime.block_on(receiving));
    match received.and_then(Call::read::<T>) {
        Ok(_) if body.iter().all(u8::is_ascii_whitespace) => {}
        Ok(_) => {
            assert!(body.len() <= limit::BODY);
            assert!(is_object(body));
        }
        Err(fault) => {
            is_told(&fault);
            let code = fault.body().code;
            assert_eq!(Fault::into_response(fault).status().as_u16(), code);
        }
    }
}
