//! What is described is what there is; and what was written from it is up to date:
//! `MICRO_CHAT_WRITE=1 cargo test -p micro-chat-server openapi` writes `crates/server/openapi.json` and
//! `docs/errors.md` anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use micro_chat_wire::{endpoint, limit};
use serde_json::Value;
use strum::IntoEnumIterator;

use super::method::{Method, twin};
use super::methods::method;
use super::page;
use crate::auth::accounts::RefusalKind as AccountRefusalKind;
use crate::chat::RefusalKind;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_default()
}

/// Compares a file with what it should be, or writes it.
fn check(path: &str, text: &str) {
    if std::env::var_os("MICRO_CHAT_WRITE").is_some() {
        std::fs::write(at(path), text).expect("it can be written");
    }
    assert!(read(path) == text, "{path} is out of date: MICRO_CHAT_WRITE=1 cargo test -p micro-chat-server openapi");
}

#[test]
fn every_endpoint_is_described_and_nothing_else_is() {
    let paths = super::value()["paths"].as_object().expect("paths");
    let described: BTreeSet<_> = paths.keys().filter_map(|path| endpoint::Endpoint::from_path(path)).collect();
    let all: BTreeSet<_> = endpoint::ALL.iter().map(|(endpoint, ..)| *endpoint).collect();
    assert_eq!(described, all);
    let others: Vec<_> = paths.keys().filter(|path| endpoint::Endpoint::from_path(path).is_none()).collect();
    assert_eq!(others, ["/healthz", "/metrics", "/readyz"]);
    assert_eq!(paths.len(), all.len() + others.len(), "each once");
}

#[test]
fn what_is_referred_to_is_there() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(name, value)| match value {
                Value::String(name_of) if name == "$ref" => found.push(name_of),
                value => walk(value, found),
            }),
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let document = super::value();
    let mut found = Vec::new();
    walk(document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn limits_are_described_as_they_are() {
    let schema = |pointer: &str| super::value()["components"]["schemas"].pointer(pointer).and_then(Value::as_u64);
    let (text, subject, id) = (limit::TEXT as u64, limit::SUBJECT as u64, limit::ID as u64);
    assert_eq!(schema("/chat.SendRequest/properties/text/maxLength"), Some(text));
    assert_eq!(schema("/chats.SendMessageRequest/properties/text/maxLength"), Some(text));
    assert_eq!(schema("/groups.CreateRequest/properties/description/maxLength"), Some(text));
    assert_eq!(schema("/chat.SendRequest/properties/subject/maxLength"), Some(subject));
    assert_eq!(schema("/groups.CreateRequest/properties/name/maxLength"), Some(subject));
    assert_eq!(schema("/chat.SendRequest/properties/chat_id/maxLength"), Some(id));
    assert_eq!(schema("/groups.MemberRequest/properties/group_id/maxLength"), Some(id));
    assert_eq!(schema("/chat.NewRequest/properties/user_ids/maxItems"), Some(limit::USER_IDS as u64));
    for request in ["chat.HistoryRequest", "chats.ListMessagesRequest", "groups.ListRequest"] {
        assert_eq!(schema(&format!("/{request}/properties/limit/maximum")), Some(limit::PAGE), "{request}");
    }
}

#[test]
fn no_kind_of_refusal_is_left_out_of_all_methods() {
    let all = super::endpoints().flat_map(|(endpoint, _)| [Some(endpoint), twin(endpoint)]);
    let methods: Vec<Method> = all.flatten().map(method).collect();
    for kind in RefusalKind::iter().filter(|kind| *kind != RefusalKind::Denied) {
        assert!(methods.iter().any(|method| method.refusals.contains(&kind)), "{kind:?}");
    }
    for kind in AccountRefusalKind::iter().filter(|kind| *kind != AccountRefusalKind::Denied) {
        assert!(methods.iter().any(|method| method.accounts.contains(&kind)), "{kind:?}");
    }
}

#[test]
fn the_document_that_was_written_is_that_of_the_code() {
    let text = serde_json::to_string_pretty(super::value()).expect("it serialises") + "\n";
    check("crates/server/openapi.json", &text);
}

#[test]
fn the_list_of_errors_that_was_written_is_that_of_the_code() {
    check("docs/errors.md", &page::errors(&read("docs/errors.md")));
}

/// What follows `before` in the text, up to the next quotation mark, each time.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn sources(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(at(folder)).expect("a folder").flatten() {
        let path = entry.path();
        if path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending)) {
            all.push(std::fs::read_to_string(path).expect("text"));
        }
    }
    all
}

#[test]
fn errors_of_the_sdk_and_the_command_line_are_listed_as_its_code_has_them() {
    let mut raised: BTreeSet<String> = BTreeSet::new();
    for text in sources("js", &["ts"]) {
        // Long ones are broken into lines.
        let text: String = text.split_whitespace().collect();
        raised.extend(quoted(&text, "clientError(\"").into_iter().map(|id| format!("client.{id}")));
    }
    for folder in ["src", "crates/client/src", "crates/cli/src"] {
        for text in sources(folder, &["rs"]) {
            raised.extend(quoted(&text, "\"client.").into_iter().map(|id| format!("client.{id}")));
        }
    }
    // It is raised by a name of its own.
    raised.insert("client.BadArgument".to_owned());
    let page = read("docs/errors.md");
    let listed: BTreeSet<String> = page
        .split("\n| `client.")
        .skip(1)
        .filter_map(|row| row.split('`').next())
        .map(|id| format!("client.{id}"))
        .collect();
    assert_eq!(listed, raised);
}

/// All of the document's values of that name, wherever they stand.
fn all_of<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            found.extend((key == name).then_some(value));
            all_of(value, name, found);
        }),
        Value::Array(list) => list.iter().for_each(|value| all_of(value, name, found)),
        _ => {}
    }
}

#[test]
fn formats_are_registered_ones_and_operations_are_called_like_their_paths() {
    let document = super::value();
    let mut formats = Vec::new();
    all_of(&document["components"], "format", &mut formats);
    assert!(formats.len() > 20);
    for format in formats {
        assert!(["uint64", "uint16", "int64"].iter().any(|known| format == known), "{format}");
    }
    for (path, item) in document["paths"].as_object().expect("paths") {
        let name = path.trim_start_matches('/').replace('/', ".");
        for (verb, id) in [("get", format!("{name}.get")), ("post", name)] {
            let operation = &item[verb]["operationId"];
            let is_of_server = item[verb]["tags"][0] == "server";
            assert!(operation.is_null() || is_of_server || *operation == id, "{path}: {operation}");
        }
    }
}

#[test]
fn a_head_that_is_too_long_is_answered_alike_whatever_it_asks_for() {
    for (path, item) in super::value()["paths"].as_object().expect("paths") {
        for (verb, operation) in item.as_object().expect("operations") {
            assert_eq!(operation["responses"]["431"]["$ref"], "#/components/responses/431", "{verb} {path}");
        }
    }
}

#[test]
fn what_a_request_may_hold_is_bounded_as_it_is_read() {
    let schemas = &super::value()["components"]["schemas"];
    let users = &schemas["chat.NewRequest"]["properties"]["user_ids"];
    assert_eq!((&users["items"]["minLength"], &users["items"]["maxLength"]), (&1.into(), &limit::ID.into()));
    // A list that is required is no list of nothing; others may be null, which is the same as nothing.
    assert_eq!(users["type"], "array");
    assert_eq!(schemas["groups.CreateRequest"]["properties"]["user_ids"]["type"], serde_json::json!(["array", "null"]));
    assert_eq!(schemas["auth.TokenRequest"]["properties"]["options"]["oneOf"][0]["type"], "null");
    let namespace = &schemas["auth.TokenOptions"]["properties"]["namespace"];
    assert_eq!(namespace["type"], serde_json::json!(["string", "null"]));
    assert_eq!(schemas["chat.HistoryRequest"]["properties"]["before"]["maximum"], u64::MAX);
    let text = &schemas["chat.SendRequest"]["properties"]["text"];
    assert_eq!(text["description"], "What it says. At most 65536 bytes: of other letters than ASCII's fewer fit.");
    let mut choices = Vec::new();
    all_of(schemas, "oneOf", &mut choices);
    assert!(!choices.is_empty() && choices.iter().all(|choices| choices.is_array()), "{choices:?}");
    // Lists in requests are refused as lists of strings.
    for (name, schema) in schemas.as_object().expect("schemas").iter().filter(|(name, _)| name.ends_with("Request")) {
        for (field, property) in schema["properties"].as_object().expect("fields") {
            let kind = property["items"]["type"].as_str().unwrap_or("string");
            assert_eq!(kind, "string", "{name}.{field}");
        }
    }
}
