//! The server over real HTTP and real WebSockets, as the world sees it: bytes in, bytes out.

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
mod keys;
mod life;
mod limits;
mod members;
mod removed;
mod renewal;
mod resume;
mod running;
mod session;
mod slowed;
mod tokens;
