//! A server that wants tokens, and tokens.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use micro_chat_server::api::Origins;
use micro_chat_server::auth::{Claims, Policy, Tokens};
use micro_chat_server::limits::Rates;
use micro_chat_server::server::{Config, Reach};
use micro_chat_server::stream::Timing;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Running, Stream, timing};

pub const SECRET: &str = "a-secret-of-the-tests-that-is-long-enough";

/// A server for those whose tokens are signed with `SECRET`.
pub struct Guarded {
    pub server: Running,
    data: TempDir,
}

pub fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

pub fn sign(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}

/// A token of that user of `micro`, for an hour.
pub fn token(user_id: &str) -> String {
    sign(&json!({ "sub": user_id, "exp": seconds() + 3_600 }))
}

pub fn key_file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content).expect("a file");
    file
}

impl Guarded {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let keys = [key_file(data.path(), "secret", SECRET)];
        Self::with(data, &keys, Claims::default()).await
    }

    pub async fn with(data: TempDir, keys: &[PathBuf], claims: Claims) -> Self {
        Self::limited(data, keys, claims, None, Reach::NoTls).await
    }

    pub async fn limited(data: TempDir, keys: &[PathBuf], claims: Claims, rates: Option<Rates>, reach: Reach) -> Self {
        Self::timed(data, keys, claims, rates, reach, timing()).await
    }

    pub async fn timed(
        data: TempDir,
        keys: &[PathBuf],
        claims: Claims,
        rates: Option<Rates>,
        reach: Reach,
        timing: Timing,
    ) -> Self {
        Self::checking(data, Tokens::open(keys, claims).expect("keys"), rates, reach, timing).await
    }

    /// A server that checks with these keys.
    pub async fn checking(data: TempDir, tokens: Tokens, rates: Option<Rates>, reach: Reach, timing: Timing) -> Self {
        let policy = Policy::Login { tokens: Some(Arc::new(tokens)) };
        let server = Running::of(Config {
            data: data.path().to_owned(),
            policy,
            accounts: None,
            rates,
            origins: Origins::Listed(vec![]),
            reach,
            tls: None,
            timing,
            retention: micro_chat_server::chat::retention::Retention::default(),
        })
        .await;
        Self { server, data }
    }

    /// Stops it, and starts it again on the same data.
    pub async fn restart(self, key: &PathBuf) -> Self {
        let Self { server, data } = self;
        server.stop().await;
        Self::with(data, std::slice::from_ref(key), Claims::default()).await
    }

    /// Where its database is.
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    /// Calls a method; its status, and its answer.
    pub async fn call(&self, token: &str, namespace: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.server.http.post(self.server.url(path)).header("micro-namespace", namespace);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// A call that succeeds.
    pub async fn ask(&self, token: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(token, "", path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The chat of Ann and Ben.
    pub async fn chat(&self) -> String {
        let answer = self.ask(&token("ann"), "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
        answer["chat_id"].as_str().expect("an id").to_owned()
    }

    /// A session whose hello was said.
    pub async fn session(&self, hello: Value) -> Stream {
        let mut stream = self.server.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
        stream.send(json!([1, hello])).await;
        stream
    }

    /// How a gateway stream refuses that first frame: its error's id and its close code.
    pub async fn gateway(&self, path: &str, first: &Value) -> (String, u16) {
        let mut stream = self.server.stream(path, &[]).await;
        stream.send(first).await;
        let error: Value = stream.json().await;
        (error["Id"].as_str().expect("an id").to_owned(), stream.closed().await)
    }
}

/// The id of the error that a session ends with, and its close code.
pub async fn ended(stream: &mut Stream) -> (String, u16) {
    let error = stream.json().await;
    assert_eq!((&error[0], &error[1]), (&json!(25), &json!(0)), "{error}");
    (error[3]["Id"].as_str().expect("an id").to_owned(), stream.closed().await)
}
