//! Logins: how long one lasts, who can end it, and what a stolen, replayed or forged token is worth.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use micro_chat_server::auth::attempts::AttemptRates;
use micro_chat_server::limits::Rate;
use micro_chat_server::server::Reach;
use serde_json::{Value, json};

use crate::guarded::{ended, seconds, sign};
use crate::hosted::{Hosted, Kind, PASSWORD, login_of, no_login, revoked};

const ANN: &str = "ann@example.com";

#[tokio::test]
async fn what_is_no_refresh_token_logs_nobody_in_and_no_token_does_for_another() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let (id, secret) = login.refresh.split_once('.').expect("two parts");
    let other = URL_SAFE_NO_PAD.encode([7; 32]);
    let sid = {
        let claims = login.access.split('.').nth(1).expect("claims");
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
        claims["sid"].as_str().expect("a login").to_owned()
    };
    for token in [
        String::new(),
        "words".into(),
        login.access.clone(),
        format!("{id}."),
        format!("{id}.{secret}="),
        format!("mcr_{}.{secret}", URL_SAFE_NO_PAD.encode([7; 16])),
        // What an access token says of its login is no part of a refresh token.
        format!("mcr_{sid}.{other}"),
        "x".repeat(100_000),
    ] {
        assert_eq!(hosted.refresh(&token).await.id(), no_login(), "{token:.60}");
        assert_eq!(hosted.post("/auth/Revoke", json!({ "refresh_token": token })).await.text, "{}");
    }
    assert_eq!(hosted.opens(&login.refresh, ANN).await, (401, "auth.InvalidToken".to_owned()));
    assert_eq!(hosted.opens(&login.access, ANN).await.0, 200, "all that ended nothing");
    // Who knows half of one had it.
    assert_eq!(hosted.refresh(&format!("{id}.{other}")).await.id(), no_login());
    assert_eq!(hosted.opens(&login.access, ANN).await, revoked());
}

#[tokio::test]
async fn nobody_signs_tokens_of_accounts_but_the_server() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let parts: Vec<&str> = login.access.split('.').collect();
    let claims = json!({ "iss": "micro-chat", "sub": ANN, "namespace": "micro", "sid": "x", "iat": seconds(), "exp": seconds() + 60 });
    let other = sign(&claims);
    let other_claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    for token in [
        // The key of others' tokens.
        other.clone(),
        format!("{}.{}.{}", parts[0], other_claims, parts[2]),
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        format!("eyJhbGciOiJub25lIn0.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
    ] {
        assert_eq!(hosted.opens(&token, ANN).await, (401, "auth.InvalidToken".to_owned()), "{token}");
        for path in ["/auth/Delete", "/auth/ChangeSecret", "/auth/Inspect"] {
            let answer = hosted.call_as(&token, path, json!({ "secret": PASSWORD, "old_secret": PASSWORD })).await;
            assert_eq!(answer.id(), (401, "auth.InvalidToken"), "{path}, {token}");
        }
    }
    assert_eq!(hosted.post("/auth/Delete", json!({ "secret": PASSWORD })).await.id(), (401, "auth.NoToken"));
}

#[tokio::test]
async fn who_logs_out_ends_one_login_or_all_of_them() {
    let hosted = Hosted::start().await;
    let here = hosted.sign_up(ANN).await;
    let there = login_of(&hosted.log_in(ANN, PASSWORD).await);
    let elsewhere = login_of(&hosted.log_in(ANN, PASSWORD).await);
    let bens = hosted.sign_up("ben@example.com").await;
    let mut stream = hosted.session(&here.access).await;
    let mut other = hosted.session(&there.access).await;
    let answer = hosted.post("/auth/Auth/Revoke", json!({ "refresh_token": here.refresh })).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert_eq!(hosted.opens(&here.access, ANN).await, revoked());
    assert_eq!(hosted.refresh(&here.refresh).await.id(), no_login());
    assert!(other.is_quiet().await);
    // Once more does no harm.
    assert_eq!(
        hosted.post("/auth/Revoke", json!({ "refresh_token": here.refresh, "everywhere": true })).await.text,
        "{}"
    );
    assert_eq!(hosted.opens(&there.access, ANN).await.0, 200);

    let answer = hosted.post("/auth/Revoke", json!({ "refresh_token": there.refresh, "everywhere": true })).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    assert_eq!(ended(&mut other).await, ("auth.RevokedToken".to_owned(), 4003));
    for login in [&there, &elsewhere] {
        assert_eq!(hosted.opens(&login.access, ANN).await, revoked());
        assert_eq!(hosted.refresh(&login.refresh).await.id(), no_login());
    }
    assert_eq!(hosted.opens(&bens.access, "ben@example.com").await.0, 200);
    // In the same second: what begins afterwards is good.
    let again = login_of(&hosted.log_in(ANN, PASSWORD).await);
    assert_eq!(hosted.opens(&again.access, ANN).await.0, 200);
}

#[tokio::test]
async fn what_is_logged_in_and_what_is_over_outlives_the_server() {
    let hosted = Hosted::start().await;
    let over = hosted.sign_up(ANN).await;
    let good = login_of(&hosted.log_in(ANN, PASSWORD).await);
    hosted.post("/auth/Revoke", json!({ "refresh_token": over.refresh })).await;
    let hosted = hosted.restart().await;
    assert_eq!(hosted.opens(&over.access, ANN).await, revoked());
    assert_eq!(hosted.refresh(&over.refresh).await.id(), no_login());
    assert_eq!(hosted.opens(&good.access, ANN).await.0, 200);
    let next = login_of(&hosted.refresh(&good.refresh).await);
    // A month that nobody comes ends it, and nobody has to wait for that.
    let month = "UPDATE logins SET expires_at = expires_at - 31 * 86400";
    hosted.server.store.change(move |connection| connection.execute(month, [])).await.expect("a month");
    assert_eq!(hosted.refresh(&next.refresh).await.id(), no_login());
}

/// As many others log in to the only account as may beside its only login.
pub async fn others_log_in(hosted: &Hosted) {
    let others = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 99)
        INSERT INTO logins (login, account, current, rotated_at, expires_at)
        SELECT 'login ' || n, account, randomblob(32), rotated_at + 1, expires_at + 1 FROM logins, n";
    hosted.server.store.change(|connection| connection.execute(others, [])).await.expect("99 more");
}

#[tokio::test]
async fn the_oldest_of_too_many_logins_ends_for_the_newest() {
    let hosted = Hosted::start().await;
    let oldest = hosted.sign_up(ANN).await;
    others_log_in(&hosted).await;
    assert_eq!(hosted.opens(&oldest.access, ANN).await.0, 200);
    let mut stream = hosted.session(&oldest.access).await;
    let newest = login_of(&hosted.log_in(ANN, PASSWORD).await);
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert_eq!(hosted.refresh(&oldest.refresh).await.id(), no_login());
    assert_eq!(hosted.refresh(&newest.refresh).await.status, 200);
}

#[tokio::test]
async fn a_sites_server_ends_the_logins_of_its_users() {
    let hosted = Hosted::start().await;
    let ann = hosted.sign_up(ANN).await;
    let bens = hosted.sign_up("ben@example.com").await;
    let (admin, reader) = (hosted.key("micro", "admin").await, hosted.key("micro", "read,send").await);
    let others = hosted.key("club", "admin").await;
    let revoke = json!({ "user_id": ANN });
    assert_eq!(hosted.call_as(&reader, "/auth/Revoke", revoke.clone()).await.id(), (403, "auth.NoScope"));
    assert_eq!(hosted.call_as(&bens.access, "/auth/Revoke", revoke.clone()).await.id(), (403, "auth.NoScope"));
    assert_eq!(hosted.post("/auth/Revoke", revoke.clone()).await.id(), (401, "auth.NoToken"));
    assert_eq!(hosted.call_as(&others, "/auth/Revoke", revoke.clone()).await.status, 200, "there is another Ann");
    let nobody = json!({ "user_id": "x".repeat(257) });
    assert_eq!(hosted.call_as(&admin, "/auth/Revoke", nobody).await.id(), (400, "auth.InvalidID"));
    assert_eq!(hosted.opens(&ann.access, ANN).await.0, 200);
    let inspected = hosted.call_as(&admin, "/auth/Inspect", json!({})).await.json;
    assert_eq!(
        (&inspected["account"]["type"], &inspected["account"]["scopes"]),
        (&json!("service"), &json!(["admin"]))
    );
    let mut stream = hosted.session(&ann.access).await;
    assert_eq!(hosted.call_as(&admin, "/auth/Revoke", revoke.clone()).await.text, "{}");
    assert!(hosted.postbox.mail(ANN, 2).await.text.contains("Subject: You were logged out everywhere\r\n"));
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert_eq!(hosted.opens(&ann.access, ANN).await, revoked());
    assert_eq!(hosted.refresh(&ann.refresh).await.id(), no_login());
    assert_eq!(hosted.opens(&bens.access, "ben@example.com").await.0, 200);
    // Once more ends nothing, and so there is nothing to be told of.
    assert_eq!(hosted.call_as(&admin, "/auth/Revoke", revoke).await.text, "{}");
    hosted.reset_code(ANN).await;
    assert_eq!(hosted.postbox.mails(ANN).len(), 3);
}

#[tokio::test]
async fn who_guesses_passwords_is_stopped_and_their_owner_is_not() {
    let allow = |burst| Rate::within(Duration::from_secs(3_600), 1, burst);
    let rates = AttemptRates { passwords: allow(4), passwords_of_account: allow(9), ..AttemptRates::default() };
    let hosted = Hosted::of(Kind { rates: Some(rates), reach: Reach::BehindProxy, ..Kind::default() }).await;
    hosted.sign_up(ANN).await;
    let log_in = async |from: &str, secret: &str| {
        let headers = [("x-forwarded-for", from)];
        hosted.call("/auth/Token", &headers, json!({ "id": ANN, "secret": secret })).await
    };
    // Where Ann is at home.
    assert_eq!(log_in("192.0.2.1", PASSWORD).await.status, 200);
    for _ in 0..4 {
        assert_eq!(log_in("198.51.100.1", "a guess that fails").await.id(), (401, "auth.WrongCredentials"));
    }
    let stopped = log_in("198.51.100.1", PASSWORD).await;
    assert_eq!(stopped.id(), (429, "auth.TooManyAttempts"), "the right one comes too late");
    let wait: u64 = stopped.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    // From many places, until the account is shut to places that nobody knows.
    for last in 2..=5 {
        assert_eq!(log_in(&format!("198.51.100.{last}"), "a guess that fails").await.id().0, 401);
    }
    assert_eq!(log_in("198.51.100.6", "a guess that fails").await.id(), (429, "auth.TooManyAttempts"));
    assert_eq!(log_in("192.0.2.1", PASSWORD).await.status, 200, "Ann is still at home");
    // Names of nothing are counted alike.
    let unknown = async || {
        let headers = [("x-forwarded-for", "198.51.100.1")];
        hosted.call("/auth/Token", &headers, json!({ "id": "nobody@example.com", "secret": "a guess" })).await
    };
    for _ in 0..4 {
        assert_eq!(unknown().await.id(), (401, "auth.WrongCredentials"));
    }
    assert_eq!(unknown().await.id(), (429, "auth.TooManyAttempts"));
}

#[tokio::test]
async fn an_account_is_guessed_at_so_often_by_both_of_its_names_and_nobody_learns_that_they_are_one() {
    let allow = |burst| Rate::within(Duration::from_secs(3_600), 1, burst);
    let rates = AttemptRates { passwords: allow(4), passwords_of_account: allow(9), ..AttemptRates::default() };
    let hosted = Hosted::of(Kind { rates: Some(rates), reach: Reach::BehindProxy, ..Kind::default() }).await;
    let call = async |from: &str, path: &str, body: Value| {
        let answer = hosted.call(path, &[("x-forwarded-for", from)], body).await;
        (answer.status, answer.id().1.to_owned())
    };
    let log_in = async |from: &str, id: &str, secret: &str| {
        call(from, "/auth/Token", json!({ "id": id, "secret": secret })).await
    };
    let code = hosted.code(ANN).await;
    let request = json!({ "email": ANN, "secret": PASSWORD, "token": code, "id": "Ann" });
    assert_eq!(call("192.0.2.1", "/signup/completeSignup", request).await.0, 200);
    assert_eq!(log_in("192.0.2.1", ANN, PASSWORD).await.0, 200);
    let wrong = (401, "auth.WrongCredentials".to_owned());
    // From one place: after four by turns, the right one is none, and looks like any other.
    for id in [ANN, "Ann", ANN, "Ann"] {
        assert_eq!(log_in("198.51.100.1", id, "a guess that fails").await, wrong);
    }
    for id in [ANN, "Ann"] {
        assert_eq!(log_in("198.51.100.1", id, PASSWORD).await, wrong, "{id}");
    }
    // Names of two people, or of nobody, are answered alike.
    for id in ["nobody@example.com", "nobody", "nobody@example.com", "nobody", "nobody@example.com", "nobody"] {
        assert_eq!(log_in("198.51.100.1", id, "a guess that fails").await, wrong);
    }
    // From many: with Ann's own one, that makes nine.
    for (last, id) in [(2, ANN), (3, "Ann"), (4, ANN)] {
        assert_eq!(log_in(&format!("198.51.100.{last}"), id, "a guess that fails").await, wrong);
    }
    assert_eq!(log_in("198.51.100.5", "Ann", PASSWORD).await.0, 200, "it is the ninth");
    for id in [ANN, "Ann"] {
        assert_eq!(log_in("198.51.100.6", id, PASSWORD).await, wrong, "{id}");
    }
    // Ann is still at home, and wherever she reads a code that was mailed.
    assert_eq!(log_in("192.0.2.1", ANN, PASSWORD).await.0, 200);
    let code = hosted.reset_code(ANN).await;
    let reset = json!({ "email": ANN, "token": code, "secret": "another password" });
    assert_eq!(call("203.0.113.1", "/auth/ResetPassword", reset).await.0, 200);
    assert_eq!(log_in("203.0.113.1", ANN, "another password").await.0, 200);
    assert_eq!(log_in("203.0.113.2", ANN, "another password").await, wrong);
}

#[tokio::test]
async fn mails_and_codes_are_limited() {
    let allow = |burst| Rate::within(Duration::from_secs(3_600), 1, burst);
    let rates = AttemptRates { mails: allow(2), codes: allow(3), ..AttemptRates::default() };
    let hosted = Hosted::of(Kind { rates: Some(rates), ..Kind::default() }).await;
    let send = async |path: &str, email: &str| hosted.post(path, json!({ "email": email })).await.status;
    assert_eq!(send("/signup/sendVerificationEmail", ANN).await, 200);
    assert_eq!(send("/auth/SendPasswordResetEmail", ANN).await, 200);
    assert_eq!(send("/signup/sendVerificationEmail", "ANN@EXAMPLE.COM").await, 429);
    assert_eq!(send("/signup/sendVerificationEmail", "ben@example.com").await, 200);
    let complete = async || {
        let request = json!({ "email": ANN, "secret": PASSWORD, "token": "00000000" });
        hosted.post("/signup/completeSignup", request).await.status
    };
    assert_eq!([complete().await, complete().await, complete().await, complete().await], [400, 400, 400, 429]);
}
