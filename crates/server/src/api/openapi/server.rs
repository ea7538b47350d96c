//! What is asked of the server itself, by those who run it.

use serde_json::{Value, json};

use super::errors;

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

/// An answer whose `status` is one of these.
fn status(description: &str, values: &[&str]) -> Value {
    let schema = json!({
        "type": "object",
        "required": ["status"],
        "properties": { "status": { "type": "string", "enum": values } },
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
    let responses = json!({
        "200": status("It is.", &["ok"]),
        "429": too_many(),
        "503": status("The database does not answer.", &["store"]),
    });
    get("health", "Whether the server is well", "It asks the database. `version` is the server's.", &responses)
}

fn ready() -> Value {
    let words: Vec<String> =
        errors::of_readiness().iter().map(|error| format!("- `{}`: {}.", error.body.id, error.when)).collect();
    let unready = refusal(&format!("It should get no visitors now.\n\n{}", words.join("\n")));
    let responses = json!({ "200": status("It should.", &["ready"]), "429": too_many(), "503": unready });
    get("ready", "Whether the server should get visitors", "docs/operations.md says what that takes.", &responses)
}

fn metrics() -> Value {
    let text = json!({
        "description": "They are, as Prometheus reads them.",
        "content": { "text/plain": { "schema": { "type": "string" } } },
    });
    let responses = json!({ "200": text, "404": refusal("This server shows them elsewhere, or not at all.") });
    let description = "Here for developers only; a server in production shows them at an address of their own.";
    get("metrics", "The server's figures", description, &responses)
}
