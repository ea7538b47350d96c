//! Addresses of mail.

use lettre::Address;

/// The longest that mail servers know, in bytes.
const LONGEST: usize = 254;

/// An address that mail can go to, in lower case.
///
/// Letters beyond ASCII are not taken: two addresses that fold into one would share an account. Domains with such
/// letters have another form, `xn--…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address; nothing where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        // What is left out of the standard here, no provider gives out: quotes, comments, spaces, and hosts by number.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte);
        let (_, domain) = text.rsplit_once('@')?;
        if text.len() > LONGEST || !text.bytes().all(is_plain) || !domain.contains('.') {
            return None;
        }
        let text = text.to_ascii_lowercase();
        text.parse::<Address>().ok().map(|_| Self(text))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_line_in_lower_case() {
        assert_eq!(Email::parse("Ann+Chat@Example.COM").map(|email| email.0), Some("ann+chat@example.com".to_owned()));
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "ann@@example.com",
            "ann@example..com",
            "ann@[192.0.2.1]",
            "ann@example.com ",
            " ann@example.com",
            "ann b@example.com",
            "\"ann\"@example.com",
            "Ann <ann@example.com>",
            "ann@example.com,ben@example.com",
            "ann@example.com\r\nBcc: ben@example.com",
            "ann@example.com\n",
            "\rann@example.com",
            "ann@example.com\0",
            "\u{131}nn@example.com",
            "ann@ex\u{e4}mple.com",
        ] {
            assert_eq!(Email::parse(text), None, "{text:?}");
        }
        let long = format!("{}@{}.com", "a".repeat(64), "b".repeat(200));
        assert_eq!(Email::parse(&long), None);
    }
}
