//! The companion server of Micro Chat.
//!
//! How a message walks: [`api`] or [`stream`] reads it, [`auth`] says whose it is → [`chat`] knows the rules →
//! [`store`] commits it and gives it its `seq` → its sender hears of it, and [`hub`] puts it into every subscriber's
//! bounded queue → `stream` writes what waits.

pub mod acme;
pub mod api;
pub mod auth;
mod broken;
pub mod certificate;
pub mod chat;
mod completion;
mod door;
pub mod hub;
pub mod limits;
pub mod logging;
pub mod mail;
pub mod metrics;
pub mod node;
pub mod options;
mod progress;
pub mod ready;
pub mod server;
pub mod store;
pub mod stream;
