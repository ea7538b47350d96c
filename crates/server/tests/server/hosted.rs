//! A server with accounts, and people who have one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use micro_chat_server::api::Origins;
use micro_chat_server::auth::accounts::{Namespaces, Setup};
use micro_chat_server::auth::attempts::AttemptRates;
use micro_chat_server::auth::{Claims, Policy, Tokens, keys};
use micro_chat_server::mail::{Route, Smtp};
use micro_chat_server::server::{Config, Reach};
use micro_chat_server::store::KeyRing;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::guarded::{SECRET, key_file};
use crate::postbox::Postbox;
use crate::running::{PATIENCE, Running, Stream, timing};

pub const PASSWORD: &str = "correct horse battery";

/// A site that may.
pub const SHOP: &str = "https://shop.example.com";

/// Anybody signs up in `micro` and `club`, and nobody in `staff`, whose people may log in all the same. Other
/// namespaces belong to whom tokens name, signed with `SECRET`.
pub struct Hosted {
    pub server: Running,
    pub postbox: Postbox,
    pub data: TempDir,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn id(&self) -> (u16, &str) {
        (self.status, self.json["Id"].as_str().unwrap_or_default())
    }

    /// The cookie that it sets, as a browser sends it back, and what is said of it.
    pub fn cookie(&self) -> Option<(String, String)> {
        let cookie = self.headers.get("set-cookie")?.to_str().expect("text");
        let (pair, attributes) = cookie.split_once("; ").expect("attributes");
        Some((pair.to_owned(), attributes.to_owned()))
    }
}

/// Who has just logged in.
#[derive(Clone, Debug)]
pub struct Login {
    pub access: String,
    pub refresh: String,
}

impl Login {
    pub fn of(token: &Value) -> Self {
        let text = |name: &str| token[name].as_str().expect("a token").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

pub fn login_of(answer: &Answer) -> Login {
    assert_eq!(answer.status, 200, "{}", answer.text);
    Login::of(&answer.json["token"])
}

/// How a refresh token is refused that is none any more.
pub fn no_login() -> (u16, &'static str) {
    (401, "auth.NoLogin")
}

/// The same of an access token.
pub fn revoked() -> (u16, String) {
    (401, "auth.RevokedToken".to_owned())
}

fn setup(postbox: &Postbox, rates: Option<AttemptRates>) -> Setup {
    let named =
        |names: &[&str]| Namespaces::Named(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    let smtp = Smtp::open(&postbox.url, "Chat <chat@example.org>", None).expect("a mail server");
    let mail = Route::Smtp(Box::new(smtp));
    Setup { accounts: named(&["micro", "club", "staff"]), sign_up: named(&["micro", "club"]), mail, rates }
}

/// What a server is to be like.
pub struct Kind {
    pub rates: Option<AttemptRates>,
    pub reach: Reach,
    pub origins: Origins,
}

impl Default for Kind {
    fn default() -> Self {
        let origins = Origins::Listed(vec![SHOP.parse().expect("an origin")]);
        Self { rates: None, reach: Reach::NoTls, origins }
    }
}

impl Hosted {
    pub async fn start() -> Self {
        Self::of(Kind::default()).await
    }

    pub async fn of(kind: Kind) -> Self {
        let (data, postbox) = (tempfile::tempdir().expect("a folder"), Postbox::open().await);
        let server = Self::on(data.path(), &postbox, kind).await;
        Self { server, postbox, data }
    }

    pub async fn on(data: &Path, postbox: &Postbox, kind: Kind) -> Running {
        let keys = [key_file(data, "secret", SECRET)];
        let tokens = Tokens::open(&keys, Claims::default()).expect("keys");
        Running::of(Config {
            data: data.to_owned(),
            policy: Policy::Login { tokens: Some(Arc::new(tokens)) },
            accounts: Some(setup(postbox, kind.rates)),
            rates: None,
            origins: kind.origins,
            reach: kind.reach,
            tls: None,
            timing: timing(),
            retention: micro_chat_server::chat::retention::Retention::default(),
        })
        .await
    }

    /// Stops it, and starts it again on the same data.
    pub async fn restart(self) -> Self {
        let Self { server, postbox, data } = self;
        server.stop().await;
        let server = Self::on(data.path(), &postbox, Kind::default()).await;
        Self { server, postbox, data }
    }

    pub async fn call(&self, path: &str, headers: &[(&'static str, &str)], body: Value) -> Answer {
        let request = self.server.http.post(self.server.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let json = serde_json::from_str(&text).expect("JSON");
        Answer { status, headers, text, json }
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(path, &[], body).await
    }

    /// A call with a token.
    pub async fn call_as(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(path, &[("authorization", &format!("Bearer {token}"))], body).await
    }

    /// Asks for a code to sign up with, and reads it.
    pub async fn code(&self, email: &str) -> String {
        let before = self.postbox.codes(email).len();
        let answer = self.post("/signup/sendVerificationEmail", json!({ "email": email })).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
        self.postbox.code(email, before + 1).await
    }

    /// The same for another password.
    pub async fn reset_code(&self, email: &str) -> String {
        let before = self.postbox.codes(email).len();
        let answer = self.post("/auth/SendPasswordResetEmail", json!({ "email": email })).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
        self.postbox.code(email, before + 1).await
    }

    /// An account, which is logged in.
    pub async fn sign_up(&self, email: &str) -> Login {
        let code = self.code(email).await;
        let answer =
            self.post("/signup/completeSignup", json!({ "email": email, "secret": PASSWORD, "token": code })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Login::of(&answer.json["authToken"])
    }

    pub async fn log_in(&self, id: &str, secret: &str) -> Answer {
        self.post("/auth/Auth/Token", json!({ "id": id, "secret": secret })).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/Token", json!({ "refresh_token": token })).await
    }

    /// A key of that namespace, once the server knows it.
    pub async fn key(&self, namespace: &str, scopes: &str) -> String {
        let (kept, key) = keys::create(namespace.to_owned(), String::new(), &scopes.parse().expect("scopes"));
        KeyRing::open(self.data.path()).expect("the database").add(&kept).expect("a key");
        let begun = Instant::now();
        while self.call_as(&key, "/auth/Inspect", json!({})).await.status != 200 {
            assert!(begun.elapsed() < PATIENCE, "it does not know its keys");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        key
    }

    /// So many seconds pass since all refreshes, while logins and tokens last.
    pub async fn later(&self, seconds: i64) {
        let update = format!("UPDATE logins SET rotated_at = rotated_at - {seconds}");
        self.server.store.change(move |connection| connection.execute(&update, [])).await.expect("time passes");
    }

    /// Whether an access token opens a chat of Ann's.
    pub async fn opens(&self, token: &str, user_id: &str) -> (u16, String) {
        let answer = self.call_as(token, "/chat/New", json!({ "user_ids": [user_id] })).await;
        (answer.status, answer.id().1.to_owned())
    }

    /// A session whose welcome was heard.
    pub async fn session(&self, token: &str) -> Stream {
        let mut stream = self.server.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
        stream.send(json!([1, { "token": token }])).await;
        assert_eq!(stream.json().await[0], 20);
        stream
    }
}
