//! `micro`, the command line of Micro Chat.
//!
//! - [`options`]: what it is told; [`place`]: which server, which namespace, and who calls; [`settings`]: the
//!   configuration file,
//! - [`api`]: calls; [`account`]: logging in and out; [`logins`]: what is kept of a login,
//! - [`connect`]: a chat that is open; [`screen`]: where it is shown; [`import`]: messages from a file;
//!   [`messages`]: what it says; [`imported`]: which file it is; [`export`]: all of a chat or a user into one;
//!   [`lines`]: an input that may hold anything; [`kept`]: lists beside the configuration file,
//! - [`manual`]: what shells and readers are told of the command line,
//! - [`chat`] and [`chats`]: the services; [`config`]: shows and changes settings; [`caller`]: calls as somebody,
//! - [`mod@file`]: files that are there when all of them is; `terminal`: as it was before;
//!   `signals`: what is done before one ends the program,
//! - [`answer`]: what is printed; [`plain`]: words that no terminal obeys; [`failure`]: what went wrong, and exit
//!   codes.

mod account;
mod answer;
mod api;
mod caller;
mod chat;
mod chats;
mod config;
mod connect;
mod export;
mod failure;
mod file;
mod import;
mod imported;
mod kept;
mod lines;
mod logins;
mod manual;
mod members;
mod messages;
mod options;
mod place;
mod plain;
mod screen;
mod settings;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use failure::Failure;
use options::{Command, Config, Options};
use place::Place;

fn main() -> ExitCode {
    let options = options::read();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Whoever closes the pipe has read enough, and nobody has to read why else.
            if !failure.is_read_enough() {
                let _ = writeln!(std::io::stderr(), "micro: {}", plain::line(&failure.to_string()));
            }
            failure.code()
        }
    }
}

fn run(options: Options) -> Result<(), Failure> {
    let Options { everywhere, command } = options;
    // What needs no place works also where a setting is wrong.
    let place = || Place::find(&everywhere);
    match command {
        Command::Chat(command) => chat::run(&place()?, *command),
        Command::Chats(command) => chats::run(&place()?, command),
        Command::Login(login) => account::log_in(&place()?, login),
        Command::Logout(logout) => account::log_out(&place()?, &logout),
        Command::Whoami => account::whoami(&place()?),
        Command::Config(Config { command: None }) => config::show(&place()?),
        Command::Config(Config { command: Some(command) }) => config::run(&place::file(&everywhere)?, command),
        Command::Completions { shell } => manual::complete(shell),
        Command::Man { command, folder } => manual::man(&command, folder.as_deref()),
    }
}
