//! One chat with many readers: what a delivery costs the server, and how long it takes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::audience::Audience;
use crate::dialect::Dialect;
use crate::machine::{self, Start};
use crate::reader::Reader;
use crate::socket::Socket;
use crate::table::{Limit, Table, number, percentiles};
use crate::target::Target;

/// Messages before anything is measured.
const WARM_UP: u64 = 100;

/// Until the last stragglers are there.
const SETTLE: Duration = Duration::from_millis(500);

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Readers of the one chat.
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 200)]
    text: usize,
    /// How long each row is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Messages a second where it is paced.
    #[arg(long, default_value_t = 20)]
    pace: u64,
}

/// Measures and prints, both dialects.
pub async fn measure(target: &Target, options: &Options) -> Result<()> {
    let readers = number(options.readers as f64);
    let title = format!("fanout: one chat, {readers} readers, messages of {} bytes", options.text);
    let table = Table::new(&title, &machine::describe()?);
    for dialect in [Dialect::Session, Dialect::Gateway] {
        table.section(&format!("{} dialect", dialect.name()));
        let mut room = Room::open(target, dialect, options).await?;
        for (in_flight, limit) in [(1, 120_000.0), (16, 1_000_000.0)] {
            room.burst(target, &table, in_flight, limit).await?;
        }
        room.paced(target, &table, options.pace).await?;
    }
    Ok(())
}

/// A chat with its readers and the one who publishes.
struct Room {
    audience: Audience,
    frames: mpsc::Sender<Vec<String>>,
    dialect: Dialect,
    text: String,
    lasting: Duration,
    /// Messages published so far: nobody else does, so it is the last `seq`.
    last: u64,
}

impl Room {
    async fn open(target: &Target, dialect: Dialect, options: &Options) -> Result<Self> {
        let chats = target.create_chats(dialect.name(), 1).await?;
        let chat_id = chats.first().context("a chat")?;
        let (frames, outbound) = mpsc::channel(1);
        let mut socket = Socket::open(target.address, 0, dialect).await?;
        socket.write(dialect.join(chat_id, "publisher", None)).await?;
        tokio::spawn(publish(socket, dialect, outbound));
        let audience = Audience::gather(target, dialect, &chats, options.readers).await?;
        let mut room = Self {
            audience,
            frames,
            dialect,
            text: "x".repeat(options.text),
            lasting: Duration::from_secs(options.seconds),
            last: 0,
        };
        let mut warm_up = interval(Duration::from_millis(20));
        while room.last < WARM_UP || room.audience.joins() < room.audience.size() {
            warm_up.tick().await;
            room.publish(1).await?;
        }
        sleep(SETTLE).await;
        Ok(room)
    }

    /// Publishes so many messages in one go.
    async fn publish(&mut self, count: u64) -> Result<()> {
        let numbers = self.last + 1..=self.last + count;
        let frames = numbers.map(|number| self.dialect.publish(number, &self.text)).collect();
        self.last += count;
        self.frames.send(frames).await.context("the publisher's connection has ended")
    }

    /// Sends so many messages, waits until every reader has all of them, and again.
    async fn burst(&mut self, target: &Target, table: &Table, in_flight: u64, limit: f64) -> Result<()> {
        let (before, frames) = (self.audience.deliveries(), self.audience.frames());
        let mut goal = before;
        let usage = Start::now(target)?;
        let start = Instant::now();
        while start.elapsed() < self.lasting {
            self.publish(in_flight).await?;
            goal += in_flight * self.audience.size();
            self.audience.delivered(goal).await?;
        }
        let used = usage.used(target)?;
        let deliveries = (goal - before) as f64;
        let each = deliveries / used.server.as_secs_f64();
        let what = format!("deliveries a server CPU-second, {in_flight} in flight");
        table.held(&what, each, "/s", Limit::AtLeast(limit));
        table.row("  deliveries a second", &number((deliveries / used.elapsed.as_secs_f64()).round()));
        let coalesced = deliveries / (self.audience.frames() - frames) as f64;
        table.row("  messages a frame", &format!("{coalesced:.2}"));
        table.note(&used.shares());
        Ok(())
    }

    /// Sends so many messages a second.
    async fn paced(&mut self, target: &Target, table: &Table, pace: u64) -> Result<()> {
        let before = self.audience.deliveries();
        let count = 2 * pace * self.lasting.as_secs();
        self.audience.time(self.last + 1, usize::try_from(count)?);
        let mut ticks = interval(Duration::from_secs_f64(1.0 / pace as f64));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let usage = Start::now(target)?;
        for _ in 0..count {
            ticks.tick().await;
            self.audience.sending(self.last + 1);
            self.publish(1).await?;
        }
        self.audience.delivered(before + count * self.audience.size()).await?;
        let used = usage.used(target)?;
        let what = format!("publish → deliver at {pace} a second, p50 / p99 / worst");
        table.row(&what, &percentiles(&self.audience.times()));
        table.note(&used.shares());
        Ok(())
    }
}

/// The publisher's connection: writes what it is given, and checks what it hears.
async fn publish(mut socket: Socket, dialect: Dialect, mut outbound: mpsc::Receiver<Vec<String>>) -> Result<()> {
    let mut reader = Reader::new(dialect);
    loop {
        tokio::select! {
            frames = outbound.recv() => match frames {
                Some(frames) => socket.write(frames).await?,
                None => return Ok(()),
            },
            frame = socket.read() => {
                reader.see(&frame?)?;
            }
        }
    }
}
