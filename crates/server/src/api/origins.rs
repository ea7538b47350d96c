//! Which sites' pages may speak to the server.

use axum::http::{HeaderMap, HeaderValue, header};
use tower_http::cors::AllowOrigin;
use url::{Host, Url};

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

    /// Whether browsers may send cookies of these pages, and keep them: never those of all pages.
    pub fn have_credentials(&self) -> bool {
        matches!(self, Self::Listed(_))
    }

    /// Whether cookies may be kept for the page that asks, and used for it. It has to name its origin, which is a
    /// listed one, or the server's own: over TLS, where that isn't on the same machine.
    pub fn trust(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return false };
        let is_listed = matches!(self, Self::Listed(listed) if listed.contains(origin));
        is_listed || (is_own(origin, headers) && (origin.as_bytes().starts_with(b"https://") || is_here(origin)))
    }

    /// For streams, where browsers leave that to the server, and for whatever logs somebody in or out. Programs that
    /// are no pages name no origin.
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

/// Whether an origin is on this machine, which no network comes between.
fn is_here(origin: &HeaderValue) -> bool {
    let Some(url) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
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

    #[test]
    fn cookies_are_for_pages_that_say_where_they_are_from_and_are_trusted() {
        let trusts = |origins: &Origins, host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            origins.trust(&headers)
        };
        let listed = Origins::Listed(vec![HeaderValue::from_static("https://shop.example.com")]);
        let host = "chat.example.com:8443";
        for origins in [&listed, &Origins::All] {
            assert!(trusts(origins, host, Some("https://chat.example.com:8443")));
            assert!(trusts(origins, "127.0.0.1:80", Some("http://127.0.0.1:80")));
            assert!(trusts(origins, "localhost:80", Some("http://localhost:80")));
            for origin in [None, Some("null"), Some("http://chat.example.com:8443"), Some("https://evil.example.com")] {
                assert!(!trusts(origins, host, origin), "{origin:?}");
            }
            assert!(!trusts(origins, "127.0.0.1:80", Some("http://127.0.0.1:81")));
            assert!(!trusts(origins, "localhost.example.com", Some("http://localhost.example.com")));
        }
        assert!(trusts(&listed, host, Some("https://shop.example.com")));
        assert!(!trusts(&Origins::All, host, Some("https://shop.example.com")), "all is nobody in particular");
    }
}
