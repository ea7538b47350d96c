//! Ordinary users, while ten thousand connections do what they can to be in the way.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use crate::attack::{Attack, Tally};
use crate::machine::{self, Start, Usage};
use crate::ordinary::{Crowd, Login, Span};
use crate::table::{Limit, Table, number, percentiles, quantile};
use crate::target::Target;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// The attackers come in this time; what is measured begins behind it.
const ARRIVAL: Duration = Duration::from_secs(8);

/// How much slower ordinary users may be served under attack.
const SLOWER: f64 = 2.0;

/// What the server may hold at most, in MiB.
const MEMORY: f64 = 512.0;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The file with the secret that the server checks tokens with.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Ordinary users, each from an address of their own.
    #[arg(long, default_value_t = 500)]
    users: usize,
    /// Seconds between two messages of an ordinary user.
    #[arg(long, default_value_t = 2.0)]
    every: f64,
    /// Connections that mean harm.
    #[arg(long, default_value_t = 10_000)]
    hostile: usize,
    /// The addresses that they come from.
    #[arg(long, default_value_t = 500)]
    addresses: usize,
    /// How long each half is measured.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// Measures and prints.
pub async fn measure(target: &Target, options: &Options) -> Result<()> {
    let &Options { users, every, hostile, addresses, seconds, .. } = options;
    let (many, all) = (number(users as f64), number(hostile as f64));
    let title = format!("hostile: {many} ordinary users beside {all} hostile connections from {addresses} addresses");
    let table = Table::new(&title, &machine::describe()?);
    let secret = std::fs::read(&options.secret).context("the secret")?;
    let login = Login::new(secret.trim_ascii());
    let lasting = Duration::from_secs(seconds);
    let crowd = Crowd::gather(target.address, &login, users, Duration::from_secs_f64(every)).await?;
    sleep(Duration::from_secs(2)).await;

    let before = target.memory()?.rss;
    let (quiet, quiet_use, _) = span(target, &crowd, lasting).await?;
    print(&table, "quiet", &quiet, &quiet_use);

    // On a thread of their own, which yields to the server and to the ordinary users: what is measured is how the
    // server shares its time, not how this machine does. Attackers have machines of their own.
    let yielding = || {
        // Where that is not to be had, the attackers are only harder.
        let _ = rustix::process::nice(19);
    };
    let attackers = Builder::new_multi_thread().worker_threads(1).on_thread_start(yielding).enable_all().build()?;
    let attackers = Arc::new(attackers);
    let attack = Attack::new(target.address, login, addresses);
    let begun = {
        let attack = attack.clone();
        attackers.spawn(async move {
            let _all = attack.begin(hostile);
            std::future::pending::<()>().await;
        })
    };
    let arriving = watch(target, ARRIVAL).await?;
    let open = attack.tally().open.load(Ordering::Relaxed);
    let (busy, busy_use, peak) = span(target, &crowd, lasting).await?;
    print(&table, "under attack", &busy, &busy_use);
    report(&table, open, attack.tally());
    begun.abort();
    if let Some(attackers) = Arc::into_inner(attackers) {
        attackers.shutdown_background();
    }

    table.section("both");
    let slower = |part: f64| {
        let times = |span: &Span| quantile(&span.deliveries, part);
        times(&busy) / times(&quiet)
    };
    table.row("delivery p50 under attack, in those of the quiet server", &format!("{:.2}", slower(0.5)));
    table.held("delivery p99 under attack, in those of the quiet server", slower(0.99), "", Limit::AtMost(SLOWER));
    let acks = quantile(&busy.acks, 0.99) / quantile(&quiet.acks, 0.99);
    table.held("ack p99 under attack, in those of the quiet server", acks, "", Limit::AtMost(SLOWER));
    table.row("server memory before", &format!("{:.0} MiB", before / 1024.0));
    table.held("server memory, most", arriving.max(peak) / 1024.0, "MiB", Limit::AtMost(MEMORY));
    sleep(Duration::from_secs(3)).await;
    table.row("server memory when they are gone", &format!("{:.0} MiB", target.memory()?.rss / 1024.0));
    let sent = crowd.end().await?;
    table.row("messages of ordinary users, each of them once to each", &number(sent as f64));
    Ok(())
}

/// What ordinary users see meanwhile, what that costs, and the most memory that the server has.
async fn span(target: &Target, crowd: &Crowd, lasting: Duration) -> Result<(Span, Usage, f64)> {
    crowd.next_span();
    let usage = Start::now(target)?;
    let most = watch(target, lasting).await?;
    Ok((crowd.next_span(), usage.used(target)?, most))
}

/// The most memory that the server has meanwhile, in KiB.
async fn watch(target: &Target, lasting: Duration) -> Result<f64> {
    let end = Instant::now() + lasting;
    let mut most = 0.0_f64;
    while Instant::now() < end {
        most = most.max(target.memory()?.rss);
        sleep(LOOK).await;
    }
    Ok(most)
}

fn print(table: &Table, name: &str, span: &Span, used: &Usage) {
    table.section(name);
    table.row("messages answered", &number(span.acks.len() as f64));
    table.row("ack p50 / p99 / worst", &percentiles(&span.acks));
    table.row("delivery p50 / p99 / worst", &percentiles(&span.deliveries));
    table.note(&used.shares());
}

fn report(table: &Table, open: u64, tally: &Tally) {
    let count = |count: u64| number(count as f64);
    let now = tally.open.load(Ordering::Relaxed);
    table.row("hostile connections open, at the beginning and the end", &format!("{} / {}", count(open), count(now)));
    let [opened, answered, written] =
        [&tally.opened, &tally.answered, &tally.written].map(|count| count.load(Ordering::Relaxed));
    table.row("hostile connections opened, in all", &count(opened));
    table.row("calls with forged tokens that were answered", &count(answered));
    table.row("messages of hostile accounts that were stored", &count(written));
}
