//! Accounts: a name, a user handle, and perhaps a password.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{ApiError, ErrorCode, RpLimits};

/// An account without its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAccount {
    pub(crate) id: i64,
    /// What the person signs in with: an e-mail address, or what a program made up.
    pub(crate) name: String,
    /// What the person wants to be called, and authenticators show.
    pub(crate) display: Option<String>,
    pub(crate) handle: [u8; 32],
    /// How [`password`](crate::password) writes it.
    pub(crate) password: Option<String>,
    /// Whether a key is asked for after the password.
    pub(crate) second_factor: bool,
    pub(crate) created: i64,
}

impl StoredAccount {
    /// What a person is called: as they said, or by the account's name.
    pub(crate) fn called(&self) -> &str {
        self.display.as_deref().unwrap_or(&self.name)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            display: row.get("display")?,
            handle: row.get("handle")?,
            password: row.get("password")?,
            second_factor: row.get("second_factor")?,
            created: row.get("created")?,
        })
    }
}

pub(crate) fn by_name(db: &Connection, name: &str) -> Result<Option<StoredAccount>, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM accounts WHERE name = ?1")?;
    Ok(found.query_row([name], StoredAccount::read).optional()?)
}

pub(crate) fn by_id(db: &Connection, id: i64) -> Result<Option<StoredAccount>, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM accounts WHERE id = ?1")?;
    Ok(found.query_row([id], StoredAccount::read).optional()?)
}

/// The names of all accounts, in order.
pub(crate) fn all(db: &Connection) -> Result<Vec<StoredAccount>, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM accounts ORDER BY name")?;
    let accounts = found.query_map([], StoredAccount::read)?;
    Ok(accounts.collect::<Result<_, _>>()?)
}

/// Makes an account. A name that is taken is refused.
pub(crate) fn make(
    db: &Connection,
    limits: &RpLimits,
    account: &StoredAccount,
) -> Result<i64, ApiError> {
    check_room(db, limits)?;
    if by_name(db, &account.name)?.is_some() {
        return Err(ApiError::new(ErrorCode::NameTaken, "There is an account of that name."));
    }
    db.prepare_cached(
        "INSERT INTO accounts (name, display, handle, password, second_factor, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        account.name,
        account.display,
        account.handle,
        account.password,
        account.second_factor,
        account.created
    ])?;
    Ok(db.last_insert_rowid())
}

/// Whether one more account fits.
pub(crate) fn check_room(db: &Connection, limits: &RpLimits) -> Result<(), ApiError> {
    let count: i64 =
        db.prepare_cached("SELECT count(*) FROM accounts")?.query_row([], |row| row.get(0))?;
    if usize::try_from(count).is_ok_and(|count| count < limits.accounts) {
        Ok(())
    } else {
        Err(full())
    }
}

pub(super) fn full() -> ApiError {
    ApiError::new(ErrorCode::Full, "No more accounts or keys fit; remove a key first.")
}

pub(crate) fn set_password(
    db: &Connection,
    id: i64,
    password: Option<&str>,
) -> Result<(), ApiError> {
    db.prepare_cached("UPDATE accounts SET password = ?2 WHERE id = ?1")?
        .execute(params![id, password])?;
    Ok(())
}

pub(crate) fn set_second_factor(db: &Connection, id: i64, on: bool) -> Result<(), ApiError> {
    db.prepare_cached("UPDATE accounts SET second_factor = ?2 WHERE id = ?1")?
        .execute(params![id, on])?;
    Ok(())
}

pub(crate) fn set_display(db: &Connection, id: i64, display: &str) -> Result<(), ApiError> {
    db.prepare_cached("UPDATE accounts SET display = ?2 WHERE id = ?1")?
        .execute(params![id, display])?;
    Ok(())
}
