//! Real clients against the real program through a proxy that cuts, stalls and delays, with the program killed or
//! stopped, or its disk full, at random moments: nothing that was acknowledged is lost, nothing is doubled, nothing out
//! of order.
//!
//! The short form runs with the other tests. The long one is `npm run faults`: 50 kills and 100,000 sends, then as many
//! stops; it prints a table.

#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod power;
mod program;
mod proxy;
mod reader;
mod storm;

use storm::{Harm, Storm, Verdict};

/// The numbers of a run, from the environment where it is a long one.
fn storm(harm: Harm) -> Storm {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    Storm { harm, rounds: number("FAULT_ROUNDS", 4), sends: number("FAULT_SENDS", 2_000), broken: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_through_kills() {
    let verdict = storm(Harm::Kill).run().await;
    println!("{}\n{}", Verdict::HEAD, verdict.row("kill -9"));
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_through_stops() {
    let verdict = storm(Harm::Stop).run().await;
    println!("{}\n{}", Verdict::HEAD, verdict.row("SIGSTOP"));
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_through_full_disks() {
    let verdict = storm(Harm::Full).run().await;
    println!("{}\n{}", Verdict::HEAD, verdict.row("full disk"));
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[cfg(all(target_os = "linux", debug_assertions))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_acknowledges_too_early_is_caught_by_a_full_disk() {
    assert!(broken("commit", Harm::Full).await.lost > 0);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_power_cut() {
    assert_eq!(power::lost(None).await, 0);
}

#[cfg(all(target_os = "linux", debug_assertions))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_caught_by_a_power_cut() {
    assert!(power::lost(Some("sync")).await > 0);
}

/// The negative controls: with a promise broken on purpose, the matching column has to show it.
#[cfg(debug_assertions)]
async fn broken(promise: &'static str, harm: Harm) -> Verdict {
    let verdict = Storm { harm, rounds: 4, sends: 2_000, broken: Some(promise) }.run().await;
    println!("{}\n{}", Verdict::HEAD, verdict.row(promise));
    verdict
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_dedupe_is_caught_doubling() {
    assert!(broken("dedupe", Harm::Kill).await.doubled > 0);
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_resume_is_caught_skipping() {
    assert!(broken("resume", Harm::Kill).await.missed > 0);
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_acknowledges_too_early_is_caught_losing() {
    assert!(broken("commit", Harm::Kill).await.lost > 0);
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_what_was_too_late_is_caught_contradicting_itself() {
    assert!(broken("expiry", Harm::Stop).await.contradicted > 0);
}
