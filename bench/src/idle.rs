//! What an idle connection costs, and what happens when all of them come back at once.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use tokio::time::sleep;

use crate::audience::Audience;
use crate::dialect::Dialect;
use crate::load::{Load, Pace};
use crate::machine::{self, Start};
use crate::table::{Limit, Table, number, percentiles};
use crate::target::{Memory, Target};

/// Bytes of a message's text.
const TEXT: usize = 200;

/// How long memory may settle before it is read.
const SETTLE: Duration = Duration::from_secs(2);

/// A heartbeat comes every 25 s: after it an idle connection has written and read once more.
const HEARTBEAT: Duration = Duration::from_secs(28);

/// Messages a second while everybody comes back, and who sends them.
const MEANWHILE: (u64, usize) = (200, 4);

/// Nobody waits longer for the herd.
const LONGEST: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Idle connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Chats that they are spread over.
    #[arg(long, default_value_t = 1_000)]
    chats: usize,
}

/// Measures and prints.
pub async fn measure(target: &Target, options: &Options) -> Result<()> {
    let &Options { connections, chats } = options;
    let (all, rooms) = (number(connections as f64), number(chats as f64));
    let title = format!("idle: {all} session connections, one subscription each, {rooms} chats");
    let table = Table::new(&title, &machine::describe()?);
    let chats = target.create_chats("owner", chats).await?;
    let before = target.memory()?;

    let opening = Instant::now();
    let audience = Audience::gather(target, Dialect::Session, &chats, connections).await?;
    table.row("all open and live after", &format!("{:.2} s", opening.elapsed().as_secs_f64()));
    table.row("server memory before, RSS / PSS", &kib(before));
    sleep(SETTLE).await;
    let live = target.memory()?;
    table.row("with all live", &kib(live));
    let each = |memory: f64, before: f64| (memory - before) / connections as f64;
    table.row("  a connection, RSS", &format!("{:.2} KiB", each(live.rss, before.rss)));
    table.row("  a connection, PSS", &format!("{:.2} KiB", each(live.pss, before.pss)));
    sleep(HEARTBEAT).await;
    let beaten = target.memory()?;
    table.row("after a heartbeat", &kib(beaten));
    table.held("  a connection, RSS (goal 5)", each(beaten.rss, before.rss), "KiB", Limit::AtMost(8.0));
    table.held("  a connection, PSS (goal 5)", each(beaten.pss, before.pss), "KiB", Limit::AtMost(8.0));

    herd(target, &table, &audience, &chats).await?;
    sleep(SETTLE).await;
    table.row("server memory after that", &kib(target.memory()?));
    Ok(())
}

/// Cuts all at once, while messages are being sent.
async fn herd(target: &Target, table: &Table, audience: &Audience, chats: &[String]) -> Result<()> {
    let (per_second, senders) = MEANWHILE;
    let load = Load::new(chats, &"x".repeat(TEXT), 0, Pace::Scheduled(per_second), LONGEST);
    let usage = Start::now(target)?;
    let (sent, after) = tokio::try_join!(load.run(target, senders), async {
        sleep(Duration::from_secs(1)).await;
        let cut = Instant::now();
        audience.cut();
        audience.joined(2 * audience.size()).await?;
        let after = cut.elapsed();
        sleep(Duration::from_secs(1)).await;
        load.stop();
        Ok(after)
    })?;
    let each = audience.size() / chats.len() as u64;
    audience.delivered(sent.acked * each).await?;
    let used = usage.used(target)?;
    table.section("all cut at once, and back with their cursors");
    table.held("all live again after", after.as_secs_f64(), "s", Limit::AtMost(5.0));
    table.row("one of them, p50 / p99 / worst", &percentiles(&audience.rejoined()));
    table.row("connections that failed and were tried again", &number(audience.retries() as f64));
    table.row("messages sent meanwhile", &number(sent.acked as f64));
    table.row("their acks, p50 / p99 / worst", &percentiles(&sent.times));
    table.row("deliveries, none missed or doubled", &number(audience.deliveries() as f64));
    table.note(&used.shares());
    Ok(())
}

fn kib(memory: Memory) -> String {
    format!("{} / {} KiB", number(memory.rss.round()), number(memory.pss.round()))
}
