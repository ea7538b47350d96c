//! A change that was begun is done whole, though whoever asked for it has hung up.

use serde_json::json;

use crate::groups::group;
use crate::guarded::{Guarded, ended, token};
use crate::hosted::{Hosted, PASSWORD, revoked};
use crate::logins::others_log_in;
use crate::underway::until;

const ANN: &str = "ann@example.com";

fn is_over() -> (String, u16) {
    ("auth.RevokedToken".to_owned(), 4003)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whose_tokens_are_ended_is_out_with_tokens_streams_and_logins() {
    let hosted = Hosted::start().await;
    let ann = hosted.sign_up(ANN).await;
    let admin = hosted.key("micro", "admin").await;
    let mut stream = hosted.session(&ann.access).await;
    hosted.server.hang_up(&admin, "/auth/Revoke", json!({ "user_id": ANN })).await;
    assert_eq!(ended(&mut stream).await, is_over());
    assert_eq!(hosted.opens(&ann.access, ANN).await, revoked());
    until(hosted.data.path(), "SELECT count(*) = 0 FROM logins").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_too_many_ends_the_oldest_with_its_streams() {
    let hosted = Hosted::start().await;
    let oldest = hosted.sign_up(ANN).await;
    others_log_in(&hosted).await;
    let mut stream = hosted.session(&oldest.access).await;
    hosted.server.hang_up("", "/auth/Token", json!({ "id": ANN, "secret": PASSWORD })).await;
    assert_eq!(ended(&mut stream).await, is_over());
    assert_eq!(hosted.opens(&oldest.access, ANN).await, revoked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_is_kept_is_mailed() {
    let hosted = Hosted::start().await;
    hosted.server.hang_up("", "/signup/sendVerificationEmail", json!({ "email": ANN })).await;
    let code = hosted.postbox.code(ANN, 1).await;
    let answer =
        hosted.post("/signup/completeSignup", json!({ "email": ANN, "secret": PASSWORD, "token": code })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_deleted_leaves_nothing_behind() {
    let guarded = Guarded::start().await;
    let id = group(&guarded, false, json!(["ben"])).await;
    for text in ["one", "two"] {
        guarded.ask(&token("ann"), "/chat/Send", json!({ "chat_id": id, "text": text })).await;
    }
    guarded.server.hang_up(&token("ann"), "/v1/chat/Delete", json!({ "group_id": id })).await;
    let left = "(SELECT chat FROM messages UNION ALL SELECT chat FROM members)";
    until(guarded.folder(), &format!("SELECT count(*) = 0 FROM {left}")).await;
}
