//! Everything in a store is looked at.

use redb::{ReadableTable as _, ReadableTableMetadata as _};

use crate::{
    Error, Store, head,
    read::{Reading, decoded, listed, place_in},
    tables::{Content, Table, account_entry, id_entry, member_entry, party_entry, place_of},
};

/// What a store holds, and what of it can't be read.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Credentials that can be read.
    pub credentials: u64,
    /// What is there and can't be read, by what it is: "the PIN", for example.
    pub damaged: Vec<String>,
    /// Things that were damaged once, and are kept aside.
    pub aside: u64,
}

impl Store {
    /// Looks at every page of the file, compares what exists with what the head says, opens
    /// everything that is sealed, and looks up every credential in the indexes. Nothing is changed.
    /// What can't be read is named; [`repair`](crate::Repaired::of) makes a store of the rest.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the file as a whole is not what was written, and why it can't be
    /// read.
    pub fn check(&self) -> Result<Checked, Error> {
        let shared = self.shared();
        shared.connection.check_integrity().map_err(|error| shared.named(error))?;
        shared.read(checked)
    }
}

fn checked(reading: &Reading<'_>) -> Result<Checked, Error> {
    head::verify(&reading.view, reading.keys)?;
    let mut found = Checked::default();
    for table in Table::with(Content::Sealed).chain(Table::with(Content::Feed)) {
        for entry in reading.view.open_table(table.definition())?.iter()? {
            let (key, sealed) = entry?;
            let plain = reading.keys.open(table.name(), key.value(), sealed.value());
            let readable = match (table, plain) {
                (Table::Credentials, Ok(plain)) => decoded(&plain).map(|credential| {
                    found.credentials = found.credentials.saturating_add(1);
                    is_indexed(reading, key.value(), &credential)
                }),
                (_, plain) => plain.ok().map(|_| Ok(true)),
            };
            match readable.transpose()? {
                None => found.damaged.push(table.part(key.value())),
                Some(false) => found.damaged.push("an index".to_owned()),
                Some(true) => {}
            }
        }
    }
    found.aside = reading.view.open_table(Table::Aside.definition())?.len()?;
    Ok(found)
}

/// Whether a credential is found by all by which it is looked for.
fn is_indexed(
    reading: &Reading<'_>,
    key: &[u8],
    credential: &towline_authenticator::Credential,
) -> Result<bool, Error> {
    let (keys, place) = (reading.keys, place_of(key).unwrap_or_default());
    let open = |table: Table| reading.view.open_table(table.definition());
    if place_in(&open(Table::Ids)?, &id_entry(keys, &credential.id))? != Some(place) {
        return Ok(false);
    }
    if !credential.discoverable {
        return Ok(true);
    }
    let account = account_entry(keys, &credential.rp_id, &credential.user.id);
    let account = open(Table::Accounts)?.get(&member_entry(&account, place)[..])?.is_some();
    let member = member_entry(&party_entry(keys, &credential.rp_id), place);
    let member = open(Table::Members)?.get(&member[..])?.map(|member| member.value().to_vec());
    Ok(account && member.as_deref() == Some(&[u8::from(listed(credential))]))
}
