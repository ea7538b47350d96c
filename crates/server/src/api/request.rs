//! What a call asks for: its body or its query, read into the endpoint's request.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Method;
use axum::http::request::Parts;
use http_body_util::BodyExt;
use micro_chat_wire::limit;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use tokio::time::timeout;

use super::fault::Fault;
use super::reader::Reader;

/// A body that is too large is read on to here before it is refused: who is still sending does not hear an answer.
const PATIENCE: usize = 16 * limit::BODY;

/// Of a request that is refused by its head, so much of the body is read, in bytes.
const SMALL: usize = 64 * 1024;

/// And for so long.
const SMALL_TIME: Duration = Duration::from_secs(1);

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Query parameters that are lists.
const LISTS: [&str; 1] = ["user_ids"];

/// Query parameters that are yes or no.
const FLAGS: [&str; 1] = ["private"];

/// Query parameters that are numbers.
const NUMBERS: [&str; 5] = ["limit", "offset", "before", "after", "seq"];

/// A call as it came.
#[derive(Debug)]
pub struct Call {
    /// The request, not read yet.
    content: Content,
}

#[derive(Debug)]
enum Content {
    Json(Bytes),
    Query(Map<String, Value>),
}

impl Call {
    /// Reads the whole request. `meter` is told of all bytes that come, and may find them too many.
    pub async fn receive(parts: &Parts, body: Body, meter: impl Fn(usize) -> Result<(), Fault>) -> Result<Self, Fault> {
        let body = if parts.method == Method::GET {
            Bytes::new()
        } else {
            timeout(BODY_TIME, whole(body, meter)).await.unwrap_or(Err(Fault::BodyTooSlow))?
        };
        let content = if body.iter().all(u8::is_ascii_whitespace) {
            Content::Query(query(parts.uri.query().unwrap_or_default())?)
        } else {
            Content::Json(body)
        };
        Ok(Self { content })
    }

    /// The request as its endpoint wants it.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Fault> {
        match self.content {
            Content::Json(body) => from_json(std::str::from_utf8(&body).map_err(|_| Fault::InvalidUtf8)?),
            Content::Query(query) => {
                serde_path_to_error::deserialize(Reader::new(Value::Object(query))).map_err(invalid_field)
            }
        }
    }

    /// The same, of a body alone: what is secret does not belong into an address, which is written into logs.
    pub fn read_body<T: DeserializeOwned>(self) -> Result<T, Fault> {
        match &self.content {
            Content::Query(query) if !query.is_empty() => Err(Fault::BodyOnly),
            _ => self.read(),
        }
    }
}

/// Reads JSON.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(Reader::new(&mut json)).map_err(|error| {
        if error.inner().is_data() { invalid_field(error) } else { Fault::InvalidJson(error.inner().to_string()) }
    })?;
    json.end().map_err(|error| Fault::InvalidJson(error.to_string()))?;
    Ok(value)
}

fn invalid_field(error: serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let field = match error.path().to_string() {
        path if path == "." => "request".to_owned(),
        path => path,
    };
    // The field says where: nobody counts the columns of a line that a program wrote.
    let (error, detail) = (error.inner(), error.inner().to_string());
    let place = format!(" at line {} column {}", error.line(), error.column());
    Fault::InvalidField { field, detail: detail.strip_suffix(&place).unwrap_or(&detail).to_owned() }
}

/// The namespace header; empty without one.
pub fn namespace(parts: &Parts) -> Result<String, Fault> {
    checked_namespace(header(parts, "micro-namespace")?.unwrap_or_default())
}

/// The token of an `authorization: Bearer` header; empty without one.
pub fn token(parts: &Parts) -> Result<String, Fault> {
    let Some(header) = header(parts, "authorization")? else { return Ok(String::new()) };
    let is_bearer = header.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    Ok(if is_bearer { header[7..].trim().to_owned() } else { String::new() })
}

/// Refuses a namespace that is too long.
pub fn checked_namespace(namespace: String) -> Result<String, Fault> {
    if namespace.len() > limit::ID { Err(Fault::NamespaceTooLarge) } else { Ok(namespace) }
}

/// A header's value where it has one.
pub fn header(parts: &Parts, name: &str) -> Result<Option<String>, Fault> {
    let Some(value) = parts.headers.get(name) else { return Ok(None) };
    let value = std::str::from_utf8(value.as_bytes()).map_err(|_| Fault::InvalidUtf8)?;
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// Whom a proxy says it speaks for. It adds to what it was told, so only the last one is its own word.
pub fn forwarded_for(parts: &Parts) -> Option<IpAddr> {
    let last = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    // Some proxies add the port.
    last.parse().ok().or_else(|| last.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// A query string's pairs, decoded.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // The decoder replaces what is not UTF-8; a replacement character that nobody wrote gives it away.
    let replaced = |text: &str| text.contains('\u{FFFD}');
    let written = || query.to_ascii_uppercase().contains("%EF%BF%BD");
    if pairs.iter().any(|(name, value)| replaced(name) || replaced(value)) && !written() {
        return Err(Fault::InvalidUtf8);
    }
    Ok(pairs)
}

fn query(text: &str) -> Result<Map<String, Value>, Fault> {
    let mut object = Map::new();
    for (name, value) in pairs(text)? {
        if LISTS.contains(&name.as_str()) {
            if let Value::Array(list) = object.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                list.push(Value::String(value));
            }
        } else if NUMBERS.contains(&name.as_str()) {
            // What is none is refused like any other value of another type.
            let number = value.parse::<Number>().map_or(Value::String(value), Value::Number);
            object.insert(name, number);
        } else if FLAGS.contains(&name.as_str()) {
            let flag = value.parse::<bool>().map_or(Value::String(value), Value::Bool);
            object.insert(name, flag);
        } else {
            object.insert(name, Value::String(value));
        }
    }
    Ok(object)
}

/// Takes a small body from the line, so that the refusal of its request arrives: a proxy that is still writing when the
/// connection closes tells its client of a broken server instead.
pub async fn discard(mut body: Body, fault: Fault) -> Fault {
    let small = async {
        let mut total = 0;
        while total <= SMALL
            && let Some(Ok(frame)) = body.frame().await
        {
            total += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    // One that does not come in time was never meant to.
    let _ = timeout(SMALL_TIME, small).await;
    fault
}

async fn whole(mut body: Body, meter: impl Fn(usize) -> Result<(), Fault>) -> Result<Bytes, Fault> {
    let mut bytes = Vec::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        // The client went away, or its framing is broken: nobody reads the answer.
        let frame = frame.map_err(|_| Fault::InvalidJson("the body ended too early".to_owned()))?;
        let Some(data) = frame.data_ref() else { continue };
        total += data.len();
        meter(data.len())?;
        if total > PATIENCE {
            break;
        }
        if total <= limit::BODY {
            bytes.extend_from_slice(data);
        }
    }
    if total > limit::BODY { Err(Fault::BodyTooLarge) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use micro_chat_wire::chat::{HistoryRequest, NewRequest};
    use micro_chat_wire::groups::CreateRequest;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
        Call { content: Content::Query(query(text)?) }.read()
    }

    #[test]
    fn a_query_reads_like_a_body() {
        let request: Result<HistoryRequest, _> = read("chat_id=a+b%2Fc&limit=5&after=0");
        assert!(request.is_ok_and(|request| {
            (request.chat_id.as_str(), request.limit, request.after) == ("a b/c", 5, Some(0))
        }));
        let request: Result<NewRequest, _> = read("user_ids=ann&user_ids=ben");
        assert!(request.is_ok_and(|request| request.user_ids == ["ann", "ben"]));
        assert!(read::<NewRequest>("").is_ok_and(|request| request.user_ids.is_empty()));
    }

    #[test]
    fn a_bad_query_names_the_field() {
        let words = "it has to be a whole number from 0 on";
        for text in ["limit=many", "limit=-1", "limit=1.5", "limit="] {
            let refused = read::<HistoryRequest>(text);
            assert!(
                matches!(refused, Err(Fault::InvalidField { field, detail }) if field == "limit" && detail == words),
                "{text}"
            );
        }
        let refused = read::<CreateRequest>("private=maybe");
        assert!(matches!(refused, Err(Fault::InvalidField { detail, .. }) if detail == "it has to be true or false"));
        assert!(matches!(read::<HistoryRequest>("chat_id=%FF"), Err(Fault::InvalidUtf8)));
        assert!(read::<HistoryRequest>("chat_id=%ef%bf%bd").is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_body_is_told_apart() {
        assert!(matches!(from_json::<NewRequest>("{"), Err(Fault::InvalidJson(_))));
        assert!(matches!(from_json::<NewRequest>("{} {}"), Err(Fault::InvalidJson(_))));
        let deep = "[".repeat(100_000);
        assert!(matches!(from_json::<NewRequest>(&format!("{{\"x\":{deep}")), Err(Fault::InvalidJson(_))));
        let wrong = from_json::<NewRequest>(r#"{"user_ids": ["a", 5]}"#);
        assert!(matches!(wrong, Err(Fault::InvalidField { field, .. }) if field == "user_ids[1]"));
        for no_object in ["[]", "[[\"ann\"]]", "5", "null"] {
            let wrong = from_json::<NewRequest>(no_object);
            assert!(matches!(wrong, Err(Fault::InvalidField { field, .. }) if field == "request"), "{no_object}");
        }
    }
}
