//! Messages from a file, a line of JSON each. Each has a name that it would have again: what is stored is not stored
//! twice, however often the file is imported.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use micro_chat_wire::auth::AccountKind;
use micro_chat_wire::chat::SendRequest;
use serde_json::json;

use crate::answer;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::imported::Importing;
use crate::messages::Messages;
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

/// Sends each line, in order.
pub fn run(place: &Place, options: Import) -> Result<(), Failure> {
    let caller = Caller::of(place)?;
    let only = only(&caller)?;
    let only = only.as_deref();
    let named = options.name.as_deref();
    let wrong = |error: io::Error| Failure::Usage(format!("{}: {error}", options.file.display()));
    let is_input = options.file == Path::new("-");
    let metadata = if is_input { None } else { Some(fs::metadata(&options.file).map_err(wrong)?) };
    let size = match metadata {
        Some(metadata) if metadata.is_file() => metadata.len(),
        _ => {
            let input: Box<dyn Read> = if is_input {
                Box::new(io::stdin().lock())
            } else {
                Box::new(File::open(&options.file).map_err(wrong)?)
            };
            let mut messages = Messages::of(&options, only, named, BufReader::new(input));
            return tell(place, send_all(&caller, &mut messages, &progress(0))?);
        }
    };
    let open = || File::open(&options.file).map(BufReader::new).map_err(wrong);
    // What can be read twice is looked at before anything of it is sent.
    let mut looked = Messages::of(&options, only, named, open()?);
    while looked.next()?.is_some() {}
    if looked.is_broken_off {
        answer::note(&format!("{}: the export was broken off; what is there is imported", options.file.display()));
    }
    let importing = match named {
        None if looked.has_unnamed => Some(Importing::begin(place, &options.file)?),
        _ => None,
    };
    if importing.as_ref().is_some_and(|importing| importing.is_rewritten) {
        answer::note(&format!(
            "{}: this is not what was imported from there before: all of it is imported as another file",
            options.file.display()
        ));
    }
    if importing.as_ref().is_some_and(|importing| importing.is_replaced) {
        answer::note(&format!(
            "{}: this begins with all that was imported from there before, and is taken for the same file; if it is \
             another one, give it a name with --name",
            options.file.display()
        ));
    }
    let name = importing.as_ref().map(|importing| importing.name().to_owned());
    let mut messages = Messages::of(&options, only, named.or(name.as_deref()), open()?);
    let sent = send_all(&caller, &mut messages, &progress(size));
    if let Some(importing) = importing
        && let Err(failure) = importing.end(messages.sent)
    {
        answer::note(&failure.to_string());
    }
    tell(place, sent?)
}

fn tell(place: &Place, stored: u64) -> Result<(), Failure> {
    answer::tell(place.output.value, &json!({ "stored": stored }), &["stored"])
}

/// Whose messages a login or a user's token can send; an API key sends everybody's.
fn only(caller: &Caller) -> Result<Option<String>, Failure> {
    Ok(caller.account()?.filter(|account| account.kind == AccountKind::User).map(|account| account.id))
}

/// How many were sent.
fn send_all(caller: &Caller, messages: &mut Messages<'_, impl BufRead>, bar: &ProgressBar) -> Result<u64, Failure> {
    let mut stored = 0_u64;
    while let Some(request) = messages.next()? {
        if request.client_id.is_empty() {
            // What two inputs have alike would be stored once, if something made one.
            return Err(Failure::Usage(format!(
                "line {} has no client_id, and an input can't be known again to make one; give it a name with --name, \
                 the same when it is imported again",
                messages.lines.number
            )));
        }
        send(caller, &request, bar).map_err(|failure| at(messages.lines.number, failure))?;
        stored += 1;
        messages.sent = messages.lines.read;
        bar.set_position(messages.sent);
    }
    bar.finish_and_clear();
    Ok(stored)
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
