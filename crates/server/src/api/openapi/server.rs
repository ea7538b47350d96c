//! What is asked of the server itself, by those who run it.

use serde_json::{Value, json};

use super::errors;
use super::operation::long_head;

/// Its paths.
pub fn paths() -> [(&'static str, Value); 3] {
    [("/healthz", health()), ("/readyz", ready()), ("/metrics", metrics())]
}

fn get(id: &str, summary: &str, description: &str, responses: &Value) -> Value {
    let operation = json!({
        "operationId": id, "tags": ["server"], "summary": summary, "description": description, "security": [],
        "responses": responses,
    });
    json!({ "get": operation })
}

/// An answer with these fields, all of them.
fn answer(description: &str, properties: &Value) -> Value {
    let names: Vec<&String> = properties.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
    let schema = json!({
        "type": "object", "required": names, "properties": properties, "additionalProperties": false,
    });
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn refusal(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn too_many() -> Value {
    refusal("Too Many Requests.\n\n- `gateway.TooManyRequests`: An address asks for more than the limits let through.")
}

fn health() -> Value {
    let of = |status: &str| {
        let version = json!({ "type": "string", "description": "The server's version." });
        json!({ "status": { "type": "string", "const": status }, "version": version })
    };
    let responses = json!({
        "200": answer("It is.", &of("ok")),
        "429": too_many(),
        "431": long_head(),
        "503": answer("The database does not answer.", &of("store")),
    });
    get("health", "Whether the server is well", "It asks the database.", &responses)
}

fn ready() -> Value {
    let words: Vec<String> =
        errors::of_readiness().iter().map(|error| format!("- `{}`: {}.", error.body.id, error.when)).collect();
    let unready = refusal(&format!("It should get no visitors now.\n\n{}", words.join("\n")));
    let ready = json!({ "status": { "type": "string", "const": "ready" } });
    let responses =
        json!({ "200": answer("It should.", &ready), "429": too_many(), "431": long_head(), "503": unready });
    get("ready", "Whether the server should get visitors", "What that takes is in docs/operations.md.", &responses)
}

fn metrics() -> Value {
    let text = json!({
        "description": "They are, as Prometheus reads them.",
        "content": { "text/plain": { "schema": { "type": "string" } } },
    });
    let elsewhere = refusal("This server shows them elsewhere, or not at all.");
    let responses = json!({ "200": text, "404": elsewhere, "431": long_head() });
    let description = "Here for developers only; a server in production shows them at an address of their own.";
    get("metrics", "The server's figures", description, &responses)
}
