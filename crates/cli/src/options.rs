//! What the program is told by its command line.

mod chats;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::answer::Output;

pub use chats::{Chats, Export};

/// Chat from the command line.
#[derive(Debug, Parser)]
#[command(name = "micro", version, about, after_help = AFTER)]
pub struct Options {
    #[command(flatten)]
    pub everywhere: Everywhere,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What `--help` ends with.
const AFTER: &str =
    "Exit codes: 0 done, 1 refused by the server, 2 not understood, 3 later may help, 4 a login is needed.";

/// What every command takes, behind what only one does.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where and who", next_display_order = 100)]
pub struct Everywhere {
    /// The server's address, such as `https://chat.example.com` [env: MICRO_API]
    #[arg(long, global = true, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub api: Option<String>,
    /// The namespace [env: MICRO_NAMESPACE]
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub namespace: Option<String>,
    /// A token or an API key; other programs can see it here, so prefer a file or the environment [env: MICRO_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN", value_parser = NonEmptyStringValueParser::new())]
    pub token: Option<String>,
    /// A file with a token or an API key [env: MICRO_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
    /// Lets tokens and passwords go to another machine without TLS
    #[arg(long, global = true)]
    pub insecure: bool,
    /// How to print answers [default: json] [env: MICRO_OUTPUT]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Output>,
    /// The configuration file [env: MICRO_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A command of `micro`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Chats and groups
    #[command(subcommand)]
    Chat(Box<Chat>),
    /// The service `chats`: the same chats and messages in other words
    #[command(subcommand)]
    Chats(Chats),
    /// Logs in with an e-mail address and a password, and stays so
    Login(Login),
    /// Ends the login
    Logout(Logout),
    /// Prints who calls
    Whoami,
    /// What the program goes by; without a command, all of it
    Config(Config),
    /// Prints what a shell completes this command line with
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints a page of the manual, as man reads it
    Man {
        /// A command, such as `chat send`; without it the first page
        command: Vec<String>,
        /// Writes all pages into this folder instead, making it where it is missing
        #[arg(long, conflicts_with = "command")]
        folder: Option<PathBuf>,
    },
}

/// A command of `micro chat`.
#[derive(Debug, Subcommand)]
pub enum Chat {
    /// Opens the chat of a set of users: the same one each time
    New {
        /// Whom it is for, with commas between them
        #[arg(long, value_name = "USERS", value_delimiter = ',')]
        user_ids: Vec<String>,
    },
    /// Sends a message
    Send(Send),
    /// Prints messages, the oldest first
    History(History),
    /// A chat on the terminal; without one, a message for each line of the input
    Connect(Connect),
    /// Sends the messages in a file, a line of JSON each; those that are stored already are not stored again
    Import(Import),
    /// Makes a group
    Create {
        /// What it is called
        #[arg(long, allow_hyphen_values = true)]
        name: String,
        /// What it is about
        #[arg(long, default_value = "", allow_hyphen_values = true)]
        description: String,
        /// Its first members, with commas between them; who makes it is one anyway
        #[arg(long, value_name = "USERS", value_delimiter = ',')]
        user_ids: Vec<String>,
        /// One comes in by invitation only
        #[arg(long)]
        private: bool,
    },
    /// Lists groups, the newest first
    List {
        /// Only those with this member
        #[arg(long, value_name = "USER", default_value = "")]
        user_id: String,
        /// At most so many
        #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = number)]
        limit: u64,
        /// Groups to pass over
        #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = number)]
        offset: u64,
    },
    /// Comes into a group
    Join(Member),
    /// Brings somebody into a group
    Invite(Member),
    /// Puts somebody out of a group
    Kick(Member),
    /// Goes out of a group
    Leave(Member),
    /// Ends a group, with its messages; asks before
    Delete {
        #[command(flatten)]
        member: Member,
        /// Deletes without asking
        #[arg(long)]
        yes: bool,
    },
}

/// A chat, or a group: one of the two.
#[derive(Debug, Args)]
pub struct ChatOrGroup {
    /// The chat
    #[arg(long, value_name = "ID", default_value = "")]
    pub chat_id: String,
    /// The group, instead of a chat
    #[arg(long, value_name = "ID", default_value = "", conflicts_with = "chat_id")]
    pub group_id: String,
}

/// A message to send.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    pub chat: ChatOrGroup,
    /// Who sends; where a token says that, it may be left out
    #[arg(long, value_name = "USER", default_value = "")]
    pub user_id: String,
    /// Its sender's name for it: a second message with it is the same message
    #[arg(long, value_name = "ID", default_value = "")]
    pub client_id: String,
    /// What it is about
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub subject: String,
    /// What it says; `-`, or nothing where the input is no terminal, reads it from there
    #[arg(long, allow_hyphen_values = true)]
    pub text: Option<String>,
}

/// Which messages to read.
#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    pub chat: ChatOrGroup,
    /// At most so many, 1 to 1000
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = number)]
    pub limit: u64,
    /// Only messages with a smaller seq
    #[arg(long, value_name = "SEQ", default_value_t = 0, hide_default_value = true, value_parser = number)]
    pub before: u64,
    /// Only messages with a larger seq, the oldest of them
    #[arg(long, value_name = "SEQ", value_parser = number)]
    pub after: Option<u64>,
}

/// Which chat is opened, and how.
#[derive(Debug, Args)]
pub struct Connect {
    #[command(flatten)]
    pub chat: ChatOrGroup,
    /// Who opens it; where a token says that, it may be left out
    #[arg(long, value_name = "USER", default_value = "")]
    pub user_id: String,
    /// Shows so many of the last messages
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = shown)]
    pub history: u64,
    /// Shows what was sent from here, too
    #[arg(long)]
    pub own: bool,
    /// Goes on when the input has ended
    #[arg(long)]
    pub follow: bool,
}

/// What to import.
#[derive(Debug, Args)]
pub struct Import {
    /// The file; `-` is the input. Each line is like {"user_id": "ann", "text": "Hello"}, and may have a subject, a
    /// client_id and a chat_id or group_id. An export is imported as it is
    pub file: PathBuf,
    #[command(flatten)]
    pub chat: ChatOrGroup,
    /// What to call the file: one of the same name is the same file, of another name another one. Without it a file is
    /// the same one where it has been imported before, whatever was added since, and wherever it was moved
    #[arg(long, allow_hyphen_values = true)]
    pub name: Option<String>,
}

/// A group, and somebody in it.
#[derive(Debug, Args)]
pub struct Member {
    /// The group
    #[arg(long, value_name = "ID", default_value = "")]
    pub group_id: String,
    /// Who comes in or goes; where a token says that, it may be left out
    #[arg(long, value_name = "USER", default_value = "")]
    pub user_id: String,
}

/// Who logs in.
#[derive(Debug, Args)]
pub struct Login {
    /// The e-mail address or user id; asked for where it is missing
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Reads the password from the input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
}

/// Which logins end.
#[derive(Debug, Args)]
pub struct Logout {
    /// All of this user's, wherever they are
    #[arg(long)]
    pub everywhere: bool,
}

/// The configuration file.
#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    pub command: Option<ConfigCommand>,
}

/// A command of `micro config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Prints what the file says
    Get {
        /// api, namespace, token, token-file or output
        key: String,
    },
    /// Writes it into the file
    Set {
        /// api, namespace, token, token-file or output
        key: String,
        /// Without it the key goes; for a token `-` reads it from the input, where no list of processes shows it
        value: Option<String>,
    },
    /// Prints where the file is
    Path,
}

/// A number, or what one looks like.
fn number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "it has to be a whole number, such as 20")
}

/// How many messages are shown at first.
fn shown(text: &str) -> Result<u64, &'static str> {
    number(text).and_then(|count| if count > 1_000 { Err("it may be 1000 at most") } else { Ok(count) })
}

/// The command line as clap knows it: each flag with underscores, as in JSON, and with dashes.
pub fn command() -> clap::Command {
    both(Options::command())
}

fn both(command: clap::Command) -> clap::Command {
    // An id that is empty unless it is said has no default to tell of.
    let command = command.mut_args(|option| match option.get_default_values() {
        [value] if value.is_empty() => option.hide_default_value(true),
        _ => option,
    });
    let command = command.mut_args(|option| match option.get_long().map(str::to_owned) {
        Some(name) if option.is_global_set() => option.alias(name.replace('-', "_")),
        Some(name) if name.contains('-') => option.long(name.replace('-', "_")).alias(name),
        _ => option,
    });
    command.mut_subcommands(both)
}

/// What was said; ends the program with 2 where that can't be understood.
pub fn read() -> Options {
    let matches = command().get_matches();
    Options::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
