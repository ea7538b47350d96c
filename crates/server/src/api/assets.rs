//! The SDK at `/assets/` and the pages of `www/`, from inside the binary.
//!
//! `micro.js` keeps its name and is asked for anew each time (a 304 where it is the same); it names the wasm
//! and the login by their contents' hashes, and what has a hash in its name never changes.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use super::fault::Fault;

/// What the SDK's build made: each file plain, `.br` and `.gz`.
#[derive(RustEmbed)]
#[folder = "../../dist/assets"]
#[allow_missing = true]
struct Assets;

/// The pages.
#[derive(RustEmbed)]
#[folder = "../../www"]
#[allow_missing = true]
struct Pages;

/// Ready for a year.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Kept, but asked about before each use.
const ASK_FIRST: &str = "no-cache";

/// What a page of ours may do: run and fetch what this server has, and nothing else; nobody shows it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Something to serve. A clone shares all of it.
#[derive(Clone, Debug)]
pub struct Content {
    /// All of it.
    pub(super) data: Bytes,
    /// Tells it from what it was before.
    etag: HeaderValue,
}

impl From<EmbeddedFile> for Content {
    fn from(file: EmbeddedFile) -> Self {
        let data = match file.data {
            Cow::Borrowed(embedded) => Bytes::from_static(embedded),
            Cow::Owned(read) => read.into(),
        };
        Self { data, etag: etag(file.metadata.sha256_hash()) }
    }
}

/// What was made, and not embedded.
impl From<String> for Content {
    fn from(text: String) -> Self {
        Self { etag: etag(Sha256::digest(&text).into()), data: text.into() }
    }
}

/// Half of the hash tells everything from everything.
fn etag(hash: [u8; 32]) -> HeaderValue {
    let hash: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    // It has hexadecimal digits only.
    HeaderValue::try_from(format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// `/assets/…`.
pub async fn asset(name: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    let Ok(Path(name)) = name else { return Fault::InvalidUtf8.into_response() };
    let is_variant = name.ends_with(".br") || name.ends_with(".gz");
    let found =
        if is_variant { None } else { compressed(&name, &headers).or_else(|| Some((Assets::get(&name)?, None))) };
    let Some((file, encoding)) = found else { return Fault::NotFound(format!("/assets/{name}")).into_response() };
    let caching = if has_hash(&name) { FOR_EVER } else { ASK_FIRST };
    let mut response = serve(&name, file.into(), encoding, caching, &headers);
    let fields = response.headers_mut();
    fields.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// A page, where the path is one's.
pub fn page(path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    Some(own_page(name, Pages::get(name)?.into(), headers))
}

/// A page of our own: what it may do is said with it.
pub fn own_page(name: &str, content: Content, headers: &HeaderMap) -> Response {
    let mut response = serve(name, content, None, ASK_FIRST, headers);
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// The smallest form that the client takes.
fn compressed(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    let accepts = |coding: &str| {
        accepted.split(',').any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            name.trim() == coding && !matches!(weight.replace(' ', "").as_str(), "q=0" | "q=0.0")
        })
    };
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(coding))
        .find_map(|(coding, ending)| Some((Assets::get(&format!("{name}.{ending}"))?, Some(coding))))
}

fn serve(
    name: &str,
    content: Content,
    encoding: Option<&'static str>,
    caching: &'static str,
    headers: &HeaderMap,
) -> Response {
    let Content { data, etag } = content;
    let known = headers.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_known = known.split(|byte| *byte == b',').any(|tag| {
        let tag = tag.trim_ascii();
        tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes()
    });
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(Body::from(data)) };
    let fields = response.headers_mut();
    let kind = mime_of(name);
    if !is_known {
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(encoding) = encoding {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    fields.insert(header::ETAG, etag);
    response
}

/// What we ship, by its ending.
fn mime_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}

/// Whether the name bears its content's hash: `micro-0123abcd.wasm`.
fn has_hash(name: &str) -> bool {
    let hash = name.split_once('-').and_then(|(_, rest)| rest.split_once('.')).map_or("", |(hash, _)| hash);
    hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{docs, openapi};
    use http_body_util::BodyExt;

    /// What an answer shares with others like it, if it is not made for each: the etag, and the body.
    async fn parts(answer: Response) -> (HeaderValue, Bytes) {
        let etag = answer.headers()[header::ETAG].clone();
        (etag, answer.into_body().collect().await.expect("a body").to_bytes())
    }

    #[tokio::test]
    async fn what_is_in_memory_is_neither_copied_nor_hashed_for_an_answer() {
        let none = HeaderMap::new();
        for ask in [|none| openapi::answer(none), |none| docs::answer("/docs/guide", none).expect("a page")] {
            let ((etag, body), (same_etag, same_body)) = (parts(ask(&none)).await, parts(ask(&none)).await);
            assert_eq!(etag.as_bytes().as_ptr(), same_etag.as_bytes().as_ptr());
            assert_eq!(body.as_ptr(), same_body.as_ptr());
        }
        // A debug build reads its files from the disk: this is what a release has.
        let metadata = Pages::get("index.html").expect("a page").metadata;
        let embedded = EmbeddedFile { data: Cow::Borrowed(b"a page"), metadata };
        let lies = embedded.data.as_ptr();
        assert_eq!(parts(own_page("index.html", embedded.into(), &none)).await.1.as_ptr(), lies);
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(has_hash("micro-0123abcd.wasm") && has_hash("micro-0123abcd4567.js"));
        assert!(!has_hash("micro.js") && !has_hash("micro-latest.js") && !has_hash("micro-.js"));
    }
}
