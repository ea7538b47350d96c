//! Logging in from the command line.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::hosted::{Hosted, PASSWORD};
use crate::running::PATIENCE;

const ANN: &str = "ann@example.com";

/// A server with Ann's account, and Ann logged in to it.
async fn logged_in() -> (Hosted, Desk) {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    let desk = Desk::at(&hosted.server.host);
    let login = desk.fed(format!("{PASSWORD}\n").as_bytes(), &["login", "--email", ANN, "--password-stdin"]).await;
    assert_eq!(login.json(), json!({ "id": ANN, "namespace": "micro" }));
    (hosted, desk)
}

fn kept(desk: &Desk) -> Value {
    let text = std::fs::read_to_string(desk.folder().join("logins.json")).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

fn keep(desk: &Desk, logins: &Value) {
    std::fs::write(desk.folder().join("logins.json"), logins.to_string()).expect("a file");
}

#[tokio::test]
async fn who_logs_in_stays_so_until_they_log_out() {
    let (_hosted, desk) = logged_in().await;
    let mode = |name: &str| {
        let metadata = std::fs::metadata(desk.folder().join(name)).expect("a file");
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
    };
    assert_eq!((mode("logins.json"), mode("")), (0o600, 0o700));
    assert_eq!(desk.run(&["whoami"]).await.json()["account"]["id"], ANN);
    assert_eq!(desk.run(&["chat", "new", "--user_ids", ANN]).await.code, 0);
    // Elsewhere, and in another namespace, nobody is.
    assert_eq!(desk.run(&["--namespace=club", "whoami"]).await.code, 4);
    let old = kept(&desk);
    assert_eq!(desk.run(&["logout"]).await.json(), json!({}));
    assert_eq!((desk.run(&["whoami"]).await.code, desk.run(&["logout"]).await.code), (4, 4));
    // What somebody may have copied is worth nothing any more.
    keep(&desk, &old);
    let ran = desk.run(&["whoami"]).await;
    assert_eq!((ran.code, ran.err.contains("micro login")), (4, true), "{}", ran.err);
    assert_eq!(kept(&desk), json!([]), "what is none any more is forgotten");
}

#[tokio::test]
async fn who_logs_in_where_a_token_counts_is_told_so() {
    let (_hosted, desk) = logged_in().await;
    let login = ["login", "--email", ANN, "--password-stdin"];
    assert_eq!(desk.fed(PASSWORD.as_bytes(), &login).await.err, "");
    let other = Desk { token: Some("a.b.c".to_owned()), ..desk };
    let ran = other.fed(PASSWORD.as_bytes(), &login).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, "micro: a token of the environment counts before this login\n"));
}

#[tokio::test]
async fn a_wrong_password_is_no_login_and_no_password_is_printed() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    let desk = Desk::at(&hosted.server.host);
    let ran = desk.fed(b"battery staple\n", &["login", "--email", ANN, "--password-stdin"]).await;
    assert_eq!((ran.code, ran.err.contains("auth.WrongCredentials")), (4, true), "{}", ran.err);
    assert!(!ran.err.contains("staple") && !desk.folder().join("logins.json").exists());
    let ran = desk.run(&["login"]).await;
    assert_eq!((ran.code, ran.err.contains("--email")), (2, true), "{}", ran.err);
}

#[tokio::test]
async fn many_programs_renew_a_login_once() {
    let (_hosted, desk) = logged_in().await;
    let mut logins = kept(&desk);
    let before = logins[0]["refresh_token"].clone();
    logins[0]["until"] = json!(0);
    keep(&desk, &logins);
    let runs = (0..8).map(|_| desk.run(&["whoami"]));
    for ran in futures_util::future::join_all(runs).await {
        assert_eq!(ran.json()["account"]["id"], ANN);
    }
    let after = kept(&desk);
    assert_ne!(after[0]["refresh_token"], before);
    for _ in 0..2 {
        assert_eq!(desk.run(&["whoami"]).await.code, 0);
    }
    assert_eq!(kept(&desk), after, "what is good is not renewed");
    let left: BTreeSet<_> =
        std::fs::read_dir(desk.folder()).expect("a folder").map(|entry| entry.expect("a file").file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn who_finds_another_renewing_waits_and_takes_what_that_one_got() {
    let (hosted, desk) = logged_in().await;
    let mut logins = kept(&desk);
    logins[0]["until"] = json!(0);
    keep(&desk, &logins);
    // This test is the other one, and slow.
    let lock = std::fs::File::create(desk.folder().join("logins.lock")).expect("a file");
    lock.lock().expect("a lock");
    let mut waiting = desk.command(&["whoami"]).spawn().expect("it starts");
    let early = tokio::time::timeout(Duration::from_millis(400), waiting.wait()).await;
    assert!(early.is_err(), "it did not wait");
    assert_eq!(kept(&desk), logins);
    // Twice: the first refresh token, used now, would end the login.
    let first = hosted.refresh(logins[0]["refresh_token"].as_str().expect("a token")).await;
    let second = hosted.refresh(first.json["token"]["refresh_token"].as_str().expect("a token")).await;
    for name in ["access_token", "refresh_token"] {
        logins[0][name] = second.json["token"][name].clone();
    }
    logins[0]["until"] = second.json["token"]["expiry"].clone();
    keep(&desk, &logins);
    lock.unlock().expect("an unlock");
    let output = tokio::time::timeout(PATIENCE, waiting.wait_with_output()).await.expect("an end").expect("its output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(kept(&desk), logins);
}

#[tokio::test]
async fn a_token_that_this_clock_thinks_good_and_the_server_does_not_is_renewed() {
    let (_hosted, desk) = logged_in().await;
    let mut logins = kept(&desk);
    logins[0]["access_token"] = json!("not.a.token");
    keep(&desk, &logins);
    assert_eq!(desk.run(&["whoami"]).await.json()["account"]["id"], ANN);
}

#[tokio::test]
async fn logging_out_everywhere_ends_other_logins_too() {
    let (hosted, desk) = logged_in().await;
    let other = Desk::at(&hosted.server.host);
    other.fed(PASSWORD.as_bytes(), &["login", "--email", ANN, "--password-stdin"]).await.json();
    assert_eq!(desk.run(&["logout"]).await.code, 0);
    assert_eq!(other.run(&["whoami"]).await.code, 0);
    desk.fed(PASSWORD.as_bytes(), &["login", "--email", ANN, "--password-stdin"]).await.json();
    assert_eq!(desk.run(&["logout", "--everywhere"]).await.code, 0);
    assert_eq!(other.run(&["whoami"]).await.code, 4);
}
