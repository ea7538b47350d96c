//! Where options come from: the command line, the environment, a file, or nowhere. The first that says something holds.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, ValueEnum};

use super::Cli;
use super::file::{Entry, File, Kind, is_list};
use crate::logging::LogFormat;

/// The options that say where the others are: no file has them.
const OWN: [&str; 2] = ["config", "print-config"];

/// Where a server's options are.
#[derive(Clone, Debug, Args)]
pub struct Sources {
    /// A TOML file with options, such as `port = 8080`. Flags come before the environment, and that before the file.
    #[arg(long, env = "MICRO_CHAT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints what holds, and where it comes from, as such a file, without secrets; starts nothing.
    #[arg(long)]
    print_config: bool,
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Told {
    /// To do something.
    Run(Box<super::Command>),
    /// Only to know what holds.
    Print(String),
}

/// Why that can't be said.
#[derive(Debug)]
pub enum Mistake {
    /// What the command line is told by its library; also what is no mistake, such as `--help`.
    Usage(clap::Error),
    /// One line each.
    Lines(Vec<String>),
}

/// The command line, with all that options have in common.
pub fn command() -> Command {
    let is_server = |command: &Command| command.get_arguments().any(|option| option.get_id() == "config");
    let command = Cli::command();
    let names: Vec<String> = command.get_subcommands().filter(|it| is_server(it)).map(name).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |it| it.mut_args(common)))
}

fn name(command: &Command) -> String {
    command.get_name().to_owned()
}

/// An option of a server: each can be given in each of the ways, and overruled in those that come before.
fn common(option: Arg) -> Arg {
    let Some(name) = option.get_long().map(str::to_owned) else { return option };
    if OWN.contains(&name.as_str()) {
        return option;
    }
    let variable = option.get_env().map(OsStr::to_owned);
    let variable = variable.unwrap_or_else(|| format!("MICRO_CHAT_{}", name.to_uppercase().replace('-', "_")).into());
    // --help would print what the environment says: secrets, too.
    let option = option.env(variable).hide_env_values(true);
    match option.get_action() {
        // So that --behind-proxy=false can overrule a file.
        ArgAction::SetTrue => option
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .value_name("true|false")
            .value_parser(BoolishValueParser::new())
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true)
            .hide_possible_values(true),
        _ => option,
    }
}

/// Reads what a command line, the environment and a file say.
pub fn read(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    open: impl FnOnce(&Path) -> io::Result<String>,
) -> Result<Told, Mistake> {
    let mut arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut command = command();
    // What is wrong is said below: the file may make it right.
    let first = command.clone().ignore_errors(true).try_get_matches_from(&arguments).map_err(Mistake::Usage)?;
    // Asked of the definition: a release build's matches do not know which options there could have been.
    let has_file = |name: &str| {
        let known = command.find_subcommand(name);
        known.is_some_and(|server| server.get_arguments().any(|option| option.get_id() == "config"))
    };
    let server = first.subcommand().filter(|(name, _)| has_file(name));
    let Some((name, matches)) = server else {
        let matches = command.try_get_matches_from(&arguments).map_err(Mistake::Usage)?;
        return cli(&matches).map(Told::Run);
    };
    let file = match matches.get_one::<PathBuf>("config") {
        Some(path) => Some(load(path, open, &command)?),
        None => None,
    };
    // What the file says joins the command line, so that it is read like everything else.
    let at = 1 + arguments.iter().position(|argument| argument == name).unwrap_or(0);
    if let (Some(file), Some(server)) = (&file, command.find_subcommand(name)) {
        for (option, entry) in from_file(file, server, matches) {
            let flag = |value: &String| format!("--{option}={value}").into();
            arguments.splice(at..at, entry.values.iter().map(flag));
        }
    }
    let read = command.try_get_matches_from_mut(&arguments).map_err(|error| mistake(error, file.as_ref(), &command))?;
    let Some((name, server)) = read.subcommand() else { return cli(&read).map(Told::Run) };
    if server.get_flag("print_config") {
        let lines = command.find_subcommand(name).map(|known| listing(known, server, matches, file.as_ref()));
        return Ok(Told::Print(lines.unwrap_or_default()));
    }
    cli(&read).map(Told::Run)
}

/// How the log looks, as far as that can be known where something else is wrong: that is said so, too.
pub fn log_format(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    open: impl FnOnce(&Path) -> io::Result<String>,
) -> LogFormat {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let arguments: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let command = command();
    let Some(server) = arguments.get(1).and_then(|name| command.find_subcommand(name)) else {
        return LogFormat::default();
    };
    // The library stops reading where it finds the first mistake.
    let said = |name: &str| {
        let option = server.get_arguments().find(|option| option.get_long() == Some(name))?;
        let follows = |pair: &[&str]| (pair[0].strip_prefix("--") == Some(name)).then(|| pair[1].to_owned());
        let joined =
            |argument: &&str| Some(argument.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('=')?.to_owned());
        let flag = arguments.iter().find_map(joined).or_else(|| arguments.windows(2).find_map(follows));
        flag.or_else(|| std::env::var(option.get_env()?).ok())
    };
    let in_file = || {
        let file = load(Path::new(&said("config")?), open, &command).ok()?;
        file.entry("log-format").and_then(|entry| entry.values.first().cloned())
    };
    let value = said("log-format").or_else(in_file);
    value.and_then(|value| LogFormat::from_str(&value, true).ok()).unwrap_or_default()
}

fn cli(matches: &ArgMatches) -> Result<Box<super::Command>, Mistake> {
    Cli::from_arg_matches(matches).map(|cli| Box::new(cli.command)).map_err(Mistake::Usage)
}

fn load(path: &Path, open: impl FnOnce(&Path) -> io::Result<String>, command: &Command) -> Result<File, Mistake> {
    // It is said in a line, and stands in comments.
    let name = path.display().to_string().replace(char::is_control, "\u{fffd}");
    let content = open(path).map_err(|error| Mistake::Lines(vec![format!("can't read {name}: {error}")]))?;
    // `dev` may read what is meant for `serve`.
    let servers = command.get_subcommands().flat_map(options);
    File::read(name, &content, &servers.collect::<Vec<_>>()).map_err(Mistake::Lines)
}

/// The options of a server that a file may have.
fn options(server: &Command) -> impl Iterator<Item = &Arg> {
    let is_server = server.get_arguments().any(|option| option.get_id() == "config");
    let is_there = |option: &&Arg| option.get_long().is_some_and(|name| !OWN.contains(&name) && name != "help");
    server.get_arguments().filter(move |_| is_server).filter(is_there)
}

/// What a file says of a server's options that neither the command line nor the environment say.
fn from_file<'a>(
    file: &'a File,
    server: &'a Command,
    matches: &'a ArgMatches,
) -> impl Iterator<Item = (&'a str, &'a Entry)> {
    let is_unsaid = |option: &&Arg| {
        let source = matches.value_source(option.get_id().as_str());
        !matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let names = options(server).filter(is_unsaid).filter_map(Arg::get_long);
    names.filter_map(|name| Some((name, file.entry(name)?)))
}

/// What is wrong, in words that name the file where it is the file's, and repeat no secret.
fn mistake(error: clap::Error, file: Option<&File>, command: &Command) -> Mistake {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return Mistake::Usage(error) };
    // As in `--heartbeat <SECONDS>`.
    let name = shown.trim_start_matches("--").split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    let entry = file.and_then(|file| Some((file, file.entry(&name)?)));
    let option = command.get_subcommands().flat_map(options).find(|option| option.get_long() == Some(&name));
    let is_secret = option.is_some_and(is_secret);
    if entry.is_none() && !is_secret {
        return Mistake::Usage(error);
    }
    let reason = match (error.kind(), std::error::Error::source(&error)) {
        (_, Some(source)) => source.to_string(),
        (ErrorKind::InvalidValue, None) => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(known)) => format!("it is one of {}", known.join(", ")),
            _ => "it is none of those that there are".to_owned(),
        },
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    let said = match entry {
        Some((file, entry)) => format!("{}: {name}: {reason}", file.place(entry)),
        None => format!("--{name}: {reason}"),
    };
    Mistake::Lines(vec![said.replace('\n', " ")])
}

/// Whether an option holds something that nobody should read over a shoulder or in a log.
fn is_secret(option: &Arg) -> bool {
    let last = option.get_long().unwrap_or_default().rsplit('-').next().unwrap_or_default();
    // The name of a file with a key is none.
    let is_text = option.get_value_parser().type_id() == TypeId::of::<String>();
    matches!(last, "password" | "passphrase" | "secret" | "token" | "credentials") || (last == "key" && is_text)
}

/// Whether a value is an address with a name, a password or a query in it.
fn has_secret(value: &str) -> bool {
    let rest = value.split_once("://").map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.contains('?') || rest.split('/').next().is_some_and(|host| host.contains('@')))
}

/// What holds, as a file, and where each of it comes from.
fn listing(server: &Command, read: &ArgMatches, first: &ArgMatches, file: Option<&File>) -> String {
    let mut lines = format!("# What micro-chat-server {} goes by.\n", server.get_name());
    for option in options(server) {
        let (Some(name), id) = (option.get_long(), option.get_id().as_str()) else { continue };
        let entry = file.and_then(|file| Some((file, file.entry(name)?)));
        let source = match (first.value_source(id), entry) {
            (Some(ValueSource::CommandLine), _) => "flag".to_owned(),
            (Some(ValueSource::EnvVariable), _) => {
                format!("environment: {}", option.get_env().unwrap_or_default().to_string_lossy())
            }
            (_, Some((file, entry))) => file.place(entry),
            _ => "default".to_owned(),
        };
        let values = read.get_raw(id).unwrap_or_default().map(|value| value.to_string_lossy().into_owned());
        let values: Vec<String> = match Kind::of(option) {
            Kind::Switch => vec![read.get_flag(id).to_string()],
            _ => values.collect(),
        };
        let is_hidden = !values.is_empty() && (is_secret(option) || values.iter().any(|value| has_secret(value)));
        let literal = |value: &String| literal(Kind::of(option), value);
        let line = match values.as_slice() {
            _ if is_hidden => format!("# {name} is hidden # {source}"),
            [] => format!("# {name} is not set"),
            [value] if !is_list(option) => format!("{name} = {} # {source}", literal(value)),
            values => format!("{name} = [{}] # {source}", values.iter().map(literal).collect::<Vec<_>>().join(", ")),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

/// A value as TOML has it.
fn literal(kind: Kind, value: &str) -> String {
    let is_bare = match kind {
        Kind::Switch | Kind::Number => true,
        Kind::Text => false,
        Kind::Other => value.parse::<i64>().is_ok_and(|number| number.to_string() == value),
    };
    if is_bare {
        return value.to_owned();
    }
    // A line each: TOML's own writer would put some in several. What JSON makes of a text, TOML reads alike, but for
    // one character.
    serde_json::Value::from(value).to_string().replace('\u{7f}', "\\u007f")
}
