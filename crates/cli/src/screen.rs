//! Where a chat is shown, and its lines come from: a terminal with one's own line at the bottom, or plain lines in and
//! out.

use std::io::{self, IsTerminal, Write};
use std::thread::JoinHandle;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use micro_chat_wire::chat::Message;
use micro_chat_wire::limit;
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use crate::answer::{self, Output};
use crate::failure::Failure;
use crate::lines::{Lines, Next};
use crate::plain;

/// The colours of names.
const COLOURS: [AnsiColor; 6] =
    [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::BrightRed];

/// What a terminal is told that pastes as the line's editor asked it to.
#[cfg(unix)]
const FAREWELL: &str = "\x1b[?2004l\n";

/// A line of the input, or why it can't be one.
pub type Line = Result<String, Failure>;

/// What is printed on.
pub enum Screen {
    /// People write and read here.
    Terminal {
        printer: Box<dyn Printer>,
        /// Who keeps the line at the bottom.
        writer: JoinHandle<()>,
        is_coloured: bool,
    },
    /// Programs do.
    Pipe(Output),
}

/// Prints above the line that is being written.
pub trait Printer: Send {
    fn print(&mut self, text: String);
}

impl<P: ExternalPrinter + Send> Printer for P {
    fn print(&mut self, text: String) {
        // A terminal that is gone is noticed by whoever writes on it.
        let _ = ExternalPrinter::print(self, text);
    }
}

impl Screen {
    /// Opens it; the lines that are written go to `lines`, which closes when there are no more.
    pub fn open(user_id: &str, output: Output, lines: mpsc::Sender<Line>) -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let editor = if is_terminal { editor() } else { None };
        let Some((mut editor, printer)) = editor else {
            std::thread::spawn(move || read(&lines));
            // A terminal that can't keep a line at its bottom is people's all the same.
            return Self::Pipe(if is_terminal { Output::Table } else { output });
        };
        #[cfg(unix)]
        crate::terminal::keep(if std::env::var("TERM").is_ok_and(|term| term != "dumb") { FAREWELL } else { "\n" });
        let prompt = format!("{}> ", plain::line(user_id));
        let writer = std::thread::spawn(move || {
            loop {
                let line = match editor.readline(&prompt) {
                    Ok(line) => line,
                    Err(error) => {
                        if let Some(failure) = unreadable(&error) {
                            // Whoever waits for lines is told, too, when this ends.
                            let _ = lines.blocking_send(Err(failure));
                        }
                        return;
                    }
                };
                let _ = editor.add_history_entry(line.as_str());
                if !line.trim().is_empty() && lines.blocking_send(Ok(line)).is_err() {
                    return;
                }
                if lines.is_closed() {
                    return;
                }
            }
        });
        let is_coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Self::Terminal { printer, writer, is_coloured }
    }

    /// Shows a message.
    pub fn message(&mut self, message: &Message) -> Result<(), Failure> {
        match self {
            Self::Terminal { printer, is_coloured, .. } => printer.print(people(message, *is_coloured) + "\n"),
            Self::Pipe(output) => {
                let line = match output {
                    Output::Json => plain::json(&serde_json::to_string(message).unwrap_or_default()),
                    Output::Table => people(message, false),
                };
                let mut out = io::stdout().lock();
                writeln!(out, "{line}")?;
                out.flush()?;
            }
        }
        Ok(())
    }

    /// Says something about the chat.
    pub fn note(&mut self, text: &str) {
        let text = plain::line(text);
        match self {
            Self::Terminal { printer, .. } => printer.print(format!("-- {text}\n")),
            // Nobody has to read it.
            Self::Pipe(_) => drop(writeln!(io::stderr(), "micro: {text}")),
        }
    }

    /// Says something that happened beside the messages.
    pub fn aside(&mut self, text: &str) {
        match self {
            Self::Terminal { printer, is_coloured: true, .. } => {
                let style = Style::new().dimmed();
                printer.print(format!("{style}-- {}{style:#}\n", plain::line(text)));
            }
            Self::Terminal { .. } | Self::Pipe(_) => self.note(text),
        }
    }

    /// Gives the terminal back, as it was. `failure` is why, if somebody may be writing still.
    pub fn close(mut self, failure: Option<&Failure>) {
        if let Some(failure) = failure
            && matches!(self, Self::Terminal { .. })
        {
            self.note(&format!("{failure}; press Enter"));
        }
        if let Self::Terminal { writer, printer, .. } = self {
            let _ = writer.join();
            drop(printer);
        }
    }
}

/// What keeps a line at the bottom of the terminal, and prints above it, if this terminal can do that.
fn editor() -> Option<(DefaultEditor, Box<dyn Printer>)> {
    let mut editor = DefaultEditor::new().ok()?;
    let printer = editor.create_external_printer().ok()?;
    Some((editor, Box::new(printer)))
}

/// Why a terminal gives no more lines, where that is not what its user asked for.
fn unreadable(error: &ReadlineError) -> Option<Failure> {
    match error {
        ReadlineError::Eof | ReadlineError::Interrupted | ReadlineError::Signal(_) => None,
        error => Some(Failure::Usage(format!("the terminal can't be read: {error}"))),
    }
}

/// Takes the lines of the input.
fn read(lines: &mpsc::Sender<Line>) {
    let mut input = Lines::of(io::stdin().lock(), limit::FRAME);
    let mut bytes = Vec::new();
    loop {
        let next = input.next(&mut bytes);
        let wrong = |why: String| Err(Failure::Usage(format!("line {} of the input {why}", input.number)));
        let line = match next {
            Ok(Next::End) => return,
            Ok(Next::TooLong) => wrong(format!("has more than {} bytes", limit::FRAME)),
            Ok(Next::Line) => {
                String::from_utf8(std::mem::take(&mut bytes)).or_else(|_| wrong("is no UTF-8".to_owned()))
            }
            Err(error) => {
                // Whoever waits for lines is told, too, when this ends.
                let _ = lines.blocking_send(Err(Failure::Usage(format!("the input can't be read: {error}"))));
                return;
            }
        };
        let is_blank = line.as_ref().is_ok_and(|line| line.trim().is_empty());
        if !is_blank && lines.blocking_send(line).is_err() {
            return;
        }
    }
}

/// A message as people read it: `12:03 ann: Hello`.
fn people(message: &Message, is_coloured: bool) -> String {
    let at = answer::local(Timestamp::from_second(message.sent_at).unwrap_or_default());
    let is_today = at.date() == jiff::Zoned::now().date();
    let time = at.strftime(if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string();
    let hash = message.user_id.bytes().fold(0_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let colour = COLOURS.get(hash % COLOURS.len()).copied().unwrap_or(AnsiColor::Cyan);
    let style = if is_coloured { Style::new().bold().fg_color(Some(colour.into())) } else { Style::new() };
    let name = plain::line(&message.user_id);
    let subject = match message.subject.as_str() {
        "" => String::new(),
        subject => format!("[{}] ", plain::line(subject)),
    };
    let text = plain::lines(&message.text, "      ");
    format!("{time} {style}{name}{style:#}: {subject}{text}")
}
