//! The messages in a file, a line of JSON each: written by hand, taken from an answer of History, or an export.

use std::io::BufRead;

use micro_chat_wire::chat::SendRequest;
use micro_chat_wire::limit;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::failure::Failure;
use crate::imported::hex;
use crate::lines::{Lines, Next};
use crate::options::Import;

/// What a line looks like.
const FORM: &str = "it has to be an object like {\"user_id\": \"ann\", \"text\": \"Hello\"}";

/// A line; what else is in it does not matter.
struct Line {
    chat_id: String,
    group_id: String,
    client_id: String,
    /// The same, as groups call it, where it is a UUID; other programs than ours name themselves by it.
    client: Option<Value>,
    user_id: String,
    subject: String,
    text: String,
    /// Where the line is an export's: its message,
    message: Option<Value>,
    /// or what it says instead of the user, or of the chat whose messages follow,
    user: Option<Value>,
    chat: Option<Value>,
    /// or that all of it was there.
    end: Option<Value>,
}

impl Line {
    /// What JSON says, or why that is no line.
    fn of(value: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = value else { return Err(format!("is no message: {FORM}")) };
        let mut text = |name: &str| match fields.remove(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(format!("is no message: its {name} has to be a text in quotation marks")),
        };
        let [chat_id, group_id, client_id] = [text("chat_id")?, text("group_id")?, text("client_id")?];
        let [user_id, subject, text] = [text("user_id")?, text("subject")?, text("text")?];
        let mut other = |name: &str| fields.remove(name).filter(|value| !value.is_null());
        let [client, message] = [other("client"), other("message")];
        let [user, chat, end] = [other("user"), other("chat"), other("end")];
        Ok(Self { chat_id, group_id, client_id, client, user_id, subject, text, message, user, chat, end })
    }
}

/// The messages of a file.
pub struct Messages<'a, R> {
    options: &'a Import,
    /// The only user whose messages they may be, if there is one.
    only: Option<&'a str>,
    /// What lines without a `client_id` are named after; where it is none they have no name yet.
    name: Option<&'a str>,
    pub lines: Lines<R>,
    /// Up to which of its bytes all lines were sent.
    pub sent: u64,
    bytes: Vec<u8>,
    /// Whether some line had no `client_id`.
    pub has_unnamed: bool,
    /// An export has begun, and not ended.
    pub is_broken_off: bool,
}

impl<'a, R: BufRead> Messages<'a, R> {
    /// Those of an input.
    pub fn of(options: &'a Import, only: Option<&'a str>, name: Option<&'a str>, input: R) -> Self {
        let lines = Lines::of(input, limit::BODY);
        Self { options, only, name, lines, sent: 0, bytes: Vec::new(), has_unnamed: false, is_broken_off: false }
    }

    /// The next one.
    pub fn next(&mut self) -> Result<Option<SendRequest>, Failure> {
        let file = self.options.file.display();
        loop {
            let next = self.lines.next(&mut self.bytes);
            let number = self.lines.number;
            let wrong = |why: &str| Failure::Usage(format!("{file}: line {number} {why}"));
            match next.map_err(|error| Failure::Usage(format!("{file}: {error}")))? {
                Next::End => return Ok(None),
                Next::TooLong => return Err(wrong(&format!("has more than {} bytes", limit::BODY))),
                Next::Line if self.bytes.trim_ascii().is_empty() => {}
                Next::Line => {
                    let value = serde_json::from_slice(&self.bytes).map_err(|error| wrong(&no_json(&error)))?;
                    let line = Line::of(value).map_err(|why| wrong(&why))?;
                    let is_empty = line.user_id.is_empty() && line.text.is_empty();
                    match line {
                        Line { message: Some(message), .. } if is_empty => {
                            let request = Line::of(message).and_then(|line| self.request(line));
                            return request.map(Some).map_err(|why| wrong(&why));
                        }
                        Line { end: Some(_), .. } if is_empty => self.is_broken_off = false,
                        Line { user: Some(_), .. } | Line { chat: Some(_), .. } if is_empty => {
                            self.is_broken_off = true;
                        }
                        line => return self.request(line).map(Some).map_err(|why| wrong(&why)),
                    }
                }
            }
        }
    }

    /// What is sent of a line, or why nothing can be.
    fn request(&mut self, line: Line) -> Result<SendRequest, String> {
        let Line { mut chat_id, mut group_id, mut client_id, client, user_id, subject, text, .. } = line;
        // The flag says where all of them go.
        let chat = &self.options.chat;
        if !chat.chat_id.is_empty() || !chat.group_id.is_empty() {
            (chat_id, group_id) = (chat.chat_id.clone(), chat.group_id.clone());
        }
        match self.only {
            Some(only) if !user_id.is_empty() && user_id != only => {
                return Err(format!(
                    "is {user_id}'s, and would be stored as {only}'s, who calls; an API key imports for others"
                ));
            }
            None if user_id.is_empty() => return Err("is no message: it has no user_id, who wrote it".to_owned()),
            _ => {}
        }
        if text.is_empty() {
            return Err("is no message: it has no text".to_owned());
        }
        if chat_id.is_empty() && group_id.is_empty() {
            return Err("says no chat_id; --chat_id or --group_id says where all of them go".to_owned());
        }
        if client_id.is_empty() {
            client_id = client.as_ref().and_then(Value::as_str).and_then(id_of_client).unwrap_or_default();
        }
        for (field, value, most) in [
            ("user_id", &user_id, limit::ID),
            ("client_id", &client_id, limit::ID),
            ("subject", &subject, limit::SUBJECT),
            ("text", &text, limit::TEXT),
        ] {
            if value.len() > most {
                return Err(format!("is too large: its {field} has {} bytes, and may have {most}", value.len()));
            }
        }
        if client_id.is_empty() {
            self.has_unnamed = true;
            client_id = self.name.map_or_else(String::new, |name| self.name_of_line(name));
        }
        Ok(SendRequest { chat_id, group_id, client: client_id.clone(), client_id, user_id, subject, text })
    }

    /// What the line is called that was read last: the same each time, and another in each other place.
    fn name_of_line(&self, file: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(file.as_bytes());
        // No name of a file has this in it.
        hash.update([0]);
        hash.update(self.lines.number.to_be_bytes());
        hash.update(self.bytes.trim_ascii());
        format!("import-{}", hex(hash.finalize().get(..16).unwrap_or_default()))
    }
}

/// Why a line is no JSON, for people who may not know what that is.
fn no_json(error: &serde_json::Error) -> String {
    if error.is_eof() {
        format!("is no JSON: it ends in the middle of it; {FORM}")
    } else {
        format!("is no JSON, from its character {} on; {FORM}", error.column())
    }
}

/// The `client_id` that a group's `client` is, where it is one.
fn id_of_client(client: &str) -> Option<String> {
    Uuid::try_parse(client).ok().map(|_| client.to_owned())
}
