//! The page of all methods, made of the OpenAPI document.

use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

use super::markdown::{self, Heading, Rendered};

/// What the page is called.
pub const TITLE: &str = "API reference";

/// Where the document is, and what it names.
const FILE: &str = "crates/server/openapi.json";
const PROTOCOL: &str = "docs/protocol.md";

/// The page's body, and its headings.
pub fn render(document: &Value) -> Rendered {
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let heading = |tag: &Value| Heading { id: text(&tag["name"]).to_owned(), title: text(&tag["name"]).to_owned() };
    let body = html! {
        h1 { (TITLE) }
        p { "The same as " a href="/openapi.json" { "openapi.json" } ", for reading." }
        (words(&document["info"]["description"]))
        @for tag in tags {
            h2 id=(text(&tag["name"])) { (text(&tag["name"])) }
            (words(&tag["description"]))
            @for (path, methods) in fields(&document["paths"]) {
                @let (verb, method) = main_method(methods);
                @if method["tags"][0] == tag["name"] { (operation(document, path, verb, method)) }
            }
        }
    };
    Rendered { html: body.into_string(), headings: tags.iter().map(heading).collect() }
}

/// How a path is called by most: with POST, where it can be.
fn main_method(methods: &Value) -> (&'static str, &Value) {
    methods.get("post").map_or_else(|| ("GET", &methods["get"]), |post| ("POST", post))
}

fn operation(document: &Value, path: &str, verb: &str, method: &Value) -> Markup {
    let request = &method["requestBody"]["content"]["application/json"]["schema"];
    let answers = fields(&method["responses"]).filter(|(status, _)| status.starts_with(['1', '2']));
    let refusals = fields(&method["responses"]).filter(|(status, _)| status.starts_with(['4', '5']));
    html! {
        section.method {
            h3 id=(text(&method["operationId"])) { span.verb { (verb) } " " code { (path) } }
            p.summary { (text(&method["summary"])) "." }
            (words(&method["description"]))
            @if !request.is_null() { (table(document, "request", request)) }
            @for (_, answer) in answers {
                @let answer = resolve(document, answer);
                @for (kind, content) in fields(&answer["content"]) {
                    @let title = if kind == "application/json" { "answer".to_owned() } else { format!("answer ({kind})") };
                    (table(document, &title, &content["schema"]))
                }
            }
            @if verb == "POST" { pre { code { (curl(path, document, request)) } } }
            details {
                summary { "Refusals" }
                @for (status, refusal) in refusals {
                    h4 { (status) }
                    (words(&resolve(document, refusal)["description"]))
                }
            }
        }
    }
}

/// The fields of an object; of one or another, where it may be either.
fn table(document: &Value, title: &str, schema: &Value) -> Markup {
    let schema = resolve(document, schema);
    let choices = ["anyOf", "oneOf"].iter().find_map(|choice| schema[*choice].as_array());
    if let Some(choices) = choices {
        return html! { @for choice in choices { (table(document, title, choice)) } };
    }
    let properties = &schema["properties"];
    html! {
        @if fields(properties).next().is_some() {
            div.scroller tabindex="0" {
                table {
                    thead { tr { th { (title) } th { "type" } th { "what" } } }
                    tbody {
                        @for (name, property) in fields(properties) {
                            tr {
                                td { code { (name) } }
                                td { (kind(document, property)) }
                                td { (words(&property["description"])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A field's type in a word or two; a type of its own with its fields below.
fn kind(document: &Value, property: &Value) -> Markup {
    // Where it may be null, it is the other of two.
    let property = property["oneOf"].as_array().and_then(|choices| choices.get(1)).unwrap_or(property);
    let target = resolve(document, property);
    if property.get("$ref").is_some() && target["properties"].is_object() {
        let names = fields(&target["properties"]).map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        return html! { "object: " (names) };
    }
    match (&target["type"], &target["items"]) {
        (Value::String(list), items) if list == "array" => html! { "list of " (kind(document, items)) },
        (Value::String(one), _) => html! { (one) },
        // That null is the same as nothing is said of all fields at once.
        (Value::Array(several), items) => match several.iter().find(|kind| *kind != "null") {
            Some(kind) if kind == "array" => html! { "list of " (self::kind(document, items)) },
            kind => html! { (kind.map(text).unwrap_or_default()) },
        },
        _ => html! { "any of several" },
    }
}

/// A command line that calls the method with what it has to be given.
fn curl(path: &str, document: &Value, request: &Value) -> String {
    let schema = resolve(document, request);
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body: Map<String, Value> = required
        .iter()
        .map(|name| {
            let property = resolve(document, &schema["properties"][text(name)]);
            let example = match text(&property["type"]) {
                "array" => serde_json::json!(["ann", "ben"]),
                "integer" => serde_json::json!(1),
                "boolean" => serde_json::json!(true),
                _ => serde_json::json!("…"),
            };
            (text(name).to_owned(), example)
        })
        .collect();
    format!("curl http://127.0.0.1:8080{path} -d '{}'", Value::Object(body))
}

/// What a reference leads to.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(value)
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn words(value: &Value) -> Markup {
    // Its readers elsewhere know the file; here it is a page.
    let text = text(value).replace(PROTOCOL, &format!("[the protocol](../../{PROTOCOL})"));
    PreEscaped(markdown::render(FILE, &text).html)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::openapi;

    #[test]
    fn every_path_of_the_document_stands_on_the_page_once() {
        let document = openapi::value();
        let page = render(document).html;
        for (path, _) in fields(&document["paths"]) {
            assert_eq!(page.matches(&format!("<code>{path}</code></h3>")).count(), 1, "{path}");
        }
        assert!(page.contains("<a href=\"/docs/protocol\">the protocol</a>") && !page.contains(PROTOCOL), "{page}");
        assert!(!page.contains("<p><a href=\"/docs/protocol\">"), "a sentence begins with a small letter");
        assert!(!page.contains(". <a href=\"/docs/"), "a sentence begins with a small letter");
        assert!(!page.contains("null</td>") && page.contains("<td>object: namespace</td>"), "{page}");
        assert!(page.contains("chat.New.MissingUserIDs"), "refusals are named");
        assert!(page.contains(r#"curl http://127.0.0.1:8080/chat/New -d '{&quot;user_ids&quot;"#), "{page}");
    }
}
