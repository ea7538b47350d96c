//! `micro-chat-server`: the command.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use micro_chat_server::server::{self, Config, Server, ServerError};
use micro_chat_server::store;
use micro_chat_server::stream::Timing;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The companion server of Micro Chat.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// For developing: open to all, believes every user name, listens on loopback only.
    Dev(Dev),
    /// Copies the database to a new file; the server may be running.
    Backup(Copy),
    /// Puts such a copy in the place of the database; the server has to be stopped. Keeps what it replaces.
    Restore(Copy),
}

#[derive(Debug, Args)]
struct Copy {
    /// The copy.
    file: PathBuf,
    /// The folder of the database.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

#[derive(Debug, Args)]
struct Dev {
    /// Where to listen, such as 127.0.0.1:8080; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// The port to listen on, where --listen is not given.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// The folder of the database; made where it is missing.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Seconds between two signs of life on a stream.
    #[arg(long, value_name = "SECONDS", default_value = "25", value_parser = seconds)]
    heartbeat: Duration,
    /// Seconds that a client should wait for one that is late.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it looks like 25 or 0.5".to_owned())?;
    if (0.1..=3_600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("it lies between 0.1 and 3600".to_owned())
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; it looks like 127.0.0.1:8080"))?;
    found.next().ok_or_else(|| "this name has no address".to_owned())
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .init();
    let ended = match Cli::parse().command {
        Command::Dev(options) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(ServerError::Serve)
            .and_then(|runtime| runtime.block_on(dev(options))),
        Command::Backup(Copy { file, data }) => back_up(&data, &file),
        Command::Restore(Copy { file, data }) => restore(&data, &file),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("micro-chat-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn back_up(data: &Path, file: &Path) -> Result<(), ServerError> {
    store::back_up(data, file)?;
    println!("{} is a copy of the database in {}", file.display(), data.display());
    Ok(())
}

fn restore(data: &Path, file: &Path) -> Result<(), ServerError> {
    let replaced = store::restore(data, file)?;
    println!("the database in {} is now what {} holds", data.display(), file.display());
    if let Some(replaced) = replaced {
        println!("what was there before is in {}", replaced.display());
    }
    Ok(())
}

async fn dev(options: Dev) -> Result<(), ServerError> {
    let wanted = options.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), options.port));
    let listener = server::listen(wanted).await?;
    let address = listener.local_addr()?;
    let timing = Timing { heartbeat: options.heartbeat, grace: options.grace, ..Timing::default() };
    let config = Config { data: options.data, timing };
    let server = Server::open(&config)?;
    let stopping = CancellationToken::new();
    stop_on_signal(stopping.clone())?;
    let version = env!("CARGO_PKG_VERSION");
    let lines = format!(
        "micro-chat-server {version} dev: open to all, believes every user name; for developing only\n\
         data in {}\nlistening on http://{address}\n",
        config.data.display()
    );
    // Nobody has to read them.
    let _ = std::io::stdout().write_all(lines.as_bytes());
    server.run(listener, stopping).await
}

/// Cancels `stopping` at the first SIGTERM or SIGINT; a second one ends the process at once.
fn stop_on_signal(stopping: CancellationToken) -> Result<(), ServerError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        for round in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if round > 0 {
                std::process::exit(1);
            }
            eprintln!("stopping");
            stopping.cancel();
        }
    });
    Ok(())
}
