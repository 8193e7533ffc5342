//! Secrets of the site itself, made once.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::ApiError;

/// The secret of a name; made when it is asked for first.
pub(crate) fn get_or_make(
    db: &mut Connection,
    name: &str,
    make: impl FnOnce() -> Result<Vec<u8>, ApiError>,
) -> Result<Vec<u8>, ApiError> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let kept = change
        .prepare_cached("SELECT value FROM secrets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let made = make()?;
    change
        .prepare_cached("INSERT INTO secrets (name, value) VALUES (?1, ?2)")?
        .execute(params![name, made])?;
    change.commit()?;
    Ok(made)
}
