//! The engine against a model server over a network that delays, cuts, stalls, doubles and kills.
//!
//! Every schedule follows from its seed: a failure prints the seed, and `SEED=n cargo test -p micro-chat-session --test
//! simulation` replays that one. `SCHEDULES=n` runs another number of them.

mod client;
mod law;
mod network;
mod server;
mod world;

use law::Law;
use world::World;

/// Schedules in an ordinary run.
const SCHEDULES: u64 = 10_000;

/// Things that happen in a schedule.
const EVENTS: usize = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one schedule; what broke, if something did.
fn broken(seed: u64, law: Law) -> Option<String> {
    World::new(seed, law).run(EVENTS).err()
}

#[test]
fn every_schedule_keeps_every_promise() {
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SCHEDULES").unwrap_or(SCHEDULES),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let seeds = seeds.clone();
            scope.spawn(move || {
                for seed in seeds.filter(|seed| seed % threads == thread) {
                    if let Some(what) = broken(seed, Law::Kept) {
                        panic!("SEED={seed}: {what}");
                    }
                }
            });
        }
    });
}

/// The negative controls: with one law broken, the check that guards it has to notice, and name it.
fn is_noticed(law: Law, sign: &str) {
    let found = (0..1_000).find_map(|seed| broken(seed, law));
    assert!(found.as_ref().is_some_and(|what| what.contains(sign)), "{law:?} went unnoticed: {found:?}");
}

#[test]
fn a_server_that_stores_a_retry_again_is_noticed() {
    is_noticed(Law::NoDedupe, "stored twice");
}

#[test]
fn a_server_that_forgets_cursors_is_noticed() {
    is_noticed(Law::NoResume, "missing");
}

#[test]
fn a_server_that_acknowledges_before_it_commits_is_noticed() {
    is_noticed(Law::AckBeforeCommit, "acknowledged and not stored");
}

#[test]
fn a_shell_that_delivers_what_was_delivered_is_noticed() {
    is_noticed(Law::NoFilter, "again or out of order");
}

#[test]
fn a_server_that_stores_what_it_refused_is_noticed() {
    is_noticed(Law::StoreRefused, "refused and stored");
}

#[test]
fn a_server_that_forgets_what_was_too_late_is_noticed() {
    is_noticed(Law::ForgetExpired, "refused and stored");
}

#[test]
fn a_message_that_goes_out_too_late_is_noticed() {
    is_noticed(Law::Impatient, "too late");
}

#[test]
fn a_server_that_removes_without_a_word_what_is_being_read_is_noticed() {
    is_noticed(Law::HushGaps, "missing");
}

#[test]
fn a_shell_that_hides_gaps_is_noticed() {
    is_noticed(Law::HideGaps, "missing");
}

#[test]
fn a_server_that_does_not_say_anew_who_is_there_is_noticed() {
    is_noticed(Law::NoMembers, "knows other members");
}

#[test]
fn a_server_that_does_not_say_who_comes_and_goes_is_noticed() {
    is_noticed(Law::NoChanges, "knows other members");
}

#[test]
fn an_engine_that_is_never_told_the_time_is_noticed() {
    is_noticed(Law::NoTimer, "not settled");
}
