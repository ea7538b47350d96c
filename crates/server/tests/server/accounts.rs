//! Accounts: signing up with a mailed code, other passwords, and going.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use micro_chat_server::certificate::Certificate;
use micro_chat_server::store;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::connections::certificate;
use crate::guarded::{ended, seconds, sign};
use crate::hosted::{Hosted, Kind, Login, PASSWORD};
use crate::postbox::{Postbox, Tls};
use crate::running::PATIENCE;

const ANN: &str = "ann@example.com";

#[tokio::test]
async fn who_reads_an_addresss_mail_signs_up_and_is_logged_in() {
    let hosted = Hosted::start().await;
    let code = hosted.code(ANN).await;
    let request = json!({ "email": "Ann@Example.com", "secret": PASSWORD, "token": code, "namespace": "micro" });
    let answer = hosted.post("/signup/completeSignup", request.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let account = json!({ "id": ANN, "namespace": "micro" });
    assert_eq!((&answer.json["namespace"], &answer.json["account"]), (&json!("micro"), &account));
    let token = &answer.json["authToken"];
    let (created, expiry) = (token["created"].as_u64().expect("a time"), token["expiry"].as_u64().expect("a time"));
    assert!(created.abs_diff(seconds()) < 10 && expiry - created == 3_600);
    let first = Login::of(token);
    assert_eq!(hosted.opens(&first.access, ANN).await.0, 200);
    // A code is good once.
    assert_eq!(hosted.post("/signup/completeSignup", request).await.id(), (400, "signup.WrongCode"));

    let answer = hosted.log_in("ANN@example.com", PASSWORD).await;
    assert_eq!((answer.status, &answer.json["account"]), (200, &account), "{}", answer.text);
    let second = Login::of(&answer.json["token"]);
    let answer = hosted.refresh(&second.refresh).await;
    assert_eq!((answer.status, &answer.json["account"]), (200, &account), "{}", answer.text);
    let third = Login::of(&answer.json["token"]);
    for login in [&first, &second, &third] {
        assert_eq!(hosted.opens(&login.access, ANN).await.0, 200);
    }
    let inspected = hosted.call_as(&third.access, "/auth/Inspect", json!({})).await.json;
    let expected = json!({ "account": {
        "id": ANN, "type": "user", "issuer": "micro", "scopes": ["read", "send"], "metadata": {}, "name": "" } });
    assert_eq!(inspected, expected);
    let other = hosted.call_as(&third.access, "/auth/Auth/Inspect", json!({ "token": first.access })).await.json;
    assert_eq!(other, expected);
}

#[tokio::test]
async fn a_code_is_wrong_elsewhere_for_something_else_or_tried_too_often() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    let complete = async |email: &str, namespace: &str, code: &str| {
        let request = json!({ "email": email, "secret": PASSWORD, "token": code, "namespace": namespace });
        let answer = hosted.post("/signup/completeSignup", request).await;
        (answer.status, answer.id().1.to_owned())
    };
    let wrong = || (400, "signup.WrongCode".to_owned());
    let code = hosted.code("ben@example.com").await;
    assert_eq!(complete("cem@example.com", "micro", &code).await, wrong());
    assert_eq!(complete("ben@example.com", "club", &code).await, wrong());
    // What was mailed for another password is none to sign up with, and the other way round.
    let reset = hosted.reset_code(ANN).await;
    assert_eq!(complete(ANN, "micro", &reset).await, wrong());
    let request = json!({ "email": "ben@example.com", "secret": PASSWORD, "token": code });
    assert_eq!(hosted.post("/auth/ResetPassword", request).await.id(), (400, "auth.WrongCode"));
    // The newest one only.
    let newer = hosted.code("ben@example.com").await;
    assert_eq!(complete("ben@example.com", "micro", &code).await, wrong());
    for _ in 0..3 {
        assert_eq!(complete("ben@example.com", "micro", "00000000").await, wrong());
    }
    assert_eq!(complete("ben@example.com", "micro", &newer).await.0, 200, "the fifth try");
    let code = hosted.code("cem@example.com").await;
    for guess in ["", "0", "00000000", "not a code", &"9".repeat(1_000)] {
        assert_eq!(complete("cem@example.com", "micro", guess).await, wrong());
    }
    assert_eq!(complete("cem@example.com", "micro", &code).await, wrong(), "the sixth try");
}

#[tokio::test]
async fn a_code_is_tried_five_times_and_used_once_however_many_try_at_once() {
    let hosted = Hosted::start().await;
    let complete = async |email: &str, code: &str| {
        let request = json!({ "email": email, "secret": PASSWORD, "token": code });
        hosted.post("/signup/completeSignup", request).await.status
    };
    let code = hosted.code(ANN).await;
    let tries = futures_util::future::join_all((0..8).map(|_| complete(ANN, &code))).await;
    assert_eq!(tries.iter().filter(|status| **status == 200).count(), 1, "{tries:?}");
    let code = hosted.code("ben@example.com").await;
    let guesses: Vec<String> = (0..8).map(|guess| format!("{guess:08}")).collect();
    futures_util::future::join_all(guesses.iter().map(|guess| complete("ben@example.com", guess))).await;
    assert_eq!(complete("ben@example.com", &code).await, 400);
    // And for a quarter of an hour.
    let later = async |seconds: i64| {
        let update = format!("UPDATE codes SET expires_at = expires_at - {seconds}");
        hosted.server.store.change(move |connection| connection.execute(&update, [])).await.expect("a moment");
    };
    let code = hosted.code("cem@example.com").await;
    later(890).await;
    assert_eq!(complete("cem@example.com", &code).await, 200);
    let code = hosted.code("dan@example.com").await;
    later(901).await;
    assert_eq!(complete("dan@example.com", &code).await, 400);
}

#[tokio::test]
async fn codes_do_not_go_out_in_the_clear_where_tls_is_wanted() {
    let (data, postbox) = (tempfile::tempdir().expect("a folder"), Postbox::open().await);
    let mut wants_tls = postbox.clone();
    wants_tls.url += "?tls=required";
    let server = Hosted::on(data.path(), &wants_tls, Kind::default()).await;
    let hosted = Hosted { server, postbox, data };
    let answer = hosted.post("/signup/sendVerificationEmail", json!({ "email": ANN })).await;
    assert_eq!(answer.text, "{}", "who asks does not learn of it");
    let begun = Instant::now();
    while hosted.postbox.greeted.load(Ordering::SeqCst) == 0 {
        assert!(begun.elapsed() < PATIENCE, "it never tried");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((hosted.postbox.count(), hosted.postbox.mailed.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test]
async fn a_restored_database_logs_everybody_out() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let copy = hosted.data.path().join("copy.db");
    store::back_up(hosted.data.path(), &copy).expect("a copy");
    let Hosted { server, postbox, data } = hosted;
    server.stop().await;
    store::restore(data.path(), &copy).expect("it is back");
    let server = Hosted::on(data.path(), &postbox, Kind::default()).await;
    let hosted = Hosted { server, postbox, data };
    // Whoever had logged out since the copy was made must not be logged in by it.
    assert_eq!(hosted.refresh(&login.refresh).await.id(), (401, "auth.NoLogin"));
    assert_eq!(hosted.opens(&login.access, ANN).await.0, 401);
    assert_eq!(hosted.log_in(ANN, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn what_can_not_be_an_account_is_refused_in_words() {
    let hosted = Hosted::start().await;
    let send = async |email: &str, namespace: &str| {
        let request = json!({ "email": email, "namespace": namespace });
        let answer = hosted.post("/signup/sendVerificationEmail", request).await;
        (answer.status, answer.id().1.to_owned())
    };
    for email in
        ["", "ann", "ann@localhost", "ann@example.com\r\nBcc: ben@example.com", "ann@example.com, ben@example.com"]
    {
        assert_eq!(send(email, "micro").await, (400, "signup.InvalidEmail".to_owned()), "{email:?}");
    }
    for namespace in ["staff", "elsewhere"] {
        assert_eq!(send(ANN, namespace).await, (403, "signup.Closed".to_owned()));
        let request = json!({ "email": ANN, "secret": PASSWORD, "token": "00000000", "namespace": namespace });
        assert_eq!(hosted.post("/signup/completeSignup", request).await.id(), (403, "signup.Closed"));
    }
    let code = hosted.code(ANN).await;
    for secret in ["", "1234567", ANN, "ANN@EXAMPLE.COM", &"x".repeat(257), &"\u{e4}".repeat(7)] {
        let request = json!({ "email": ANN, "secret": secret, "token": code });
        assert_eq!(hosted.post("/signup/completeSignup", request).await.id(), (400, "signup.WeakSecret"), "{secret}");
    }
    for (id, refused) in [
        (" ann", (400, "signup.InvalidID")),
        ("ann\n", (400, "signup.InvalidID")),
        (&"x".repeat(257), (400, "signup.InvalidID")),
        ("ben@example.com", (409, "signup.IDTaken")),
    ] {
        let request = json!({ "email": ANN, "secret": PASSWORD, "token": code, "id": id });
        assert_eq!(hosted.post("/signup/completeSignup", request).await.id(), refused, "{id}");
    }
    // Two namespaces in one request.
    let answer = hosted.call(
        "/signup/sendVerificationEmail",
        &[("micro-namespace", "club")],
        json!({ "email": ANN, "namespace": "micro" }),
    );
    assert_eq!(answer.await.id(), (400, "gateway.InvalidField"));
    // Secrets in an address.
    let url = hosted.server.url(&format!("/auth/Token?id={ANN}&secret={PASSWORD}"));
    let answer = hosted.server.http.get(url).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"POST".parse().expect("a value")));
    assert_eq!(hosted.postbox.count(), 1);
}

#[tokio::test]
async fn a_user_id_is_chosen_once_and_nobody_gets_anothers_chats_by_it() {
    let hosted = Hosted::start().await;
    let complete = async |email: &str, id: &str| {
        let code = hosted.code(email).await;
        let request = json!({ "email": email, "secret": PASSWORD, "token": code, "id": id });
        hosted.post("/signup/completeSignup", request).await
    };
    let answer = complete(ANN, "ann").await;
    assert_eq!((answer.status, &answer.json["account"]["id"]), (200, &json!("ann")), "{}", answer.text);
    let ann = Login::of(&answer.json["authToken"]);
    for id in ["ann", ANN] {
        let answer = hosted.log_in(id, PASSWORD).await;
        assert_eq!((answer.status, &answer.json["account"]["id"]), (200, &json!("ann")), "{id}");
    }
    assert_eq!(complete("evil@example.com", "ann").await.id(), (409, "signup.IDTaken"));
    // Ann has opened a chat with somebody who is to come: not with whoever takes the name first.
    let chat = hosted.call_as(&ann.access, "/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    assert_eq!(chat.status, 200);
    assert_eq!(complete("evil@example.com", "ben").await.id(), (409, "signup.IDTaken"));
    // The name of an account that is gone stays gone.
    let answer = hosted.call_as(&ann.access, "/auth/Delete", json!({ "secret": PASSWORD })).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    assert_eq!(complete("evil@example.com", "ann").await.id(), (409, "signup.IDTaken"));
    // Its owner's address is not.
    assert_eq!(complete(ANN, "").await.status, 200);
}

#[tokio::test]
async fn another_password_ends_all_other_logins() {
    let hosted = Hosted::start().await;
    let here = hosted.sign_up(ANN).await;
    let there = Login::of(&hosted.log_in(ANN, PASSWORD).await.json["token"]);
    let change = async |old: &str, new: &str| {
        let request = json!({ "old_secret": old, "new_secret": new });
        let answer = hosted.call_as(&here.access, "/auth/ChangeSecret", request).await;
        (answer.status, answer.id().1.to_owned())
    };
    assert_eq!(change("wrong horse", "another password").await, (401, "auth.WrongCredentials".to_owned()));
    assert_eq!(change(PASSWORD, "short").await, (400, "auth.WeakSecret".to_owned()));
    assert_eq!(change(PASSWORD, ANN).await, (400, "auth.WeakSecret".to_owned()));
    assert_eq!(hosted.opens(&there.access, ANN).await.0, 200);
    let mut stream = hosted.session(&there.access).await;
    let mut own = hosted.session(&here.access).await;
    assert_eq!(change(PASSWORD, "another password").await.0, 200);
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert!(own.is_quiet().await);
    assert_eq!(hosted.opens(&there.access, ANN).await, (401, "auth.RevokedToken".to_owned()));
    assert_eq!(hosted.refresh(&there.refresh).await.id(), (401, "auth.NoLogin"));
    assert_eq!(hosted.opens(&here.access, ANN).await.0, 200);
    assert_eq!(hosted.refresh(&here.refresh).await.status, 200);
    assert_eq!(hosted.log_in(ANN, PASSWORD).await.id(), (401, "auth.WrongCredentials"));
    assert_eq!(hosted.log_in(ANN, "another password").await.status, 200);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_mailed_code_and_all_logins_end() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let mut stream = hosted.session(&login.access).await;
    let code = hosted.reset_code(ANN).await;
    let reset = async |code: &str, secret: &str| {
        let request = json!({ "email": ANN, "token": code, "secret": secret, "namespace": "micro" });
        let answer = hosted.post("/auth/ResetPassword", request).await;
        (answer.status, answer.id().1.to_owned())
    };
    assert_eq!(reset(&code, "short").await, (400, "auth.WeakSecret".to_owned()));
    assert_eq!(reset("12345678", "another password").await, (400, "auth.WrongCode".to_owned()));
    assert_eq!(hosted.opens(&login.access, ANN).await.0, 200);
    assert_eq!(reset(&code, "another password").await, (200, String::new()));
    assert_eq!(reset(&code, "a third password").await, (400, "auth.WrongCode".to_owned()));
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert_eq!(hosted.opens(&login.access, ANN).await, (401, "auth.RevokedToken".to_owned()));
    assert_eq!(hosted.refresh(&login.refresh).await.id(), (401, "auth.NoLogin"));
    assert_eq!(hosted.log_in(ANN, PASSWORD).await.id(), (401, "auth.WrongCredentials"));
    assert_eq!(hosted.log_in(ANN, "another password").await.status, 200);
}

#[tokio::test]
async fn an_account_that_is_deleted_is_gone_with_its_logins_and_streams() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let mut stream = hosted.session(&login.access).await;
    let code = hosted.reset_code(ANN).await;
    let answer = hosted.call_as(&login.access, "/auth/Delete", json!({ "secret": "wrong horse" })).await;
    assert_eq!(answer.id(), (401, "auth.WrongCredentials"));
    let answer = hosted.call_as(&login.access, "/auth/Delete", json!({ "secret": PASSWORD })).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    assert_eq!(hosted.opens(&login.access, ANN).await, (401, "auth.RevokedToken".to_owned()));
    assert_eq!(hosted.refresh(&login.refresh).await.id(), (401, "auth.NoLogin"));
    assert_eq!(hosted.log_in(ANN, PASSWORD).await.id(), (401, "auth.WrongCredentials"));
    let request = json!({ "email": ANN, "token": code, "secret": PASSWORD });
    assert_eq!(hosted.post("/auth/ResetPassword", request).await.id(), (400, "auth.WrongCode"));
}

#[tokio::test]
async fn namespaces_have_their_own_accounts_and_those_of_accounts_take_no_other_tokens() {
    let hosted = Hosted::start().await;
    let ann = hosted.sign_up(ANN).await;
    let in_club = async |path: &str, mut body: Value| {
        body["namespace"] = json!("club");
        hosted.post(path, body).await
    };
    let answer = in_club("/auth/Token", json!({ "id": ANN, "secret": PASSWORD })).await;
    assert_eq!(answer.id(), (401, "auth.WrongCredentials"));
    let answer = in_club("/auth/Token", json!({ "refresh_token": ann.refresh })).await;
    assert_eq!(answer.id(), (401, "auth.NoLogin"));
    assert_eq!(hosted.refresh(&ann.refresh).await.status, 200, "that did it no harm");
    let answer = in_club("/auth/Token", json!({ "id": ANN, "secret": PASSWORD, "options": { "namespace": "micro" } }));
    assert_eq!(answer.await.id(), (400, "gateway.InvalidField"));
    let headers = [("micro-namespace", "club"), ("authorization", &*format!("Bearer {}", ann.access))];
    for path in ["/chat/New", "/auth/ChangeSecret", "/auth/Delete"] {
        let answer = hosted.call(path, &headers, json!({ "user_ids": [ANN], "secret": PASSWORD }));
        assert_eq!(answer.await.id(), (403, "auth.WrongNamespace"), "{path}");
    }
    // Somebody else's token can't name a user of accounts.
    for (namespace, refused) in [("micro", true), ("club", true), ("staff", true), ("elsewhere", false)] {
        let token = sign(&json!({ "sub": ANN, "namespace": namespace, "exp": seconds() + 60 }));
        let expected = if refused { (401, "auth.InvalidToken".to_owned()) } else { (200, String::new()) };
        assert_eq!(hosted.opens(&token, ANN).await, expected, "{namespace}");
    }
    for (namespace, sign_up, accounts) in
        [("micro", true, true), ("club", true, true), ("staff", false, true), ("elsewhere", false, false)]
    {
        let expected = json!({ "login": "required", "sign_up": sign_up, "accounts": accounts });
        let url = hosted.server.url(&format!("/auth/Options?namespace={namespace}"));
        let answer: Value = hosted.server.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer, expected);
        assert_eq!(hosted.call("/auth/Options", &[("micro-namespace", namespace)], json!({})).await.json, expected);
    }
    let answer = hosted.post("/auth/Token", json!({ "id": ANN, "secret": PASSWORD, "namespace": "elsewhere" })).await;
    assert_eq!(answer.id(), (403, "auth.Closed"));
}

#[tokio::test]
async fn a_mail_is_plain_says_what_to_do_and_goes_out_though_the_mail_server_is_late() {
    let hosted = Hosted::start().await;
    hosted.postbox.busy.store(1, Ordering::SeqCst);
    let code = hosted.code(ANN).await;
    let mail = hosted.postbox.mail(ANN, 1).await;
    assert_eq!(mail.to, [ANN]);
    for header in [
        "From: Chat <chat@example.org>\r\n",
        "To: ann@example.com\r\n",
        "Subject: Your code to sign up\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Transfer-Encoding: 7bit\r\n",
        "@example.org>\r\n",
        "Date: ",
    ] {
        assert!(mail.text.contains(header), "{header:?} in {}", mail.text);
    }
    assert!(mail.text.contains(&format!("Your code to sign up is {code}\r\n")), "{}", mail.text);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(hosted.postbox.count(), 1, "once");
}

/// The program with accounts, trusting no mail server but those with that certificate; asks for a mail, and waits for
/// it.
async fn mailed(postbox: &Postbox, url: &str, trusted: &Path) -> bool {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--sign-up", "micro", "--mail-from", "chat@example.org"]);
    command.args(["--mail-server", url, "--data"]).arg(data.path()).env("SSL_CERT_FILE", trusted);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut program = command.spawn().expect("it runs");
    let mut lines = BufReader::new(program.stdout.take().expect("its output")).lines();
    let url = loop {
        let line = lines.next_line().await.expect("a line").expect("it starts");
        if let Some(url) = line.strip_prefix("listening on ") {
            break format!("{url}/signup/sendVerificationEmail");
        }
    };
    let request = reqwest::Client::new().post(url).body(json!({ "email": ANN }).to_string());
    assert_eq!(request.send().await.expect("an answer").text().await.expect("a body"), "{}");
    let mut said = BufReader::new(program.stderr.take().expect("its log")).lines();
    loop {
        tokio::select! {
            line = said.next_line() => {
                let line = line.expect("a line").expect("it goes on");
                if line.contains("could not be sent") {
                    return false;
                }
            }
            () = tokio::time::sleep(Duration::from_millis(10)) => {
                if postbox.count() > 0 {
                    return true;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_mail_server_has_to_prove_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, key, _) = certificate(folder.path());
    let own = Certificate::open(&chain, &key).expect("a certificate");
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    let (other, ..) = certificate(&elsewhere);
    for (tls, scheme, query) in
        [(Tls::AtOnce(own.clone()), "smtps", ""), (Tls::Asked(own.clone()), "smtp", "?tls=required")]
    {
        let postbox = Postbox::with(tls).await;
        let url = format!("{}{query}", postbox.url.replace("smtp://127.0.0.1", &format!("{scheme}://localhost")));
        assert!(!mailed(&postbox, &url, &other).await, "{scheme}: anybody could read codes");
        assert_eq!(postbox.count(), 0);
        assert!(mailed(&postbox, &url, &chain).await, "{scheme}");
    }
}

#[tokio::test]
async fn a_server_that_stops_sends_the_mail_that_waits() {
    let Hosted { server, postbox, data: _data } = {
        let hosted = Hosted::start().await;
        // The first try fails, and the next is a second later.
        hosted.postbox.busy.store(1, Ordering::SeqCst);
        let answer = hosted.post("/signup/sendVerificationEmail", json!({ "email": ANN })).await;
        assert_eq!(answer.text, "{}");
        hosted
    };
    server.stop().await;
    assert_eq!(postbox.mails(ANN).len(), 1);
}

/// What a server that is not to start says.
fn said(arguments: &[&str]) -> String {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_micro-chat-server"));
    let command = command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).args(arguments);
    let output = command.stdout(Stdio::null()).output().expect("it runs");
    assert!(!output.status.success());
    String::from_utf8(output.stderr).expect("text").lines().last().unwrap_or_default().to_owned()
}

#[test]
fn accounts_without_mail_do_not_start_and_one_line_says_what_is_missing() {
    let said_without = said(&["--sign-up", "micro"]);
    assert!(said_without.contains("--mail-server") && said_without.contains("--mail-from"), "{said_without}");
    let server = ["--sign-up", "micro", "--mail-server", "smtp://127.0.0.1:25"];
    assert!(said(&server).contains("say with --mail-from who writes"));
    assert!(said(&["--accounts", "micro", "--mail-from", "chat@example.org"]).contains("name the mail server"));
    let from = |server: &str, from: &str| said(&["--sign-up", "micro", "--mail-server", server, "--mail-from", from]);
    assert!(from("http://127.0.0.1", "chat@example.org").contains("--mail-server: "));
    assert!(from("smtp://mail.example.com?tls=opportunistic", "chat@example.org").contains("--mail-server: "));
    assert!(from("smtp://127.0.0.1", "chat").contains("--mail-from: "));
    let mut arguments = server.to_vec();
    arguments.extend(["--mail-from", "chat@example.org", "--mail-password-file", "/nowhere"]);
    assert!(said(&arguments).contains("a password of nobody"));
    arguments[3] = "smtp://chat@127.0.0.1";
    assert!(said(&arguments).contains("can't read the mail password /nowhere"));
}
