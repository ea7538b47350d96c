//! A request's name in the log: the one that it brings, if that is harmless, or one of ours.

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderName};
use tower_http::request_id::RequestId;

/// The header, in requests and in answers.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest that is taken over.
const LONGEST: usize = 64;

/// Drops what could not be written into a log as it is: one of ours takes its place.
pub async fn check(mut request: Request) -> Request {
    if !is_harmless(request.headers()) {
        request.headers_mut().remove(HEADER);
    }
    request
}

/// Whether there is one, and it can do no harm to whoever reads it, by eye or by program.
fn is_harmless(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(HEADER).iter();
    let (Some(id), None) = (all.next(), all.next()) else { return false };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
}

/// The request's.
pub fn of(extensions: &Extensions) -> Box<str> {
    let id = extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    id.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_what_can_stand_in_a_log_is_taken_over() {
        let is_taken = |ids: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for id in ids {
                headers.append(HEADER, HeaderValue::from_bytes(id).expect("a header"));
            }
            is_harmless(&headers)
        };
        for id in ["a", "0b0f0c9e-7d0c-4d5f-9c8e-1f2e3d4c5b6a", "req_1.2:3", &"x".repeat(LONGEST)] {
            assert!(is_taken(&[id.as_bytes()]), "{id}");
        }
        for id in ["", "a b", "a\tb", "a\"b", "a=b", "{}", "%0A", "\u{e9}", &"x".repeat(LONGEST + 1)] {
            assert!(!is_taken(&[id.as_bytes()]), "{id}");
        }
        assert!(!is_taken(&[]) && !is_taken(&[b"a", b"b"]) && !is_taken(&[b"\xff"]));
    }
}
