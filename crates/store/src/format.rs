//! The form of the file: laid out, and brought up from older ones.

use redb::{Database, ReadableDatabase as _, WriteTransaction};

use crate::{
    Error,
    key_source::LockedRoot,
    tables::{
        ACCOUNTS, ASIDE, COUNTERS, CREDENTIALS, FORMAT, IDS, LINKS, MEMBERS, META, PARTIES,
        RECORDS, ROOT,
    },
};

/// The form that this version writes. 2 has links.
pub(crate) const NEWEST: u32 = 2;

/// Makes all tables of a new store, so that they can be read before anything was written to them.
pub(crate) fn lay_out(database: &Database, root: &LockedRoot) -> Result<(), Error> {
    let change = database.begin_write()?;
    for table in [CREDENTIALS, COUNTERS, ASIDE] {
        change.open_table(table)?;
    }
    for table in [IDS, ACCOUNTS] {
        change.open_table(table)?;
    }
    change.open_table(MEMBERS)?;
    change.open_table(PARTIES)?;
    change.open_table(RECORDS)?;
    change.open_table(LINKS)?;
    write_number(&change, NEWEST)?;
    change.open_table(META)?.insert(ROOT, &root.encode()[..])?;
    Ok(change.commit()?)
}

/// The form of the store, which is one that this version can bring up.
pub(crate) fn of(database: &Database) -> Result<u32, Error> {
    let view = database.begin_read()?;
    let other_kind = |_| Error::Damaged("it is of another kind".to_owned());
    let meta = view.open_table(META).map_err(other_kind)?;
    let number = meta.get(FORMAT)?.and_then(|bytes| bytes.value().try_into().ok());
    match number.map(u32::from_be_bytes) {
        Some(known @ 1..=NEWEST) => Ok(known),
        Some(newer) if newer > NEWEST => Err(Error::NewerVersion(newer)),
        _ => Err(Error::Damaged("its format is not known".to_owned())),
    }
}

/// Brings a store to the newest form in one step: whatever happens meanwhile, it is of the one form or of the other.
pub(crate) fn bring_up(database: &Database, from: u32) -> Result<(), Error> {
    if from == NEWEST {
        return Ok(());
    }
    let change = database.begin_write()?;
    // From 1 to 2.
    change.open_table(LINKS)?;
    write_number(&change, NEWEST)?;
    change.commit()?;
    tracing::info!("the store was brought from format {from} to format {NEWEST}");
    Ok(())
}

fn write_number(change: &WriteTransaction, number: u32) -> Result<(), Error> {
    change.open_table(META)?.insert(FORMAT, &number.to_be_bytes()[..])?;
    Ok(())
}
