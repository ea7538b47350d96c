//! Which sites' pages may speak to the server.

use axum::http::{HeaderMap, HeaderValue, header};
use tower_http::cors::AllowOrigin;

/// Sites, by their origin: `https://example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    All,
    /// These, and the server's own pages.
    Listed(Vec<HeaderValue>),
}

impl Origins {
    /// For calls: which pages browsers let read the answers.
    pub fn for_calls(&self) -> AllowOrigin {
        match self {
            Self::All => AllowOrigin::any(),
            Self::Listed(listed) => AllowOrigin::list(listed.clone()),
        }
    }

    /// For streams, where browsers leave that to the server. Programs that are no pages name no origin.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        match (self, headers.get(header::ORIGIN)) {
            (Self::All, _) | (_, None) => true,
            (Self::Listed(listed), Some(origin)) => listed.contains(origin) || is_own(origin, headers),
        }
    }
}

/// Whether a page came from the host that it speaks to.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let origin = origin.as_bytes();
    let named = [&b"https://"[..], b"http://"].into_iter().find_map(|scheme| origin.strip_prefix(scheme));
    named.is_some() && named == host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("chat.example.com:8443"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        origins.allow(&headers)
    }

    #[test]
    fn listed_sites_own_pages_and_programs_are_allowed_and_nobody_else() {
        let listed = Origins::Listed(vec![HeaderValue::from_static("https://shop.example.com")]);
        for origin in [None, Some("https://shop.example.com"), Some("https://chat.example.com:8443")] {
            assert!(allows(&listed, origin), "{origin:?}");
        }
        for origin in [
            "https://evil.example.com",
            "http://shop.example.com",
            "https://shop.example.com.evil.example.com",
            "https://chat.example.com",
            "chat.example.com:8443",
            "null",
            "",
        ] {
            assert!(!allows(&listed, Some(origin)), "{origin}");
            assert!(allows(&Origins::All, Some(origin)), "{origin}");
        }
    }
}
