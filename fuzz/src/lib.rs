//! Hostile input for every parser that reads from outside: `npm run fuzz`.
//!
//! One function a parser. Each takes any bytes, and panics where a promise is broken: nothing outside makes the server
//! or the SDK panic, what is read is what was written, and nothing that is wrong is taken for right. `corpus/` keeps
//! inputs that once reached something new; `tests/replay.rs` tries them all again with every `npm test`.
//!
//! - [`session`]: frames of the session dialect, [`gateway`]: messages of the gateway dialect,
//! - [`call()`]: queries, headers and bodies of HTTP calls,
//! - [`token()`]: tokens and what they claim, [`keys()`]: the keys that an identity provider publishes,
//! - [`config()`]: the command line and the configuration file,
//! - [`engine()`]: what a server says to the SDK's session engine.

#![forbid(unsafe_code)]

mod call;
mod config;
mod engine;
mod frame;
mod token;

use std::collections::BTreeMap;

use micro_chat_server::api::fault::Fault;
use serde::de::IgnoredAny;

pub use call::call;
pub use config::config;
pub use engine::engine;
pub use frame::{gateway, session};
pub use token::{keys, token};

/// A parser, and what tries it.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 7] = [
    ("session", session),
    ("gateway", gateway),
    ("call", call),
    ("token", token),
    ("keys", keys),
    ("config", config),
    ("engine", engine),
];

/// What is refused is the caller's mistake, and is said in the form that all errors have.
fn is_told(fault: &Fault) {
    let body = fault.body();
    assert!((400..500).contains(&body.code), "{body:?}");
    assert!(!body.id.is_empty() && body.detail.len() > 10, "{body:?}");
    let text = serde_json::to_string(&body).expect("an error is JSON");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

/// Whether this is JSON of an object. Numbers may be larger than any field of ours: nobody reads them.
fn is_object(text: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(text).is_ok()
}
