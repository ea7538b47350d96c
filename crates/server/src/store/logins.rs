//! Logins: which refresh token of each is good, and how they end.

use rusqlite::{Connection, OptionalExtension, params};

use super::accounts::{Account, Named, Terms, account, account_of, is_current, seconds};
use super::{Store, StoreError};

/// A login that begins.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Its name.
    pub login: String,
    /// Of its refresh token.
    pub hash: [u8; 32],
}

/// A refresh token that somebody uses.
#[derive(Clone, Debug)]
pub struct Used {
    /// Its login.
    pub login: String,
    /// Of the token.
    pub hash: [u8; 32],
    /// Whether its successor, where it has one, was used by nobody in any way.
    pub is_lost: bool,
}

/// What became of a refresh token.
#[derive(Debug)]
pub enum Rotation {
    /// It was good; its successor is from here on.
    Renewed {
        /// Whose it is.
        account: Box<Account>,
        /// When its login ends if nobody goes on. Each rotation has another.
        expires_at: i64,
        /// Which successor that is.
        issue: Issue,
    },
    /// It is of no login, or of another namespace's.
    Unknown,
    /// It had been used before, by whoever: the login is over.
    Replayed,
}

/// Which successor of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// Its first.
    First,
    /// The one that it has.
    Repeated,
    /// Another one, as that was lost, which is good no more.
    Replacement,
}

pub(super) fn add_login(
    connection: &Connection,
    account: i64,
    new: &NewLogin,
    terms: Terms,
) -> rusqlite::Result<Vec<String>> {
    let now = seconds();
    connection.prepare_cached("DELETE FROM logins WHERE expires_at <= ?1")?.execute([now])?;
    connection.prepare_cached("DELETE FROM ended_logins WHERE until <= ?1")?.execute([now])?;
    connection
        .prepare_cached(
            "INSERT INTO logins (login, account, current, rotated_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![new.login, account, new.hash, now, now + terms.login])?;
    let oldest = connection
        .prepare_cached(
            "SELECT login FROM logins WHERE account = ?1 ORDER BY rotated_at DESC, login = ?2 DESC LIMIT -1 OFFSET ?3",
        )?
        .query_map(params![account, new.login, terms.logins], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    for login in &oldest {
        end(connection, login, terms)?;
    }
    Ok(oldest)
}

/// Ends a login; whether there was one.
fn end(connection: &Connection, login: &str, terms: Terms) -> rusqlite::Result<bool> {
    let was_there = connection.prepare_cached("DELETE FROM logins WHERE login = ?1")?.execute([login])? > 0;
    if was_there {
        connection
            .prepare_cached("INSERT OR REPLACE INTO ended_logins (login, until) VALUES (?1, ?2)")?
            .execute(params![login, seconds() + terms.access])?;
    }
    Ok(was_there)
}

/// Ends all logins of an account but that one; names them.
pub(super) fn end_all(
    connection: &Connection,
    account: i64,
    but: Option<&str>,
    terms: Terms,
) -> rusqlite::Result<Vec<String>> {
    let logins = connection
        .prepare_cached("SELECT login FROM logins WHERE account = ?1 AND login IS NOT ?2")?
        .query_map(params![account, but], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    for login in &logins {
        end(connection, login, terms)?;
    }
    Ok(logins)
}

impl Store {
    /// Logs an account in, if it is still as it was read. Names the logins that ended for it.
    pub async fn log_in(
        &self,
        account: Account,
        login: NewLogin,
        terms: Terms,
    ) -> Result<Option<Vec<String>>, StoreError> {
        self.change(move |connection| {
            if is_current(connection, &account)? {
                add_login(connection, account.key, &login, terms).map(Some)
            } else {
                Ok(None)
            }
        })
        .await
    }

    /// Puts its successor in the place of the refresh token `used`, where it may be used; `successor` is that of a
    /// login that ends then. An empty namespace is any.
    pub async fn rotate(
        &self,
        namespace: String,
        used: Used,
        successor: impl Fn(i64) -> [u8; 32] + Send + 'static,
        terms: Terms,
    ) -> Result<Rotation, StoreError> {
        self.change(move |connection| {
            let Used { login, hash, is_lost } = used;
            let now = seconds();
            let found = connection
                .prepare_cached(
                    "SELECT account, namespace, user_id, email, secret, current, previous, rotated_at, expires_at
                     FROM logins JOIN accounts USING (account) WHERE login = ?1 AND expires_at > ?2",
                )?
                .query_row(params![login, now], |row| {
                    let hashes: ([u8; 32], Option<[u8; 32]>) = (row.get(5)?, row.get(6)?);
                    let times: (i64, i64) = (row.get(7)?, row.get(8)?);
                    Ok((account_of(row)?, hashes, times))
                })
                .optional()?;
            let Some((account, (current, previous), times)) = found else { return Ok(Rotation::Unknown) };
            let (rotated_at, expires_at) = times;
            if !namespace.is_empty() && account.namespace != namespace {
                return Ok(Rotation::Unknown);
            }
            // Where it is the one before, its successor refreshed nothing. It may never have arrived.
            let is_before = previous == Some(hash);
            if is_before && current == successor(expires_at) && now - rotated_at <= terms.grace {
                return Ok(Rotation::Renewed { account: Box::new(account), expires_at, issue: Issue::Repeated });
            }
            let issue = if current == hash {
                Issue::First
            } else if is_before && is_lost {
                Issue::Replacement
            } else {
                end(connection, &login, terms)?;
                return Ok(Rotation::Replayed);
            };
            // Its successor is good no more, and so has to be another.
            let expires_at = (now + terms.login).max(expires_at + 1);
            connection
                .prepare_cached(
                    "UPDATE logins SET current = ?2, previous = ?3, rotated_at = ?4, expires_at = ?5 WHERE login = ?1",
                )?
                .execute(params![login, successor(expires_at), hash, now, expires_at])?;
            Ok(Rotation::Renewed { account: Box::new(account), expires_at, issue })
        })
        .await
    }

    /// Ends a login; with all others of its account where `everywhere` says so and the token is not an old one. Names
    /// those that ended, and the account where they were all that it had.
    pub async fn log_out(
        &self,
        login: String,
        hash: [u8; 32],
        everywhere: bool,
        terms: Terms,
    ) -> Result<(Vec<String>, Option<Account>), StoreError> {
        self.change(move |connection| {
            let account = connection
                .prepare_cached(
                    "SELECT account, namespace, user_id, email, secret FROM logins JOIN accounts USING (account)
                     WHERE login = ?1 AND ?2 IN (current, previous)",
                )?
                .query_row(params![login, hash], account_of)
                .optional()?;
            match account.filter(|_| everywhere) {
                Some(account) => Ok((end_all(connection, account.key, None, terms)?, Some(account))),
                None => Ok((if end(connection, &login, terms)? { vec![login] } else { Vec::new() }, None)),
            }
        })
        .await
    }

    /// Ends a login.
    pub async fn end_login(&self, login: String, terms: Terms) -> Result<(), StoreError> {
        self.change(move |connection| end(connection, &login, terms).map(drop)).await
    }

    /// Ends all logins of a user; names them.
    pub async fn log_out_user(
        &self,
        namespace: String,
        user_id: String,
        terms: Terms,
    ) -> Result<Vec<String>, StoreError> {
        self.change(move |connection| match account(connection, &namespace, &Named::UserId(user_id))? {
            Some(account) => end_all(connection, account.key, None, terms),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// Logins that are over while their access tokens are not, with when they all are, in Unix seconds.
    pub async fn ended_logins(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.look(|connection| {
            connection
                .prepare("SELECT login, until FROM ended_logins WHERE until > ?1")?
                .query_map([seconds()], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }
}
