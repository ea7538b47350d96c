//! Calls with what proves who calls: a token that was named, or a login that renews itself.

use std::time::Duration;

use micro_chat_wire::auth::{
    Account, AccountKind, InspectRequest, InspectResponse, Login, OptionsRequest, OptionsResponse,
};
use serde::Serialize;
use ureq::BodyReader;

use crate::answer;
use crate::api::{self, Api, PATIENCE};
use crate::failure::Failure;
use crate::logins::Logins;
use crate::place::Place;

/// A refusal that no other token changes.
const WRONG_PASSWORD: &str = "auth.WrongCredentials";

/// What proves who calls.
#[derive(Debug)]
enum Proof {
    /// Nothing; a server in `dev` wants none.
    None,
    /// It was named.
    Token(String),
    /// A login.
    Login(Logins),
}

/// Who calls, and whom.
#[derive(Debug)]
pub struct Caller {
    api: Api,
    proof: Proof,
    /// Why a token proves nothing here.
    withheld: Option<String>,
}

impl Caller {
    /// Who calls from a place.
    pub fn of(place: &Place) -> Result<Self, Failure> {
        let api = Api::of(place);
        let logins = Logins::of(place);
        let proof = match &place.token {
            Some(token) => Proof::Token(token.value.clone()),
            None if logins.find()?.is_some() => Proof::Login(logins),
            None => Proof::None,
        };
        if !matches!(proof, Proof::None) {
            place.check_secrets()?;
        }
        Ok(Self { api, proof, withheld: place.withheld.clone() })
    }

    /// The answer of a method, as it came.
    pub fn call(&self, method: &str, request: &impl Serialize) -> Result<String, Failure> {
        self.call_within(PATIENCE, method, request)
    }

    /// The answer of a method, if it comes within that time.
    pub fn call_within(&self, patience: Duration, method: &str, request: &impl Serialize) -> Result<String, Failure> {
        self.with_token(|token| self.api.call_within(patience, method, request, token))
    }

    /// The answer of a method as it comes, however long that takes.
    pub fn read(&self, method: &str, request: &impl Serialize) -> Result<BodyReader<'static>, Failure> {
        self.with_token(|token| self.api.read(method, request, token))
    }

    fn with_token<T>(&self, call: impl Fn(Option<&str>) -> Result<T, Failure>) -> Result<T, Failure> {
        let token = self.token(None)?;
        match (call(token.as_deref()), &self.proof) {
            // It was good by this clock: the login may have another.
            (Err(Failure::Refused(error)), Proof::Login(_)) if error.code == 401 && error.id != WRONG_PASSWORD => {
                call(self.token(token.as_deref())?.as_deref())
            }
            (Err(Failure::Refused(error)), Proof::None) if error.code == 401 => Err(Failure::Login(format!(
                "{} ({}); {}log in with micro login, or name a token",
                error.detail,
                error.id,
                self.withheld.as_ref().map(|why| format!("{why}; ")).unwrap_or_default()
            ))),
            (answer, _) => answer,
        }
    }

    /// Whose the token is; none where nothing says who calls, and where nobody has to say it.
    pub fn account(&self) -> Result<Option<Account>, Failure> {
        if !self.is_known() {
            return Ok(None);
        }
        match self.call("auth/Inspect", &InspectRequest::default()) {
            Ok(answer) => Ok(Some(api::read::<InspectResponse>(&answer)?.account)),
            // The next call says the same, where it matters.
            Err(Failure::Refused(error)) if error.code < 429 => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Says whose call that was, where somebody else was named than the user whose token it is. It is no more than a
    /// word: where nobody can be asked, it is left out.
    pub fn tell_whose(&self, named: &str) {
        if named.is_empty() {
            return;
        }
        let account = self.account().ok().flatten();
        let user = account.filter(|account| account.kind == AccountKind::User && account.id != named);
        // A server in `dev` knows whose a login is, and believes the name.
        if let Some(user) = user.filter(|_| self.needs_proof()) {
            answer::note(&format!("this was done as {}, whose token it is, and not as {named}", user.id));
        }
    }

    /// Whether it counts who proves to be whom.
    fn needs_proof(&self) -> bool {
        let options = self.call("auth/Options", &OptionsRequest::default());
        options.and_then(|answer| api::read::<OptionsResponse>(&answer)).is_ok_and(|it| it.login == Login::Required)
    }

    /// In which namespace calls are, known before anything is done there, and named by them from here on. It is the
    /// token's; where another was said, nothing is done in either.
    pub fn settle(&mut self, place: &Place) -> Result<String, Failure> {
        self.api.namespace = None;
        let namespace = match (self.account()?, &place.namespace) {
            (Some(account), Some(said)) if account.issuer != said.value => {
                return Err(Failure::Usage(format!(
                    "nothing was done: the token is of the namespace {}, and the {} names {}",
                    account.issuer,
                    said.source.name(),
                    said.value
                )));
            }
            (Some(account), _) => account.issuer,
            (None, _) => place.namespace().to_owned(),
        };
        self.api.namespace = Some(namespace.clone());
        Ok(namespace)
    }

    /// Whether something says who calls.
    pub fn is_known(&self) -> bool {
        !matches!(self.proof, Proof::None)
    }

    /// Whether there is another token when one ends.
    pub fn renews(&self) -> bool {
        matches!(self.proof, Proof::Login(_))
    }

    /// A token that is good for a while, and another than the one that was refused.
    pub fn token(&self, refused: Option<&str>) -> Result<Option<String>, Failure> {
        Ok(match &self.proof {
            Proof::None => None,
            Proof::Token(token) => Some(token.clone()),
            Proof::Login(logins) => Some(logins.token(&self.api, refused)?),
        })
    }
}
