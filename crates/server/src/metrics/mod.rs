//! What the server counts and measures, in Prometheus' text form.
//!
//! - [`Metrics`]: all that is counted, by those who do it,
//! - [`Standing`]: what is only looked at when somebody asks,
//! - `listener`: where an operator asks, apart from everybody else.
//!
//! Nothing here is done for each delivery: what is published is counted once a message, what is committed once a
//! commit.

pub mod listener;
mod standing;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Error, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::node::Node;
use standing::Gauges;
pub use standing::{Dialect, Standing, Waiting};

/// What a scraper is told that this is.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Seconds of something that is quick.
const QUICK: [f64; 12] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Seconds of a whole request.
const WHOLE: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Writes in one commit.
const WRITES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What became of the messages in a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sends {
    /// They are new.
    pub stored: u64,
    /// They were there before.
    pub repeated: u64,
    /// They are not to be stored.
    pub refused: u64,
}

/// All that is counted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<State>);

#[derive(Debug)]
struct State {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    errors: IntCounterVec,
    limited: IntCounterVec,
    closed: IntCounterVec,
    stored: IntCounter,
    repeated: IntCounter,
    refused: IntCounter,
    commit_seconds: Histogram,
    commit_writes: Histogram,
    failed_commits: IntCounter,
    read_seconds: Histogram,
    connections: IntGauge,
    /// What is looked at, by one who asks at a time.
    gauges: Mutex<Gauges>,
    /// Whom to look at, once it runs.
    node: OnceLock<Weak<Node>>,
}

impl Metrics {
    /// Nothing has been counted yet.
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            kept(&registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            kept(&registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
        };
        let sends = counters(
            "micro_chat_sends_total",
            "Messages that somebody sent, by what became of them: stored, repeated (it was there before), refused.",
            &["outcome"],
        )?;
        let whole = HistogramOpts::new(
            "micro_chat_request_seconds",
            "Time from a request's head to the head of its answer, by endpoint; of a stream, to its upgrade.",
        );
        let build = Opts::new("micro_chat_build_info", "Always 1; its label says which version this is.");
        let build = kept(&registry, IntGaugeVec::new(build, &["version"])?)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Self(Arc::new(State {
            requests: counters(
                "micro_chat_requests_total",
                "Answered requests, by endpoint and status.",
                &["endpoint", "status"],
            )?,
            request_seconds: kept(&registry, HistogramVec::new(whole.buckets(WHOLE.to_vec()), &["endpoint"])?)?,
            errors: counters(
                "micro_chat_errors_total",
                "Errors that were answered, in calls and on streams, by their id.",
                &["id"],
            )?,
            limited: counters(
                "micro_chat_limited_total",
                "How often somebody was refused or told to wait, by the option that says how much is too much.",
                &["limit"],
            )?,
            closed: counters(
                "micro_chat_streams_closed_total",
                "Streams that have ended, by close code and reason.",
                &["code", "reason"],
            )?,
            // Here, so that each is there before it is first counted.
            stored: sends.with_label_values(&["stored"]),
            repeated: sends.with_label_values(&["repeated"]),
            refused: sends.with_label_values(&["refused"]),
            commit_seconds: histogram(
                "micro_chat_commit_seconds",
                "Time that a commit took, its sync included.",
                &QUICK,
            )?,
            commit_writes: histogram("micro_chat_commit_writes", "Writes that one commit held.", &WRITES)?,
            failed_commits: kept(
                &registry,
                IntCounter::new(
                    "micro_chat_commits_failed_total",
                    "Commits that failed; nothing in them was acknowledged.",
                )?,
            )?,
            read_seconds: histogram(
                "micro_chat_read_seconds",
                "Time that a read of the database took, waiting for a connection included.",
                &QUICK,
            )?,
            connections: kept(
                &registry,
                IntGauge::new(
                    "micro_chat_connections",
                    "Open connections over which requests come; one that became a stream is one of micro_chat_streams.",
                )?,
            )?,
            gauges: Mutex::new(Gauges::new(&registry)?),
            node: OnceLock::new(),
            registry,
        })))
    }

    /// From now on there is a server to look at.
    pub fn look_at(&self, node: &Arc<Node>) {
        // There is one for each of these.
        let _ = self.0.node.set(Arc::downgrade(node));
    }

    /// All of it, as a scraper reads it.
    pub fn text(&self) -> Result<String, Error> {
        if let Some(node) = self.0.node.get().and_then(Weak::upgrade) {
            let standing = node.standing();
            // Nothing panics while it is held.
            self.0.gauges.lock().unwrap_or_else(PoisonError::into_inner).set(&standing);
        }
        TextEncoder::new().encode_to_string(&self.0.registry.gather())
    }

    /// A request was answered.
    pub fn answered(&self, endpoint: &str, status: u16, took: Duration) {
        self.0.requests.with_label_values(&[endpoint, &status.to_string()]).inc();
        self.0.request_seconds.with_label_values(&[endpoint]).observe(took.as_secs_f64());
    }

    /// Somebody was told of an error. Its id is one of ours: never what somebody wrote.
    pub fn error(&self, id: &str) {
        self.0.errors.with_label_values(&[id]).inc();
    }

    /// Somebody was over that limit.
    pub fn limited(&self, limit: &'static str) {
        self.0.limited.with_label_values(&[limit]).inc();
    }

    /// A stream has ended.
    pub fn closed(&self, code: u16, reason: &'static str) {
        self.0.closed.with_label_values(&[&code.to_string(), reason]).inc();
    }

    /// A commit is durable.
    pub fn committed(&self, writes: usize, sends: Sends, took: Duration) {
        self.0.commit_seconds.observe(took.as_secs_f64());
        self.0.commit_writes.observe(writes as f64);
        self.0.stored.inc_by(sends.stored);
        self.0.repeated.inc_by(sends.repeated);
        self.0.refused.inc_by(sends.refused);
    }

    /// A commit failed.
    pub fn commit_failed(&self) {
        self.0.failed_commits.inc();
    }

    /// A message was refused before it came to the database.
    pub fn send_refused(&self) {
        self.0.refused.inc();
    }

    /// A connection was opened; it counts until that is dropped.
    pub fn connected(&self) -> Connected {
        self.0.connections.inc();
        Connected(self.0.connections.clone())
    }

    /// The database was read.
    pub fn read(&self, took: Duration) {
        self.0.read_seconds.observe(took.as_secs_f64());
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connected(IntGauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is shown to scrapers from now on.
fn kept<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
