//! The service describes itself: OpenAPI 3.1, made from the types and the rules that it answers with.
//!
//! - `methods`: every method in words; a new endpoint is described there,
//! - `method`: what is said about one,
//! - `occasion`: every kind of error and when it occurs; a new kind is described there,
//! - `errors`: which of them a method can answer with,
//! - `operation`: a method as a path item,
//! - `schemas`: what goes in and comes out, in JSON Schema,
//! - `server`: what is asked of the server itself.

mod errors;
mod method;
mod methods;
mod occasion;
mod operation;
mod schemas;
mod server;

#[cfg(test)]
mod drift;
#[cfg(test)]
mod page;

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use micro_chat_wire::endpoint::Endpoint;
use serde_json::{Map, Value, json};

use super::assets::{self, Content};

/// What every path has in common, in Markdown.
const ABOUT: &str = "Chat for any web page. Each method is called with `POST` and a JSON body, most of them also with \
    `GET` and a query, at any of four paths: `/chat/New`, `/chat/Chat/New`, `/v1/chat/New`, `/v1/chat/Chat/New`; this \
    document names the first. The body is read as JSON whatever its content type says. A field that is missing or `null` is \
    the same as an empty one, and fields that nobody knows are passed over. `1.0` is a whole number, too.\n\n\
    A server whose `auth.Options` answers `login: none` believes whoever is named and wants no token.\n\n\
    The streams are described in docs/protocol.md.";

/// The document, made when it is first asked for.
static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The same as it is served.
static TEXT: LazyLock<Content> = LazyLock::new(|| DOCUMENT.to_string().into());

/// The OpenAPI document.
pub fn value() -> &'static Value {
    &DOCUMENT
}

/// `/openapi.json`.
pub fn answer(headers: &HeaderMap) -> Response {
    assets::own_page("openapi.json", TEXT.clone(), headers)
}

/// Every endpoint that has a path of its own, with the first of its paths.
pub fn endpoints() -> impl Iterator<Item = (Endpoint, String)> {
    let all = micro_chat_wire::endpoint::ALL;
    let is_first = move |(at, (endpoint, ..)): &(usize, &(Endpoint, &str, &str))| {
        all[..*at].iter().all(|(earlier, ..)| earlier != endpoint)
    };
    let named = |(_, &(endpoint, service, method)): (usize, &(Endpoint, &str, &str))| {
        (endpoint, format!("/{service}/{method}"))
    };
    all.iter().enumerate().filter(is_first).map(named)
}

fn document() -> Value {
    let schemas = schemas::all();
    let (mut paths, mut responses) = (Map::new(), Map::new());
    for (endpoint, path) in endpoints() {
        paths.insert(path, operation::path_item(endpoint, &schemas));
        responses.extend(operation::refusals(endpoint));
    }
    let description = "The request's head, of which headers and query are parts, has more than 32 KiB: it is read by \
        nobody, and the answer is the HTTP library's own. It has no body, and none of the headers that others have.";
    responses.insert(operation::LONG_HEAD.to_owned(), json!({ "description": description }));
    paths.extend(server::paths().map(|(path, item)| (path.to_owned(), item)));
    let bearer = |description: &str| json!({ "type": "http", "scheme": "bearer", "description": description });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Micro Chat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "chat", "description": "Chats of a set of users, and their messages." },
            { "name": "groups", "description": "Chats that have a name, and members that come and go." },
            { "name": "chats", "description": "The same chats and messages, in other words; times are RFC 3339." },
            { "name": "auth", "description": "Logging in, staying so, and logging out." },
            { "name": "signup", "description": "New accounts." },
            { "name": "server", "description": "The server itself." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "securitySchemes": {
                "token": bearer("A user's token: `authorization: Bearer …`. It says who calls, and in which namespace."),
                "key": bearer("An API key, in the same header: a site's own server, which acts for whom it names."),
            },
        },
    })
}
