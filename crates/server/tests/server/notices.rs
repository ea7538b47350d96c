//! What owners of accounts are told by mail of what was done to them.

use serde_json::json;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::hosted::{Hosted, Kind, Login, PASSWORD, revoked};
use crate::postbox::Mail;
use crate::running::PATIENCE;

const ANN: &str = "ann@example.com";
const OTHER: &str = "another password";

/// As mails say it, to the minute.
fn now() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{} {} {} at {:02}:{:02} UTC", now.day(), now.month(), now.year(), now.hour(), now.minute())
}

/// It has that subject, says that it was between these two moments, what to do, and nothing that is to be kept.
fn tells(mail: &Mail, subject: &str, moments: [String; 2]) {
    assert_eq!(mail.to, [ANN]);
    assert!(mail.text.contains(&format!("Subject: {subject}\r\n")), "{}", mail.text);
    assert!(mail.text.contains("Content-Transfer-Encoding: 7bit\r\n"), "{}", mail.text);
    assert!(moments.iter().any(|moment| mail.text.contains(moment)), "{moments:?} in {}", mail.text);
    assert!(mail.text.contains("If it was not you, ") && mail.text.contains("where you log in"), "{}", mail.text);
    assert!(!mail.text.contains(OTHER) && !mail.text.contains(PASSWORD), "{}", mail.text);
}

async fn change(hosted: &Hosted, login: &Login, old: &str, new: &str) -> u16 {
    let request = json!({ "old_secret": old, "new_secret": new });
    hosted.call_as(&login.access, "/auth/ChangeSecret", request).await.status
}

#[tokio::test]
async fn whoever_gets_another_password_or_is_logged_out_everywhere_is_told_when_and_what_to_do() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    // What was not done is not told.
    assert_eq!(change(&hosted, &login, "wrong horse", OTHER).await, 401);
    let guess = json!({ "email": ANN, "token": "00000000", "secret": OTHER });
    assert_eq!(hosted.post("/auth/ResetPassword", guess).await.status, 400);

    let before = now();
    assert_eq!(change(&hosted, &login, PASSWORD, OTHER).await, 200);
    let mail = hosted.postbox.mail(ANN, 2).await;
    tells(&mail, "Your password was changed", [before, now()]);
    assert!(mail.text.contains("somebody else knew your password"), "{}", mail.text);

    let code = hosted.reset_code(ANN).await;
    let before = now();
    let request = json!({ "email": ANN, "token": code, "secret": PASSWORD });
    assert_eq!(hosted.post("/auth/ResetPassword", request).await.status, 200);
    let mail = hosted.postbox.mail(ANN, 4).await;
    tells(&mail, "Your password was changed", [before, now()]);
    assert!(mail.text.contains("somebody else reads your mail"), "{}", mail.text);
    assert_eq!(mail.code(), None);

    // Logging out is everyday's.
    let log_in = async || Login::of(&hosted.log_in(ANN, PASSWORD).await.json["token"]);
    let (here, there) = (log_in().await, log_in().await);
    assert_eq!(hosted.post("/auth/Revoke", json!({ "refresh_token": here.refresh })).await.status, 200);
    let before = now();
    let everywhere = json!({ "refresh_token": there.refresh, "everywhere": true });
    assert_eq!(hosted.post("/auth/Revoke", everywhere.clone()).await.status, 200);
    tells(&hosted.postbox.mail(ANN, 5).await, "You were logged out everywhere", [before, now()]);
    // Once more ends nothing.
    assert_eq!(hosted.post("/auth/Revoke", everywhere).await.status, 200);
    hosted.reset_code(ANN).await;
    assert_eq!(hosted.postbox.mails(ANN).len(), 6);
}

#[tokio::test]
async fn a_change_is_made_at_once_though_no_mail_goes_out_and_no_more_of_it_may_wait() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let Hosted { server, postbox, data } = hosted;
    server.stop().await;
    // It takes connections and says nothing, for longer than this test lasts.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut deaf = postbox.clone();
    deaf.url = format!("smtp://{}", silent.local_addr().expect("an address"));
    let server = Hosted::on(data.path(), &deaf, Kind::default()).await;
    let hosted = Hosted { server, postbox, data };
    let changed = timeout(PATIENCE, change(&hosted, &login, PASSWORD, OTHER)).await;
    assert_eq!(changed.expect("nobody waits for mail"), 200);
    assert_eq!(hosted.log_in(ANN, OTHER).await.status, 200);

    // Codes that can't be sent are refused.
    let send = async || hosted.post("/signup/sendVerificationEmail", json!({ "email": ANN })).await.status;
    let mut waiting = 0;
    while send().await == 200 {
        waiting += 1;
        assert!(waiting < 2_000, "as many as they like may wait");
    }
    assert_eq!(change(&hosted, &login, OTHER, PASSWORD).await, 200);
    assert_eq!(hosted.log_in(ANN, PASSWORD).await.status, 200);
    assert_eq!(hosted.postbox.mails(ANN).len(), 1, "none of these came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_while_it_is_stored_has_it_done_and_told_all_the_same() {
    let hosted = Hosted::start().await;
    let login = hosted.sign_up(ANN).await;
    let everywhere = json!({ "refresh_token": login.refresh, "everywhere": true });
    hosted.server.hang_up("", "/auth/Revoke", everywhere).await;
    let mail = hosted.postbox.mail(ANN, 2).await;
    assert!(mail.text.contains("logged out everywhere"), "{}", mail.text);
    assert_eq!(hosted.opens(&login.access, ANN).await, revoked());
}
