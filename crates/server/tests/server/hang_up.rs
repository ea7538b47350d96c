//! SIGHUP, by which those who renew certificates say so, and service managers that somebody wants a reload.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::connections::{certificate, health};
use crate::program::Program;
use crate::running::PATIENCE;

#[tokio::test]
async fn without_a_certificate_it_goes_on() {
    let program = Program::start(&[], &[]).await;
    for _ in 0..3 {
        program.tell("-HUP").await;
        let answer = reqwest::get(format!("http://{}/healthz", program.host)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    let said = program.stop().await;
    assert!(said.contains("there is no certificate to read anew"), "{said}");
}

#[tokio::test]
async fn the_certificate_is_read_anew_and_one_that_cannot_be_used_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, key, first) = certificate(folder.path());
    let files = [&chain, &key].map(|file| file.to_str().expect("text"));
    let program = Program::start(&["--tls-cert", files[0], "--tls-key", files[1]], &[]).await;
    assert!(health(&program.host, &first).await.is_ok());
    let (_, _, second) = certificate(folder.path());
    // Files alone say nothing.
    assert!(health(&program.host, &first).await.is_ok());
    program.tell("-HUP").await;
    let begun = Instant::now();
    while health(&program.host, &second).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "the first one is still in use");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(health(&program.host, &first).await.is_err());
    std::fs::write(&key, "no key").expect("a file");
    for _ in 0..3 {
        program.tell("-HUP").await;
        assert!(health(&program.host, &second).await.is_ok());
    }
    let said = program.stop().await;
    assert!(said.contains("the old certificate stays in use"), "{said}");
}
