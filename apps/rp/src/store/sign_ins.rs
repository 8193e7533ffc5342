//! The log of sign-ins.

use rusqlite::{Connection, Row, params};

use super::keys::Caller;
use crate::{ApiError, ErrorCode, RpLimits, SignInEntry};

/// A line of the log with all that the site knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredSignIn {
    pub(crate) entry: SignInEntry,
    pub(crate) how: How,
    pub(crate) from: Caller,
}

/// By what somebody signed in, or tried to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Key,
    Password,
    /// A password, and a key after it.
    Both,
}

impl How {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Password => "password",
            Self::Both => "both",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "password" => Self::Password,
            "both" => Self::Both,
            _ => Self::Key,
        }
    }
}

pub(crate) fn log(db: &Connection, limits: &RpLimits, line: &StoredSignIn) -> Result<(), ApiError> {
    let refused = line.entry.refused.map(|code| serde_json::to_string(&code).unwrap_or_default());
    db.prepare_cached(
        "INSERT INTO sign_ins (at, account, key, how, browser, source, refused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        i64::try_from(line.entry.at).unwrap_or(i64::MAX),
        line.entry.account,
        line.entry.key,
        line.how.as_str(),
        line.from.browser,
        line.from.source,
        refused
    ])?;
    let kept = i64::try_from(limits.sign_ins.max(1)).unwrap_or(i64::MAX);
    let oldest = db.last_insert_rowid().saturating_sub(kept);
    db.prepare_cached("DELETE FROM sign_ins WHERE id <= ?1")?.execute([oldest])?;
    Ok(())
}

/// The latest lines, newest first: of an account, or of all.
pub(crate) fn latest(
    db: &Connection,
    account: Option<&str>,
    count: u32,
) -> Result<Vec<StoredSignIn>, ApiError> {
    let lines = match account {
        Some(account) => db
            .prepare_cached("SELECT * FROM sign_ins WHERE account = ?1 ORDER BY id DESC LIMIT ?2")?
            .query_map(params![account, count], read)?
            .collect::<Result<_, _>>()?,
        None => db
            .prepare_cached("SELECT * FROM sign_ins ORDER BY id DESC LIMIT ?1")?
            .query_map([count], read)?
            .collect::<Result<_, _>>()?,
    };
    Ok(lines)
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredSignIn> {
    let refused: Option<String> = row.get("refused")?;
    Ok(StoredSignIn {
        entry: SignInEntry {
            at: u64::try_from(row.get::<_, i64>("at")?).unwrap_or_default(),
            account: row.get("account")?,
            key: row.get("key")?,
            refused: refused.map(|code| serde_json::from_str(&code).unwrap_or(ErrorCode::Unknown)),
        },
        how: How::parse(&row.get::<_, String>("how")?),
        from: Caller { browser: row.get("browser")?, source: row.get("source")? },
    })
}
