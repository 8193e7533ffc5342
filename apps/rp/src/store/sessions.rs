//! Who is signed in, by the hash of what their cookie says.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::sign_ins::How;
use crate::ApiError;

/// How long somebody stays signed in without asking for anything, in seconds.
pub(crate) const IDLE: i64 = 30 * 60;

/// How long somebody stays signed in at most, in seconds.
pub(crate) const WHOLE: i64 = 12 * 60 * 60;

/// How far a clock may go back before sessions from its future are not believed, in seconds.
const CLOCK_SLACK: i64 = 60;

/// Somebody who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredSession {
    pub(crate) account: i64,
    pub(crate) created: i64,
    pub(crate) seen: i64,
    /// When they last proved who they are.
    pub(crate) verified: i64,
    pub(crate) how: How,
}

impl StoredSession {
    /// Whether it holds at a time. One that seems to come from the future was made before the clock
    /// went back, and its age can't be told: it doesn't.
    pub(crate) const fn holds(&self, now: i64) -> bool {
        now.saturating_sub(self.seen) < IDLE
            && now.saturating_sub(self.created) < WHOLE
            && self.seen <= now.saturating_add(CLOCK_SLACK)
    }
}

pub(crate) fn begin(
    db: &Connection,
    token_hash: &[u8; 32],
    account: i64,
    how: How,
    now: i64,
) -> Result<(), ApiError> {
    db.prepare_cached("DELETE FROM sessions WHERE seen <= ?1 OR created <= ?2")?
        .execute([now.saturating_sub(IDLE), now.saturating_sub(WHOLE)])?;
    db.prepare_cached(
        "INSERT INTO sessions (token, account, created, seen, verified, how)
         VALUES (?1, ?2, ?3, ?3, ?3, ?4)",
    )?
    .execute(params![token_hash, account, now, how.as_str()])?;
    Ok(())
}

/// The session with a token, if it holds. That it was seen is noted, once a minute at most.
pub(crate) fn find(
    db: &Connection,
    token_hash: &[u8; 32],
    now: i64,
) -> Result<Option<StoredSession>, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM sessions WHERE token = ?1")?;
    let session = found
        .query_row([token_hash], |row| {
            Ok(StoredSession {
                account: row.get("account")?,
                created: row.get("created")?,
                seen: row.get("seen")?,
                verified: row.get("verified")?,
                how: How::parse(&row.get::<_, String>("how")?),
            })
        })
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    if !session.holds(now) {
        // It does no harm if it stays.
        let _ = end(db, token_hash);
        return Ok(None);
    }
    if now.saturating_sub(session.seen) >= 60 {
        let noted = db
            .prepare_cached("UPDATE sessions SET seen = ?2 WHERE token = ?1")?
            .execute(params![token_hash, now]);
        // Pages are still shown while nothing can be saved.
        if let Err(error) = noted {
            tracing::warn!(%error, "a session's last use was not noted");
        }
    }
    Ok(Some(session))
}

pub(crate) fn end(db: &Connection, token_hash: &[u8; 32]) -> Result<(), ApiError> {
    db.prepare_cached("DELETE FROM sessions WHERE token = ?1")?.execute([token_hash])?;
    Ok(())
}

/// Ends all sessions of an account but one.
pub(crate) fn end_others(
    db: &Connection,
    account: i64,
    kept: &[u8; 32],
) -> Result<usize, ApiError> {
    let mut ended = db.prepare_cached("DELETE FROM sessions WHERE account = ?1 AND token <> ?2")?;
    Ok(ended.execute(params![account, kept])?)
}
