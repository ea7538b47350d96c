//! Whether an address has an account: what nobody learns from an answer, or from how long it takes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::hosted::{Answer, Hosted, PASSWORD};

const ANN: &str = "ann@example.com";
const NOBODY: &str = "nobody@example.com";

/// Each request that names an address, and does not come from its owner.
fn questions(email: &str) -> [(&'static str, Value); 5] {
    [
        ("/auth/Token", json!({ "id": email, "secret": "a wrong password" })),
        ("/signup/sendVerificationEmail", json!({ "email": email })),
        ("/signup/completeSignup", json!({ "email": email, "secret": PASSWORD, "token": "00000000" })),
        ("/auth/SendPasswordResetEmail", json!({ "email": email })),
        ("/auth/ResetPassword", json!({ "email": email, "secret": PASSWORD, "token": "00000000" })),
    ]
}

/// Status, headers and body, but for the time of day.
fn bytes(answer: &Answer) -> String {
    // Neither says anything of what was asked.
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date" && *name != "x-request-id");
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    format!("{} {headers:?} {}", answer.status, answer.text)
}

#[tokio::test]
async fn an_address_with_an_account_and_one_without_are_answered_alike_to_the_byte() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    // Without a code that was asked for, and with one, and when it has been tried too often.
    for round in 0..8 {
        for ((path, one), (_, other)) in questions(ANN).into_iter().zip(questions(NOBODY)) {
            if round > 1 && path.contains("end") {
                continue;
            }
            let (one, other) = (hosted.post(path, one).await, hosted.post(path, other).await);
            assert_eq!(bytes(&one), bytes(&other), "{path}, round {round}");
        }
    }
    // What differs is what comes by mail: to whom it concerns.
    let _ = (hosted.postbox.mail(ANN, 5).await, hosted.postbox.mail(NOBODY, 4).await);
    let told = |address: &str, words: &str| {
        hosted.postbox.mails(address).iter().filter(|mail| mail.text.contains(words)).count()
    };
    for (words, of_ann, of_nobody) in [
        ("Your code to sign up is", 1, 2),
        ("You have an\r\naccount already", 2, 0),
        ("Your code for a new password is", 2, 0),
        ("It has no\r\naccount", 0, 2),
    ] {
        assert_eq!((told(ANN, words), told(NOBODY, words)), (of_ann, of_nobody), "{words}");
    }
}

/// How long each of two requests takes, in the middle of many; they take turns, so that whatever else the machine does
/// falls on both.
async fn medians(hosted: &Hosted, one: &(&str, Value), other: &(&str, Value), samples: usize) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..samples {
        let mut order = [(0, one), (1, other)];
        if round % 2 == 1 {
            order.reverse();
        }
        for (place, (path, body)) in order {
            let begun = Instant::now();
            hosted.post(path, body.clone()).await;
            times[place].push(begun.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// Whether somebody with a clock could tell them apart: the same one is slower each time that they look. Once or twice
/// may be the machine's doing.
async fn differ(hosted: &Hosted, one: &(&str, Value), other: &(&str, Value), samples: usize) -> bool {
    let mut slower = Vec::new();
    for _ in 0..6 {
        let [one, other] = medians(hosted, one, other, samples).await;
        let (less, more) = (one.min(other).as_secs_f64(), one.max(other).as_secs_f64());
        slower.push(one > other);
        if more / less < 1.2 || slower.iter().any(|which| *which != slower[0]) {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn an_address_with_an_account_and_one_without_take_the_same_time() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    for (one, other) in questions(ANN).iter().zip(&questions(NOBODY)) {
        assert!(!differ(&hosted, one, other, 21).await, "{}", one.0);
    }
    // Who looks so closely would see a password that is not compared at all.
    let compared = ("/auth/Token", json!({ "id": ANN, "secret": "a wrong password" }));
    let not_compared = ("/auth/Token", json!({ "refresh_token": "mcr_x" }));
    assert!(differ(&hosted, &compared, &not_compared, 21).await, "the clock is too coarse to see anything");
}
