//! Measures a running server, from outside: `npm run bench -- idle | fanout | send | hostile | all`.
//!
//! - `idle`, `fanout`, `send`, `hostile`: one measurement each,
//! - `ordinary`: users who write and read, `attack`: connections that mean harm,
//! - `target`: the server that is measured: its address, its memory, its CPU time,
//! - `machine`: what else the machine did meanwhile,
//! - `socket`: one WebSocket, `dialect`: what is spoken on it, `reader`: what a reader saw, `audience`: many readers,
//! - `call`: HTTP calls over a connection that stays open, `load`: senders on a schedule,
//! - `counter`: a count that somebody waits for,
//! - `table`: what is printed.
//!
//! Load generator and server share the machine. So this program does as little as it can for a message: it looks for
//! the numbers in a frame and leaves the rest unread. What it does check, always, is that nothing is missing, doubled
//! or out of order; only that makes it fail. Times and rates are printed beside their limits and never fail a run.

mod attack;
mod audience;
mod call;
mod counter;
mod dialect;
mod fanout;
mod hostile;
mod idle;
mod load;
mod machine;
mod ordinary;
mod reader;
mod send;
mod socket;
mod table;
mod target;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use target::Target;
use tokio::time::timeout;

/// No measurement takes longer: one that hangs ends.
const LONGEST: Duration = Duration::from_secs(300);

/// Measures a running server of Micro Chat.
#[derive(Debug, Parser)]
struct Cli {
    /// Where the server listens; loopback only.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    server: SocketAddr,
    /// The server's process.
    #[arg(long)]
    pid: i32,
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// Memory of idle connections, and all of them coming back at once.
    Idle(idle::Options),
    /// One chat with many readers, in both dialects.
    Fanout(fanout::Options),
    /// Durable sends over HTTP, each delivered to the readers of its chat.
    Send(send::Options),
    /// Ordinary users beside ten thousand connections that mean harm.
    Hostile(hostile::Options),
}

/// Load goes nowhere else.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "it looks like 127.0.0.1:8080".to_owned())?;
    if address.ip().is_loopback() { Ok(address) } else { Err("only a server on loopback is measured".to_owned()) }
}

async fn measure(cli: Cli) -> anyhow::Result<()> {
    let target = Target::new(cli.server, cli.pid)?;
    let measuring = async {
        match cli.measurement {
            Measurement::Idle(options) => idle::measure(&target, &options).await,
            Measurement::Fanout(options) => fanout::measure(&target, &options).await,
            Measurement::Send(options) => send::measure(&target, &options).await,
            Measurement::Hostile(options) => hostile::measure(&target, &options).await,
        }
    };
    timeout(LONGEST, measuring).await.context("it took too long")?
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("micro-chat-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
