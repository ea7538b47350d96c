//! The server over real HTTP and real WebSockets, as the world sees it: bytes in, bytes out.

mod accounts;
mod assets;
mod bad_input;
mod chat;
mod chats;
mod config;
mod connections;
mod cost;
mod gateway;
mod groups;
mod guarded;
mod hosted;
mod keys;
mod life;
mod limits;
mod members;
mod postbox;
mod removed;
mod renewal;
mod resume;
mod running;
mod session;
mod slowed;
mod tokens;
