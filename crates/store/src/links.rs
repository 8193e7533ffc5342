//! Links with other devices, kept in the store beside the passkeys and sealed as they are.
//!
//! A person has a handful of them, so that each kind is one record, which is written whole.

use towline_cbor::{Key, Reader, Writer};
use towline_crypto::{CryptoProvider, P256PublicKey, Secret};
use towline_hybrid::{
    ids::LinkId,
    link::{
        ComputerLinks, ContactKey, LinkedComputer, LinkedPhone, PhoneIdentity, PhoneLinks,
        StoreError,
    },
    secrets::RootSecret,
};
use zeroize::Zeroizing;

use crate::{
    Conflicts, Error, Store,
    backup::Outcome,
    tables::{COMPUTERS, IDENTITY, PHONES, Table},
    write::Writing,
};

/// How deep a record nests: a list of maps.
const DEPTH: u8 = 2;

/// What is kept under a name, if anything.
type Record = Option<Zeroizing<Vec<u8>>>;

/// The links of a computer or of a phone in a [`Store`]. It is a handle to the same store, and keeps its file open.
#[derive(Debug, Clone)]
pub struct StoredLinks(Store);

impl Store {
    /// The links that are kept in this store.
    #[must_use]
    pub fn links(&self) -> StoredLinks {
        StoredLinks(self.clone())
    }
}

/// The records in a change.
struct Records<'a>(&'a Writing<'a>);

impl Records<'_> {
    fn get(&self, name: &str) -> Result<Record, Error> {
        self.0.named(Table::Links, name)
    }

    fn put(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.0.put_sealed(Table::Links, name.as_bytes(), value)
    }
}

impl StoredLinks {
    fn read(&self, name: &str) -> Result<Record, Error> {
        self.0.shared().read(|reading| reading.named(Table::Links, name))
    }

    /// What the change has put is on the disk afterwards, or nothing of it.
    fn change<T>(
        &self,
        change: impl FnOnce(&Records<'_>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let changed = self.0.shared().write(|writing| Ok(change(&Records(writing))?));
        changed.map_err(|error| refused(error.into_error()))
    }

    fn phones(&self, record: Record) -> Result<Vec<LinkedPhone>, Error> {
        read_phones(record, &self.0.shared().provider)
    }
}

fn read_phones(record: Record, provider: &CryptoProvider) -> Result<Vec<LinkedPhone>, Error> {
    let mut phones = Vec::new();
    list(record, |item| {
        let phone = LinkedPhone::decode(provider, item.bytes()?);
        phones.push(phone.map_err(|_| damaged())?);
        Ok(())
    })?;
    Ok(phones)
}

/// The phones of a store and of a backup, one by one; a list of the store that can't be read has none.
pub(crate) fn merged_phones(
    stored: &Zeroizing<Vec<u8>>,
    backup: &Zeroizing<Vec<u8>>,
    conflicts: Conflicts,
    provider: &CryptoProvider,
) -> Result<(Zeroizing<Vec<u8>>, Outcome), Error> {
    let before = read_phones(Some(stored.clone()), provider).unwrap_or_default();
    let theirs = read_phones(Some(backup.clone()), provider)?;
    let same = |one: &LinkedPhone, other: &LinkedPhone| {
        one.information.identity == other.information.identity
            && one.information.link_id == other.information.link_id
    };
    let mut phones = before.clone();
    for phone in theirs {
        let there = before.iter().any(|stored| same(stored, &phone));
        if !there || conflicts == Conflicts::Replace {
            LinkedPhone::put(&mut phones, phone);
        }
    }
    let outcome = match phones == before {
        true => Outcome::Kept,
        false if before.is_empty() => Outcome::Added,
        false => Outcome::Replaced,
    };
    Ok((written_phones(&phones), outcome))
}

impl PhoneLinks for StoredLinks {
    fn all(&self) -> Result<Vec<LinkedPhone>, StoreError> {
        let phones = || self.phones(self.read(PHONES)?);
        phones().map_err(refused)
    }

    fn save(&self, phone: &LinkedPhone) -> Result<(), StoreError> {
        self.change(|records| {
            let mut phones = self.phones(records.get(PHONES)?)?;
            LinkedPhone::put(&mut phones, phone.clone());
            records.put(PHONES, &written_phones(&phones))
        })
    }

    fn remove(&self, identity: &P256PublicKey, link: &LinkId) -> Result<bool, StoreError> {
        self.change(|records| {
            let mut phones = self.phones(records.get(PHONES)?)?;
            let removed = LinkedPhone::take(&mut phones, identity, link);
            records.put(PHONES, &written_phones(&phones))?;
            Ok(removed)
        })
    }
}

fn written_phones(phones: &[LinkedPhone]) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.array(|list| {
        for phone in phones {
            list.item(|w| w.bytes(&phone.encode()));
        }
    });
    Zeroizing::new(writer.into_vec())
}

impl ComputerLinks for StoredLinks {
    fn identity(&self) -> Result<Option<PhoneIdentity>, StoreError> {
        let record = self.read(IDENTITY).map_err(refused)?;
        record.map(|record| read_identity(&record).map_err(refused)).transpose()
    }

    fn become_other(&self, identity: &PhoneIdentity) -> Result<(), StoreError> {
        let mut writer = Writer::with_capacity(80);
        writer.map(|map| {
            map.entry(1, |w| w.bytes(identity.root_secret.expose()));
            map.entry(2, |w| w.bytes(identity.contact_key.expose()));
        });
        let record = Zeroizing::new(writer.into_vec());
        self.change(|records| {
            records.put(IDENTITY, &record)?;
            records.put(COMPUTERS, &written_computers(&[]))
        })
    }

    fn computers(&self) -> Result<Vec<LinkedComputer>, StoreError> {
        let computers = || read_computers(self.read(COMPUTERS)?);
        computers().map_err(refused)
    }

    fn save(&self, computer: LinkedComputer) -> Result<(), StoreError> {
        self.change(|records| {
            let mut computers = read_computers(records.get(COMPUTERS)?)?;
            computers.push(computer);
            records.put(COMPUTERS, &written_computers(&computers))
        })
    }

    fn forget(&self, link: &LinkId) -> Result<bool, StoreError> {
        self.change(|records| {
            let mut computers = read_computers(records.get(COMPUTERS)?)?;
            let before = computers.len();
            computers.retain(|computer| computer.link_id != *link);
            records.put(COMPUTERS, &written_computers(&computers))?;
            Ok(computers.len() < before)
        })
    }
}

fn read_identity(record: &[u8]) -> Result<PhoneIdentity, Error> {
    let (mut root_secret, mut contact_key) = (None, None);
    towline_cbor::decode(record, DEPTH, |reader| {
        reader.map(|key, value| {
            match key {
                Key::Int(1) => root_secret = Some(Secret::new(*value.byte_array()?)),
                Key::Int(2) => contact_key = Some(Secret::new(*value.byte_array()?)),
                _ => {}
            }
            Ok::<(), towline_cbor::Error>(())
        })
    })
    .map_err(|_| damaged())?;
    Ok(PhoneIdentity {
        root_secret: RootSecret::new(root_secret.ok_or_else(damaged)?),
        contact_key: ContactKey::new(contact_key.ok_or_else(damaged)?),
    })
}

fn read_computers(record: Record) -> Result<Vec<LinkedComputer>, Error> {
    let mut computers = Vec::new();
    list(record, |item| {
        let (mut link_id, mut since) = (None, None);
        item.map(|key, value| {
            match key {
                Key::Int(1) => link_id = Some(LinkId::new(*value.byte_array()?)),
                Key::Int(2) => since = Some(value.uint()?),
                _ => {}
            }
            Ok::<(), towline_cbor::Error>(())
        })?;
        let (link_id, since) = (link_id.ok_or_else(damaged)?, since.ok_or_else(damaged)?);
        computers.push(LinkedComputer { link_id, since });
        Ok(())
    })?;
    Ok(computers)
}

fn written_computers(computers: &[LinkedComputer]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(|list| {
        for computer in computers {
            list.item(|w| {
                w.map(|map| {
                    map.entry(1, |w| w.bytes(computer.link_id.as_bytes()));
                    map.entry(2, |w| w.uint(computer.since));
                });
            });
        }
    });
    writer.into_vec()
}

/// Goes through the items of a record; a record that is not there has none.
fn list(
    record: Record,
    mut each: impl FnMut(&mut Reader<'_>) -> Result<(), Broken>,
) -> Result<(), Error> {
    let Some(record) = record else { return Ok(()) };
    towline_cbor::decode(&record, DEPTH, |reader| reader.array(&mut each))
        .map_err(|Broken| damaged())
}

/// A record that is not what was written.
struct Broken;

impl From<towline_cbor::Error> for Broken {
    fn from(_: towline_cbor::Error) -> Self {
        Self
    }
}

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self
    }
}

fn damaged() -> Error {
    Error::DamagedPart("its links".to_owned())
}

fn refused(error: Error) -> StoreError {
    match error {
        error if error.is_damage() => StoreError::Damaged,
        other => StoreError::Unavailable(other.to_string()),
    }
}
