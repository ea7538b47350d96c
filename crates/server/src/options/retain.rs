//! For how long messages are kept, as `--retain` says it: `90d` for all namespaces, `NAMESPACE=90d` for one.

use std::str::FromStr;
use std::time::Duration;

use crate::chat::retention::Rule;

/// A day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The least: a page sends a message again for a day, and may ask then whether it was stored.
const LEAST: u32 = 2;

/// The most: beyond that nobody counts in days.
const MOST: u32 = 36_500;

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, term) = match text.rsplit_once('=') {
            Some((namespace, term)) => (Some(super::keys::namespace(namespace)?), term),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_all_namespaces_or_for_one() {
        let rule = |namespace: Option<&str>, days: Option<u32>| Rule {
            namespace: namespace.map(str::to_owned),
            term: days.map(|days| DAY * days),
        };
        for (text, expected) in [
            ("90d", rule(None, Some(90))),
            ("off", rule(None, None)),
            ("legal=off", rule(Some("legal"), None)),
            ("a=b=3d", rule(Some("a=b"), Some(3))),
        ] {
            assert_eq!(text.parse::<Rule>(), Ok(expected), "{text}");
        }
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
