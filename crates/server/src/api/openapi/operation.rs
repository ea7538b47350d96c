//! A method as OpenAPI's path item: what goes in, what comes out.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use micro_chat_wire::DEFAULT_NAMESPACE;
use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::limit;
use serde_json::{Map, Value, json};

use super::errors::{self, Described};
use super::method::{Form, Login, Method, twin};
use super::methods::method;

/// The status and the name of what answers a head that is too long, be it by its query.
pub const LONG_HEAD: &str = "431";

/// A path, with its operations.
pub fn path_item(endpoint: Endpoint, schemas: &Map<String, Value>) -> Value {
    let said = method(endpoint);
    let mut item = Map::new();
    if matches!(said.form, Form::Call | Form::Stream | Form::Both) {
        let mut get = operation(endpoint, &said);
        get.insert("operationId".to_owned(), json!(format!("{}.get", endpoint.operation())));
        let mut parameters = headers(&said);
        parameters.extend(query(schemas.get(&said.request)));
        get.insert("parameters".to_owned(), Value::Array(parameters));
        item.insert("get".to_owned(), Value::Object(get));
    }
    if said.form != Form::Stream {
        let mut post = operation(endpoint, &said);
        post.insert("operationId".to_owned(), json!(endpoint.operation()));
        post.insert("parameters".to_owned(), Value::Array(headers(&said)));
        let content = json!({ "application/json": { "schema": reference(&said.request) } });
        let is_required = schemas.get(&said.request).is_some_and(|schema| schema["required"].is_array());
        post.insert("requestBody".to_owned(), json!({ "required": is_required, "content": content }));
        item.insert("post".to_owned(), Value::Object(post));
    }
    Value::Object(item)
}

fn operation(endpoint: Endpoint, said: &Method) -> Map<String, Value> {
    let mut operation = Map::new();
    let mut put = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    put("tags", json!([tag(endpoint)]));
    put("summary", json!(said.summary));
    put("description", json!(said.description));
    put("security", security(said.login));
    put("responses", responses(endpoint, said));
    operation
}

/// Which part of the document a method is in.
fn tag(endpoint: Endpoint) -> &'static str {
    let service = endpoint.name().split('.').next().unwrap_or_default();
    match service {
        "chat" if endpoint.is_of_groups() => "groups",
        "chat" => "chat",
        "chats" => "chats",
        "auth" => "auth",
        _ => "signup",
    }
}

fn security(login: Login) -> Value {
    match login {
        Login::None => json!([]),
        Login::Token(_) => json!([{ "token": [] }, { "key": [] }]),
        Login::Sometimes => json!([{}, { "token": [] }, { "key": [] }]),
    }
}

fn headers(said: &Method) -> Vec<Value> {
    let parameter = |name: &str, description: &str| {
        let schema = json!({ "type": "string", "maxLength": limit::ID });
        json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema })
    };
    let namespace = format!("The namespace; without it `{DEFAULT_NAMESPACE}`, or the token's.");
    let mut headers = vec![parameter("micro-namespace", &namespace)];
    if said.form == Form::Stream {
        headers.push(parameter("chat-id", "The chat to join; as a parameter or in the first frame, if not here."));
        headers.push(parameter("user-id", "Who joins; as a parameter or in the first frame, if not here."));
    }
    headers
}

/// The request's fields as parameters. A list is a repeated key.
fn query(schema: Option<&Value>) -> Vec<Value> {
    let Some(properties) = schema.and_then(|schema| schema["properties"].as_object()) else { return Vec::new() };
    let required = schema.and_then(|schema| schema["required"].as_array());
    let parameter = |(name, property): (&String, &Value)| {
        // Where the field may be null, the parameter is left out.
        let mut property = property.clone();
        if let Some(kinds) = property["type"].as_array() {
            property["type"] = kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
            if property["default"].is_null() {
                property.as_object_mut().map(|property| property.remove("default"));
            }
        }
        let description = property.as_object_mut().and_then(|property| property.remove("description"));
        let is_required = required.is_some_and(|required| required.iter().any(|field| field == name));
        let mut parameter = json!({ "name": name, "in": "query", "required": is_required, "schema": property });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    };
    // What is secret is not taken from an address.
    properties.iter().filter(|(name, _)| *name != "token").map(parameter).collect()
}

fn responses(endpoint: Endpoint, said: &Method) -> Value {
    let mut responses = Map::new();
    if matches!(said.form, Form::Stream | Form::Both) {
        let description = "The stream is open: what comes now are frames, see docs/protocol.md.";
        responses.insert("101".to_owned(), json!({ "description": description }));
    }
    if said.form != Form::Stream {
        responses.insert("200".to_owned(), answer(endpoint, said));
    }
    for code in by_code(endpoint).into_keys() {
        let reference = json!({ "$ref": format!("#/components/responses/{}", name(endpoint, code)) });
        responses.insert(code.to_string(), reference);
    }
    responses.insert(LONG_HEAD.to_owned(), long_head());
    Value::Object(responses)
}

/// What answers a head that is too long, whatever it asks for: it comes before anybody knows what that is.
pub fn long_head() -> Value {
    json!({ "$ref": format!("#/components/responses/{LONG_HEAD}") })
}

/// What a method refuses, each code with its name in the document: it is the same however the method is called.
pub fn refusals(endpoint: Endpoint) -> impl Iterator<Item = (String, Value)> {
    by_code(endpoint).into_iter().map(move |(code, errors)| (name(endpoint, code), refusal(code, &errors)))
}

fn name(endpoint: Endpoint, code: u16) -> String {
    format!("{}.{code}", endpoint.operation())
}

fn by_code(endpoint: Endpoint) -> BTreeMap<u16, Vec<Described>> {
    let mut by_code: BTreeMap<u16, Vec<Described>> = BTreeMap::new();
    for error in errors::of_answers(endpoint) {
        by_code.entry(error.body.code).or_default().push(error);
    }
    by_code
}

fn answer(endpoint: Endpoint, said: &Method) -> Value {
    let schema = match twin(endpoint) {
        None => reference(&said.answer),
        Some(twin) => json!({ "anyOf": [reference(&said.answer), reference(&method(twin).answer)] }),
    };
    let mut answer = json!({ "description": "Done.", "content": { said.media: { "schema": schema } } });
    if said.form == Form::Secret || said.media != "application/json" {
        answer["headers"] = json!({ "cache-control": header("No cache keeps this.", json!({ "const": "no-store" })) });
    }
    answer
}

fn refusal(code: u16, errors: &[Described]) -> Value {
    let mut ids: Vec<&str> = errors.iter().map(|error| error.body.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let listed = errors.iter().map(|error| format!("- `{}`: {}.", error.body.id, error.when));
    let mut lines: Vec<String> = Vec::new();
    listed.for_each(|line| {
        if !lines.contains(&line) {
            lines.push(line)
        }
    });
    let status = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
    let narrowed = json!({ "type": "object", "properties": { "Id": { "enum": ids }, "Code": { "const": code } } });
    let schema = json!({ "allOf": [reference("ErrorBody"), narrowed] });
    let mut response = json!({
        "description": format!("{status}.\n\n{}", lines.join("\n")),
        "content": { "application/json": { "schema": schema } },
    });
    let number = json!({ "type": "integer", "minimum": 1 });
    match code {
        401 => response["headers"] = json!({ "www-authenticate": header("`Bearer`.", json!({ "type": "string" })) }),
        405 => response["headers"] = json!({ "allow": header("What is allowed.", json!({ "type": "string" })) }),
        426 => response["headers"] = json!({ "upgrade": header("`websocket`.", json!({ "type": "string" })) }),
        429 | 503 => response["headers"] = json!({ "retry-after": header("When to try again, in seconds.", number) }),
        _ => {}
    }
    response
}

/// A header that is always there.
pub fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "required": true, "schema": schema })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
