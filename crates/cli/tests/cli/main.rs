//! The program against the real server: what is typed, what is printed, and what is stored.

mod account;
mod chat;
mod connect;
mod desk;
mod housekeeping;
mod import;
mod imported;
mod manual;
mod namespace;
mod piped;
mod place;
mod readers;
mod relay;
mod terminal;

// The servers that the server's own tests run, with and without accounts.
#[allow(dead_code)]
#[path = "../../../server/tests/server/guarded.rs"]
mod guarded;
#[allow(dead_code)]
#[path = "../../../server/tests/server/hosted.rs"]
mod hosted;
#[allow(dead_code)]
#[path = "../../../server/tests/server/postbox.rs"]
mod postbox;
#[allow(dead_code)]
#[path = "../../../server/tests/server/running.rs"]
mod running;
