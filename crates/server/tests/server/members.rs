//! Members only: what a stranger, a forged token and a late one get, by every door.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use micro_chat_server::auth::{Access, Claims, Tokens};
use micro_chat_server::stream::Timing;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Running, Stream};

const SECRET: &str = "a secret of the tests that is long enough";

/// A server for those whose tokens are signed with `SECRET`.
struct Guarded {
    server: Running,
    _data: TempDir,
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

fn sign(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}

/// A token of that user of `micro`, for an hour.
fn token(user_id: &str) -> String {
    sign(&json!({ "sub": user_id, "exp": seconds() + 3_600 }))
}

fn key_file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content).expect("a file");
    file
}

impl Guarded {
    async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let keys = [key_file(data.path(), "secret", SECRET)];
        Self::with(data, &keys, Claims::default()).await
    }

    async fn with(data: TempDir, keys: &[PathBuf], claims: Claims) -> Self {
        let access = Access::Tokens(Arc::new(Tokens::open(keys, claims).expect("keys")));
        let server = Running::behind(access, data.path(), Timing::default()).await;
        Self { server, _data: data }
    }

    /// Calls a method; its status, and its answer.
    async fn call(&self, token: &str, namespace: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.server.http.post(self.server.url(path)).header("micro-namespace", namespace);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// A call that succeeds.
    async fn ask(&self, token: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(token, "", path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The chat of Ann and Ben.
    async fn chat(&self) -> String {
        let answer = self.ask(&token("ann"), "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
        answer["chat_id"].as_str().expect("an id").to_owned()
    }

    /// A session whose hello was said.
    async fn session(&self, hello: Value) -> Stream {
        let mut stream = self.server.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
        stream.send(json!([1, hello])).await;
        stream
    }

    /// How a gateway stream refuses that first frame: its error's id and its close code.
    async fn gateway(&self, path: &str, first: &Value) -> (String, u16) {
        let mut stream = self.server.stream(path, &[]).await;
        stream.send(first).await;
        let error: Value = stream.json().await;
        (error["Id"].as_str().expect("an id").to_owned(), stream.closed().await)
    }
}

/// The id of the error that a session ends with, and its close code.
async fn ended(stream: &mut Stream) -> (String, u16) {
    let error = stream.json().await;
    assert_eq!((&error[0], &error[1]), (&json!(25), &json!(0)), "{error}");
    (error[3]["Id"].as_str().expect("an id").to_owned(), stream.closed().await)
}

#[tokio::test]
async fn members_do_what_they_did_before() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let (ann, ben) = (token("ann"), token("ben"));
    let mut stream = guarded.session(json!({ "token": ben })).await;
    assert_eq!(stream.json().await[0], 20);
    stream.send(json!([2, 1, chat_id, 0, -1])).await;
    assert_eq!((stream.json().await[0].clone(), stream.json().await[0].clone()), (json!(21), json!(23)));
    guarded.ask(&ann, "/chat/Send", json!({ "chat_id": chat_id, "text": "hello" })).await;
    let heard = stream.json().await;
    assert_eq!((&heard[4][0]["user_id"], &heard[4][0]["text"]), (&json!("ann"), &json!("hello")));
    let history = guarded.ask(&ben, "/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    // In dev nothing of this is asked.
    let open = Running::start().await;
    assert_eq!(open.ask("/auth/Options", json!({})).await["login"], "none");
    assert_eq!(guarded.ask("", "/auth/Options", json!({})).await["login"], "required");
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_chat_by_any_door() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": chat_id, "text": "for Ben" })).await;
    let eve = token("eve");
    let nowhere = "5f0c3b1e-0000-4000-8000-000000000000";
    // A chat that is there and one that isn't answer alike, byte for byte.
    for (path, body) in [
        ("/chat/History", json!({})),
        ("/chat/Send", json!({ "text": "let me in" })),
        ("/chat/Send", json!({ "text": "let me in", "user_id": "ann" })),
        ("/chats/ListMessages", json!({})),
        ("/chats/SendMessage", json!({ "text": "let me in", "author_id": "ann" })),
        ("/v1/chat/Chat/History", json!({})),
    ] {
        let with = |chat_id: &str| {
            let mut body = body.clone();
            body["chat_id"] = json!(chat_id);
            body
        };
        let (status, answer) = guarded.call(&eve, "", path, with(&chat_id)).await;
        assert!(status == 400 || status == 404, "{path}: {status} {answer}");
        assert_eq!((status, answer), guarded.call(&eve, "", path, with(nowhere)).await, "{path}");
    }
    for id in [&chat_id, nowhere] {
        let mut stream = guarded.session(json!({ "token": eve })).await;
        assert_eq!(stream.json().await[0], 20);
        stream.send(json!([2, 1, id, 0, 0])).await;
        assert_eq!(stream.json().await[3]["Id"], "chat.Connect.InvalidChatID");
        stream.send(json!([4, 1, 1, { "client_id": "c", "text": "let me in" }])).await;
        assert_eq!(stream.json().await[3]["Id"], "gateway.UnknownHandle");
        let refused = guarded.gateway("/chat/Connect", &json!({ "chat_id": id, "token": eve })).await;
        assert_eq!(refused, ("chat.Connect.InvalidChatID".to_owned(), 1008));
    }
    // Nor the chat of two others, by opening it.
    for (path, id) in [("/chat/New", "chat.New.NotAmongUsers"), ("/chats/CreateChat", "NOT_AMONG_USERS")] {
        let (status, answer) = guarded.call(&eve, "", path, json!({ "user_ids": ["ann", "ben"] })).await;
        assert_eq!((status, &answer["Id"]), (403, &json!(id)));
    }
    let body = json!({ "id": chat_id, "user_ids": ["eve", "ann"] });
    let (status, answer) = guarded.call(&eve, "", "/chats/CreateChat", body).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("CHOSEN_ID")));
    let history = guarded.ask(&token("ben"), "/chat/History", json!({ "chat_id": chat_id })).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_sender_is_who_the_token_says_whoever_the_body_names() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let ben = token("ben");
    let text = |text: &str| json!({ "chat_id": chat_id, "user_id": "ann", "author_id": "ann", "text": text });
    guarded.ask(&ben, "/chat/Send", text("one")).await;
    let answer = guarded.ask(&ben, "/chats/SendMessage", text("two")).await;
    assert_eq!(answer["message"]["author_id"], "ben");
    let mut stream = guarded.server.stream("/chat/Connect", &[]).await;
    stream.send(json!({ "chat_id": chat_id, "token": ben })).await;
    stream.send(json!({ "user_id": "ann", "text": "three" })).await;
    let mut session = guarded.session(json!({ "user_id": "ben", "token": ben })).await;
    session.send(json!([2, 1, chat_id, 0, 0])).await;
    session.send(json!([4, 1, 1, { "client_id": "c", "user_id": "ann", "text": "four" }])).await;
    while session.json().await[0] != 24 {}
    // The gateway dialect has no acks.
    let mut history = Value::Null;
    while history["messages"].as_array().is_none_or(|messages| messages.len() < 4) {
        history = guarded.ask(&ben, "/chat/History", json!({ "chat_id": chat_id })).await;
    }
    let messages = history["messages"].as_array().expect("messages");
    assert!(messages.iter().all(|message| message["user_id"] == "ben"), "{history}");
    // A connection for somebody else is refused: what that user left unsent would go out under this one's name.
    let mut wrong = guarded.session(json!({ "user_id": "ann", "token": ben })).await;
    assert_eq!(ended(&mut wrong).await, ("auth.WrongUser".to_owned(), 1008));
    let first = json!({ "chat_id": chat_id, "user_id": "ann", "token": ben });
    assert_eq!(guarded.gateway("/chat/Connect", &first).await, ("auth.WrongUser".to_owned(), 1008));
}

#[tokio::test]
async fn a_tenant_is_the_tokens_and_another_one_sees_nothing() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    let other = sign(&json!({ "sub": "ann", "namespace": "other", "exp": seconds() + 60 }));
    let body = json!({ "chat_id": chat_id });
    // Ann of the other tenant is another Ann.
    let (status, answer) = guarded.call(&other, "", "/chat/History", body.clone()).await;
    assert_eq!((status, &answer["Id"]), (400, &json!("chat.History.InvalidChatID")));
    let (status, answer) = guarded.call(&other, "micro", "/chat/History", body.clone()).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("auth.WrongNamespace")));
    let (status, answer) = guarded.call(&token("ann"), "other", "/chat/History", body).await;
    assert_eq!((status, &answer["Id"]), (403, &json!("auth.WrongNamespace")));
    let mut session = guarded.session(json!({ "namespace": "micro", "token": other })).await;
    assert_eq!(ended(&mut session).await, ("auth.WrongNamespace".to_owned(), 1008));
    let first = json!({ "namespace": "micro", "chat_id": chat_id, "token": other });
    assert_eq!(guarded.gateway("/chat/Connect", &first).await, ("auth.WrongNamespace".to_owned(), 1008));
    // The same users in the other tenant have another chat.
    let answer = guarded.ask(&other, "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    assert_ne!(answer["chat_id"], chat_id);
}

/// Tokens that none of ours are, each with the id it is refused with.
fn bad_tokens() -> Vec<(&'static str, String, &'static str)> {
    let claims = json!({ "sub": "ann", "exp": seconds() + 3_600 });
    let with = |header: &Header, key: &[u8]| encode(header, &claims, &EncodingKey::from_secret(key)).expect("a token");
    let good = token("ann");
    let parts: Vec<&str> = good.split('.').collect();
    // {"typ":"JWT","alg":"none"} and {"alg":"None"}, with and without the signature.
    let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
    let none_written_otherwise = "eyJhbGciOiJOb25lIn0";
    let other_claims = sign(&json!({ "sub": "root", "exp": seconds() + 3_600 }));
    let other_body = other_claims.split('.').nth(1).expect("claims");
    vec![
        ("no token", String::new(), "auth.NoToken"),
        ("words", "words".into(), "auth.InvalidToken"),
        ("long", "x".repeat(100_000), "auth.InvalidToken"),
        ("alg none", format!("{none}.{}.", parts[1]), "auth.InvalidToken"),
        ("alg None", format!("{none_written_otherwise}.{}.", parts[1]), "auth.InvalidToken"),
        ("alg none, signed", format!("{none}.{}.{}", parts[1], parts[2]), "auth.InvalidToken"),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), "auth.InvalidToken"),
        ("other claims", format!("{}.{other_body}.{}", parts[0], parts[2]), "auth.InvalidToken"),
        ("another key", with(&Header::default(), b"another secret that is long enough too"), "auth.InvalidToken"),
        ("another algorithm", with(&Header::new(Algorithm::HS512), SECRET.as_bytes()), "auth.InvalidToken"),
        ("expired", sign(&json!({ "sub": "ann", "exp": seconds() - 1 })), "auth.ExpiredToken"),
        ("for ever", sign(&json!({ "sub": "ann" })), "auth.InvalidToken"),
        (
            "tomorrow's",
            sign(&json!({ "sub": "ann", "exp": seconds() + 99_999, "nbf": seconds() + 86_400 })),
            "auth.InvalidToken",
        ),
        ("nobody's", sign(&json!({ "exp": seconds() + 60 })), "auth.InvalidToken"),
        ("no name", sign(&json!({ "sub": "", "exp": seconds() + 60 })), "auth.InvalidToken"),
        ("a number's", sign(&json!({ "sub": 5, "exp": seconds() + 60 })), "auth.InvalidToken"),
        ("a long name", sign(&json!({ "sub": "x".repeat(257), "exp": seconds() + 60 })), "auth.InvalidToken"),
        (
            "for somebody else",
            sign(&json!({ "sub": "ann", "aud": "shop", "exp": seconds() + 60 })),
            "auth.InvalidToken",
        ),
    ]
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_opens_no_door() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    for (name, token, id) in bad_tokens() {
        for path in ["/chat/New", "/chat/Send", "/chat/History", "/chats/CreateChat", "/chats/ListMessages"] {
            let (status, answer) = guarded.call(&token, "", path, json!({ "chat_id": chat_id })).await;
            assert_eq!((status, &answer["Id"]), (401, &json!(id)), "{name}, {path}");
        }
        let mut session = guarded.session(json!({ "token": token })).await;
        assert_eq!(ended(&mut session).await, (id.to_owned(), 4003), "{name}");
        let first = json!({ "chat_id": chat_id, "token": token });
        assert_eq!(guarded.gateway("/chat/Connect", &first).await, (id.to_owned(), 4003), "{name}");
    }
    // A good one in an address is none: addresses are written into logs.
    let path = format!("/chat/Connect?chat_id={chat_id}&user_id=ann&token={}", token("ann"));
    let refused = guarded.gateway(&path, &json!({ "text": "hello" })).await;
    assert_eq!(refused, ("auth.NoToken".to_owned(), 4003));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let guarded = Guarded::start().await;
    let chat_id = guarded.chat().await;
    // At least a second, and at most two: tokens count in seconds.
    let short = || sign(&json!({ "sub": "ann", "exp": seconds() + 2 }));
    let begun = SystemTime::now();
    let mut session = guarded.session(json!({ "token": short() })).await;
    assert_eq!(session.json().await[0], 20);
    session.send(json!([2, 1, chat_id, 0, -1])).await;
    assert_eq!((session.json().await[0].clone(), session.json().await[0].clone()), (json!(21), json!(23)));
    let mut gateway = guarded.server.stream("/chat/Connect", &[]).await;
    gateway.send(json!({ "chat_id": chat_id, "token": short() })).await;
    assert_eq!(ended(&mut session).await, ("auth.ExpiredToken".to_owned(), 4003));
    assert_eq!(gateway.json().await["Id"], "auth.ExpiredToken");
    assert_eq!(gateway.closed().await, 4003);
    let lasted = begun.elapsed().expect("time passes");
    assert!((Duration::from_millis(900)..Duration::from_secs(4)).contains(&lasted), "{lasted:?}");
}

/// A private key, and its public one, in PEM.
type Pair = (String, String);

fn rsa_pair() -> Pair {
    use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
    let public = key.to_public_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string(), public)
}

fn ec_pair() -> Pair {
    use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
    let key = p256::SecretKey::random(&mut rsa::rand_core::OsRng);
    let public = key.public_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string(), public)
}

fn ed_pair() -> Pair {
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
    let key = ed25519_dalek::SigningKey::generate(&mut rsa::rand_core::OsRng);
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string(), public)
}

#[tokio::test]
async fn each_kind_of_key_checks_its_own_tokens_and_no_others() {
    let data = tempfile::tempdir().expect("a folder");
    let [(rsa, public_rsa), (ec, public_ec), (ed, public_ed)] = [rsa_pair(), ec_pair(), ed_pair()];
    let files = [("rsa", &public_rsa), ("ec", &public_ec), ("ed", &public_ed)];
    let files = files.map(|(name, public)| key_file(data.path(), name, public));
    let claims = Claims {
        user: "email".into(),
        namespace: "org".into(),
        issuer: Some("https://login.example.com".into()),
        audience: Some("chat".into()),
    };
    let guarded = Guarded::with(data, &files, claims).await;
    let good = json!({
        "iss": "https://login.example.com", "aud": ["chat", "shop"], "exp": seconds() + 60,
        "email": "ann@example.com", "org": "acme", "sub": "17",
    });
    let keys = [
        (Algorithm::RS256, EncodingKey::from_rsa_pem(rsa.as_bytes()).expect("a key")),
        (Algorithm::ES256, EncodingKey::from_ec_pem(ec.as_bytes()).expect("a key")),
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(ed.as_bytes()).expect("a key")),
    ];
    let new = |token: String| async {
        let body = json!({ "user_ids": ["ann@example.com"] });
        let token = token;
        guarded.call(&token, "acme", "/chat/New", body).await
    };
    for (algorithm, key) in &keys {
        let header = Header::new(*algorithm);
        let (status, answer) = new(encode(&header, &good, key).expect("a token")).await;
        assert_eq!(status, 200, "{algorithm:?}: {answer}");
        for (claim, value) in [
            ("iss", json!("https://evil.example.com")),
            ("aud", json!("shop")),
            ("iss", Value::Null),
            ("aud", Value::Null),
        ] {
            let mut bad = good.clone();
            match value {
                Value::Null => drop(bad.as_object_mut().expect("claims").remove(claim)),
                value => bad[claim] = value,
            }
            let (status, answer) = new(encode(&header, &bad, key).expect("a token")).await;
            assert_eq!((status, &answer["Id"]), (401, &json!("auth.InvalidToken")), "{algorithm:?}, {claim}");
        }
    }
    // Key confusion: the public key, which everybody may have, as the secret of another algorithm.
    let confused =
        encode(&Header::default(), &good, &EncodingKey::from_secret(public_rsa.as_bytes())).expect("a token");
    assert_eq!(new(confused).await.0, 401);
}

#[tokio::test]
async fn a_key_that_can_not_be_one_is_refused_in_words() {
    let data = tempfile::tempdir().expect("a folder");
    let private = key_file(data.path(), "private", &ed_pair().0);
    let short = key_file(data.path(), "short", "hunter2");
    let other = key_file(data.path(), "other", "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n");
    for (file, said) in [
        (private, "is a private key"),
        (short, "shorter than 32 bytes"),
        (other, "is no public key"),
        (data.path().join("none"), "can't read the key"),
    ] {
        let refused = Tokens::open(&[file], Claims::default()).expect_err("no key").to_string();
        assert!(refused.contains(said), "{refused}");
        assert!(!refused.contains("hunter2"));
    }
}

#[test]
fn serve_does_not_start_where_it_would_be_open() {
    let data = tempfile::tempdir().expect("a folder");
    let secret = key_file(data.path(), "secret", SECRET);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
        let output = command.arg("serve").args(arguments).arg("--data").arg(data.path()).output().expect("it runs");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    let said = run(&["--listen", "127.0.0.1:0"]);
    assert!(said.contains("--token-key"), "{said}");
    let said = run(&["--listen", "0.0.0.0:0", "--token-key", secret.to_str().expect("a name")]);
    assert!(said.contains("there is no TLS on 0.0.0.0") && said.contains("--behind-proxy"), "{said}");
}
