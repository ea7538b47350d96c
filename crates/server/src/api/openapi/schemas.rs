//! Every type of a request, an answer and an error, as JSON Schema: what the types themselves say, and what all of them
//! have in common.

use micro_chat_wire::error::ErrorBody;
use micro_chat_wire::limit;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::method::{self, Method};
use super::methods::method;

/// All schemas by their names.
pub fn all() -> Map<String, Value> {
    let endpoints = micro_chat_wire::endpoint::ALL.iter().map(|(endpoint, ..)| *endpoint);
    let twins = endpoints.clone().filter_map(method::twin);
    let methods: Vec<Method> = endpoints.chain(twins).map(method).collect();
    let error = (ErrorBody::name().into_owned(), ErrorBody::schema());
    let schemas = methods.iter().flat_map(|method| method.schemas.iter().cloned()).chain([error]);
    // A schema always serialises.
    let schemas = schemas.map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()));
    let mut schemas: Map<String, Value> = schemas.collect();
    schemas.values_mut().for_each(formats);
    let mut requests: Vec<String> = methods.iter().map(|method| method.request.clone()).collect();
    // A request may hold what is an object itself.
    for name in requests.clone() {
        for property in schemas.get(&name).and_then(|schema| schema["properties"].as_object()).into_iter().flatten() {
            let reference = property.1["oneOf"][0]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
            requests.extend(reference.map(str::to_owned));
        }
    }
    requests.sort_unstable();
    requests.dedup();
    for name in &requests {
        schemas.get_mut(name).and_then(Value::as_object_mut).into_iter().for_each(request);
    }
    schemas
}

/// Formats by their registered names: spec.openapis.org/registry/format.
fn formats(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(format)) = fields.get_mut("format")
                && let Some(bits) = format.strip_prefix("u-int")
            {
                *format = format!("uint{bits}");
            }
            fields.values_mut().for_each(formats);
        }
        Value::Array(list) => list.iter_mut().for_each(formats),
        _ => {}
    }
}

/// What holds for the fields of all requests.
fn request(schema: &mut Map<String, Value>) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if name == "user_ids" {
            property["items"] = json!({ "type": "string", "minLength": 1, "maxLength": limit::ID });
            say(property, &format!("Each has 1 to {} bytes.", limit::ID));
        }
        // Passwords are counted in letters, as people do.
        if let Some(most) = property["maxLength"].as_u64().filter(|_| !name.ends_with("secret")) {
            say(property, &format!("At most {most} bytes: of other letters than ASCII's fewer fit."));
        }
        if property["format"] == "uint64" && property["maximum"].is_null() {
            property["maximum"] = json!(u64::MAX);
        }
        if !required.iter().any(|field| field == name) {
            may_be_null(property);
        }
    }
}

/// Adds a sentence to its description.
fn say(property: &mut Value, sentence: &str) {
    let said = property["description"].as_str().unwrap_or_default();
    property["description"] = json!(format!("{said} {sentence}").trim());
}

/// Null is the same as nothing.
fn may_be_null(property: &mut Value) {
    if let Value::String(kind) = &property["type"] {
        property["type"] = json!([kind, "null"]);
    } else if let Some(Value::Array(choices)) = property.get_mut("oneOf") {
        // An object of its own is the only choice there is.
        choices.insert(0, json!({ "type": "null" }));
    }
}
