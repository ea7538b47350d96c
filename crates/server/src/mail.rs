//! Mail: what it says, and how it goes out.

use std::fmt::{Debug, Formatter};
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::auth::accounts::{Code, Email};

/// Mails that may wait.
const QUEUE: usize = 1_000;

/// How many are on their way at a time.
const AT_ONCE: usize = 4;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before each further try.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// Why mail can't go out.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// What should name the mail server doesn't.
    #[error(
        "--mail-server: {0}; it looks like smtps://user@mail.example.com (TLS) or smtp://user@mail.example.com (STARTTLS)"
    )]
    Server(String),
    /// The password can't be read.
    #[error("can't read the mail password {0}: {1}")]
    Password(PathBuf, std::io::Error),
    /// A password without a user.
    #[error(
        "--mail-password-file is a password of nobody; name the user in --mail-server: smtps://user@mail.example.com"
    )]
    NoUser,
    /// What should be the sender isn't.
    #[error("--mail-from: {0:?} is no address; it looks like chat@example.com or Chat <chat@example.com>")]
    From(String),
}

/// How mail goes out.
#[derive(Clone)]
pub enum Route {
    /// Printed, for whoever develops.
    Printed,
    /// By a mail server.
    Smtp(Box<Smtp>),
}

impl Debug for Route {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        // Not the password.
        formatter.write_str(match self {
            Self::Printed => "Printed",
            Self::Smtp(_) => "Smtp",
        })
    }
}

/// A mail server, and who writes.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// `smtps://` does TLS from the first byte, `smtp://` begins it with STARTTLS and refuses to do without, unless the
    /// mail server is on this machine, or `?tls=none` says so.
    pub fn open(server: &str, from: &str, password: Option<&Path>) -> Result<Self, MailError> {
        let failed = |error: &dyn std::fmt::Display| MailError::Server(error.to_string());
        let sender = from.parse::<Mailbox>().map_err(|_| MailError::From(from.to_owned()))?;
        let mut url = Url::parse(server).map_err(|error| failed(&error))?;
        let host = url.host_str().ok_or_else(|| failed(&"it names no host"))?.trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        match (url.scheme(), url.query()) {
            ("smtp", None) if !is_here => url.set_query(Some("tls=required")),
            ("smtp", Some("tls=none")) => url.set_query(None),
            ("smtp", None | Some("tls=required")) | ("smtps", None) => {}
            ("smtp" | "smtps", Some(_)) => return Err(failed(&"it knows no other option than ?tls=none")),
            _ => return Err(failed(&"it is no address of SMTP")),
        }
        if let Some(file) = password {
            if url.username().is_empty() {
                return Err(MailError::NoUser);
            }
            let password = std::fs::read_to_string(file).map(Zeroizing::new);
            let password = password.map_err(|error| MailError::Password(file.to_owned(), error))?;
            // A URL takes a percent sign for the beginning of an escape.
            let password = Zeroizing::new(password.trim_end_matches(['\r', '\n']).replace('%', "%25"));
            url.set_password(Some(&password)).map_err(|()| failed(&"it names no host"))?;
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str()).map_err(|error| failed(&error))?;
        Ok(Self { transport: builder.timeout(Some(PATIENCE)).build(), from: sender })
    }

    /// A mail as it goes out. What comes from outside is the recipient alone, who has been checked; nothing of it is in
    /// any other header.
    fn message(&self, letter: &Letter) -> Result<Message, lettre::error::Error> {
        let words = letter.words();
        let to = letter.to.as_str().parse::<Mailbox>().map_err(|_| lettre::error::Error::MissingTo)?;
        let domain = self.from.email.domain();
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(words.subject)
            .message_id(Some(format!("<{}@{domain}>", Uuid::new_v4().simple())))
            .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(words.text))?;
        // Nobody answers with a note of being away.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }
}

/// A mail to somebody.
#[derive(Clone)]
pub struct Letter {
    /// Who it is for.
    pub to: Email,
    /// What about.
    pub about: About,
}

/// What a mail is about.
#[derive(Clone)]
pub enum About {
    /// Whoever has this code reads this mail, and may sign up.
    SignUp(Code),
    /// Somebody wanted to sign up with an address that has an account.
    AlreadySignedUp,
    /// Whoever has this code reads this mail, and may choose another password.
    Reset(Code),
    /// Somebody wanted another password for an address that has no account.
    NothingToReset,
    /// Who knew the account's password has set another.
    PasswordChanged(OffsetDateTime),
    /// Who had a code that was mailed has.
    PasswordReset(OffsetDateTime),
    /// All logins of the account were ended, and its password is the same.
    LoggedOut(OffsetDateTime),
}

/// A mail's words.
struct Words {
    subject: &'static str,
    text: String,
}

impl Letter {
    /// All words that are mailed are here, in lines that mail takes as they are.
    fn words(&self) -> Words {
        match &self.about {
            About::SignUp(code) => Words {
                subject: "Your code to sign up",
                text: format!(
                    "Your code to sign up is {code}\n\n\
                     It is good for 15 minutes. Enter it where you asked for it, and tell it to\n\
                     nobody.\n\n\
                     If you did not ask for it, somebody typed your address by mistake: there\n\
                     is nothing to do.\n"
                ),
            },
            About::AlreadySignedUp => Words {
                subject: "You have an account already",
                text: "Somebody, probably you, wanted to sign up with this address. You have an\n\
                       account already: log in with it.\n\n\
                       If you do not know the password any more, choose \"Forgot password\" where\n\
                       you log in: a code for a new one comes by mail.\n\n\
                       If it was not you, there is nothing to do.\n"
                    .to_owned(),
            },
            About::Reset(code) => Words {
                subject: "Your code for a new password",
                text: format!(
                    "Your code for a new password is {code}\n\n\
                     It is good for 15 minutes. Enter it where you asked for it, and tell it to\n\
                     nobody.\n\n\
                     If you did not ask for it, there is nothing to do: your password stays as\n\
                     it is.\n"
                ),
            },
            About::NothingToReset => Words {
                subject: "You have no account",
                text: "Somebody, probably you, wanted a new password for this address. It has no\n\
                       account: log in with the address that you signed up with, or sign up with\n\
                       this one.\n\n\
                       If it was not you, there is nothing to do.\n"
                    .to_owned(),
            },
            About::PasswordChanged(at) => Words {
                subject: "Your password was changed",
                text: format!(
                    "The password of your account was changed on {}.\n\
                     Whoever was logged in elsewhere is not any more.\n\n\
                     If it was you, there is nothing to do.\n\n\
                     If it was not you, somebody else knew your password. Choose \"Forgot\n\
                     password\" where you log in: a code for a new one comes by mail, and\n\
                     with it whoever is logged in is not any more.\n",
                    moment(*at)
                ),
            },
            About::PasswordReset(at) => Words {
                subject: "Your password was changed",
                text: format!(
                    "The password of your account was changed on {},\n\
                     with a code that was mailed to this address. Whoever was logged in is not\n\
                     any more.\n\n\
                     If it was you, there is nothing to do.\n\n\
                     If it was not you, somebody else reads your mail. Change the password of\n\
                     your mail first. Then choose \"Forgot password\" where you log in: a code\n\
                     for a new one comes by mail.\n",
                    moment(*at)
                ),
            },
            About::LoggedOut(at) => Words {
                subject: "You were logged out everywhere",
                text: format!(
                    "All logins of your account were ended on {}.\n\
                     Log in to go on.\n\n\
                     If it was you, or you asked for it, there is nothing else to do.\n\n\
                     If it was not you, somebody else may have been logged in. Choose \"Forgot\n\
                     password\" where you log in: a code for a new one comes by mail.\n",
                    moment(*at)
                ),
            },
        }
    }
}

/// `21 November 2026 at 20:15 UTC`: readers are anywhere.
fn moment(at: OffsetDateTime) -> String {
    format!("{} {} {} at {:02}:{:02} UTC", at.day(), at.month(), at.year(), at.hour(), at.minute())
}

/// Takes mails, and sends them behind the back of who asked: how long that takes, and whether it works, can't be told
/// from any answer.
#[derive(Debug)]
pub struct Mailer {
    route: Arc<Route>,
    /// Those that wait, and those that are on their way.
    letters: TaskTracker,
    turns: Arc<Semaphore>,
}

/// Too many mails wait.
#[derive(Debug)]
pub struct Full;

impl Mailer {
    /// Nothing is to be sent yet.
    pub fn new(route: Route) -> Self {
        Self { route: Arc::new(route), letters: TaskTracker::new(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Puts a mail in line.
    pub fn send(&self, letter: Letter) -> Result<(), Full> {
        if self.letters.len() >= QUEUE {
            return Err(Full);
        }
        let (route, turns) = (self.route.clone(), self.turns.clone());
        self.letters.spawn(async move {
            let _turn = turns.acquire().await;
            match &*route {
                Route::Printed => print(&letter),
                Route::Smtp(smtp) => deliver(smtp, &letter).await,
            }
        });
        Ok(())
    }

    /// Ends when nothing is left to be sent.
    pub async fn stop(&self) {
        self.letters.close();
        self.letters.wait().await;
    }
}

fn print(letter: &Letter) {
    let Words { subject, text } = letter.words();
    let bar = "-".repeat(72);
    let block = format!("{bar}\nTo: {}\nSubject: {subject}\n\n{text}{bar}\n", letter.to.as_str());
    // Nobody has to read it.
    let _ = std::io::stdout().write_all(block.as_bytes());
}

async fn deliver(smtp: &Smtp, letter: &Letter) {
    let message = match smtp.message(letter) {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "a mail could not be written"),
    };
    for wait in AGAIN.into_iter().map(Some).chain([None]) {
        let error = match smtp.transport.send(message.clone()).await {
            Ok(_) => return,
            Err(error) => error,
        };
        match wait {
            // What the mail server refuses for good it refuses again.
            Some(wait) if !error.is_permanent() => {
                tracing::warn!(%error, "a mail could not be sent; it is tried again");
                tokio::time::sleep(wait).await;
            }
            _ => return tracing::error!(%error, "a mail could not be sent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_lines_that_mail_takes_as_they_are_whatever_the_day() {
        // The last moment of the longest month's name.
        let at = OffsetDateTime::from_unix_timestamp(1_790_812_799).expect("a time");
        assert_eq!(moment(at), "30 September 2026 at 23:59 UTC");
        let code = || Code::new().expect("chance");
        for about in [
            About::SignUp(code()),
            About::AlreadySignedUp,
            About::Reset(code()),
            About::NothingToReset,
            About::PasswordChanged(at),
            About::PasswordReset(at),
            About::LoggedOut(at),
        ] {
            let to = Email::parse("ann@example.com").expect("an address");
            let Words { subject, text } = Letter { to, about }.words();
            for line in text.lines().chain([subject]) {
                assert!(line.is_ascii() && line.len() <= 76, "{line}");
            }
            assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{text}");
        }
    }
}
