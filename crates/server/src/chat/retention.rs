//! For how long messages are kept.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

use super::Chats;
use crate::store::{ChatKey, Nanos, StoreError};

/// A day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The least: a page sends a message again for a day, and may ask then whether it was stored.
const LEAST: u32 = 2;

/// The most: beyond that nobody counts in days.
const MOST: u32 = 36_500;

/// How often it is looked for old messages.
const ROUND: Duration = Duration::from_secs(600);

/// One rule: `90d` for all namespaces, or `NAMESPACE=90d` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose messages; none: those of all that have no rule of their own.
    namespace: Option<String>,
    /// For how long they are kept; none: for ever.
    term: Option<Duration>,
}

/// For how long each namespace's messages are kept.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Those of namespaces without a rule of their own; none: for ever.
    all: Option<Duration>,
    by_namespace: BTreeMap<String, Option<Duration>>,
    /// How often it is looked for old ones.
    round: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { all: None, by_namespace: BTreeMap::new(), round: ROUND }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, term) = match text.rsplit_once('=') {
            Some((namespace, term)) => (Some(crate::options::keys::namespace(namespace)?), term),
            None => (None, text),
        };
        if term == "off" {
            return Ok(Self { namespace, term: None });
        }
        let days = term.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
        match days.ok_or("it looks like 90d, or like NAMESPACE=90d; off keeps everything")? {
            days if days < LEAST => Err(format!(
                "it is at least {LEAST}d: a message may be sent again for a day, and is known by what is stored"
            )),
            days if days > MOST => Err(format!("it is at most {MOST}d; off keeps everything")),
            days => Ok(Self { namespace, term: Some(DAY * days) }),
        }
    }
}

impl Retention {
    /// What the rules say together; of two about the same, the last.
    pub fn of(rules: &[Rule]) -> Self {
        let mut retention = Self::default();
        for Rule { namespace, term } in rules.iter().cloned() {
            match namespace {
                Some(namespace) => drop(retention.by_namespace.insert(namespace, term)),
                None => retention.all = term,
            }
        }
        retention
    }

    /// How often it is to be looked for old messages.
    pub fn looking_every(self, round: Duration) -> Self {
        Self { round, ..self }
    }

    /// For how long a namespace's messages are kept; none: for ever.
    pub fn term(&self, namespace: &str) -> Option<Duration> {
        self.by_namespace.get(namespace).copied().unwrap_or(self.all)
    }

    /// Whether anything ever goes.
    pub fn is_on(&self) -> bool {
        self.all.is_some() || self.by_namespace.values().any(Option::is_some)
    }
}

impl Chats {
    /// Removes what is too old, again and again, as long as the server runs.
    pub async fn retain(&self, retention: Retention) {
        while retention.is_on() {
            if let Err(error) = self.remove_old(&retention).await {
                tracing::error!(%error, "old messages stay until the next round");
            }
            sleep(retention.round).await;
        }
    }

    /// Removes what is too old now.
    async fn remove_old(&self, retention: &Retention) -> Result<(), StoreError> {
        let mut behind = String::new();
        while let Some(namespace) = self.store.next_namespace(behind).await? {
            if let Some(term) = retention.term(&namespace) {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let before = Nanos::try_from(since.saturating_sub(term).as_nanos()).unwrap_or_default();
                self.remove_before(&namespace, before).await?;
            }
            behind = namespace;
        }
        Ok(())
    }

    async fn remove_before(&self, namespace: &str, before: Nanos) -> Result<(), StoreError> {
        self.store.doubt_future(namespace.to_owned()).await?;
        let mut behind = Some((Nanos::MIN, ChatKey::MIN));
        while let Some(at) = behind {
            let due = self.store.due(namespace.to_owned(), before, at).await?;
            for found in due.outdated {
                let mut has_more = true;
                while has_more {
                    let begun = Instant::now();
                    has_more = self.store.remove_old(found.chat, before).await?;
                    self.recent.forget_messages(namespace, &found.id, found.chat);
                    // As long for others as for this.
                    sleep(begun.elapsed()).await;
                }
            }
            self.store.note_oldest(due.chats).await?;
            behind = due.next;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Retention {
        let rules: Result<Vec<Rule>, String> = texts.iter().map(|text| text.parse()).collect();
        Retention::of(&rules.expect("rules"))
    }

    #[test]
    fn a_namespace_goes_by_its_own_rule_and_the_last_word_counts() {
        let retention = rules(&["90d", "legal=off", "club=7d", "a=b=3d", "club=8d"]);
        for (namespace, days) in [("micro", Some(90)), ("legal", None), ("club", Some(8)), ("a=b", Some(3))] {
            assert_eq!(retention.term(namespace), days.map(|days| DAY * days), "{namespace}");
        }
        assert!(!rules(&[]).is_on() && !rules(&["off", "legal=off"]).is_on() && rules(&["club=2d"]).is_on());
    }

    #[test]
    fn what_is_too_short_to_know_a_message_again_is_refused_in_words() {
        assert!(
            "1d".parse::<Rule>().is_err_and(|said| said.starts_with("it is at least 2d: a message may be sent again"))
        );
        for wrong in ["0d", "-1d", "90", "90h", "", "=90d", "d", "1.5d", "4000000000d", "99999999999d", "a b=3d"] {
            assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
        }
    }
}
