//! Durable sends: HTTP call, commit, answer, and a delivery to every reader of the chat.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::audience::Audience;
use crate::dialect::Dialect;
use crate::load::{Load, Pace};
use crate::machine::{self, Start};
use crate::table::{Limit, Table, number, percentiles, quantile};
use crate::target::Target;

/// Acknowledged messages a second, at least.
const RATE: f64 = 12_000.0;

/// The time within which 99 of 100 are answered, in milliseconds.
const ACK_P99: f64 = 15.0;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Open sockets, one reader each.
    #[arg(long, default_value_t = 1_000)]
    sockets: usize,
    /// Readers of each chat.
    #[arg(long, default_value_t = 5)]
    readers: usize,
    /// Messages a second in the open loop.
    #[arg(long, default_value_t = 12_000)]
    rate: u64,
    /// Senders of the open loop: so many calls can be open at once.
    #[arg(long, default_value_t = 256)]
    scheduled: usize,
    /// Senders of the closed loop.
    #[arg(long, default_value_t = 64)]
    senders: usize,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 200)]
    text: usize,
    /// How long each loop is measured.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Measures and prints.
pub async fn measure(target: &Target, options: &Options) -> Result<()> {
    let &Options { sockets, readers, rate, scheduled, senders, text, seconds } = options;
    let open = number(sockets as f64);
    let title = format!("send: chat.Send over HTTP, {open} sockets, {readers} readers a chat, {text} bytes");
    let table = Table::new(&title, &machine::describe()?);
    let chats = target.create_chats("owner", sockets / readers).await?;
    let audience = Audience::gather(target, Dialect::Session, &chats, chats.len() * readers).await?;
    let text = "x".repeat(text);
    let lasting = Duration::from_secs(seconds);
    let mut acked = 0;
    let loops = [
        ("warm-up, closed loop", senders, Pace::Answered, Duration::from_secs(1)),
        ("closed loop", senders, Pace::Answered, lasting),
        ("open loop", scheduled, Pace::Scheduled(rate), lasting),
    ];
    for (first, (name, senders, pace, lasting)) in (0..).step_by(1_000_000_000).zip(loops) {
        let usage = Start::now(target)?;
        let sent = Load::new(&chats, &text, first, pace, lasting).run(target, senders).await?;
        acked += sent.acked;
        audience.delivered(acked * readers as u64).await?;
        let used = usage.used(target)?;
        let name = match pace {
            Pace::Scheduled(rate) => format!("{name}, {} a second are due, {senders} senders", number(rate as f64)),
            Pace::Answered => format!("{name}, {senders} senders"),
        };
        table.section(&name);
        let per_second = (sent.acked as f64 / sent.elapsed.as_secs_f64()).round();
        let p99 = quantile(&sent.times, 0.99);
        match pace {
            // The last answers come after the schedule's end, so a rate that was kept is a little below its own.
            Pace::Scheduled(rate) if per_second > 0.995 * rate as f64 => {
                table.held("acknowledged a second, schedule kept", rate as f64, "/s", Limit::AtLeast(RATE));
                table.held("ack p99", p99, "ms", Limit::AtMost(ACK_P99));
            }
            Pace::Scheduled(_) => {
                table.held("acknowledged a second, schedule NOT kept", per_second, "/s", Limit::AtLeast(RATE));
                table.held("ack p99", p99, "ms", Limit::AtMost(ACK_P99));
            }
            Pace::Answered => table.held("acknowledged a second", per_second, "/s", Limit::AtLeast(RATE)),
        }
        table.row("ack p50 / p99 / worst", &percentiles(&sent.times));
        let cost = used.server.as_secs_f64() * 1e6 / sent.acked as f64;
        table.row("server CPU a message, its deliveries included", &format!("{cost:.1} µs"));
        table.note(&used.shares());
    }
    table.row("acknowledged in all", &number(acked as f64));
    table.row("deliveries, each of them once to each reader", &number(audience.deliveries() as f64));
    Ok(())
}
