//! Accounts, and the codes that were mailed.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::logins::{NewLogin, add_login, end_all};
use super::{Store, StoreError, now};

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its row.
    pub(super) key: i64,
    /// The namespace.
    pub namespace: String,
    /// The user.
    pub user_id: String,
    /// In lower case.
    pub email: String,
    /// What is kept of the password.
    pub secret: String,
}

/// How somebody says who they are.
#[derive(Clone, Debug)]
pub enum Named {
    /// By their address, in lower case.
    Email(String),
    /// By their user id.
    UserId(String),
}

/// A code as it was mailed, or as somebody sends it.
#[derive(Clone, Debug)]
pub struct SealedCode {
    /// What it is for.
    pub purpose: &'static str,
    /// The namespace.
    pub namespace: String,
    /// Where it went to.
    pub email: String,
    /// What is kept of it.
    pub hash: [u8; 32],
}

/// What became of a sign-up.
#[derive(Debug)]
pub enum SignedUp {
    /// There is an account, and it is logged in.
    Done,
    /// The code is wrong, expired or used up.
    WrongCode,
    /// Somebody has, or had, that user id.
    IdTaken,
}

/// How long times are.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Of a code, in seconds.
    pub code: i64,
    /// How often it may be tried.
    pub tries: u32,
    /// Of a refresh token that isn't used, in seconds.
    pub login: i64,
    /// For how long a used one is taken again, in seconds.
    pub grace: i64,
    /// Of an access token, in seconds.
    pub access: i64,
    /// Logins of an account; the oldest end for the newest.
    pub logins: u32,
}

const ACCOUNT: &str = "SELECT account, namespace, user_id, email, secret FROM accounts";

pub(super) fn account_of(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        key: row.get(0)?,
        namespace: row.get(1)?,
        user_id: row.get(2)?,
        email: row.get(3)?,
        secret: row.get(4)?,
    })
}

pub(super) fn account(connection: &Connection, namespace: &str, named: &Named) -> rusqlite::Result<Option<Account>> {
    let (column, name) = match named {
        Named::Email(email) => ("email", email),
        Named::UserId(user_id) => ("user_id", user_id),
    };
    connection
        .prepare_cached(&format!("{ACCOUNT} WHERE namespace = ?1 AND {column} = ?2"))?
        .query_row(params![namespace, name], account_of)
        .optional()
}

/// Whether the account is there as it was read: with that password still.
pub(super) fn is_current(connection: &Connection, account: &Account) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM accounts WHERE account = ?1 AND namespace = ?2 AND email = ?3 AND secret = ?4")?
        .exists(params![account.key, account.namespace, account.email, account.secret])
}

/// Whether that is the code, which has been tried once more now. A right one stays until it is used up.
fn try_code(connection: &Connection, code: &SealedCode, terms: Terms) -> rusqlite::Result<bool> {
    let place = params![code.purpose, code.namespace, code.email, seconds(), terms.tries];
    let hash: Option<[u8; 32]> = connection
        .prepare_cached(
            "UPDATE codes SET tries = tries + 1
             WHERE purpose = ?1 AND namespace = ?2 AND email = ?3 AND expires_at > ?4 AND tries < ?5 RETURNING hash",
        )?
        .query_row(place, |row| row.get(0))
        .optional()?;
    // Both are sealed: how long it takes to compare them says nothing about a code.
    Ok(hash.is_some_and(|hash| hash == code.hash))
}

fn use_up(connection: &Connection, code: &SealedCode) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM codes WHERE purpose = ?1 AND namespace = ?2 AND email = ?3")?
        .execute(params![code.purpose, code.namespace, code.email])
        .map(drop)
}

/// Whether a user id is somebody's, or was: who got it anew would get the chats that it is a member of.
fn is_taken(connection: &Connection, namespace: &str, user_id: &str, email: &str) -> rusqlite::Result<bool> {
    if connection
        .prepare_cached("SELECT 1 FROM accounts WHERE namespace = ?1 AND user_id = ?2")?
        .exists(params![namespace, user_id])?
    {
        return Ok(true);
    }
    // While somebody is being deleted, what is left of them must not become another's, nor another's go with it.
    if connection
        .prepare_cached("SELECT 1 FROM deletions WHERE namespace = ?1 AND user_id = ?2")?
        .exists(params![namespace, user_id])?
    {
        return Ok(true);
    }
    // An address is its owner's, whatever it was used for before.
    if user_id == email {
        return Ok(false);
    }
    let was_somebodys = connection
        .prepare_cached("SELECT 1 FROM former_ids WHERE namespace = ?1 AND user_id = ?2")?
        .exists(params![namespace, user_id])?;
    // Theirs would be what was left there, too.
    let is_in = |table| {
        let sql = format!(
            "SELECT 1 FROM {table} AS known JOIN chats USING (chat)
             WHERE known.user_id = ?2 AND chats.namespace = ?1 LIMIT 1"
        );
        connection.prepare_cached(&sql)?.exists(params![namespace, user_id])
    };
    Ok(was_somebodys || is_in("members")? || is_in("traces")?)
}

/// Removes a user's account, if there is one, and all that names them; names its logins.
pub fn delete_named(
    connection: &Connection,
    namespace: &str,
    user_id: &str,
    terms: Terms,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("DELETE FROM former_ids WHERE namespace = ?1 AND user_id = ?2")?
        .execute(params![namespace, user_id])?;
    let found = account(connection, namespace, &Named::UserId(user_id.to_owned()))?;
    let Some(Account { key, email, .. }) = found else { return Ok(Vec::new()) };
    let ended = end_all(connection, key, None, terms)?;
    connection.prepare_cached("DELETE FROM accounts WHERE account = ?1")?.execute([key])?;
    connection
        .prepare_cached("DELETE FROM codes WHERE namespace = ?1 AND email = ?2")?
        .execute(params![namespace, email])?;
    Ok(ended)
}

impl Store {
    /// The account of that name.
    pub async fn account(&self, namespace: String, named: Named) -> Result<Option<Account>, StoreError> {
        self.look(move |connection| account(connection, &namespace, &named)).await
    }

    /// Keeps a code in the place of the one before; the account of its address, where it has one.
    pub async fn put_code(&self, code: SealedCode, terms: Terms) -> Result<Option<Account>, StoreError> {
        self.change(move |connection| {
            let now = seconds();
            connection.prepare_cached("DELETE FROM codes WHERE expires_at <= ?1")?.execute([now])?;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO codes (purpose, namespace, email, hash, tries, expires_at)
                     VALUES (?1, ?2, ?3, ?4, 0, ?5)",
                )?
                .execute(params![code.purpose, code.namespace, code.email, code.hash, now + terms.code])?;
            account(connection, &code.namespace, &Named::Email(code.email))
        })
        .await
    }

    /// Makes an account for a code, and logs it in.
    pub async fn sign_up(
        &self,
        code: SealedCode,
        user_id: String,
        secret: String,
        login: NewLogin,
        terms: Terms,
    ) -> Result<SignedUp, StoreError> {
        self.change(move |connection| {
            let SealedCode { namespace, email, .. } = &code;
            // Whose address has an account never was mailed this code.
            if !try_code(connection, &code, terms)?
                || account(connection, namespace, &Named::Email(email.clone()))?.is_some()
            {
                return Ok(SignedUp::WrongCode);
            }
            if is_taken(connection, namespace, &user_id, email)? {
                return Ok(SignedUp::IdTaken);
            }
            use_up(connection, &code)?;
            connection
                .prepare_cached(
                    "INSERT INTO accounts (namespace, user_id, email, secret, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![namespace, user_id, email, secret, now()])?;
            add_login(connection, connection.last_insert_rowid(), &login, terms)?;
            Ok(SignedUp::Done)
        })
        .await
    }

    /// Another password for an account, if it is still as it was read. All logins end but that one; names them.
    pub async fn change_secret(
        &self,
        account: Account,
        secret: String,
        but: Option<String>,
        terms: Terms,
    ) -> Result<Option<Vec<String>>, StoreError> {
        self.change(move |connection| {
            if !is_current(connection, &account)? {
                return Ok(None);
            }
            set_secret(connection, account.key, &secret)?;
            end_all(connection, account.key, but.as_deref(), terms).map(Some)
        })
        .await
    }

    /// The same for a code, with all logins and the account that it was for; nothing for a wrong one.
    pub async fn reset_secret(
        &self,
        code: SealedCode,
        secret: String,
        terms: Terms,
    ) -> Result<Option<(Account, Vec<String>)>, StoreError> {
        self.change(move |connection| {
            if !try_code(connection, &code, terms)? {
                return Ok(None);
            }
            let Some(account) = account(connection, &code.namespace, &Named::Email(code.email.clone()))? else {
                return Ok(None);
            };
            use_up(connection, &code)?;
            set_secret(connection, account.key, &secret)?;
            let ended = end_all(connection, account.key, None, terms)?;
            Ok(Some((account, ended)))
        })
        .await
    }

    /// Removes an account, if it is still as it was read; names its logins.
    pub async fn delete_account(&self, account: Account, terms: Terms) -> Result<Option<Vec<String>>, StoreError> {
        self.change(move |connection| {
            if !is_current(connection, &account)? {
                return Ok(None);
            }
            let Account { key, namespace, user_id, email, .. } = &account;
            let ended = end_all(connection, *key, None, terms)?;
            connection.prepare_cached("DELETE FROM accounts WHERE account = ?1")?.execute([key])?;
            connection
                .prepare_cached("DELETE FROM codes WHERE namespace = ?1 AND email = ?2")?
                .execute(params![namespace, email])?;
            if user_id != email {
                connection
                    .prepare_cached("INSERT OR IGNORE INTO former_ids (namespace, user_id) VALUES (?1, ?2)")?
                    .execute(params![namespace, user_id])?;
            }
            Ok(Some(ended))
        })
        .await
    }
}

fn set_secret(connection: &Connection, account: i64, secret: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE accounts SET secret = ?2 WHERE account = ?1")?
        .execute(params![account, secret])
        .map(drop)
}

pub(super) fn seconds() -> i64 {
    now() / 1_000_000_000
}
