//! A run: clients that send and read while everything around them breaks, and what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use micro_chat_client::{Client, Draft, Error, Publisher};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

#[cfg(target_os = "linux")]
use crate::disk::Disk;
use crate::program::Program;
use crate::proxy::Proxy;
use crate::reader::Reader;

/// Clients that send and read.
const CLIENTS: u64 = 6;

/// Chats; each client sends to all and reads all.
const CHATS: usize = 2;

/// Messages of one client that wait for their ack at once.
const IN_FLIGHT: usize = 32;

/// How long everything may take to come to rest once nothing breaks any more.
const REST: Duration = Duration::from_secs(60);

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// `kill -9`, and a new start.
    Kill,
    /// `SIGSTOP` for a while.
    Stop,
    /// A full disk for a while.
    #[cfg(target_os = "linux")]
    Full,
}

/// A run to be made.
#[derive(Clone, Debug)]
pub struct Storm {
    pub harm: Harm,
    /// How often the server is harmed; the network is before each.
    pub rounds: u64,
    /// Messages to be acknowledged.
    pub sends: u64,
    /// The promise that the server breaks on purpose.
    pub broken: Option<&'static str>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    rounds: u64,
    acknowledged: u64,
    /// Acknowledged, and not in the history where the ack said.
    pub lost: u64,
    /// In the history twice, or handed to a reader twice.
    pub doubled: u64,
    /// In the history, and never handed to a reader.
    pub missed: u64,
    /// A sender's messages in another order than they were sent in, or a reader's in another than the history's.
    pub disordered: u64,
    /// Said to have come too late, and in the history all the same.
    pub contradicted: u64,
    /// Sends without an answer, or refused for anything else.
    pub unanswered: u64,
    /// Said to have come too late.
    expired: u64,
    time: Duration,
}

impl Verdict {
    /// The table's first line.
    pub const HEAD: &str = "harm       rounds  acknowledged  expired  lost  doubled  missed  disordered  contradicted  unanswered  seconds";

    pub fn row(&self, name: &str) -> String {
        format!(
            "{name:<10} {:>6} {:>13} {:>8} {:>5} {:>8} {:>7} {:>11} {:>13} {:>11} {:>8.1}",
            self.rounds,
            self.acknowledged,
            self.expired,
            self.lost,
            self.doubled,
            self.missed,
            self.disordered,
            self.contradicted,
            self.unanswered,
            self.time.as_secs_f64()
        )
    }

    pub fn is_clean(&self) -> bool {
        let faults = [self.lost, self.doubled, self.missed, self.disordered, self.contradicted, self.unanswered];
        self.acknowledged > 0 && faults == [0; 6]
    }
}

/// An acknowledged message: its chat's index, its text, its place.
type Ack = (usize, String, u64);

/// What a sender was told.
#[derive(Debug, Default)]
struct Answers {
    acks: Vec<Ack>,
    /// Messages that came too late: their chat's index, their text.
    expired: Vec<(usize, String)>,
    /// How much got no answer, or another.
    unanswered: u64,
}

impl Storm {
    pub async fn run(self) -> Verdict {
        let start = Instant::now();
        let machine = Machine::new(self.harm);
        let program = machine.start(&own_address(), self.broken).await;
        let host = program.host.clone();
        let proxy = Arc::new(Proxy::start(host.clone()).await);
        let mut chats = Vec::new();
        for index in 0..CHATS {
            let answer = ask(&host, "New", json!({ "user_ids": [format!("chat {index}")] })).await;
            chats.push(answer["chat_id"].as_str().expect("an id").to_owned());
        }

        let ends: Vec<_> = (0..CHATS).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let mut readers = Vec::new();
        let mut senders = JoinSet::new();
        let calm = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        for number in 0..CLIENTS {
            let url = format!("ws://{}/chat/Connect", proxy.host);
            let client = Client::new(&url, "micro", &format!("user {number}"));
            let mut publishers = Vec::new();
            for (index, chat_id) in chats.iter().enumerate() {
                let reader = Reader::start(&client, chat_id, ends[index].clone());
                publishers.push(reader.publisher.clone());
                readers.push((index, reader));
            }
            senders.spawn(send(publishers, number, acknowledged.clone(), calm.clone()));
        }

        let program = self.rage(program, &host, &machine, &proxy, &acknowledged).await;
        calm.store(true, Ordering::Relaxed);
        let mut verdict = Verdict { rounds: self.rounds, ..Verdict::default() };
        let mut answers = Answers::default();
        while let Some(sent) = senders.join_next().await {
            let own = sent.expect("senders end");
            answers.acks.extend(own.acks);
            answers.expired.extend(own.expired);
            answers.unanswered += own.unanswered;
        }

        let mut histories = Vec::new();
        for chat_id in &chats {
            histories.push(history(&host, chat_id).await);
        }
        for (end, history) in ends.iter().zip(&histories) {
            end.store(history.len() as u64, Ordering::Relaxed);
        }
        verdict.judge_answers(&answers, &histories);
        for (index, reader) in readers {
            let last = reader.last.clone();
            let seen = timeout(REST, reader.seen()).await;
            let history = &histories[index];
            match seen {
                Ok(seen) => {
                    verdict.doubled += seen.doubled;
                    verdict.missed += seen.missed;
                    // With nothing missing and nothing twice, the order is the history's or it is wrong.
                    verdict.disordered += u64::from(seen.missed == 0 && seen.texts != *history);
                }
                Err(_) => verdict.missed += history.len() as u64 - last.load(Ordering::Relaxed),
            }
        }
        program.kill().await;
        verdict.time = start.elapsed();
        verdict
    }

    /// Breaks things until enough was acknowledged and broken; the server runs afterwards.
    async fn rage(
        &self,
        mut program: Program,
        host: &str,
        machine: &Machine,
        proxy: &Arc<Proxy>,
        acknowledged: &AtomicU64,
    ) -> Program {
        let share = self.sends / self.rounds;
        for round in 1..=self.rounds {
            // Each round has its share of sends, so that harm and sends are spread over each other.
            let patience = Instant::now();
            while acknowledged.load(Ordering::Relaxed) < share * round && patience.elapsed() < REST {
                sleep(Duration::from_millis(fastrand::u64(20..150))).await;
                match fastrand::u32(..12) {
                    0 => proxy.cut(),
                    1 => proxy.stall(Duration::from_millis(fastrand::u64(50..600))).await,
                    2 => proxy.delay(Duration::from_millis(fastrand::u64(1..15))),
                    3..6 => proxy.delay(Duration::ZERO),
                    // Longer than a heartbeat and its grace: the clients give the links up.
                    6 if round % 4 == 0 => proxy.stall(Duration::from_millis(2_600)).await,
                    _ => {}
                }
            }
            proxy.strand(Duration::from_millis(fastrand::u64(300..900))).await;
            match self.harm {
                Harm::Kill => {
                    program.kill().await;
                    sleep(Duration::from_millis(fastrand::u64(..400))).await;
                    program = machine.start(host, self.broken).await;
                }
                Harm::Stop => program.freeze(Duration::from_millis(fastrand::u64(200..3_000))).await,
                #[cfg(target_os = "linux")]
                Harm::Full => machine.be_full(host, Duration::from_millis(fastrand::u64(200..2_000))).await,
            }
        }
        proxy.delay(Duration::ZERO);
        program
    }
}

/// Any port of a loopback address that no other run has: while the server is gone, nobody else takes its port.
fn own_address() -> String {
    static RUNS: AtomicU8 = AtomicU8::new(64);
    let [_, _, middle, low] = std::process::id().to_be_bytes();
    format!("127.{}.{middle}.{low}:0", RUNS.fetch_add(1, Ordering::Relaxed))
}

/// Where the server runs.
struct Machine {
    #[cfg(target_os = "linux")]
    disk: Option<Disk>,
    data: TempDir,
}

impl Machine {
    fn new(harm: Harm) -> Self {
        Self {
            #[cfg(target_os = "linux")]
            disk: (harm == Harm::Full).then(Disk::new),
            data: tempfile::tempdir().expect("a folder"),
        }
    }

    async fn start(&self, listen: &str, broken: Option<&str>) -> Program {
        #[cfg(target_os = "linux")]
        if let Some(disk) = &self.disk {
            return Program::start(listen, &disk.data, broken, &disk.env()).await;
        }
        Program::start(listen, self.data.path(), broken, &[]).await
    }

    /// Nothing can be written for a while. What was is read all the same.
    #[cfg(target_os = "linux")]
    async fn be_full(&self, host: &str, time: Duration) {
        let Some(disk) = &self.disk else { return };
        disk.fill();
        sleep(time).await;
        // The commit that is being made now may have been begun before.
        let mut status = 0;
        for _ in 0..2 {
            status =
                post(host, "New", json!({ "user_ids": [format!("{}", fastrand::u64(..))] })).await.status().as_u16();
        }
        assert_eq!(status, 503, "nothing can be stored");
        disk.make_room();
    }
}

/// Sends until all is calm.
async fn send(publishers: Vec<Publisher>, number: u64, acknowledged: Arc<AtomicU64>, calm: Arc<AtomicBool>) -> Answers {
    let room = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut answers = JoinSet::new();
    let mut message = 0_u64;
    while !calm.load(Ordering::Relaxed) {
        let Ok(permit) = timeout(Duration::from_millis(100), room.clone().acquire_owned()).await else { continue };
        let index = fastrand::usize(..publishers.len());
        let text = format!("{number} {message}");
        message += 1;
        // Put into the outbox here, in order; only the answer is waited for elsewhere.
        // Some have little time: a stall or a stop is longer.
        let timeout = message.is_multiple_of(4).then(|| Duration::from_millis(fastrand::u64(1..200)));
        let draft = Draft { client_id: text.clone(), subject: String::new(), text: text.clone(), timeout };
        let answer = publishers[index].publish(draft);
        let acknowledged = acknowledged.clone();
        answers.spawn(async move {
            let answer = answer.await;
            drop(permit);
            if answer.is_ok() {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            (index, text, answer)
        });
    }
    let mut told = Answers::default();
    let all = async {
        while let Some(answer) = answers.join_next().await {
            match answer.expect("answers end") {
                (index, text, Ok(stored)) => told.acks.push((index, text, stored.seq)),
                (index, text, Err(error)) if is_expiry(&error) => told.expired.push((index, text)),
                (_, _, Err(_)) => told.unanswered += 1,
            }
        }
    };
    if timeout(REST, all).await.is_err() {
        told.unanswered += answers.len() as u64;
    }
    told
}

/// Whether it was too late, as the client or as the server saw it.
fn is_expiry(error: &Error) -> bool {
    match error {
        Error::Expired => true,
        Error::Refused(body) => body.id == "chat.Send.Expired",
        _ => false,
    }
}

impl Verdict {
    /// Holds answers and histories against each other.
    fn judge_answers(&mut self, answers: &Answers, histories: &[Vec<String>]) {
        let Answers { acks, expired, unanswered } = answers;
        self.acknowledged = acks.len() as u64;
        self.expired = expired.len() as u64;
        self.unanswered = *unanswered;
        for (index, history) in histories.iter().enumerate() {
            let mut places = HashMap::new();
            let mut newest = HashMap::new();
            for (seq, text) in (1_u64..).zip(history) {
                if places.insert(text.as_str(), seq).is_some() {
                    self.doubled += 1;
                    continue;
                }
                let Some((sender, message)) = text.split_once(' ') else { continue };
                let message: u64 = message.parse().expect("a number");
                if newest.insert(sender, message).is_some_and(|before| before > message) {
                    self.disordered += 1;
                }
            }
            for (_, text, seq) in acks.iter().filter(|(chat, ..)| *chat == index) {
                if history.get(*seq as usize - 1) != Some(text) {
                    self.lost += 1;
                }
            }
            let stored = |(chat, text): &&(usize, String)| *chat == index && places.contains_key(text.as_str());
            self.contradicted += expired.iter().filter(stored).count() as u64;
        }
    }
}

/// All texts of a chat, and a check that no `seq` is missing.
async fn history(host: &str, chat_id: &str) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let page = ask(host, "History", json!({ "chat_id": chat_id, "after": texts.len() })).await;
        for message in page["messages"].as_array().expect("messages") {
            assert_eq!(message["seq"], texts.len() as u64 + 1, "no seq is missing");
            texts.push(message["text"].as_str().expect("a text").to_owned());
        }
        if page["has_more"] != true {
            return texts;
        }
    }
}

async fn post(host: &str, method: &str, request: Value) -> reqwest::Response {
    let url = format!("http://{host}/chat/{method}");
    reqwest::Client::new().post(url).body(request.to_string()).send().await.expect("an answer")
}

async fn ask(host: &str, method: &str, request: Value) -> Value {
    let answer = post(host, method, request).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}
