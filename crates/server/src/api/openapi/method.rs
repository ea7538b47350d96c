//! What is said about one method.

use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::limit;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::auth::Scope;
use crate::auth::accounts::RefusalKind as AccountRefusalKind;
use crate::chat::RefusalKind;

/// Schemas by their names.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// How a method learns who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// It doesn't ask.
    None,
    /// By a token; of an API key with this scope, if it is one.
    Token(Option<Scope>),
    /// By a token, for some of what it does.
    Sometimes,
}

/// How a method is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With POST, or with GET and a query.
    Call,
    /// With POST alone: what it takes does not belong into an address.
    Secret,
    /// It is a stream, opened with GET.
    Stream,
    /// Called, or opened as a stream.
    Both,
}

/// What is said about a method; [`method`](super::methods::method) says it.
pub struct Method {
    /// Its name in a few words.
    pub summary: &'static str,
    /// What it does, in Markdown.
    pub description: &'static str,
    /// How it is called.
    pub form: Form,
    /// How it learns who calls.
    pub login: Login,
    /// Whether it refuses who names another user than the token does.
    pub checks_user: bool,
    /// The request's type: its name.
    pub request: String,
    /// The answer's type: its name.
    pub answer: String,
    /// What the answer is written as.
    pub media: &'static str,
    /// Both types, and all that they are made of.
    pub schemas: Schemas,
    /// What the rules of chats refuse here.
    pub refusals: &'static [RefusalKind],
    /// Fields that can be too long here.
    pub fields: &'static [&'static str],
    /// At most so many things are in one answer, where it is a list.
    pub most: u64,
    /// What the rules of accounts refuse here.
    pub accounts: &'static [AccountRefusalKind],
}

impl Method {
    /// A method with these types.
    pub fn new<Q: ToSchema, A: ToSchema>(summary: &'static str, description: &'static str) -> Self {
        let mut schemas = vec![(Q::name().into_owned(), Q::schema()), (A::name().into_owned(), A::schema())];
        Q::schemas(&mut schemas);
        A::schemas(&mut schemas);
        Self {
            summary,
            description,
            form: Form::Call,
            login: Login::Token(None),
            checks_user: false,
            request: Q::name().into_owned(),
            answer: A::name().into_owned(),
            media: "application/json",
            schemas,
            refusals: &[],
            fields: &[],
            most: limit::PAGE,
            accounts: &[],
        }
    }

    /// How it is called, where that is not as most are.
    pub fn called(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// How it learns who calls.
    pub fn wants(self, login: Login) -> Self {
        Self { login, ..self }
    }

    /// What an API key for it is for.
    pub fn takes(self, scope: Scope) -> Self {
        self.wants(Login::Token(Some(scope)))
    }

    /// What it refuses.
    pub fn refuses(self, refusals: &'static [RefusalKind]) -> Self {
        Self { refusals, ..self }
    }

    /// Which of its fields can be too long.
    pub fn measures(self, fields: &'static [&'static str]) -> Self {
        Self { fields, ..self }
    }

    /// How many things one answer holds, where that is not as in most.
    pub fn answers_at_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// It refuses who names another user than the token does.
    pub fn checks_user(self) -> Self {
        Self { checks_user: true, ..self }
    }

    /// The answer is a line of JSON for each thing, of the answer's type each.
    pub fn answers_lines(self) -> Self {
        Self { media: "application/x-ndjson", ..self }
    }

    /// What it refuses about accounts.
    pub fn refuses_accounts(self, accounts: &'static [AccountRefusalKind]) -> Self {
        Self { accounts, ..self }
    }
}

/// An endpoint that answers at the same path: `chat.Send` with a `group_id` is another method than without.
pub fn twin(endpoint: Endpoint) -> Option<Endpoint> {
    match endpoint {
        Endpoint::ChatSend => Some(Endpoint::GroupSend),
        Endpoint::ChatHistory => Some(Endpoint::GroupHistory),
        _ => None,
    }
}
