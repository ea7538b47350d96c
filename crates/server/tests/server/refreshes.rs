//! Refreshes: what a used token is worth to whoever has lost its answer, and to a thief.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::guarded::ended;
use crate::hosted::{Hosted, Login, PASSWORD, login_of, no_login, revoked};
use crate::running::PATIENCE;

const ANN: &str = "ann@example.com";

/// Ann's login, and one that went out an hour ago when she refreshed, of which she has heard nothing.
async fn lost() -> (Hosted, Login, Login) {
    let hosted = Hosted::start().await;
    let ann = hosted.sign_up(ANN).await;
    let lost = login_of(&hosted.refresh(&ann.refresh).await);
    hosted.later(3_600).await;
    (hosted, ann, lost)
}

/// Nothing that anybody has of that login is good any more.
async fn is_over(hosted: &Hosted, logins: &[&Login]) {
    for login in logins {
        assert_eq!(hosted.opens(&login.access, ANN).await, revoked());
        assert_eq!(hosted.refresh(&login.refresh).await.id(), no_login());
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_ends_the_login_with_its_tokens_and_streams() {
    let hosted = Hosted::start().await;
    let first = hosted.sign_up(ANN).await;
    let second = login_of(&hosted.refresh(&first.refresh).await);
    let third = login_of(&hosted.refresh(&second.refresh).await);
    let other = login_of(&hosted.log_in(ANN, PASSWORD).await);
    let mut streams = [hosted.session(&first.access).await, hosted.session(&third.access).await];
    assert_ne!(first.refresh, second.refresh);
    // Whoever comes with this had it before its owner went on, or after.
    assert_eq!(hosted.refresh(&first.refresh).await.id(), no_login());
    for stream in &mut streams {
        assert_eq!(ended(stream).await, ("auth.RevokedToken".to_owned(), 4003));
    }
    is_over(&hosted, &[&first, &second, &third]).await;
    assert_eq!(hosted.opens(&other.access, ANN).await.0, 200, "that was not theirs");
    assert_eq!(hosted.refresh(&other.refresh).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_for_a_minute_until_it_was_used() {
    let hosted = Hosted::start().await;
    let first = hosted.sign_up(ANN).await;
    let lost = login_of(&hosted.refresh(&first.refresh).await);
    let found = login_of(&hosted.refresh(&first.refresh).await);
    assert_eq!(lost.refresh, found.refresh, "nobody has two");
    let next = login_of(&hosted.refresh(&found.refresh).await);
    assert_eq!(hosted.opens(&next.access, ANN).await.0, 200);
    assert_eq!(hosted.refresh(&first.refresh).await.id(), no_login(), "its successor was used");
    assert_eq!(hosted.refresh(&next.refresh).await.id(), no_login());

    let first = login_of(&hosted.log_in(ANN, PASSWORD).await);
    let second = login_of(&hosted.refresh(&first.refresh).await);
    assert_eq!(hosted.opens(&second.access, ANN).await.0, 200, "it has arrived");
    hosted.later(30).await;
    assert_eq!(login_of(&hosted.refresh(&first.refresh).await).refresh, second.refresh);
    hosted.later(40).await;
    assert_eq!(hosted.refresh(&first.refresh).await.id(), no_login(), "too late");
    assert_eq!(hosted.refresh(&second.refresh).await.id(), no_login());
}

#[tokio::test]
async fn pages_that_refresh_at_once_stay_logged_in() {
    let hosted = Hosted::start().await;
    let first = hosted.sign_up(ANN).await;
    let answers = futures_util::future::join_all((0..20).map(|_| hosted.refresh(&first.refresh))).await;
    let logins: Vec<Login> = answers.iter().map(login_of).collect();
    assert!(logins.iter().all(|login| login.refresh == logins[0].refresh));
    assert_eq!(hosted.refresh(&logins[0].refresh).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_was_lost_for_an_hour_logs_nobody_out() {
    let (hosted, ann, lost) = lost().await;
    // What she had before says nothing of the answer.
    let mut stream = hosted.session(&ann.access).await;
    assert_eq!(hosted.opens(&ann.access, ANN).await.0, 200);
    // Two pages of hers come back at once.
    let answers = futures_util::future::join_all((0..5).map(|_| hosted.refresh(&ann.refresh))).await;
    let found: Vec<Login> = answers.iter().map(login_of).collect();
    assert!(found.iter().all(|login| login.refresh == found[0].refresh), "nobody has two");
    assert_ne!(found[0].refresh, lost.refresh);
    // It may be lost again, and that one be used, and so on.
    hosted.later(3_600).await;
    let again = login_of(&hosted.refresh(&ann.refresh).await);
    assert_eq!(hosted.opens(&again.access, ANN).await.0, 200);
    let next = login_of(&hosted.refresh(&again.refresh).await);
    assert_eq!(hosted.opens(&next.access, ANN).await.0, 200);
    assert!(stream.is_quiet().await);
    let last = login_of(&hosted.refresh(&next.refresh).await);
    assert_eq!(hosted.opens(&last.access, ANN).await.0, 200);
}

#[tokio::test]
async fn an_answer_of_which_anything_was_used_was_not_lost() {
    for by_stream in [false, true] {
        let (hosted, ann, thief) = lost().await;
        // Whoever has it uses it, and who comes with the used token is the other one of the two.
        let mut stream = hosted.session(if by_stream { &thief.access } else { &ann.access }).await;
        if !by_stream {
            assert_eq!(hosted.opens(&thief.access, ANN).await.0, 200);
        }
        assert_eq!(hosted.refresh(&ann.refresh).await.id(), no_login());
        assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
        is_over(&hosted, &[&ann, &thief]).await;
    }
    let (hosted, ann, thief) = lost().await;
    let next = login_of(&hosted.refresh(&thief.refresh).await);
    assert_eq!(hosted.refresh(&ann.refresh).await.id(), no_login());
    is_over(&hosted, &[&ann, &thief, &next]).await;
}

#[tokio::test]
async fn a_thief_who_waits_with_what_was_taken_for_lost_is_found_by_any_use_of_it() {
    let (hosted, ann, thief) = lost().await;
    let found = login_of(&hosted.refresh(&ann.refresh).await);
    assert_eq!(hosted.opens(&found.access, ANN).await.0, 200);
    assert_eq!(hosted.refresh(&thief.refresh).await.id(), no_login());
    is_over(&hosted, &[&ann, &thief, &found]).await;

    let (hosted, ann, thief) = lost().await;
    let found = login_of(&hosted.refresh(&ann.refresh).await);
    let next = login_of(&hosted.refresh(&found.refresh).await);
    let mut stream = hosted.session(&next.access).await;
    assert_eq!(hosted.opens(&thief.access, ANN).await, revoked(), "not even once");
    assert_eq!(ended(&mut stream).await, ("auth.RevokedToken".to_owned(), 4003));
    is_over(&hosted, &[&ann, &thief, &found, &next]).await;
    // Also for the next start.
    let hosted = hosted.restart().await;
    is_over(&hosted, &[&next]).await;
}

#[tokio::test]
async fn what_a_server_does_not_know_to_be_lost_it_takes_for_stolen() {
    let (hosted, ann, lost) = lost().await;
    let hosted = hosted.restart().await;
    assert_eq!(hosted.refresh(&ann.refresh).await.id(), no_login());
    is_over(&hosted, &[&ann, &lost]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_in_the_middle_of_a_refresh_stays_logged_in() {
    let hosted = Hosted::start().await;
    let ann = hosted.sign_up(ANN).await;
    hosted.server.hang_up("", "/auth/Token", json!({ "refresh_token": ann.refresh })).await;
    let deadline = Instant::now() + PATIENCE;
    let database = rusqlite::Connection::open(hosted.data.path().join("chat.db")).expect("a database");
    let is_stored = || {
        let rotated = "SELECT count(*) FROM logins WHERE previous IS NOT NULL";
        database.query_row(rotated, [], |row| row.get::<_, u64>(0)).expect("a number") == 1
    };
    while !is_stored() {
        assert!(Instant::now() < deadline, "nothing was stored");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    hosted.later(3_600).await;
    let found = login_of(&hosted.refresh(&ann.refresh).await);
    assert_eq!(hosted.opens(&found.access, ANN).await.0, 200);
}
