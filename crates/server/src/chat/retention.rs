//! For how long messages are kept.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

use super::Chats;
use crate::store::{ChatKey, Nanos, StoreError};

/// How often it is looked for old messages.
const ROUND: Duration = Duration::from_secs(600);

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose messages; none: those of all that have no rule of their own.
    pub namespace: Option<String>,
    /// For how long they are kept; none: for ever.
    pub term: Option<Duration>,
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

    fn days(days: u32) -> Option<Duration> {
        Some(Duration::from_secs(24 * 60 * 60) * days)
    }

    fn rules(rules: &[(&str, Option<Duration>)]) -> Retention {
        let namespace = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
        let rules: Vec<Rule> =
            rules.iter().map(|(name, term)| Rule { namespace: namespace(name), term: *term }).collect();
        Retention::of(&rules)
    }

    #[test]
    fn a_namespace_goes_by_its_own_rule_and_the_last_word_counts() {
        let retention = rules(&[("", days(90)), ("legal", None), ("club", days(7)), ("club", days(8))]);
        for (namespace, term) in [("micro", days(90)), ("legal", None), ("club", days(8))] {
            assert_eq!(retention.term(namespace), term, "{namespace}");
        }
        assert!(!rules(&[]).is_on() && !rules(&[("", None), ("legal", None)]).is_on());
        assert!(rules(&[("club", days(2))]).is_on());
    }
}
