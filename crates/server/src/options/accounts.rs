//! Accounts on the command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use crate::auth::accounts::{Namespaces, Setup};
use crate::auth::attempts::AttemptRates;
use crate::limits::Rate;
use crate::mail::{Route, Smtp};
use crate::server::ServerError;

/// Who logs in with a password, and how mail reaches them.
#[derive(Debug, Args)]
pub struct Accounts {
    /// A namespace in which strangers may sign up with their e-mail address, and log in with a password.
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', value_parser = super::keys::namespace)]
    sign_up: Vec<String>,
    /// A namespace in which people who have signed up may log in, and nobody else may sign up.
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', value_parser = super::keys::namespace)]
    accounts: Vec<String>,
    /// The mail server that codes go out by: smtps://user@mail.example.com (TLS), or smtp:// (STARTTLS; without it on
    /// this machine, and where ?tls=none says so).
    #[arg(long, value_name = "URL")]
    mail_server: Option<String>,
    /// Who writes: chat@example.com, or Chat <chat@example.com>.
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// A file with the password for the mail server.
    #[arg(long, value_name = "FILE")]
    mail_password_file: Option<PathBuf>,
}

/// How often passwords and codes may be tried, and how much may be mailed.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits of logging in (`off`: none)")]
pub struct Trying {
    /// Passwords for one account from one address.
    #[arg(long, value_name = "RATE", default_value = "2/min:20")]
    limit_passwords: Rate,
    /// Passwords from one address, whatever the accounts.
    #[arg(long, value_name = "RATE", default_value = "20/min:200")]
    limit_passwords_of_address: Rate,
    /// Passwords for one account, from wherever; who has logged in from somewhere is not kept out of there.
    #[arg(long, value_name = "RATE", default_value = "1/min:100")]
    limit_passwords_of_account: Rate,
    /// Mails to one recipient that one address asks for.
    #[arg(long, value_name = "RATE", default_value = "6/h:5")]
    limit_mails: Rate,
    /// Mails that one address asks for.
    #[arg(long, value_name = "RATE", default_value = "1/min:30")]
    limit_mails_of_address: Rate,
    /// Mails to one recipient, whoever asks for them.
    #[arg(long, value_name = "RATE", default_value = "12/h:20")]
    limit_mails_of_recipient: Rate,
    /// Codes that one address tries.
    #[arg(long, value_name = "RATE", default_value = "1/min:30")]
    limit_codes: Rate,
}

impl Trying {
    /// How often is too often.
    pub fn rates(&self) -> AttemptRates {
        AttemptRates {
            passwords: self.limit_passwords,
            passwords_of_address: self.limit_passwords_of_address,
            passwords_of_account: self.limit_passwords_of_account,
            mails: self.limit_mails,
            mails_of_address: self.limit_mails_of_address,
            mails_of_recipient: self.limit_mails_of_recipient,
            codes: self.limit_codes,
        }
    }
}

impl Accounts {
    /// Whether any namespace has accounts.
    pub fn are_named(&self) -> bool {
        !self.sign_up.is_empty() || !self.accounts.is_empty()
    }

    /// What the server is told; nothing where no namespace has accounts.
    pub fn setup(&self, rates: AttemptRates) -> Result<Option<Setup>, ServerError> {
        let sign_up: BTreeSet<String> = self.sign_up.iter().cloned().collect();
        let accounts: BTreeSet<String> = sign_up.iter().chain(&self.accounts).cloned().collect();
        if accounts.is_empty() {
            return Ok(None);
        }
        let (server, from) = match (&self.mail_server, &self.mail_from) {
            (Some(server), Some(from)) => (server, from),
            (None, Some(_)) => return Err(ServerError::NoMail("name the mail server with --mail-server")),
            (Some(_), None) => return Err(ServerError::NoMail("say with --mail-from who writes")),
            (None, None) => {
                let missing = "name the mail server with --mail-server, and say with --mail-from who writes";
                return Err(ServerError::NoMail(missing));
            }
        };
        let smtp = Smtp::open(server, from, self.mail_password_file.as_deref())?;
        Ok(Some(Setup {
            accounts: Namespaces::Named(accounts),
            sign_up: Namespaces::Named(sign_up),
            mail: Route::Smtp(Box::new(smtp)),
            rates: Some(rates),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        trying: Trying,
    }

    #[test]
    fn the_options_begin_where_the_rates_do() {
        assert_eq!(Cli::parse_from(["test"]).trying.rates(), AttemptRates::default());
    }
}
