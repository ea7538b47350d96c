//! What a measurement cost, and what else the machine did meanwhile: a busy machine makes its times worthless.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use procfs::process::Process;
use procfs::{Current, CurrentSI, KernelStats, LoadAverage};

use crate::target::{Target, cpu_of};

/// The state at the beginning of a measurement.
#[derive(Debug)]
pub struct Start {
    at: Instant,
    server: Duration,
    generator: Duration,
    busy: Duration,
}

/// What was used from the beginning to the end of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// How long it took.
    pub elapsed: Duration,
    /// The server's CPU time.
    pub server: Duration,
    /// This program's.
    generator: Duration,
    /// That of all others, the hypervisor included.
    others: Duration,
}

impl Start {
    /// Begins to measure.
    pub fn now(target: &Target) -> Result<Self> {
        let generator = cpu_of(&Process::myself()?)?;
        Ok(Self { at: Instant::now(), server: target.cpu()?, generator, busy: busy()? })
    }

    /// What was used since.
    pub fn used(&self, target: &Target) -> Result<Usage> {
        let end = Self::now(target)?;
        let server = end.server - self.server;
        let generator = end.generator - self.generator;
        let others = (end.busy - self.busy).saturating_sub(server + generator);
        Ok(Usage { elapsed: end.at - self.at, server, generator, others })
    }
}

impl Usage {
    /// In CPUs: who used how many of them.
    pub fn shares(&self) -> String {
        let share = |time: Duration| time.as_secs_f64() / self.elapsed.as_secs_f64();
        let (server, generator, others) = (share(self.server), share(self.generator), share(self.others));
        format!("CPUs used: server {server:.2}, load generator {generator:.2}, others {others:.2}")
    }
}

/// The time all CPUs together were not idle.
fn busy() -> Result<Duration> {
    let total = KernelStats::current().context("/proc/stat")?.total;
    let steal = total.steal_ms().unwrap_or(0);
    let interrupts = total.irq_ms().unwrap_or(0) + total.softirq_ms().unwrap_or(0);
    Ok(Duration::from_millis(total.user_ms() + total.nice_ms() + total.system_ms() + interrupts + steal))
}

/// How many CPUs there are and how busy they have been, for the head of a table.
pub fn describe() -> Result<String> {
    let cpus = std::thread::available_parallelism()?;
    let load = LoadAverage::current()?.one;
    Ok(format!("{cpus} CPUs, load average of the last minute {load:.2}"))
}
