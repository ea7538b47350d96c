//! Coded errors that arise on this side.

use micro_chat_session::{Fault, Reason};
use serde::ser::{Serialize, SerializeMap, Serializer};
use wasm_bindgen::JsValue;

/// An error in the form of the server's, so that `js/` makes one kind of `Error` from both.
pub struct CodedError {
    /// What went wrong, for programs.
    id: &'static str,
    /// The HTTP status, or 0 where there is none.
    code: u16,
    /// What went wrong and what to do, for people.
    detail: &'static str,
    /// The kind of error, in words.
    status: &'static str,
}

impl CodedError {
    const fn new(id: &'static str, detail: &'static str) -> Self {
        Self { id, code: 0, detail, status: "Client Error" }
    }

    /// No answer came.
    pub const NETWORK: Self = Self::new(
        "client.Network",
        "The server did not answer: it is down, out of reach, or does not allow this page.",
    );

    /// The browser refuses to make the request or the socket.
    pub const BAD_ADDRESS: Self = Self::new(
        "client.BadAddress",
        "The browser does not connect to this address. Check `api`: it has to be an http or https URL, and https if the page is.",
    );

    /// An answer came with HTTP status `code`, and it is neither JSON nor an error of the server's form.
    pub const fn bad_answer(code: u16) -> Self {
        let error = Self::new("client.BadAnswer", "The answer is not one of a Micro Chat server. Check `api`.");
        Self { code, ..error }
    }

    /// What the session engine found wrong.
    pub const fn of(fault: Fault) -> Self {
        match fault {
            Fault::OutboxFull => Self::new(
                "client.OutboxFull",
                "Too many messages wait to be stored. Wait until some of them are, then send again.",
            ),
            Fault::Expired => Self::new(
                "client.Expired",
                "The message could not be sent in time (see `sendTimeout`), and is not stored. Send it again if it still matters.",
            ),
            Fault::Closed => Self::new(
                "client.Closed",
                "The handle was closed before the server acknowledged this. It may have been stored.",
            ),
            Fault::Dismissed => Self::new("client.Dismissed", "The server closed the connection for good."),
        }
    }
}

// As a map, and not derived: of the names of a struct's fields the serializer keeps those that it has made before, for
// whoever sends many, and the table for that weighs a kilobyte. Of these there is one at a time.
impl Serialize for CodedError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Id", self.id)?;
        map.serialize_entry("Code", &self.code)?;
        map.serialize_entry("Detail", self.detail)?;
        map.serialize_entry("Status", self.status)?;
        map.end()
    }
}

impl From<CodedError> for JsValue {
    fn from(error: CodedError) -> Self {
        let objects = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
        error.serialize(&objects).unwrap_or_default()
    }
}

/// The error behind a reason: the server's as it came, or ours.
pub fn of_reason(reason: Reason<JsValue>) -> JsValue {
    match reason {
        Reason::Error(error) => error,
        Reason::Fault(fault) => CodedError::of(fault).into(),
    }
}
