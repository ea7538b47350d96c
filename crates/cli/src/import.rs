//! Messages from a file, a line of JSON each. Each has a name that it would have again: what is stored is not stored
//! twice, however often the file is imported.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use micro_chat_wire::auth::{AccountKind, InspectRequest, InspectResponse};
use micro_chat_wire::chat::SendRequest;
use micro_chat_wire::limit;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::answer;
use crate::api;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::lines::{Lines, Next};
use crate::options::Import;
use crate::place::Place;

/// How long a server that does not answer is waited for before each try, in milliseconds: a restart is over by then.
const WAITS: [u64; 8] = [100, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/// How long one line is tried: the waits are a minute, and a server that takes calls and does not answer has no more.
const PATIENCE: Duration = Duration::from_secs(65);

/// How long a try may take, so that there is another on another connection.
const TRY: Duration = Duration::from_secs(20);

/// The least that the last try gets, however little is left of the line's time.
const LAST_TRY: Duration = Duration::from_secs(2);

/// A line; what else is in it does not matter.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "an object like {\"user_id\": \"ann\", \"text\": \"Hello\"}")]
struct Line {
    chat_id: String,
    group_id: String,
    client_id: String,
    user_id: String,
    subject: String,
    text: String,
}

/// Sends each line, in order.
pub fn run(place: &Place, options: Import) -> Result<(), Failure> {
    let caller = Caller::of(place)?;
    let only = only(&caller)?;
    let wrong = |error: io::Error| Failure::Usage(format!("{}: {error}", options.file.display()));
    if options.file == Path::new("-") {
        let messages = Messages::of(&options, only, io::stdin().lock());
        return send_all(place, &caller, messages, &progress(0));
    }
    let file = File::open(&options.file).map_err(wrong)?;
    let metadata = file.metadata().map_err(wrong)?;
    // What can be read twice is looked at before anything of it is sent.
    if metadata.is_file() {
        let mut messages =
            Messages::of(&options, only.clone(), BufReader::new(File::open(&options.file).map_err(wrong)?));
        while messages.next()?.is_some() {}
    }
    let messages = Messages::of(&options, only, BufReader::new(file));
    send_all(place, &caller, messages, &progress(metadata.len()))
}

/// Whose messages a login or a user's token can send; an API key sends everybody's.
fn only(caller: &Caller) -> Result<Option<String>, Failure> {
    if !caller.is_known() {
        return Ok(None);
    }
    match caller.call("auth/Inspect", &InspectRequest::default()) {
        Ok(answer) => {
            let account = api::read::<InspectResponse>(&answer)?.account;
            Ok((account.kind == AccountKind::User).then_some(account.id))
        }
        // A server in `dev` has nobody to ask; another says the same of the first line.
        Err(Failure::Refused(error)) if error.code < 429 => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn send_all(
    place: &Place,
    caller: &Caller,
    mut messages: Messages<'_, impl BufRead>,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut stored = 0_u64;
    while let Some(request) = messages.next()? {
        send(caller, &request, bar).map_err(|failure| at(messages.lines.number, failure))?;
        stored += 1;
        bar.set_position(messages.lines.read);
    }
    bar.finish_and_clear();
    answer::tell(place.output.value, &json!({ "stored": stored }), &["stored"])
}

/// The messages of a file.
struct Messages<'a, R> {
    options: &'a Import,
    /// The only user whose messages they may be, if there is one.
    only: Option<String>,
    lines: Lines<R>,
    bytes: Vec<u8>,
}

impl<'a, R: BufRead> Messages<'a, R> {
    fn of(options: &'a Import, only: Option<String>, input: R) -> Self {
        Self { options, only, lines: Lines::of(input, limit::BODY), bytes: Vec::new() }
    }

    /// The next one.
    fn next(&mut self) -> Result<Option<SendRequest>, Failure> {
        let file = self.options.file.display();
        loop {
            let next = self.lines.next(&mut self.bytes);
            let number = self.lines.number;
            let wrong = |why: String| Failure::Usage(format!("{file}: line {number} {why}"));
            match next.map_err(|error| Failure::Usage(format!("{file}: {error}")))? {
                Next::End => return Ok(None),
                Next::TooLong => return Err(wrong(format!("has more than {} bytes", limit::BODY))),
                Next::Line if self.bytes.trim_ascii().is_empty() => {}
                Next::Line => {
                    let line = serde_json::from_slice(&self.bytes).map_err(|error| wrong(no_message(&error)))?;
                    return self.request(line).map(Some).map_err(|failure| at(number, failure));
                }
            }
        }
    }

    fn request(&self, line: Line) -> Result<SendRequest, Failure> {
        let Line { mut chat_id, mut group_id, mut client_id, user_id, subject, text } = line;
        if let Some(only) = &self.only
            && !user_id.is_empty()
            && user_id != *only
        {
            return Err(Failure::Usage(format!(
                "it is {user_id}'s, and would be stored as {only}'s, who calls; an API key imports for others"
            )));
        }
        if client_id.is_empty() {
            client_id = self.name_of_line()?;
        }
        // The flag says where all of them go.
        let chat = &self.options.chat;
        if !chat.chat_id.is_empty() || !chat.group_id.is_empty() {
            (chat_id, group_id) = (chat.chat_id.clone(), chat.group_id.clone());
        }
        Ok(SendRequest { chat_id, group_id, client: client_id.clone(), client_id, user_id, subject, text })
    }

    /// What the line is called that was read last.
    fn name_of_line(&self) -> Result<String, Failure> {
        let Import { file, name, .. } = self.options;
        let name = match name {
            Some(name) => name.clone(),
            // Two inputs would have the same name: what is alike in them would be stored once.
            None if file == Path::new("-") => {
                return Err(Failure::Usage(
                    "it has no client_id, and the input no name to make one of; give it one with --name, the same when \
                     it is imported again"
                        .to_owned(),
                ));
            }
            None => file.file_name().unwrap_or_default().display().to_string(),
        };
        Ok(name_of(&name, self.lines.number, self.bytes.trim_ascii()))
    }
}

/// Why a line is no message, in words that do not count lines of their own.
fn no_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("is no message: {}, at its character {}", text.strip_suffix(&place).unwrap_or(&text), error.column())
}

/// Only a terminal shows it.
fn progress(size: u64) -> ProgressBar {
    let bar = if size == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(size) };
    let form =
        if size == 0 { "{spinner} {bytes} {msg}" } else { "{bar:30} {bytes} of {total_bytes}, {eta} left {msg}" };
    match ProgressStyle::with_template(form) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What a line is called that has no name of its own: the same each time, and another in each other place.
fn name_of(file: &str, number: u64, line: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(file.as_bytes());
    // No name of a file has this in it.
    hash.update([0]);
    hash.update(number.to_be_bytes());
    hash.update(line);
    let hex: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("import-{hex}")
}

/// Sends one, however long the server wants to be left alone before that.
fn send(caller: &Caller, request: &SendRequest, bar: &ProgressBar) -> Result<(), Failure> {
    let mut tries = Tries::from(Instant::now());
    loop {
        let (wait, failure) = match caller.call_within(tries.left(Instant::now()), "chat/Send", request) {
            Ok(_) => {
                bar.set_message("");
                return Ok(());
            }
            Err(Failure::Refused(error)) if error.code == 429 => {
                bar.set_message("(waiting: the server takes no more for now)");
                sleep(Duration::from_millis(error.retry_after.unwrap_or(1_000)));
                // It lives.
                tries = Tries::from(Instant::now());
                continue;
            }
            Err(Failure::Refused(error)) if error.code >= 500 => (error.retry_after, Failure::Refused(error)),
            Err(failure @ Failure::Unreachable(_)) => (None, failure),
            Err(failure) => return Err(failure),
        };
        let Some(wait) = tries.next(Instant::now(), wait) else { return Err(failure) };
        bar.set_message("(waiting: the server does not answer)");
        sleep(wait);
    }
}

/// How often a line is tried, and how long all of that may take.
struct Tries {
    end: Instant,
    waits: std::slice::Iter<'static, u64>,
}

impl Tries {
    fn from(now: Instant) -> Self {
        Self { end: now + PATIENCE, waits: WAITS.iter() }
    }

    /// How long the next one may take.
    fn left(&self, now: Instant) -> Duration {
        self.end.saturating_duration_since(now).clamp(LAST_TRY, TRY)
    }

    /// How long to wait before the next one, if there is another. The server may want it to be longer.
    fn next(&mut self, now: Instant, wanted: Option<u64>) -> Option<Duration> {
        let wait = Duration::from_millis((*self.waits.next()?).max(wanted.unwrap_or(0)));
        (now + wait < self.end).then_some(wait)
    }
}

/// The failure, with its line. What is before it is stored, and won't be stored again.
fn at(number: u64, failure: Failure) -> Failure {
    let place = |text: String| format!("line {number}: {text}");
    match failure {
        Failure::Refused(mut error) => {
            error.detail = place(error.detail);
            Failure::Refused(error)
        }
        Failure::Unreachable(text) => Failure::Unreachable(place(text)),
        Failure::Usage(text) => Failure::Usage(place(text)),
        Failure::Login(text) => Failure::Login(place(text)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a line is tried at a server each of whose answers takes that long, and how often.
    fn tried(answer: impl Fn(Duration) -> Duration) -> (Duration, usize) {
        let begun = Instant::now();
        let (mut tries, mut now, mut count) = (Tries::from(begun), begun, 0);
        loop {
            now += answer(tries.left(now));
            count += 1;
            let Some(wait) = tries.next(now, None) else { return (now - begun, count) };
            now += wait;
        }
    }

    #[test]
    fn a_server_that_does_not_answer_is_tried_for_about_a_minute_however_it_does_that() {
        let longest = PATIENCE + LAST_TRY;
        // It takes calls, and says nothing.
        let (took, count) = tried(|patience| patience);
        assert!(took >= PATIENCE / 2 && took <= longest && count >= 3, "{took:?} {count}");
        // It takes a while to fail.
        let (took, count) = tried(|patience| patience.min(Duration::from_secs(4)));
        assert!(took >= PATIENCE / 2 && took <= longest && count > 5, "{took:?} {count}");
        // It refuses calls at once, as while it is started anew.
        let (took, count) = tried(|_| Duration::ZERO);
        assert!(took >= Duration::from_secs(60) && took <= longest && count > WAITS.len(), "{took:?} {count}");
    }
}
