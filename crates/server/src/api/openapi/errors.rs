//! Which errors a method can answer with, and which its stream.

use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::error::ErrorBody;
use strum::IntoEnumIterator;

use super::method::{Form, Login, Method, twin};
use super::methods::method;
use super::occasion::{self, Occasion, Place};
use crate::api::fault::{Fault, FaultKind};
use crate::auth::{Denied, DeniedKind, Scope};
use crate::ready::Unready;

/// An error, and when it occurs.
#[derive(Clone, Debug)]
pub struct Described {
    /// As it is answered.
    pub body: ErrorBody,
    /// A sentence without its dot.
    pub when: &'static str,
}

impl Described {
    fn new(fault: &Fault, when: &'static str) -> Self {
        Self { body: fault.body(), when }
    }
}

/// What can be wrong with any call or stream.
pub fn shared(endpoint: Endpoint, is_met: impl Fn(Place) -> bool) -> Vec<Described> {
    FaultKind::iter()
        .filter_map(|kind| occasion::fault(kind, endpoint))
        .filter(|(_, Occasion { place, .. })| is_met(*place))
        .map(|(fault, Occasion { when, .. })| Described::new(&fault, when))
        .collect()
}

/// What the path of that endpoint can answer with over HTTP.
pub fn of_answers(endpoint: Endpoint) -> Vec<Described> {
    let said = method(endpoint);
    let (is_stream, is_account) = (said.form == Form::Stream, endpoint.is_about_accounts());
    let mut all = shared(endpoint, |place| match place {
        Place::Anywhere => true,
        Place::Call => !is_stream,
        Place::AccountCall => is_account,
        Place::SecretCall => said.form == Form::Secret,
        Place::Handshake => matches!(said.form, Form::Stream | Form::Both),
        Place::Frame | Place::Elsewhere => false,
    });
    if !is_stream {
        all.extend(of_tokens(&said));
        all.extend(of_rules(endpoint, &said));
    }
    if let Some(twin) = twin(endpoint) {
        all.extend(of_rules(twin, &method(twin)));
    }
    once(all)
}

/// What an endpoint refuses by its own rules, be it in an answer or in a frame.
pub fn of_rules(endpoint: Endpoint, said: &Method) -> Vec<Described> {
    let refuse = |(refusal, when)| Described::new(&Fault::Refused(endpoint, refusal), when);
    let refusals = said.refusals.iter().map(|kind| refuse(occasion::refused(*kind, said.most)));
    let fields = said.fields.iter().filter_map(|field| occasion::too_large(field)).map(refuse);
    let accounts = said.accounts.iter().map(|kind| {
        let (refusal, when) = occasion::account(*kind);
        Described::new(&Fault::Account(endpoint, refusal), when)
    });
    once(refusals.chain(fields).chain(accounts).collect())
}

/// What can be wrong with a token, of all that is met.
pub fn tokens(is_met: impl Fn(&Denied) -> bool) -> Vec<Described> {
    let mut all = Vec::new();
    for (denied, when) in DeniedKind::iter().map(occasion::denied) {
        let met = denied.into_iter().filter(&is_met);
        all.extend(met.map(|denied| Described::new(&Fault::Denied(denied), when)));
    }
    all
}

/// Why the server may not be ready.
pub fn of_readiness() -> Vec<Described> {
    Unready::iter().map(|unready| Described { body: unready.body(), when: occasion::unready(unready) }).collect()
}

fn of_tokens(said: &Method) -> Vec<Described> {
    let scope = match said.login {
        Login::None => return Vec::new(),
        Login::Token(scope) => scope,
        Login::Sometimes => Some(Scope::Admin),
    };
    tokens(|denied| match denied {
        Denied::WrongUser => said.checks_user,
        Denied::NoScope(wanted) => scope == Some(*wanted),
        _ => true,
    })
}

/// Each id with each of its sentences once, in their order.
fn once(all: Vec<Described>) -> Vec<Described> {
    let mut kept: Vec<Described> = Vec::new();
    for error in all {
        if kept.iter().all(|other| other.body.id != error.body.id || other.body.detail != error.body.detail) {
            kept.push(error);
        }
    }
    kept
}
