//! Secrets of the site itself, made once.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use towline_crypto::CryptoProvider;

use super::Store;
use crate::{ApiError, ErrorCode};

/// 32 random bytes of a name, always the same.
pub(crate) async fn random(
    store: &Store,
    provider: &CryptoProvider,
    name: &'static str,
) -> Result<Vec<u8>, ApiError> {
    let failed = |error| ApiError::new(ErrorCode::Internal, format!("Sorry: {error}."));
    let fresh = provider.random.bytes::<32>().map_err(failed)?.to_vec();
    store.run(move |db| get_or_make(db, name, fresh)).await
}

/// The secret of a name; from now on the fresh one, if there is none yet.
pub(crate) fn get_or_make(
    db: &mut Connection,
    name: &str,
    fresh: Vec<u8>,
) -> Result<Vec<u8>, ApiError> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let kept = change
        .prepare_cached("SELECT value FROM secrets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(kept) = kept {
        return Ok(kept);
    }
    change
        .prepare_cached("INSERT INTO secrets (name, value) VALUES (?1, ?2)")?
        .execute(params![name, fresh])?;
    change.commit()?;
    Ok(fresh)
}
