//! What is only looked at when somebody asks: it costs nothing meanwhile.

use prometheus::{Error, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

use super::kept;

/// What a stream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The original's framing.
    Gateway,
    /// `micro.chat.v1`.
    Session,
}

/// What waits for connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages that were put into their queues and not taken out.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// Open streams of the gateway dialect.
    pub gateways: usize,
    /// Open streams of the session dialect.
    pub sessions: usize,
    /// What waits for all of them.
    pub waiting: Waiting,
    /// What waits for the ones for which the most does.
    pub most: Waiting,
    /// Live subscriptions.
    pub subscriptions: u64,
    /// Messages that were put into queues since the start, once for each queue.
    pub deliveries: u64,
    /// Writes in line for the next commit.
    pub waiting_writes: usize,
}

#[derive(Debug)]
pub(super) struct Gauges {
    gateways: IntGauge,
    sessions: IntGauge,
    subscriptions: IntGauge,
    deliveries: IntCounter,
    waiting_messages: IntGauge,
    waiting_bytes: IntGauge,
    most_messages: IntGauge,
    most_bytes: IntGauge,
    waiting_writes: IntGauge,
}

impl Gauges {
    pub(super) fn new(registry: &Registry) -> Result<Self, Error> {
        let gauge = |name: &str, help: &str| kept(registry, IntGauge::new(name, help)?);
        let streams = Opts::new("micro_chat_streams", "Open streams, by dialect.");
        let streams = kept(registry, IntGaugeVec::new(streams, &["dialect"])?)?;
        Ok(Self {
            gateways: streams.with_label_values(&["gateway"]),
            sessions: streams.with_label_values(&["session"]),
            subscriptions: gauge("micro_chat_subscriptions", "Subscriptions that hear of new messages at once.")?,
            deliveries: kept(
                registry,
                IntCounter::new(
                    "micro_chat_deliveries_total",
                    "Messages that were put into the queue of a subscription, once for each.",
                )?,
            )?,
            waiting_messages: gauge("micro_chat_waiting_messages", "Messages that wait in the queues of streams.")?,
            waiting_bytes: gauge("micro_chat_waiting_bytes", "Bytes of messages that wait in the queues of streams.")?,
            most_messages: gauge(
                "micro_chat_waiting_messages_most",
                "Messages in the queue of the stream that has the most of them; from 256 on it is cut off.",
            )?,
            most_bytes: gauge(
                "micro_chat_waiting_bytes_most",
                "Bytes in the queue of the stream that has the most of them; from 256 KiB on it is cut off.",
            )?,
            waiting_writes: gauge("micro_chat_waiting_writes", "Writes in line for the next commit.")?,
        })
    }

    pub(super) fn set(&self, standing: &Standing) {
        let set = |gauge: &IntGauge, value: usize| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.gateways, standing.gateways);
        set(&self.sessions, standing.sessions);
        self.subscriptions.set(i64::try_from(standing.subscriptions).unwrap_or(i64::MAX));
        // Who looked later may come first.
        self.deliveries.inc_by(standing.deliveries.saturating_sub(self.deliveries.get()));
        set(&self.waiting_messages, standing.waiting.messages);
        set(&self.waiting_bytes, standing.waiting.bytes);
        set(&self.most_messages, standing.most.messages);
        set(&self.most_bytes, standing.most.bytes);
        set(&self.waiting_writes, standing.waiting_writes);
    }
}
