//! `micro-chat-server`: the command.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use micro_chat_server::api::Origins;
use micro_chat_server::auth::accounts::{Namespaces, Setup};
use micro_chat_server::auth::jwks::Pace;
use micro_chat_server::auth::{self, Policy, Tokens};
use micro_chat_server::certificate::Certificate;
use micro_chat_server::logging::{self, LogFormat};
use micro_chat_server::mail::Route;
use micro_chat_server::metrics::{Metrics, listener};
use micro_chat_server::options::keys::{self, Keys};
use micro_chat_server::options::{self, Check, Command, Copy, Mistake, Running, Serve, Told};
use micro_chat_server::ready::Readiness;
use micro_chat_server::server::{self, Config, Reach, Server, ServerError};
use micro_chat_server::store::{self, Checked, KeyRing, StoreError};
use rustix::fs::Mode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the program ends with where its command line can't be read, as its library has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Whatever it writes, the database, its log and its copies, is for whoever runs it. Before there is a second
    // thread.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let (format, ended) = match options::read(std::env::args_os(), |file| std::fs::read_to_string(file)) {
        Ok(Told::Run(command)) => {
            let format = command.log_format();
            logging::start(format);
            (format, run(&command))
        }
        Ok(Told::Print(text)) => {
            // Nobody has to read it.
            let _ = std::io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(mistake) => return mistaken(mistake),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(lines)) => {
            lines.iter().for_each(|line| format.fail(line));
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with the options, in the format that they ask for all the same.
fn mistaken(mistake: Mistake) -> ExitCode {
    let format = options::log_format(std::env::args_os(), |file| std::fs::read_to_string(file));
    match mistake {
        // Such as --help, which is printed and no mistake; or read by a person.
        Mistake::Usage(error) if !error.use_stderr() || format == LogFormat::Human => error.exit(),
        Mistake::Usage(error) => {
            logging::start(format);
            format.fail(error.to_string().trim_end());
            ExitCode::from(USAGE)
        }
        Mistake::Lines(lines) => {
            logging::start(format);
            lines.iter().for_each(|line| format.fail(line));
            ExitCode::FAILURE
        }
    }
}

/// Why nothing came of it, in a line each.
struct Failure(Vec<String>);

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self(vec![error.to_string()])
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev(options)?,
        Command::Serve(options) => return serve(options),
        Command::Keys(options) => keys(options)?,
        Command::Backup(Copy { file, data }) => back_up(data, file)?,
        Command::Restore(Copy { file, data }) => restore(data, file)?,
        Command::Check(Check { data }) => return check(data),
    }
    Ok(())
}

fn keys(options: &Keys) -> Result<(), ServerError> {
    let data = &options.data;
    match &options.command {
        keys::Command::Create { namespace, scope, name } => {
            let is_first = matches!(KeyRing::of(data), Err(StoreError::NoDatabase(_)));
            let ring = KeyRing::open(data)?;
            if is_first {
                eprintln!("there was no database in {}, and now there is one", data.display());
            }
            let (kept, key) = auth::keys::create(namespace.clone(), name.clone(), scope);
            ring.add(&kept)?;
            println!("{key}");
            eprintln!("Keep it now: it is not shown again. It is for {scope} in {namespace}; its id is {}", kept.id);
        }
        keys::Command::List => {
            let mut out = std::io::stdout();
            let list = keys::list(&KeyRing::of(data)?.list()?, out.is_terminal());
            // Nobody has to read it.
            let _ = out.write_all(list.as_bytes());
        }
        keys::Command::Revoke { id } => {
            if !KeyRing::of(data)?.remove(id)? {
                return Err(ServerError::UnknownKey(id.clone()));
            }
            println!("{id} is no key any more");
        }
    }
    Ok(())
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

/// Fails where anything is wrong, with a line each.
fn check(data: &Path) -> Result<(), Failure> {
    let Checked { chats, messages, findings } = store::check(data).map_err(ServerError::from)?;
    if !findings.is_empty() {
        return Err(Failure(findings));
    }
    println!("the database in {} is sound: {chats} chats, {messages} messages", data.display());
    Ok(())
}

fn dev(options: &Running) -> Result<(), ServerError> {
    let config = Config {
        data: options.data.clone(),
        policy: Policy::Open,
        accounts: Some(Setup {
            accounts: Namespaces::All,
            sign_up: Namespaces::All,
            mail: Route::Printed,
            rates: None,
        }),
        rates: None,
        origins: Origins::All,
        reach: Reach::Developer,
        tls: None,
        timing: options.timing(),
        retention: options.retention(),
    };
    start(options, &config, "dev: open to all, believes every user name; for developing only")
}

fn serve(options: &Serve) -> Result<(), Failure> {
    // All that is missing is said at once.
    let mut missing = Vec::new();
    let tokens = known(tokens(options), &mut missing);
    let accounts = known(options.accounts.setup(options.trying.rates()), &mut missing);
    let tls = known(certificate(options), &mut missing);
    let reach = match tls {
        Some(_) => Reach::Tls,
        None if options.behind_proxy => Reach::BehindProxy,
        None => Reach::NoTls,
    };
    if !options.names_certificate() {
        known(server::check_reach(options.running.address(), reach).map(Some), &mut missing);
    }
    if !options.names_keys() && !options.accounts.are_named() && !missing.is_empty() {
        // Else it is asked for when the database is open.
        known(any_key(&options.running.data).map(Some), &mut missing);
    }
    if !missing.is_empty() {
        return Err(Failure(missing));
    }
    let config = Config {
        data: options.running.data.clone(),
        policy: Policy::Login { tokens },
        accounts,
        rates: Some(options.rates()),
        origins: options.origins(),
        reach,
        tls,
        timing: options.running.timing(),
        retention: options.running.retention(),
    };
    start(&options.running, &config, "serve: believes tokens only, and lets users into their own chats")?;
    Ok(())
}

/// What there is, or else one more line about what is missing.
fn known<T>(there: Result<Option<T>, ServerError>, missing: &mut Vec<String>) -> Option<T> {
    there.unwrap_or_else(|error| {
        missing.push(error.to_string());
        None
    })
}

fn tokens(options: &Serve) -> Result<Option<Arc<Tokens>>, ServerError> {
    if !options.names_keys() {
        return Ok(None);
    }
    let tokens = Tokens::open(&options.token_key, options.claims())?;
    Ok(Some(Arc::new(match &options.token_jwks {
        Some(address) => tokens.with_jwks(address.clone(), Pace::default()),
        None => tokens,
    })))
}

fn certificate(options: &Serve) -> Result<Option<Certificate>, ServerError> {
    if let Some(order) = options.order()? {
        return Ok(Some(Certificate::order(&order)?));
    }
    let files = options.tls()?;
    Ok(files.map(|(chain, key)| Certificate::open(chain, key)).transpose()?)
}

/// Whether somebody could call with an API key at least.
fn any_key(data: &Path) -> Result<(), ServerError> {
    match KeyRing::of(data) {
        Ok(ring) if !ring.list()?.is_empty() => Ok(()),
        Ok(_) | Err(StoreError::NoDatabase(_)) => Err(ServerError::NoLogin),
        Err(error) => Err(error.into()),
    }
}

/// Runs a server until it is told to stop.
fn start(options: &Running, config: &Config, what: &str) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServerError::System)?;
    runtime.block_on(async {
        let listener = server::listen(options.address(), config.reach).await?;
        let address = listener.local_addr()?;
        let (metrics, readiness) = (Metrics::new()?, Readiness::default());
        // Before the database: bringing its tables up to date may take a while.
        let figures = show_figures(options, config.reach, &metrics, &readiness).await?;
        let server = Server::open_and_tell(config, metrics, readiness)?;
        server.check().await?;
        let stopping = CancellationToken::new();
        stop_on_signal(options.log_format, stopping.clone())?;
        renew_on_signal(config.tls.clone())?;
        let (version, data) = (env!("CARGO_PKG_VERSION"), config.data.display());
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        if options.log_format == LogFormat::Json {
            // People read it below.
            let (address, data) = (format!("{scheme}://{address}"), data.to_string());
            let figures = figures.map(|address| format!("http://{address}/metrics"));
            tracing::info!(version, address, data, figures, "started");
        }
        let figures = figures.map(|address| format!("figures on http://{address}/metrics\n")).unwrap_or_default();
        let lines =
            format!("micro-chat-server {version} {what}\ndata in {data}\n{figures}listening on {scheme}://{address}\n");
        // Nobody has to read them.
        let _ = std::io::stdout().write_all(lines.as_bytes());
        server.run(listener, stopping).await?;
        if options.log_format == LogFormat::Json {
            tracing::info!("stopped");
        }
        Ok(())
    })
}

/// Shows figures where that is asked for; where that is.
async fn show_figures(
    options: &Running,
    reach: Reach,
    metrics: &Metrics,
    readiness: &Readiness,
) -> Result<Option<SocketAddr>, ServerError> {
    let Some(address) = options.metrics_listen else { return Ok(None) };
    // There are no tokens and no messages in them: a network of one's own will do. Nobody reaches `dev`, here neither.
    let reach = if reach == Reach::Developer { reach } else { Reach::BehindProxy };
    let listener = server::listen(address, reach).await?;
    let address = listener.local_addr()?;
    let (metrics, readiness) = (metrics.clone(), readiness.clone());
    tokio::spawn(async move {
        if let Err(error) = listener::serve(listener, metrics, readiness).await {
            tracing::error!(%error, "figures are not shown any more");
        }
    });
    Ok(Some(address))
}

/// Reads the certificate anew at each SIGHUP, as those who renew certificates send it. Without one the signal does
/// nothing: otherwise it would end the server.
fn renew_on_signal(tls: Option<Certificate>) -> Result<(), ServerError> {
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            match tls.as_ref().map(Certificate::renew) {
                None => tracing::info!("there is no certificate to read anew"),
                Some(Ok(())) => tracing::info!("the certificate was read anew"),
                Some(Err(error)) => tracing::error!(%error, "the old certificate stays in use"),
            }
        }
    });
    Ok(())
}

/// Cancels `stopping` at the first SIGTERM or SIGINT; a second one ends the process at once.
fn stop_on_signal(format: LogFormat, stopping: CancellationToken) -> Result<(), ServerError> {
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
            format.tell("stopping");
            stopping.cancel();
        }
    });
    Ok(())
}
