//! The native client: the same session engine as in the browser, over tokio.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use micro_chat_client::{Client, Draft, Event, Start};
//!
//! let client = Client::new("ws://127.0.0.1:8080/chat/Connect", "micro", "ann");
//! let mut reading = client.subscribe("a chat's id", Start::Now);
//! let stored = reading.publisher().publish(Draft::text("Hello")).await?;
//! while let Some(event) = reading.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{} {}: {}", message.seq, message.user_id, message.text);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`]: the handle, cheap to clone; the last one to go closes the connection,
//! - `task`: owns the engine and the socket, and does what the engine decides,
//! - `reader`: who reads a chat, and what waits for them,
//! - [`frame`]: the session dialect's frames as JSON.

mod client;
pub mod frame;
mod reader;
mod task;

pub use client::{Client, Draft, Error, Event, Publisher, Reading, SEND_TIMEOUT, Start, Stored};
pub use micro_chat_session::{Cursor, Gap};
