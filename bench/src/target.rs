//! The server that is measured, seen from outside its process.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use micro_chat_wire::chat::NewResponse;
use procfs::process::Process;
use serde_json::json;

use crate::call::Caller;

/// A running server.
#[derive(Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    process: Process,
}

/// What a process holds, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// All pages that are in memory.
    pub rss: f64,
    /// The same with shared pages divided among those who share them.
    pub pss: f64,
}

impl Target {
    /// The server at that address, in that process.
    pub fn new(address: SocketAddr, pid: i32) -> Result<Self> {
        Ok(Self { address, process: Process::new(pid).context("the server's process")? })
    }

    /// The CPU time that it has used, in its own code and in the kernel's.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.process)
    }

    /// The memory that it holds now.
    pub fn memory(&self) -> Result<Memory> {
        let rollup = self.process.smaps_rollup().context("smaps_rollup")?;
        let map = rollup.memory_map_rollup.iter().next().context("smaps_rollup is empty")?;
        let kib = |name: &str| map.extension.map.get(name).map_or(0.0, |bytes| *bytes as f64 / 1024.0);
        Ok(Memory { rss: kib("Rss"), pss: kib("Pss") })
    }

    /// Creates chats for users with that name and a number; returns their ids. The same users' chat is the same one.
    pub async fn create_chats(&self, name: &str, count: usize) -> Result<Vec<String>> {
        let mut caller = Caller::connect(self.address).await?;
        let mut chats = Vec::with_capacity(count);
        for number in 0..count {
            let request = json!({ "user_ids": [format!("{name}-{number}")] });
            let answer = caller.post("/chat/New", request.to_string().as_bytes()).await?;
            let created: NewResponse = serde_json::from_slice(answer).context("the answer of chat.New")?;
            chats.push(created.chat_id);
        }
        Ok(chats)
    }
}

/// User and system time of a process, its ended threads included.
pub fn cpu_of(process: &Process) -> Result<Duration> {
    let stat = process.stat().context("the process has ended")?;
    let seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
    Ok(Duration::from_secs_f64(seconds))
}
