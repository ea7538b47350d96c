//! Messages from a file, a line of JSON each. Each has a name that it would have again: what is stored is not stored
//! twice, however often the file is imported.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use micro_chat_wire::chat::SendRequest;
use micro_chat_wire::limit;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::answer;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::options::Import;
use crate::place::Place;

/// How long a server that does not answer is waited for before each try, in milliseconds: a restart is over by then.
const WAITS: [u64; 8] = [100, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/// A line; what else is in it does not matter.
#[derive(Default, Deserialize)]
#[serde(default)]
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
    let named = options.file != Path::new("-");
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", options.file.display()));
    let (input, size): (Box<dyn Read>, u64) = if named {
        let file = File::open(&options.file).map_err(|error| wrong(error.to_string()))?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        (Box::new(file), size)
    } else {
        (Box::new(io::stdin()), 0)
    };
    let name =
        options.name.clone().unwrap_or_else(|| options.file.file_name().unwrap_or_default().display().to_string());
    let bar = progress(size);
    let mut input = BufReader::new(input);
    let (mut number, mut imported) = (0_u64, 0_u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let most = u64::try_from(limit::BODY).unwrap_or(u64::MAX);
        let read = input.by_ref().take(most).read_until(b'\n', &mut bytes).map_err(|error| wrong(error.to_string()))?;
        if read == 0 {
            break;
        }
        number += 1;
        if !bytes.trim_ascii().is_empty() {
            let line: Line = serde_json::from_slice(&bytes)
                .map_err(|error| wrong(format!("line {number} is no message: {error}")))?;
            let request = request(&options, line, || name_of(&name, number, bytes.trim_ascii()));
            send(&caller, &request, &bar).map_err(|failure| at(number, failure))?;
            imported += 1;
        }
        bar.inc(u64::try_from(read).unwrap_or(0));
    }
    bar.finish_and_clear();
    answer::tell(place.output.value, &json!({ "imported": imported }), &["imported"])
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

fn request(options: &Import, line: Line, name: impl FnOnce() -> String) -> SendRequest {
    let client_id = if line.client_id.is_empty() { name() } else { line.client_id };
    // The flag says where all of them go.
    let is_named = !options.room.chat_id.is_empty() || !options.room.group_id.is_empty();
    let (chat_id, group_id) = if is_named {
        (options.room.chat_id.clone(), options.room.group_id.clone())
    } else {
        (line.chat_id, line.group_id)
    };
    SendRequest {
        chat_id,
        group_id,
        client: client_id.clone(),
        client_id,
        user_id: line.user_id,
        subject: line.subject,
        text: line.text,
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
    let mut waits = WAITS.iter().copied();
    loop {
        let (wait, failure) = match caller.call("chat/Send", request) {
            Ok(_) => {
                bar.set_message("");
                return Ok(());
            }
            Err(Failure::Refused(error)) if error.code == 429 => {
                bar.set_message("(waiting: the server takes no more for now)");
                sleep(Duration::from_millis(error.retry_after.unwrap_or(1_000)));
                continue;
            }
            Err(Failure::Refused(error)) if error.code >= 500 => (error.retry_after, Failure::Refused(error)),
            Err(failure @ Failure::Unreachable(_)) => (None, failure),
            Err(failure) => return Err(failure),
        };
        let Some(next) = waits.next() else { return Err(failure) };
        bar.set_message("(waiting: the server does not answer)");
        sleep(Duration::from_millis(next.max(wait.unwrap_or(0))));
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
