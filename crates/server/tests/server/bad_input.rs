//! What bad input gets: its own error, in the gateway's form, and the server goes on.

use micro_chat_server::api::openapi;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::running::Running;

#[tokio::test]
async fn every_kind_of_bad_body_has_its_own_error() {
    let server = Running::start().await;
    let many: Vec<_> = (0..1_001).map(|number| number.to_string()).collect();
    let deep = format!(r#"{{"more":{}}}"#, "[".repeat(100_000));
    let table: Vec<(&str, String, u16, &str)> = vec![
        ("/chat/New", "{".into(), 400, "gateway.InvalidJSON"),
        ("/chat/New", "Schema".into(), 400, "gateway.InvalidJSON"),
        ("/chat/New", "{}{}".into(), 400, "gateway.InvalidJSON"),
        ("/chat/New", deep, 400, "gateway.InvalidJSON"),
        ("/chat/New", "[]".into(), 400, "gateway.InvalidField"),
        ("/chat/New", "null".into(), 400, "gateway.InvalidField"),
        ("/chat/New", r#"{"user_ids":"ann"}"#.into(), 400, "gateway.InvalidField"),
        ("/chat/New", r#"{"user_ids":["ann",5]}"#.into(), 400, "gateway.InvalidField"),
        ("/chat/New", r#"{"user_ids":[],"user_ids":[]}"#.into(), 400, "gateway.InvalidField"),
        ("/chat/New", json!({ "user_ids": many }).to_string(), 413, "chat.New.TooManyUserIDs"),
        ("/chat/New", json!({ "user_ids": ["x".repeat(257)] }).to_string(), 413, "chat.New.UserIDTooLarge"),
        ("/chats/CreateChat", json!({ "user_ids": many }).to_string(), 413, "TOO_MANY_USER_IDs"),
        (
            "/chats/CreateChat",
            json!({ "id": "x".repeat(257), "user_ids": ["a", "b"] }).to_string(),
            413,
            "ID_TOO_LARGE",
        ),
        ("/chat/History", r#"{"chat_id":"x","limit":-1}"#.into(), 400, "gateway.InvalidField"),
        ("/chat/History", json!({ "chat_id": "x".repeat(257) }).to_string(), 400, "chat.History.InvalidChatID"),
        ("/chat/New", " ".repeat(1024 * 1024 + 1), 413, "gateway.BodyTooLarge"),
        ("/chat/Nothing", "{}".into(), 404, "gateway.NotFound"),
        ("/chat/Chats/New", "{}".into(), 404, "gateway.NotFound"),
        ("/", "{}".into(), 405, "gateway.MethodNotAllowed"),
        ("/%ff/x", "{}".into(), 404, "gateway.NotFound"),
        ("/chat/Connect", "{}".into(), 426, "chat.Connect.UpgradeRequired"),
    ];
    for (path, body, code, id) in table {
        let shown: String = body.chars().take(60).collect();
        assert_eq!(server.refused(path, body).await, (code, id.to_owned()), "{path} {shown}");
    }
    assert_eq!(server.http.get(server.url("/healthz")).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn nothing_is_unpacked() {
    let server = Running::start().await;
    // Whatever a body says it is, its bytes are what is read.
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
    let request = server.http.post(server.url("/chat/New")).header("content-encoding", "gzip").body(gzip.to_vec());
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.expect("a body").contains("gateway.InvalidUTF8"));
    let mut request = format!("ws://{}/chat/Connect", server.host).into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-extensions", "permessage-deflate".parse().expect("a header"));
    let (_, answer) = tokio_tungstenite::connect_async(request).await.expect("an upgrade");
    assert!(!answer.headers().contains_key("sec-websocket-extensions"));
}

#[tokio::test]
async fn a_wrong_type_names_its_field() {
    let server = Running::start().await;
    let (_, body) = server.post("/chat/New", r#"{"user_ids":["ann",{}]}"#).await;
    let error: Value = serde_json::from_str(&body).expect("JSON");
    assert!(error["Detail"].as_str().is_some_and(|detail| detail.starts_with("user_ids[1]: ")), "{body}");
}

#[tokio::test]
async fn each_field_of_each_method_is_refused_in_the_words_of_json_and_null_is_nothing() {
    let server = Running::start().await;
    let document = openapi::value();
    let mut fields = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let Some(schema) = item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() else {
            continue;
        };
        let schema = document.pointer(schema.trim_start_matches('#')).expect("a schema");
        for (field, property) in schema["properties"].as_object().expect("fields") {
            let kinds = [&property["type"][0], &property["type"]];
            let (words, wrong) = match kinds.into_iter().find_map(Value::as_str) {
                Some("string") => ("a string", ["5", "true", "{}", "[\"a\"]"]),
                Some("integer") => ("a whole number from 0 on", ["\"5\"", "1.5", "-1", "[5]"]),
                Some("boolean") => ("true or false", ["\"true\"", "1", "{}", "[true]"]),
                Some("array") => ("a list of strings", ["\"ann\"", "5", "{}", "false"]),
                _ => ("an object", ["\"a\"", "5", "[]", "true"]),
            };
            for value in wrong {
                let (status, body) = server.post(path, format!("{{\n  \"{field}\": {value}}}")).await;
                let error: Value = serde_json::from_str(&body).expect("JSON");
                // Whoever has no account here is told that first.
                if error["Id"] == "auth.Closed" || error["Id"] == "signup.Closed" {
                    continue;
                }
                assert_eq!((status, &error["Id"]), (400, &json!("gateway.InvalidField")), "{path} {field} {value}");
                assert_eq!(error["Detail"], format!("{field}: it has to be {words}."), "{path} {value}");
                fields += 1;
            }
            let (_, body) = server.post(path, format!("{{\"{field}\": null}}")).await;
            let (_, without) = server.post(path, "{}").await;
            assert!(!body.contains("gateway.InvalidField"), "{path} {field}: {body}");
            let id = |body: &str| {
                serde_json::from_str::<Value>(body).ok().and_then(|body| body["Id"].as_str().map(str::to_owned))
            };
            assert_eq!(id(&body), id(&without), "{path} {field}");
        }
    }
    assert!(fields > 150, "{fields}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_answered_as_it_is_described() {
    let server = Running::start().await;
    for path in ["/chat/New", "/healthz"] {
        for method in [Method::GET, Method::POST] {
            let request = server.http.request(method.clone(), server.url(path)).header("x-long", "x".repeat(60_000));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 431, "{method} {path}");
            assert_eq!(answer.text().await.expect("a body"), "");
        }
    }
}

#[tokio::test]
async fn a_message_is_refused_one_byte_over_each_limit_and_stored_at_it() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let base = || json!({ "chat_id": chat_id, "user_id": "ann", "text": "x" });
    let table = [
        ("text", 64 * 1024, "TextTooLarge"),
        ("subject", 1024, "SubjectTooLarge"),
        ("client_id", 256, "ClientIDTooLarge"),
        ("user_id", 256, "UserIDTooLarge"),
    ];
    for (field, limit, reason) in table {
        let mut message = base();
        // Two bytes a character: limits are bytes.
        message[field] = json!("é".repeat(limit / 2));
        assert_eq!(server.post("/chat/Send", &message).await.0, 200, "{field}");
        message[field] = json!("é".repeat(limit / 2) + "x");
        assert_eq!(server.refused("/chat/Send", &message).await, (413, format!("chat.Send.{reason}")));
    }
    // 64 KiB of control characters are six times that as JSON.
    let mut message = base();
    message["text"] = json!("\u{1}".repeat(40_000));
    assert_eq!(server.refused("/chat/Send", &message).await, (413, "chat.Send.MessageTooLarge".to_owned()));
    let stored = server.ask("/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(stored["messages"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn what_is_not_utf8_is_said_to_be_so() {
    let server = Running::start().await;
    let body = b"{\"user_ids\":[\"\xff\"]}".to_vec();
    let answers = [
        server.http.post(server.url("/chat/New")).body(body).send().await,
        server.http.get(server.url("/chat/New?user_ids=%FF")).send().await,
        server
            .http
            .post(server.url("/chat/New"))
            .header("micro-namespace", reqwest::header::HeaderValue::from_bytes(b"\xff").expect("a header"))
            .send()
            .await,
    ];
    for answer in answers {
        let error: Value = answer.expect("an answer").json().await.expect("JSON");
        assert_eq!(error["Id"], "gateway.InvalidUTF8");
    }
}

#[tokio::test]
async fn other_methods_are_refused_and_head_finds_pages_only() {
    let server = Running::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        for path in ["/chat/New", "/healthz", "/assets/micro.js"] {
            let answer = server.http.request(method.clone(), server.url(path)).send().await.expect("an answer");
            assert_eq!(answer.status(), 405, "{method} {path}");
            let error: Value = answer.json().await.expect("JSON");
            assert_eq!(error["Id"], "gateway.MethodNotAllowed", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_stream_endpoint_tells_a_plain_request_what_it_needs() {
    let server = Running::start().await;
    let answer = server.http.get(server.url("/chat/Chat/Connect")).send().await.expect("an answer");
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.headers()["upgrade"], "websocket");
    let error: Value = answer.json().await.expect("JSON");
    assert_eq!(error["Id"], "chat.Connect.UpgradeRequired");
    // A handshake without a key is none.
    let broken =
        server.http.get(server.url("/chat/Connect")).header("upgrade", "websocket").header("connection", "upgrade");
    let error: Value = broken.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(error["Id"], "chat.Connect.InvalidUpgrade");
}

#[tokio::test]
async fn any_page_may_ask_in_development() {
    let server = Running::start().await;
    let preflight = server
        .http
        .request(Method::OPTIONS, server.url("/chat/New"))
        .header("origin", "https://example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "micro-namespace,authorization,content-type")
        .send()
        .await
        .expect("an answer");
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    let allowed = preflight.headers()["access-control-allow-headers"].to_str().expect("text").to_owned();
    assert!(
        ["micro-namespace", "authorization", "content-type"].iter().all(|name| allowed.contains(name)),
        "{allowed}"
    );
    // An error can be read from elsewhere, too.
    let refused = server.http.post(server.url("/chat/New")).header("origin", "https://example.org").send().await;
    assert_eq!(refused.expect("an answer").headers()["access-control-allow-origin"], "*");
}
