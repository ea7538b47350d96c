//! Connections that mean harm. Each kind goes on as long as it can, and comes back when it is thrown out.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use micro_chat_wire::op;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::dialect::{Dialect, client_id};
use crate::ordinary::{Login, create_chat};
use crate::socket::{Socket, connect};

/// How long one that was thrown out stays away, at most: coming back costs this program as much as the server.
const AWAY: Duration = Duration::from_secs(4);

/// Calls that are written together.
const PIPELINE: usize = 8;

/// Messages that a stream sends before it waits for answers.
const WINDOW: usize = 32;

/// The connections that one account has.
const OF_ACCOUNT: usize = 20;

/// What they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Send the head of a request byte by byte.
    Slow,
    /// Say nothing.
    Silent,
    /// Call with forged tokens, as fast as they are answered.
    Calls,
    /// Have accounts of their own, in a namespace of their own, and write as fast as they can.
    Streams,
    /// Send what is no HTTP.
    Garbage,
    /// Ask for the largest asset, again and again, and read nothing.
    Unread,
}

/// Ten of them, in their shares.
const TEN: [Kind; 10] = [
    Kind::Slow,
    Kind::Silent,
    Kind::Calls,
    Kind::Streams,
    Kind::Garbage,
    Kind::Slow,
    Kind::Silent,
    Kind::Calls,
    Kind::Garbage,
    Kind::Unread,
];

/// All of them.
pub struct Attack {
    server: SocketAddr,
    login: Login,
    addresses: usize,
    tally: Arc<Tally>,
}

/// What they did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Connections that are open.
    pub open: AtomicU64,
    /// Connections that were opened.
    pub opened: AtomicU64,
    /// Calls that were answered.
    pub answered: AtomicU64,
    /// Messages that were stored.
    pub written: AtomicU64,
}

/// One more that is open, until it is dropped.
struct Open<'a>(&'a Tally);

impl<'a> Open<'a> {
    fn new(tally: &'a Tally) -> Self {
        tally.opened.fetch_add(1, Ordering::Relaxed);
        tally.open.fetch_add(1, Ordering::Relaxed);
        Self(tally)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Attack {
    /// From so many addresses.
    pub fn new(server: SocketAddr, login: Login, addresses: usize) -> Arc<Self> {
        Arc::new(Self { server, login, addresses: addresses.clamp(1, 50_000), tally: Arc::default() })
    }

    /// What they did so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// So many connections; they end when what is returned is dropped.
    pub fn begin(self: &Arc<Self>, size: usize) -> JoinSet<()> {
        let kinds = TEN.into_iter().cycle();
        kinds.take(size).enumerate().map(|(number, kind)| self.clone().persist(number, kind)).collect()
    }

    async fn persist(self: Arc<Self>, number: usize, kind: Kind) {
        // They come in a few seconds, not in one.
        sleep(Duration::from_secs(4).mul_f64(fastrand::f64())).await;
        loop {
            // Why it was thrown out is its business.
            let _ = self.once(number, kind).await;
            sleep(AWAY.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        }
    }

    async fn once(&self, number: usize, kind: Kind) -> Result<()> {
        let [high, low] = u16::try_from(number % self.addresses)?.to_be_bytes();
        let source = Ipv4Addr::new(127, 100, high, low);
        if kind == Kind::Streams {
            return self.stream(source, number).await;
        }
        let mut stream = connect(source, self.server).await?;
        let _open = Open::new(&self.tally);
        let host = self.server;
        match kind {
            Kind::Slow => {
                for byte in format!("POST /chat/Send HTTP/1.1\r\nhost: {host}\r\nx-slow: {}", "y".repeat(1_000)).bytes()
                {
                    stream.write_all(&[byte]).await?;
                    sleep(Duration::from_secs(2)).await;
                }
            }
            Kind::Silent => drop(stream.read_u8().await?),
            Kind::Calls => {
                let body = json!({ "chat_id": "somebody's", "text": "x".repeat(200) }).to_string();
                let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4iLCJleHAiOjQwMDAwMDAwMDB9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
                let length = body.len();
                let call = format!(
                    "POST /chat/Send HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                let calls = call.repeat(PIPELINE);
                let mut answers = [0; 16 * 1024];
                loop {
                    stream.write_all(calls.as_bytes()).await?;
                    let mut missing = PIPELINE;
                    while missing > 0 {
                        let read = stream.read(&mut answers).await?;
                        if read == 0 {
                            return Ok(());
                        }
                        let count = memchr::memmem::find_iter(&answers[..read], b"HTTP/1.1").count();
                        self.tally.answered.fetch_add(count as u64, Ordering::Relaxed);
                        missing = missing.saturating_sub(count);
                    }
                }
            }
            Kind::Garbage => {
                let mut bytes = [0; 2_000];
                bytes.fill_with(|| fastrand::u8(..));
                stream.write_all(&bytes).await?;
                while stream.read(&mut bytes).await? > 0 {}
            }
            Kind::Unread => {
                let asking = format!("GET /assets/micro.js HTTP/1.1\r\nhost: {host}\r\n\r\n");
                loop {
                    stream.write_all(asking.as_bytes()).await?;
                }
            }
            Kind::Streams => {}
        }
        Ok(())
    }

    /// An account that writes as fast as the server reads.
    async fn stream(&self, source: Ipv4Addr, number: usize) -> Result<()> {
        let user_id = format!("mallory-{}", number / TEN.len() / OF_ACCOUNT);
        let token = self.login.token("hostile", &user_id)?;
        let chat_id = create_chat(source, self.server, token.clone(), &[user_id]).await?;
        let mut socket = Socket::open_from(source, self.server, Dialect::Session).await?;
        let _open = Open::new(&self.tally);
        let subscribe = json!([op::SUBSCRIBE, 1, chat_id, 0, op::FROM_NOW]).to_string();
        socket.write([json!([op::HELLO, { "token": token }]).to_string(), subscribe]).await?;
        let text = "x".repeat(200);
        let mut n = 0_u64;
        loop {
            let mut frames = Vec::with_capacity(WINDOW);
            for _ in 0..WINDOW {
                n += 1;
                let name = client_id(u64::try_from(number)? * 1_000_000_000 + n);
                frames.push(json!([op::PUBLISH, n, 1, { "client_id": name, "text": text }]).to_string());
            }
            socket.write(frames).await?;
            let mut unanswered = WINDOW;
            while unanswered > 0 {
                if socket.read().await?.starts_with(&format!("[{},", op::ACK)) {
                    self.tally.written.fetch_add(1, Ordering::Relaxed);
                    unanswered -= 1;
                }
            }
        }
    }
}
