//! The form of the file: laid out, and brought up from older ones.

use std::collections::BTreeSet;

use redb::{
    Database, ReadableDatabase as _, ReadableTable, ReadableTableMetadata as _, TableDefinition,
};

use towline_authenticator::Credential;

use crate::{
    Error,
    head::{self, Head},
    key_source::LockedRoot,
    read::{Gone, decoded},
    seal::{ENTRY, Keys},
    tables::{Definition, FORMAT, META, ROOT, Table, member_entry, place_of},
    write::Writing,
};

/// The form of the file that this version writes: a number of its own, and that of the credentials
/// in it. A new member of those begins in `credential.rs` of towline-authenticator, and this
/// follows. A program that knows an earlier form of either leaves the file alone.
pub(crate) const NEWEST: u32 = LAYOUT + Credential::NEWEST_FORM;

/// How the file is laid out: with the third form of credentials that is format 6. In layout 2 what
/// is known of a circle was one thing: with the third form of credentials that was format 5, and
/// with the second 4. Format 3 had layout 1: one credential for each account, and no feed of
/// changes. Formats 1 and 2 had credentials of the first form, and no sealed head.
const LAYOUT: u32 = 3;

/// The first format with a sealed head.
pub(crate) const SEALED_HEAD: u32 = 3;

/// Makes all tables of a new store.
pub(crate) fn lay_out(database: &Database, root: &LockedRoot, keys: &Keys) -> Result<u64, Error> {
    let gone = Gone::default();
    let writing = Writing::anew(database.begin_write()?, keys, &gone, Head::new(NEWEST))?;
    writing.write_format(NEWEST)?;
    writing.write_meta(ROOT, &root.encode())?;
    writing.commit()
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

/// Brings a store to the newest form in one step: whatever happens meanwhile, it is of the one form
/// or of the other. One that is of the newest form stays as it is.
pub(crate) fn bring_up(database: &Database, from: u32, keys: &Keys) -> Result<(), Error> {
    match from {
        NEWEST => return Ok(()),
        // Before 2 there are no links, and nothing else is other.
        1 | 2 => from_2(database, keys)?,
        SEALED_HEAD => from_3(database, keys)?,
        _ => from_4(database, keys)?,
    }
    tracing::info!("the store was brought from format {from} to format {NEWEST}");
    Ok(())
}

pub(crate) const CREDENTIALS_2: TableDefinition<'static, u64, &'static [u8]> =
    TableDefinition::new("credentials");
pub(crate) const COUNTERS_2: TableDefinition<'static, u64, &'static [u8]> =
    TableDefinition::new("counters");
const ASIDE_2: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("aside");
pub(crate) const RECORDS_2: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("records");
pub(crate) const LINKS_2: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("links");
const IDS_2: TableDefinition<'static, &'static [u8], u64> = TableDefinition::new("ids");
const ACCOUNTS_2: TableDefinition<'static, &'static [u8], u64> = TableDefinition::new("accounts");
const MEMBERS_2: TableDefinition<'static, &'static [u8], u8> = TableDefinition::new("members");
const PARTIES_2: TableDefinition<'static, &'static [u8], &'static [u8]> =
    TableDefinition::new("parties");
/// In the table `meta`: the place of the next credential, and the signature counter for all of
/// them, sealed.
const NEXT_2: &str = "next";
const GLOBAL_COUNTER_2: &str = "global-counter";

/// Keyed hash of RP ID and user handle: the place of the one credential.
const ACCOUNTS_3: Definition = TableDefinition::new("3.accounts");

/// The index of accounts takes the form for several credentials each, and the feed begins.
fn from_3(database: &Database, keys: &Keys) -> Result<(), Error> {
    let gone = Gone::default();
    let change = database.begin_write()?;
    let mut head = Head::read(&change.open_table(META)?, keys)?;
    if head.format != SEALED_HEAD {
        return Err(Error::Damaged("its format is not that of its head".to_owned()));
    }
    for table in Table::of(SEALED_HEAD) {
        let was = if table == Table::Accounts { ACCOUNTS_3 } else { table.definition() };
        head::verify_rows(&change.open_table(was)?, keys, &head, table)?;
    }
    head.format = NEWEST;
    let writing = Writing::anew(change, keys, &gone, head)?;
    writing.empty(Table::Accounts)?;
    for row in writing.change.open_table(ACCOUNTS_3)?.iter()? {
        let (entry, place) = row?;
        let other = || Error::Damaged("an index does not fit the passkeys".to_owned());
        let entry = entry.value().try_into().map_err(|_| other())?;
        let place = place_of(place.value()).ok_or_else(other)?;
        writing.put(Table::Accounts, &member_entry(entry, place), &[])?;
    }
    writing.change.delete_table(ACCOUNTS_3)?;
    writing.circle_from_5()?;
    writing.write_format(NEWEST)?;
    writing.commit()?;
    Ok(())
}

/// What is known of a circle comes into its table. Credentials of an earlier form are read as they
/// are. From now on there may be others, so that a program that knows only the earlier form has to
/// leave the file alone.
fn from_4(database: &Database, keys: &Keys) -> Result<(), Error> {
    let gone = Gone::default();
    let writing = Writing::begin(database.begin_write()?, keys, &gone, u64::MAX)?;
    writing.with_head(|head| head.format = NEWEST);
    writing.empty(Table::Circle)?;
    writing.circle_from_5()?;
    writing.write_format(NEWEST)?;
    writing.commit()?;
    Ok(())
}

/// Seals are made for the same tables and keys in both, so that what is sealed moves as it is. What
/// can't be opened does too, with the indexes that lead to it: whoever looks for it is told that it
/// is damaged.
fn from_2(database: &Database, keys: &Keys) -> Result<(), Error> {
    let gone = Gone::default();
    let writing = Writing::anew(database.begin_write()?, keys, &gone, Head::new(NEWEST))?;
    numbers_from_2(&writing)?;
    let (mut readable, mut all) = (BTreeSet::new(), BTreeSet::new());
    for entry in writing.change.open_table(CREDENTIALS_2)?.iter()? {
        let (place, sealed) = entry?;
        let (place, key) = (place.value(), place.value().to_be_bytes());
        all.insert(place);
        writing.put(Table::Credentials, &key, sealed.value())?;
        let plain = keys.open(Table::Credentials.name(), &key, sealed.value());
        if let Some(credential) = plain.ok().and_then(|plain| decoded(&plain)) {
            readable.insert(place);
            writing.index(place, &credential, None)?;
        }
    }
    if all.last().is_some_and(|last| writing.with_head(|head| head.next <= *last)) {
        return Err(Error::Damaged("the place of the next passkey".to_owned()));
    }
    indexes_from_2(&writing, &all, &readable)?;
    for entry in writing.change.open_table(COUNTERS_2)?.iter()? {
        let (place, sealed) = entry?;
        if all.contains(&place.value()) {
            writing.put(Table::Counters, &place.value().to_be_bytes(), sealed.value())?;
        }
    }
    for entry in writing.change.open_table(ASIDE_2)?.iter()? {
        let (place, found) = entry?;
        writing.put(
            Table::Aside,
            &aside_key(Table::Credentials, &place.value().to_be_bytes()),
            found.value(),
        )?;
    }
    for (old, new) in [(RECORDS_2, Table::Records), (LINKS_2, Table::Links)] {
        for entry in writing.change.open_table(old)?.iter()? {
            let (name, sealed) = entry?;
            writing.put(new, name.value().as_bytes(), sealed.value())?;
        }
        writing.change.delete_table(old)?;
    }
    for old in [CREDENTIALS_2, COUNTERS_2, ASIDE_2] {
        writing.change.delete_table(old)?;
    }
    for old in [IDS_2, ACCOUNTS_2] {
        writing.change.delete_table(old)?;
    }
    writing.change.delete_table(MEMBERS_2)?;
    writing.change.delete_table(PARTIES_2)?;
    writing.write_format(NEWEST)?;
    writing.commit()?;
    Ok(())
}

/// The key of what is put aside.
pub(crate) fn aside_key(table: Table, key: &[u8]) -> Vec<u8> {
    [table.name().as_bytes(), &[0], key].concat()
}

/// The place of the next credential, and the counter for all of them.
pub(crate) fn numbers_of_2(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    keys: &Keys,
) -> Result<(u64, u32), Error> {
    let number = |name: &str| {
        let Some(sealed) = meta.get(name)? else { return Ok(0) };
        let plain = keys.open("meta", name.as_bytes(), sealed.value()).ok();
        let bytes = plain.and_then(|plain| plain.as_slice().try_into().ok());
        bytes.map(u64::from_be_bytes).ok_or_else(|| Error::Damaged(format!("the number {name}")))
    };
    Ok((number(NEXT_2)?, u32::try_from(number(GLOBAL_COUNTER_2)?).unwrap_or(u32::MAX)))
}

fn numbers_from_2(writing: &Writing<'_>) -> Result<(), Error> {
    let mut meta = writing.change.open_table(META)?;
    let numbers = numbers_of_2(&meta, writing.keys)?;
    writing.with_head(|head| (head.next, head.counter) = numbers);
    meta.remove(NEXT_2)?;
    meta.remove(GLOBAL_COUNTER_2)?;
    Ok(())
}

/// The indexes that were there have to be those that are made again, but for what leads to
/// credentials that can't be read.
fn indexes_from_2(
    writing: &Writing<'_>,
    all: &BTreeSet<u64>,
    readable: &BTreeSet<u64>,
) -> Result<(), Error> {
    let other = || Error::Damaged("an index does not fit the passkeys".to_owned());
    for (old, new) in [(IDS_2, Table::Ids), (ACCOUNTS_2, Table::Accounts)] {
        for entry in writing.change.open_table(old)?.iter()? {
            let (entry, place) = entry?;
            let (key, place) = (entry.value(), place.value());
            let (key, value) = match new {
                Table::Accounts => {
                    (member_entry(key.try_into().map_err(|_| other())?, place), Vec::new())
                }
                _ => (key.to_vec(), place.to_be_bytes().to_vec()),
            };
            if readable.contains(&place) {
                let made = writing.change.open_table(new.definition())?;
                if made.get(&key[..])?.is_none_or(|made| made.value() != value) {
                    return Err(other());
                }
            } else if all.contains(&place) {
                writing.put(new, &key, &value)?;
            } else {
                return Err(other());
            }
        }
        let made = writing.change.open_table(new.definition())?.len()?;
        if writing.change.open_table(old)?.len()? != made {
            return Err(other());
        }
    }
    for entry in writing.change.open_table(MEMBERS_2)?.iter()? {
        let (entry, listed) = entry?;
        let place = place_of(entry.value()).ok_or_else(other)?;
        let party = entry.value().first_chunk::<ENTRY>().ok_or_else(other)?;
        let key = member_entry(party, place);
        if readable.contains(&place) {
            let made = writing.change.open_table(Table::Members.definition())?;
            if made.get(&key[..])?.is_none_or(|made| made.value() != [listed.value()]) {
                return Err(other());
            }
        } else if all.contains(&place) {
            writing.index_member(party, place, listed.value() == 1, None)?;
        } else {
            return Err(other());
        }
    }
    let made = writing.change.open_table(Table::Members.definition())?.len()?;
    if writing.change.open_table(MEMBERS_2)?.len()? != made {
        return Err(other());
    }
    // What was counted for each of them.
    for entry in writing.change.open_table(PARTIES_2)?.iter()? {
        let (party, counts) = entry?;
        let made = writing.change.open_table(Table::Parties.definition())?;
        let made = made.get(party.value())?;
        if made.is_none_or(|made| {
            made.value().first_chunk::<16>().map(|made| &made[..]) != Some(counts.value())
        }) {
            return Err(other());
        }
    }
    Ok(())
}
