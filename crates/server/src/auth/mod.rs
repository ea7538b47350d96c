//! Who calls, and how that is known.
//!
//! - [`Caller`]: a call's user and namespace,
//! - [`Tokens`]: the keys that others' tokens are checked with; [`jwks`]: those that an identity provider publishes,
//! - [`ApiKeys`]: what a site's own server calls with, and its [`Scopes`],
//! - [`accounts`]: who logs in here with a password, and [`attempts`]: how often they may try,
//! - [`Revocations`]: what was good until somebody ended it,
//! - [`Policy`]: what a server is told of all this; [`Access`]: what it makes of it.

pub mod accounts;
pub mod attempts;
mod caller;
pub mod jwks;
pub mod keys;
mod revocations;
mod scopes;
mod tokens;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use micro_chat_wire::DEFAULT_NAMESPACE;

pub use accounts::Accounts;
pub use caller::{Caller, Service, User};
pub use keys::ApiKeys;
pub use revocations::{Ended, Revocations, sealed, seconds};
pub use scopes::{Scope, Scopes};
pub use tokens::{Claims, KeyError, Tokens};

use crate::store::{Cutoff, Store, StoreError};

/// How a server is to know who calls.
#[derive(Clone, Debug)]
pub enum Policy {
    /// It believes whoever is named: `dev`.
    Open,
    /// By what they prove: `serve`. API keys always are a proof.
    Login {
        /// Tokens that somebody else gives out.
        tokens: Option<Arc<Tokens>>,
    },
}

/// How the server knows who calls. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Access {
    /// It believes whoever is named.
    Open,
    /// By what they prove.
    Login(Arc<Gate>),
}

/// Checks what callers come with.
#[derive(Debug)]
pub struct Gate {
    tokens: Option<Arc<Tokens>>,
    keys: Arc<ApiKeys>,
    accounts: Option<Arc<Accounts>>,
    revocations: Arc<Revocations>,
    store: Store,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumDiscriminants)]
#[strum_discriminants(name(DeniedKind), derive(strum::EnumIter), vis(pub(crate)), doc = "Its kinds.")]
pub enum Denied {
    /// There is no token.
    NoToken,
    /// The token is none of ours: another key, another audience, changed, or not valid yet.
    InvalidToken,
    /// It was ours.
    ExpiredToken,
    /// The keys that could tell have not come yet.
    KeysUnavailable,
    /// It was ended before it expired.
    RevokedToken,
    /// It belongs to another namespace than the call names.
    WrongNamespace,
    /// It belongs to another user than the call or the stream names: what is meant for one would befall the other.
    WrongUser,
    /// The API key is not for this.
    NoScope(Scope),
}

impl Access {
    /// As the policy says. What ends from now on is told to `revocations`: streams have to end with it.
    pub async fn open(
        policy: Policy,
        store: &Store,
        accounts: Option<Arc<Accounts>>,
        revocations: Arc<Revocations>,
    ) -> Result<Self, StoreError> {
        let Policy::Login { tokens } = policy else { return Ok(Self::Open) };
        if let Some(tokens) = &tokens {
            tokens.watch();
        }
        let keys = Arc::new(ApiKeys::open(store.clone(), revocations.clone()).await?);
        tokio::spawn(ApiKeys::watch(Arc::downgrade(&keys)));
        Ok(Self::Login(Arc::new(Gate { tokens, keys, accounts, revocations, store: store.clone() })))
    }

    /// Who calls with this token and says that they belong to this namespace; empty: they don't say.
    pub async fn admit(&self, token: &str, namespace: &str) -> Result<Caller, Denied> {
        let named = if namespace.is_empty() { DEFAULT_NAMESPACE } else { namespace };
        match self {
            Self::Open => Ok(Caller::open(named)),
            Self::Login(_) if token.is_empty() => Err(Denied::NoToken),
            Self::Login(gate) => {
                let caller = gate.identify(token).await?;
                if !namespace.is_empty() && caller.namespace != namespace {
                    return Err(Denied::WrongNamespace);
                }
                if gate.revocations.hold(&caller) { Err(Denied::RevokedToken) } else { Ok(caller) }
            }
        }
    }

    /// Whether what a caller came with has been ended meanwhile.
    pub fn has_ended(&self, caller: &Caller) -> bool {
        match self {
            Self::Open => false,
            Self::Login(gate) => {
                let service = caller.as_service();
                gate.revocations.hold(caller) || service.is_some_and(|service| !gate.keys.holds(&service.key))
            }
        }
    }

    /// Ends whatever a user is logged in with, now and on all their streams. Tokens that are issued after this second
    /// are good. Not to be given up on the way: what was ended would not be told.
    pub async fn end_user(&self, namespace: String, user_id: String) -> Result<(), StoreError> {
        let Self::Login(gate) = self else { return Ok(()) };
        let cutoff = Cutoff { namespace, user_id, at: revocations::seconds(SystemTime::now()) };
        gate.store.cut_off(cutoff.clone()).await?;
        gate.revocations.end_user(cutoff);
        Ok(())
    }

    /// Ends whatever a user was logged in with who has been deleted: the store knows already.
    pub fn forget_user(&self, namespace: String, user_id: String, at: u64) {
        if let Self::Login(gate) = self {
            gate.revocations.end_user(Cutoff { namespace, user_id, at });
        }
    }

    /// Refuses a caller whose token or key has ended, or expired, meanwhile.
    pub fn still(&self, caller: &Caller) -> Result<(), Denied> {
        match caller.remaining() {
            _ if self.has_ended(caller) => Err(Denied::RevokedToken),
            Some(Duration::ZERO) => Err(Denied::ExpiredToken),
            _ => Ok(()),
        }
    }

    /// Whether callers need a token.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

impl Gate {
    async fn identify(&self, token: &str) -> Result<Caller, Denied> {
        if ApiKeys::is_one(token) {
            return self.keys.check(token).await;
        }
        // The server's own tokens first: nobody else can sign one.
        match self.accounts.as_ref().map(|accounts| accounts.identify(token)) {
            None | Some(Err(Denied::InvalidToken)) => {}
            Some(answer) => return answer,
        }
        let caller = self.tokens.as_ref().ok_or(Denied::InvalidToken)?.check(token).await?;
        // A namespace has its users from one place: otherwise one could be taken for another.
        let is_of_accounts = self.accounts.as_ref().is_some_and(|accounts| accounts.hold(&caller.namespace));
        if is_of_accounts { Err(Denied::InvalidToken) } else { Ok(caller) }
    }
}
