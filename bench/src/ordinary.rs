//! Ordinary users: each reads a chat, and writes to it now and then.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use jsonwebtoken::{EncodingKey, Header, encode};
use memchr::memmem;
use micro_chat_wire::chat::NewResponse;
use micro_chat_wire::op;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant as Timer, sleep, timeout};

use crate::call::Caller;
use crate::counter::Counter;
use crate::dialect::{Dialect, client_id};
use crate::reader::{Reader, Seen};
use crate::socket::Socket;
use crate::table::histogram;

/// Users of one chat.
const TOGETHER: usize = 5;

/// Bytes of a message's text, which begins with the time at which it was sent.
const TEXT: usize = 200;

/// Digits of that time.
const DIGITS: usize = 20;

/// Long enough for anything that should happen: what comes later counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Signs tokens, as a site's own back end would.
#[derive(Clone)]
pub struct Login(EncodingKey);

impl Login {
    /// With the server's secret.
    pub fn new(secret: &[u8]) -> Self {
        Self(EncodingKey::from_secret(secret))
    }

    /// A token of that user for an hour.
    pub fn token(&self, namespace: &str, user_id: &str) -> Result<String> {
        let until = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 3_600;
        let claims = json!({ "sub": user_id, "namespace": namespace, "exp": until });
        Ok(encode(&Header::default(), &claims, &self.0)?)
    }
}

/// Opens the chat of these users, one of whom calls.
pub async fn create_chat(source: Ipv4Addr, server: SocketAddr, token: String, users: &[String]) -> Result<String> {
    let mut caller = Caller::connect_from(source, token, server).await?;
    let answer = caller.post("/chat/New", json!({ "user_ids": users }).to_string().as_bytes()).await?;
    Ok(serde_json::from_slice::<NewResponse>(answer).context("the answer of chat.New")?.chat_id)
}

/// All of them.
pub struct Crowd {
    tally: Arc<Tally>,
    tasks: JoinSet<Result<()>>,
    stop: watch::Sender<bool>,
}

/// What all of them saw together.
struct Tally {
    began: Instant,
    joined: Counter,
    sent: AtomicU64,
    acked: Counter,
    delivered: Counter,
    times: Mutex<Times>,
}

/// How long it took, in microseconds.
struct Times {
    /// Nanoseconds after the beginning: what was sent earlier is not counted.
    since: u64,
    acks: Histogram<u64>,
    deliveries: Histogram<u64>,
}

/// What was measured between two calls.
pub struct Span {
    /// From sending to the answer.
    pub acks: Histogram<u64>,
    /// From sending to each reader.
    pub deliveries: Histogram<u64>,
}

impl Crowd {
    /// So many of them, each from an address of their own, each sending so often.
    pub async fn gather(server: SocketAddr, login: &Login, size: usize, every: Duration) -> Result<Self> {
        let tally = Arc::new(Tally {
            began: Instant::now(),
            joined: Counter::default(),
            sent: AtomicU64::new(0),
            acked: Counter::default(),
            delivered: Counter::default(),
            times: Mutex::new(Times { since: 0, acks: histogram(), deliveries: histogram() }),
        });
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for first in (0..size).step_by(TOGETHER) {
            let names: Vec<String> =
                (first..size.min(first + TOGETHER)).map(|number| format!("user-{number}")).collect();
            let Some(owner) = names.first() else { continue };
            let chat_id = create_chat(address_of(first)?, server, login.token("micro", owner)?, &names).await?;
            for (number, name) in (first..).zip(&names) {
                let user = User {
                    server,
                    number,
                    token: login.token("micro", name)?,
                    chat_id: chat_id.clone(),
                    every,
                    tally: tally.clone(),
                    stopping: stopping.clone(),
                };
                tasks.spawn(user.live());
            }
        }
        tally.joined.reach(size as u64, "users that joined", PATIENCE).await?;
        Ok(Self { tally, tasks, stop })
    }

    /// What is sent from now on is counted; returns what was counted before.
    pub fn next_span(&self) -> Span {
        let mut times = lock(&self.tally.times);
        times.since = nanos(self.tally.began);
        let (acks, deliveries) = (times.acks.clone(), times.deliveries.clone());
        times.acks.reset();
        times.deliveries.reset();
        Span { acks, deliveries }
    }

    /// Ends when everything that was sent was answered, once, and has reached every reader, once and in order.
    pub async fn end(mut self) -> Result<u64> {
        self.stop.send_replace(true);
        // Who is sending ends that first.
        sleep(Duration::from_millis(500)).await;
        let sent = self.tally.sent.load(Ordering::Relaxed);
        let acked = self.tally.acked.reach(sent, "answers", PATIENCE).await;
        let delivered = self.tally.delivered.reach(sent * TOGETHER as u64, "deliveries", PATIENCE).await;
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
            bail!("an ordinary user's connection ended");
        }
        acked.and(delivered)?;
        Ok(sent)
    }
}

struct User {
    server: SocketAddr,
    number: usize,
    token: String,
    chat_id: String,
    every: Duration,
    tally: Arc<Tally>,
    stopping: watch::Receiver<bool>,
}

impl User {
    async fn live(mut self) -> Result<()> {
        let source = address_of(self.number)?;
        let mut socket = timeout(PATIENCE, Socket::open_from(source, self.server, Dialect::Session)).await??;
        let hello = json!([op::HELLO, { "token": self.token }]).to_string();
        let subscribe = json!([op::SUBSCRIBE, 1, self.chat_id, 0, op::FROM_NOW]).to_string();
        socket.write([hello, subscribe]).await?;
        let mut reader = Reader::new(Dialect::Session);
        let mut next = Timer::now() + self.every.mul_f64(fastrand::f64());
        let mut unanswered = std::collections::VecDeque::new();
        let mut number = 0_u64;
        loop {
            tokio::select! {
                frame = socket.read() => {
                    let frame = frame.with_context(|| format!("ordinary user {}", self.number))?;
                    match reader.see(&frame)? {
                        Seen::Joined => self.tally.joined.add(1),
                        Seen::Ack => {
                            let sent = unanswered.pop_front().context("an answer to nothing")?;
                            self.tally.acked.add(1);
                            self.tally.took(sent, |times| &mut times.acks);
                        }
                        Seen::Messages(first, last) => {
                            self.tally.delivered.add(last + 1 - first);
                            self.arrived(&frame, last + 1 - first)?;
                        }
                        Seen::Other => {}
                    }
                }
                () = tokio::time::sleep_until(next), if !*self.stopping.borrow() => {
                    next += self.every;
                    let sent = nanos(self.tally.began);
                    number += 1;
                    let text = format!("{sent:0DIGITS$}{}", "x".repeat(TEXT - DIGITS));
                    let name = client_id(number);
                    unanswered.push_back(sent);
                    self.tally.sent.fetch_add(1, Ordering::Relaxed);
                    socket.write([json!([op::PUBLISH, number, 1, { "client_id": name, "text": text }]).to_string()]).await?;
                }
                _ = self.stopping.changed() => {}
            }
        }
    }

    fn arrived(&self, frame: &str, count: u64) -> Result<()> {
        const FIELD: &str = "\"text\":\"";
        let mut found = 0;
        for at in memmem::find_iter(frame.as_bytes(), FIELD) {
            let digits = frame.get(at + FIELD.len()..at + FIELD.len() + DIGITS).context("a time")?;
            self.tally.took(digits.parse()?, |times| &mut times.deliveries);
            found += 1;
        }
        ensure!(found == count, "{found} times in {count} messages");
        Ok(())
    }
}

impl Tally {
    /// Something that was sent then has come now.
    fn took(&self, sent: u64, histogram: impl Fn(&mut Times) -> &mut Histogram<u64>) {
        let micros = nanos(self.began).saturating_sub(sent) / 1_000;
        let mut times = lock(&self.times);
        if sent >= times.since {
            histogram(&mut times).saturating_record(micros.max(1));
        }
    }
}

/// Where an ordinary user is.
fn address_of(number: usize) -> Result<Ipv4Addr> {
    let [high, low] = u16::try_from(number)?.to_be_bytes();
    Ok(Ipv4Addr::new(127, 1, high, low))
}

fn nanos(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
