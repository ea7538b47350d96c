//! All of a chat, or of a user, into a file or the output. A file is there when all of it is.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use micro_chat_wire::export::{ExportChatRequest, ExportUserRequest};
use serde_json::{Value, json};

use crate::answer;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::file;
use crate::options::Export;
use crate::place::Place;
use crate::plain;

/// Exports what was named.
pub fn run(place: &Place, options: Export) -> Result<(), Failure> {
    let Export { chat_id, user_id, file } = options;
    let path = file.filter(|path| path != Path::new("-"));
    let folder = path.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::Usage(format!("there is no folder {}; make it, or name another", folder.display())));
    }
    let caller = Caller::of(place)?;
    let lines: Box<dyn io::Read> = if chat_id.is_empty() {
        Box::new(caller.read("chats/ExportUser", &ExportUserRequest { user_id })?)
    } else {
        let read = caller.read("chats/ExportChat", &ExportChatRequest { chat_id, user_id: user_id.clone() })?;
        caller.tell_whose(&user_id);
        Box::new(read)
    };
    let lines = BufReader::new(lines);
    let Some(path) = path else {
        return copy(lines, BufWriter::new(io::stdout().lock())).map(drop);
    };
    let written = file::replace_slowly(&path, |file| copy(lines, BufWriter::new(file)));
    let end = written.map_err(|failure| match failure {
        Failure::Output(error) => Failure::Usage(format!("{}: {error}", path.display())),
        failure => failure,
    })?;
    answer::tell(place.output.value, &json!({ "exported": end["messages"] }), &["exported"])
}

/// Hands on line by line; what the last one says of all of it.
fn copy(mut lines: impl BufRead, mut out: impl Write) -> Result<Value, Failure> {
    let broken_off = |why: &str| Failure::Unreachable(format!("the export was broken off{why}; begin it anew"));
    let bar = progress();
    let mut last = String::new();
    let mut line = String::new();
    loop {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) => break,
            Ok(read) => bar.inc(u64::try_from(read).unwrap_or(0)),
            Err(error) => return Err(broken_off(&format!(": {error}"))),
        }
        // Whoever writes a message can't give a terminal orders, not even where a file is shown later.
        out.write_all(plain::json(&line).as_bytes())?;
        std::mem::swap(&mut last, &mut line);
    }
    out.flush()?;
    bar.finish_and_clear();
    let end: Value = serde_json::from_str(&last).unwrap_or_default();
    end.get("end").cloned().ok_or_else(|| broken_off(""))
}

/// Only a terminal shows it.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    match ProgressStyle::with_template("{spinner} {bytes}, {bytes_per_sec}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
