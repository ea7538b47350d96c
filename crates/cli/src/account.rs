//! Logging in and out.

use std::io::{self, BufRead, IsTerminal, Write};

use micro_chat_wire::auth::{AccountName, Empty, InspectRequest, RevokeRequest, TokenRequest, TokenResponse};

use crate::answer;
use crate::api::Api;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::logins::Logins;
use crate::options::{Login, Logout};
use crate::place::Place;
use crate::plain;

/// What a table says of an account.
const ACCOUNT: &[&str] = &["id", "type", "issuer", "namespace", "scopes"];

/// Logs in, and keeps that.
pub fn log_in(place: &Place, options: Login) -> Result<(), Failure> {
    place.check_secrets()?;
    let id = match options.email {
        Some(email) => email,
        None => asked("E-mail: ")?,
    };
    let secret = if options.password_stdin { line()? } else { password()? };
    let api = Api::of(place);
    let request = TokenRequest { id, secret, namespace: place.namespace().to_owned(), ..TokenRequest::default() };
    let response: TokenResponse = api.ask("auth/Token", &request, None)?;
    let login = Logins::of(place).keep(&response)?;
    let account = AccountName { id: login.user_id, namespace: login.namespace };
    if let Some(token) = &place.token {
        answer::note(&format!("a token of the {} counts before this login", token.source.name()));
    }
    answer::tell(place.output.value, &account, ACCOUNT)
}

/// Ends the login, at the server and here.
pub fn log_out(place: &Place, options: &Logout) -> Result<(), Failure> {
    let logins = Logins::of(place);
    let none = || Failure::Login(format!("nobody is logged in at {}", place.api.value));
    let login = logins.find()?.ok_or_else(none)?;
    place.check_secrets()?;
    let request = RevokeRequest {
        refresh_token: login.refresh_token,
        everywhere: options.everywhere,
        namespace: login.namespace,
        ..RevokeRequest::default()
    };
    match Api::of(place).call("auth/Revoke", &request, None) {
        Ok(_) => {}
        // It is over already.
        Err(Failure::Refused(error)) if error.code == 401 && !options.everywhere => {}
        // Otherwise it is kept, so that it can still be ended.
        Err(failure) => return Err(failure),
    }
    logins.forget()?;
    answer::tell(place.output.value, &Empty {}, &[])
}

/// Prints who calls.
pub fn whoami(place: &Place) -> Result<(), Failure> {
    let caller = Caller::of(place)?;
    if !caller.is_known() {
        let no_token = place.withheld.as_deref().unwrap_or("there is no token");
        return Err(Failure::Login(format!(
            "nobody: {no_token}, and no login at {}; log in with micro login, or name a token (a server in dev wants \
             neither, and believes --user_id)",
            place.api.value
        )));
    }
    let answer = caller.call("auth/Inspect", &InspectRequest::default())?;
    answer::print(place.output.value, &answer, ACCOUNT)
}

/// Asks whether to delete what nothing brings back. Where nobody can be asked it stays.
pub fn confirm(what: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        let why = "there is no terminal to ask on, and --yes deletes without asking";
        return Err(Failure::Usage(format!("nothing was deleted: {why} {what}")));
    }
    let answer = ask_line(&format!("Delete {}? Nothing brings that back. [y/N] ", plain::line(what)))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Usage("nothing was deleted".to_owned())),
    }
}

/// Asks on the terminal; the answer to be printed may go elsewhere.
fn asked(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("there is no terminal to ask on; name the user with --email".to_owned()));
    }
    ask_line(question)
}

fn ask_line(question: &str) -> Result<String, Failure> {
    let mut out = io::stderr();
    write!(out, "{question}")?;
    out.flush()?;
    line()
}

/// Asks for the password.
pub fn password() -> Result<String, Failure> {
    secret("Password: ")
        .map_err(|failure| Failure::Usage(format!("{failure}; pass the password with --password-stdin")))
}

/// Asks on the terminal, which does not show the answer.
pub fn secret(question: &str) -> Result<String, Failure> {
    #[cfg(unix)]
    crate::terminal::keep("\n");
    rpassword::prompt_password(question).map_err(|error| {
        if error.kind() == io::ErrorKind::Interrupted {
            // Ctrl-C: the signal that it stands for ends the program, and it may not have come yet.
            std::process::exit(130);
        }
        Failure::Usage(format!("there is no terminal to ask on ({error})"))
    })
}

/// The next line of the input.
pub fn line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::Usage(format!("the input can't be read: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
