//! Many readers at once, each on a connection of its own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::counter::Counter;
use crate::dialect::Dialect;
use crate::reader::{Reader, Seen};
use crate::socket::Socket;
use crate::table::histogram;
use crate::target::Target;

/// Connections that are being opened at once, until all are wanted at once.
const OPENING: usize = 256;

/// Long enough for anything that should happen: what comes later counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first wait after a connection that failed, doubled each time, and the last: as the protocol asks.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));

/// Readers, each of one chat.
#[derive(Debug)]
pub struct Audience {
    size: u64,
    tally: Arc<Tally>,
    doors: Arc<Semaphore>,
    cut: watch::Sender<Instant>,
    /// The readers leave when it is dropped.
    _tasks: JoinSet<()>,
}

/// What all readers together saw.
#[derive(Debug)]
struct Tally {
    /// Readers that joined; one that comes back joins again.
    joined: Counter,
    delivered: Counter,
    /// Frames that brought messages.
    frames: AtomicU64,
    /// Connections that failed before they had joined.
    retries: AtomicU64,
    /// Why the last of them did.
    failure: Mutex<Option<anyhow::Error>>,
    /// From the cut until a reader had joined again. Before a cut: since the beginning.
    rejoined: Mutex<Histogram<u64>>,
    /// When messages were sent, where that is measured.
    clock: OnceLock<Clock>,
    /// What must not happen.
    broken: Mutex<Vec<String>>,
}

/// When each message was sent, and how long each delivery took.
#[derive(Debug)]
struct Clock {
    began: Instant,
    /// The `seq` of the first message.
    first: u64,
    /// Nanoseconds after the beginning; 0: not sent yet.
    sent: Box<[AtomicU64]>,
    times: Mutex<Histogram<u64>>,
}

impl Audience {
    /// Opens the connections, spread evenly over the chats. In the session dialect it waits until all have joined.
    pub async fn gather(target: &Target, dialect: Dialect, chats: &[String], size: usize) -> Result<Self> {
        let tally = Arc::new(Tally {
            joined: Counter::default(),
            delivered: Counter::default(),
            frames: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            failure: Mutex::default(),
            rejoined: Mutex::new(histogram()),
            clock: OnceLock::new(),
            broken: Mutex::default(),
        });
        let doors = Arc::new(Semaphore::new(OPENING));
        let (cut, cuts) = watch::channel(Instant::now());
        let mut tasks = JoinSet::new();
        for (number, chat_id) in chats.iter().cycle().take(size).enumerate() {
            let member = Member {
                server: target.address,
                number,
                dialect,
                chat_id: chat_id.clone(),
                reader: Reader::new(dialect),
                tally: tally.clone(),
                doors: doors.clone(),
                cuts: cuts.clone(),
            };
            tasks.spawn(member.attend());
        }
        let audience = Self { size: size as u64, tally, doors, cut, _tasks: tasks };
        if dialect == Dialect::Session {
            audience.joined(audience.size).await?;
        }
        Ok(audience)
    }

    /// How many readers there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How often a reader has joined so far.
    pub fn joins(&self) -> u64 {
        self.tally.joined.get()
    }

    /// Deliveries so far.
    pub fn deliveries(&self) -> u64 {
        self.tally.delivered.get()
    }

    /// Frames that brought them.
    pub fn frames(&self) -> u64 {
        self.tally.frames.load(Ordering::Relaxed)
    }

    /// Connections that failed and were tried again.
    pub fn retries(&self) -> u64 {
        self.tally.retries.load(Ordering::Relaxed)
    }

    /// How long readers took to join again after the cut.
    pub fn rejoined(&self) -> Histogram<u64> {
        lock(&self.tally.rejoined).clone()
    }

    /// Waits until readers have joined so often.
    pub async fn joined(&self, goal: u64) -> Result<()> {
        let reached = self.tally.joined.reach(goal, "readers that joined", PATIENCE).await;
        self.tally.check()?;
        // Connections may fail and come back; where they don't, the last failure says why.
        reached.map_err(|missing| match lock(&self.tally.failure).take() {
            Some(failure) => failure.context(missing),
            None => missing,
        })
    }

    /// Waits until there were exactly so many deliveries. Each reader accepts each message once and in order, so that
    /// the sum is right only if every reader has every message.
    pub async fn delivered(&self, goal: u64) -> Result<()> {
        let reached = self.tally.delivered.reach(goal, "deliveries", PATIENCE).await;
        self.tally.check()?;
        reached
    }

    /// Breaks every link; all readers come back at once, to where they were.
    pub fn cut(&self) {
        self.doors.add_permits(self.size as usize);
        lock(&self.tally.rejoined).reset();
        self.cut.send_replace(Instant::now());
    }

    /// From now on deliveries are timed, for so many messages from `seq` on. Can be asked for once.
    pub fn time(&self, first: u64, messages: usize) {
        let sent = (0..messages).map(|_| AtomicU64::new(0)).collect();
        let clock = Clock { began: Instant::now(), first, sent, times: Mutex::new(histogram()) };
        // A second clock would be a mistake of ours, and shows as an empty histogram.
        let _ = self.tally.clock.set(clock);
    }

    /// The message with that `seq` is sent now.
    pub fn sending(&self, seq: u64) {
        if let Some((clock, sent)) = self.tally.clock.get().and_then(|clock| Some((clock, clock.sent_at(seq)?))) {
            sent.store(clock.now().max(1), Ordering::Relaxed);
        }
    }

    /// How long the timed deliveries took.
    pub fn times(&self) -> Histogram<u64> {
        self.tally.clock.get().map_or_else(histogram, |clock| lock(&clock.times).clone())
    }
}

impl Tally {
    /// Fails where something happened that must not.
    fn check(&self) -> Result<()> {
        let broken = lock(&self.broken);
        if let Some(first) = broken.first() {
            bail!("{} readers broke a promise or were cut off; the first: {first}", broken.len());
        }
        Ok(())
    }
}

impl Clock {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sent_at(&self, seq: u64) -> Option<&AtomicU64> {
        self.sent.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)
    }

    fn arrived(&self, seq: u64) {
        let Some(sent) = self.sent_at(seq) else { return };
        let micros = (self.now() - sent.load(Ordering::Relaxed)) / 1_000;
        lock(&self.times).saturating_record(micros.max(1));
    }
}

/// One reader.
struct Member {
    server: SocketAddr,
    number: usize,
    dialect: Dialect,
    chat_id: String,
    reader: Reader,
    tally: Arc<Tally>,
    doors: Arc<Semaphore>,
    cuts: watch::Receiver<Instant>,
}

/// Why a connection ended.
enum Ended {
    /// We cut it.
    Cut,
    /// It failed before it had joined.
    Early(anyhow::Error),
    /// It failed later, or brought what it must not.
    Broken(anyhow::Error),
}

impl Member {
    async fn attend(mut self) {
        let mut wait = BACKOFF.0;
        loop {
            match self.connection().await {
                Ended::Cut => wait = BACKOFF.0,
                Ended::Early(error) => {
                    *lock(&self.tally.failure) = Some(error);
                    self.tally.retries.fetch_add(1, Ordering::Relaxed);
                    sleep(wait.mul_f64(fastrand::f64())).await;
                    wait = (2 * wait).min(BACKOFF.1);
                }
                Ended::Broken(error) => {
                    return lock(&self.tally.broken).push(format!("reader {}: {error:#}", self.number));
                }
            }
        }
    }

    /// A connection from its beginning to its end.
    async fn connection(&mut self) -> Ended {
        let mut socket = match self.open().await {
            Ok(socket) => socket,
            Err(error) => return Ended::Early(error),
        };
        let mut has_joined = false;
        loop {
            let frame = tokio::select! {
                frame = socket.read() => frame,
                // It fails when the audience is gone, and this task with it.
                _ = self.cuts.changed() => {
                    socket.cut();
                    return Ended::Cut;
                }
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if has_joined => return Ended::Broken(error),
                Err(error) => return Ended::Early(error),
            };
            match self.reader.see(&frame) {
                Ok(Seen::Joined) => {
                    has_joined = true;
                    let since = self.cuts.borrow().elapsed();
                    let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
                    lock(&self.tally.rejoined).saturating_record(micros);
                    self.tally.joined.add(1);
                }
                Ok(Seen::Messages(first, last)) => self.count(first, last),
                Ok(Seen::Ack | Seen::Other) => {}
                Err(error) => return Ended::Broken(error),
            }
        }
    }

    async fn open(&self) -> Result<Socket> {
        let _permit = self.doors.acquire().await?;
        let mut socket = Socket::open(self.server, self.number, self.dialect).await?;
        let user_id = format!("reader-{}", self.number);
        socket.write(self.dialect.join(&self.chat_id, &user_id, self.reader.cursor())).await?;
        Ok(socket)
    }

    fn count(&self, first: u64, last: u64) {
        if let Some(clock) = self.tally.clock.get() {
            (first..=last).for_each(|seq| clock.arrived(seq));
        }
        self.tally.frames.fetch_add(1, Ordering::Relaxed);
        self.tally.delivered.add(last - first + 1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
