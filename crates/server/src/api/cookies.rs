//! The cookie that a refresh token may be kept in: no script can read it, and no other site's page can have it used.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::auth::accounts::{LOGIN, RefreshToken};

/// The cookie's name. Its prefix has browsers take it only from this host itself, over TLS.
fn name(namespace: &str) -> String {
    format!("__Host-micro-{}", URL_SAFE_NO_PAD.encode(namespace))
}

/// The refresh token for that namespace that came with a request.
pub fn read(headers: &HeaderMap, namespace: &str) -> Option<RefreshToken> {
    let name = name(namespace);
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let found = cookies.find(|cookie| cookie.name() == name)?;
    RefreshToken::parse(found.value())
}

/// What has the browser keep a token.
pub fn keep(headers: &HeaderMap, namespace: &str, token: &RefreshToken) -> Option<HeaderValue> {
    set(headers, namespace, token.text(), Duration::seconds(LOGIN))
}

/// What has the browser forget it.
pub fn forget(headers: &HeaderMap, namespace: &str) -> Option<HeaderValue> {
    set(headers, namespace, String::new(), Duration::ZERO)
}

fn set(headers: &HeaderMap, namespace: &str, value: String, age: Duration) -> Option<HeaderValue> {
    let cookie = Cookie::build((name(namespace), value)).http_only(true).secure(true).path("/").max_age(age);
    // Kept apart for each site that shows the page; where page and server share a site, for that one only.
    let is_at_home = is_same_site(headers);
    let cookie = if is_at_home { cookie.same_site(SameSite::Strict) } else { cookie.same_site(SameSite::None) };
    HeaderValue::try_from(cookie.partitioned(!is_at_home).build().to_string()).ok()
}

/// Whether the page is of the server's own site, as its browser says.
fn is_same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, Some(b"same-origin" | b"same-site"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        let token = RefreshToken::new().expect("chance");
        let kept = keep(&headers(&[("sec-fetch-site", "same-origin")]), "micro", &token).expect("a header");
        let text = token.text();
        let expected =
            format!("__Host-micro-bWljcm8={text}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000");
        assert_eq!(kept, expected);
        for elsewhere in [headers(&[("sec-fetch-site", "cross-site")]), headers(&[])] {
            let kept = keep(&elsewhere, "micro", &token).expect("a header");
            let kept = kept.to_str().expect("text");
            assert!(
                kept.contains("SameSite=None") && kept.contains("Secure") && kept.contains("Partitioned"),
                "{kept}"
            );
        }
        let forgotten = forget(&headers(&[("sec-fetch-site", "same-site")]), "micro").expect("a header");
        assert_eq!(forgotten, "__Host-micro-bWljcm8=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0");
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_its_namespaces() {
        let token = RefreshToken::new().expect("chance");
        let mine = format!("a=b; __Host-micro-bWljcm8={}; c", token.text());
        let sent = headers(&[("cookie", "x=y"), ("cookie", &mine)]);
        assert_eq!(read(&sent, "micro").map(|token| token.text()), Some(token.text()));
        assert!(read(&sent, "other").is_none() && read(&headers(&[]), "micro").is_none());
        for none in ["__Host-micro-bWljcm8=", "__Host-micro-bWljcm8=words", "micro-bWljcm8=x", ";;=;"] {
            assert!(read(&headers(&[("cookie", none)]), "micro").is_none(), "{none}");
        }
    }
}
