//! The keys of accounts.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::accounts::{self, StoredAccount};
use crate::{
    ApiError, ErrorCode, KeyEntry, RegistrationCheck, RpLimits, SignInCheck, UserEntity,
    api::{already_registered, unknown_key},
};

/// A key with all that the site knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredKey {
    /// Its number in the database, which addresses of pages have in them.
    pub(crate) row: i64,
    pub(crate) account: i64,
    pub(crate) entry: KeyEntry,
    /// What sign-ins are checked against, in the verifier's form.
    pub(crate) record: Vec<u8>,
    pub(crate) last_browser: Option<String>,
    pub(crate) last_source: Option<String>,
    pub(crate) learned: Learned,
}

/// What the answer of a registration tells beside the key itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    /// Whether extended information was asked for.
    pub(crate) attestation_asked: bool,
    /// The model, as a UUID, as it says without proof.
    pub(crate) aaguid: Option<String>,
    /// How it can be reached, separated by commas.
    pub(crate) transports: String,
    /// `platform` or `cross-platform`.
    pub(crate) attachment: Option<String>,
}

/// From where somebody signed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) browser: Option<String>,
    pub(crate) source: Option<String>,
}

impl StoredKey {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get("id")?,
            account: row.get("account")?,
            entry: KeyEntry {
                id: row.get("credential")?,
                name: row.get("name")?,
                added: seconds(row.get("added")?),
                last_used: row.get::<_, Option<i64>>("last_used")?.map(seconds),
                backup_eligible: row.get("backup_eligible")?,
                backed_up: row.get("backed_up")?,
                attestation: row.get("attestation")?,
                attestation_trusted: row.get("attestation_trusted")?,
            },
            record: row.get("record")?,
            last_browser: row.get("last_browser")?,
            last_source: row.get("last_source")?,
            learned: Learned {
                attestation_asked: row.get("attestation_asked")?,
                aaguid: row.get("aaguid")?,
                transports: row.get("transports")?,
                attachment: row.get("attachment")?,
            },
        })
    }
}

fn seconds(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// The keys of an account, oldest first.
pub(crate) fn of_account(db: &Connection, account: i64) -> Result<Vec<StoredKey>, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM keys WHERE account = ?1 ORDER BY id")?;
    let keys = found.query_map([account], StoredKey::read)?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The key with a credential id, and whose it is.
pub(crate) fn find(
    db: &Connection,
    credential: &str,
) -> Result<Option<(StoredAccount, StoredKey)>, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM keys WHERE credential = ?1")?;
    let Some(key) = found.query_row([credential], StoredKey::read).optional()? else {
        return Ok(None);
    };
    Ok(accounts::by_id(db, key.account)?.map(|account| (account, key)))
}

/// A key of an account by its number.
pub(crate) fn by_row(db: &Connection, account: i64, row: i64) -> Result<StoredKey, ApiError> {
    let mut found = db.prepare_cached("SELECT * FROM keys WHERE account = ?1 AND id = ?2")?;
    found.query_row([account, row], StoredKey::read).optional()?.ok_or_else(unknown_key)
}

/// Refuses what [`add`] would refuse later.
pub(crate) fn check_room(
    db: &Connection,
    limits: &RpLimits,
    account: Option<i64>,
) -> Result<(), ApiError> {
    let Some(account) = account else { return accounts::check_room(db, limits) };
    let mut count = db.prepare_cached("SELECT count(*) FROM keys WHERE account = ?1")?;
    let count: i64 = count.query_row([account], |row| row.get(0))?;
    let fits = usize::try_from(count).is_ok_and(|count| count < limits.keys_per_account);
    if fits { Ok(()) } else { Err(accounts::full()) }
}

/// Adds a verified key, and the account if there is none of that name yet.
pub(crate) fn add(
    db: &mut Connection,
    limits: &RpLimits,
    user: &UserEntity,
    name: &str,
    check: &RegistrationCheck<Vec<u8>>,
    learned: &Learned,
    now: i64,
) -> Result<StoredKey, ApiError> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Across all accounts: WebAuthn L3 §7.1, "credentialId is not yet registered for any user".
    if find(&change, &check.credential_id)?.is_some() {
        return Err(already_registered());
    }
    let account = match accounts::by_name(&change, &user.name)? {
        Some(account) if account.handle != user.handle => {
            return Err(ApiError::new(
                ErrorCode::UnknownCeremony,
                "The account was made by another registration meanwhile; begin again.",
            ));
        }
        Some(account) => {
            check_room(&change, limits, Some(account.id))?;
            account.id
        }
        None => {
            let new = StoredAccount {
                id: 0,
                name: user.name.clone(),
                display: None,
                handle: user.handle,
                password: None,
                second_factor: false,
                created: now,
            };
            accounts::make(&change, limits, &new)?
        }
    };
    change
        .prepare_cached(
            "INSERT INTO keys (account, credential, name, record, added, backup_eligible,
                 backed_up, attestation, attestation_asked, attestation_trusted, aaguid,
                 transports, attachment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            account,
            check.credential_id,
            name,
            check.record,
            now,
            check.backup_eligible,
            check.backed_up,
            check.attestation,
            learned.attestation_asked,
            check.attestation_trusted,
            learned.aaguid,
            learned.transports,
            learned.attachment
        ])?;
    let key = by_row(&change, account, change.last_insert_rowid())?;
    change.commit()?;
    Ok(key)
}

/// Notes a verified sign-in on its key, if the key is still as it was when it was checked: of two
/// answers at once that were checked against one record, the second has to be checked again.
pub(crate) fn used(
    db: &Connection,
    key: &StoredKey,
    check: &SignInCheck<Vec<u8>>,
    from: &Caller,
    now: i64,
) -> Result<KeyEntry, ApiError> {
    let changed = db
        .prepare_cached(
            "UPDATE keys SET record = ?3, backed_up = ?4, last_used = ?5, last_browser = ?6,
                 last_source = ?7
             WHERE id = ?1 AND record = ?2",
        )?
        .execute(params![
            key.row,
            key.record,
            check.record,
            check.backed_up,
            now,
            from.browser,
            from.source
        ])?;
    let entry = by_row(db, key.account, key.row)?.entry;
    if changed == 0 {
        return Err(ApiError::new(
            ErrorCode::UnknownCeremony,
            "The key signed in elsewhere at the same moment; begin again.",
        ));
    }
    Ok(entry)
}

pub(crate) fn rename(db: &Connection, key: &StoredKey, name: &str) -> Result<KeyEntry, ApiError> {
    let changed = db
        .prepare_cached("UPDATE keys SET name = ?2 WHERE id = ?1")?
        .execute(params![key.row, name])?;
    if changed == 0 {
        return Err(unknown_key());
    }
    Ok(KeyEntry { name: name.to_owned(), ..key.entry.clone() })
}

/// Removes a key; the account stays, so that its user handle does too.
pub(crate) fn remove(db: &Connection, key: &StoredKey) -> Result<KeyEntry, ApiError> {
    let changed = db.prepare_cached("DELETE FROM keys WHERE id = ?1")?.execute([key.row])?;
    if changed == 0 {
        return Err(unknown_key());
    }
    Ok(key.entry.clone())
}
