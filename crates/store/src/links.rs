//! Links with other devices, kept in the store beside the passkeys and sealed as they are.
//!
//! A person has a handful of them, so that each kind is one record, which is written whole.

use towline_cbor::{Key, Reader, Writer};
use towline_crypto::{CryptoProvider, P256PublicKey, Secret};
use towline_hybrid::{
    ids::LinkId,
    link::{
        ComputerLinks, ContactKey, Forgotten, Ledger, LinkStoreError, LinkedComputer, LinkedPhone,
        PhoneIdentity, PhoneLinks, RootSecret,
    },
};
use zeroize::Zeroizing;

use crate::{
    Conflicts, Error, Store,
    backup::Outcome,
    tables::{COMPUTERS, FORGOTTEN, IDENTITY, PHONES, Table},
    write::Writing,
};

/// How deep a record nests: a list of maps.
const DEPTH: u8 = 2;

/// What is kept under a name, if anything.
type Record = Option<Zeroizing<Vec<u8>>>;

/// The links of a computer or of a phone in a [`Store`]. It is a handle to the same store, and
/// keeps its file open.
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
    ) -> Result<T, LinkStoreError> {
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

/// The phones of a store and of a backup, one by one; a list of the store that can't be read has
/// none.
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
    fn all(&self) -> Result<Vec<LinkedPhone>, LinkStoreError> {
        let phones = || self.phones(self.read(PHONES)?);
        phones().map_err(refused)
    }

    fn save(&self, phone: &LinkedPhone) -> Result<(), LinkStoreError> {
        self.change(|records| {
            let mut phones = self.phones(records.get(PHONES)?)?;
            LinkedPhone::put(&mut phones, phone.clone());
            records.put(PHONES, &written_phones(&phones))
        })
    }

    fn remove(&self, identity: &P256PublicKey, link: &LinkId) -> Result<bool, LinkStoreError> {
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
    fn ledger(&self) -> Result<Ledger, LinkStoreError> {
        let shared = self.0.shared();
        let ledger = shared.read(|reading| read_ledger(|name| reading.named(Table::Links, name)));
        ledger.map_err(refused)
    }

    fn change(&self, change: &mut dyn FnMut(&mut Ledger)) -> Result<(), LinkStoreError> {
        StoredLinks::change(self, |records| {
            let mut ledger = read_ledger(|name| records.get(name))?;
            let before = ledger.clone();
            change(&mut ledger);
            if ledger.identity != before.identity
                && let Some(identity) = &ledger.identity
            {
                records.put(IDENTITY, &written_identity(identity))?;
            }
            if ledger.computers != before.computers {
                records.put(COMPUTERS, &written_computers(&ledger.computers))?;
            }
            if ledger.forgotten != before.forgotten {
                records.put(FORGOTTEN, &written_forgotten(&ledger.forgotten))?;
            }
            Ok(())
        })
    }
}

fn read_ledger(get: impl Fn(&str) -> Result<Record, Error>) -> Result<Ledger, Error> {
    let identity = get(IDENTITY)?.map(|record| read_identity(&record)).transpose()?;
    let mut ledger = Ledger { identity, ..Ledger::default() };
    items(get(COMPUTERS)?, |item| {
        ledger.computers.push(LinkedComputer {
            link_id: item.link_id?,
            since: item.number?,
            contact_key: item.contact_key,
        });
        Some(())
    })?;
    items(get(FORGOTTEN)?, |item| {
        ledger.forgotten.push(Forgotten { link_id: item.link_id?, contact_key: item.contact_key });
        Some(())
    })?;
    Ok(ledger)
}

fn written_identity(identity: &PhoneIdentity) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::with_capacity(80);
    writer.map(|map| {
        map.entry(1, |w| w.bytes(identity.root_secret.expose()));
        map.entry(2, |w| w.bytes(identity.contact_key.expose()));
    });
    Zeroizing::new(writer.into_vec())
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

/// What a list of computers says of one of them.
#[derive(Default)]
struct Item {
    link_id: Option<LinkId>,
    number: Option<u64>,
    /// Computers that were linked when all shared the identity's have none.
    contact_key: Option<ContactKey>,
}

fn items(record: Record, mut each: impl FnMut(Item) -> Option<()>) -> Result<(), Error> {
    list(record, |reader| {
        let mut item = Item::default();
        reader.map(|key, value| {
            match key {
                Key::Int(1) => item.link_id = Some(LinkId::new(*value.byte_array()?)),
                Key::Int(2) => item.number = Some(value.uint()?),
                Key::Int(3) => {
                    item.contact_key = Some(ContactKey::new(Secret::new(*value.byte_array()?)));
                }
                _ => {}
            }
            Ok::<(), towline_cbor::Error>(())
        })?;
        each(item).ok_or(Broken)
    })
}

fn written_computers(computers: &[LinkedComputer]) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.array(|list| {
        for computer in computers {
            list.item(|w| {
                w.map(|map| {
                    map.entry(1, |w| w.bytes(computer.link_id.as_bytes()));
                    map.entry(2, |w| w.uint(computer.since));
                    if let Some(key) = &computer.contact_key {
                        map.entry(3, |w| w.bytes(key.expose()));
                    }
                });
            });
        }
    });
    Zeroizing::new(writer.into_vec())
}

fn written_forgotten(forgotten: &[Forgotten]) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.array(|list| {
        for forgotten in forgotten {
            list.item(|w| {
                w.map(|map| {
                    map.entry(1, |w| w.bytes(forgotten.link_id.as_bytes()));
                    if let Some(key) = &forgotten.contact_key {
                        map.entry(3, |w| w.bytes(key.expose()));
                    }
                });
            });
        }
    });
    Zeroizing::new(writer.into_vec())
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

fn refused(error: Error) -> LinkStoreError {
    match error {
        error if error.is_damage() => LinkStoreError::Damaged,
        other => LinkStoreError::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records as the version before computers had a key each wrote them.
    #[test]
    fn what_was_written_when_all_computers_shared_one_key_is_read() {
        let mut identity = vec![0xa2, 1, 0x58, 32];
        identity.extend([7; 32]);
        identity.extend([2, 0x58, 32]);
        identity.extend([8; 32]);
        let mut computers = vec![0x82, 0xa2, 1, 0x48];
        computers.extend([3; 8]);
        computers.extend([2, 9, 0xa2, 1, 0x48]);
        computers.extend([4; 8]);
        computers.extend([2, 0x1a, 0x6a, 0, 0, 0]);
        let get = |name: &str| {
            Ok(match name {
                IDENTITY => Some(Zeroizing::new(identity.clone())),
                COMPUTERS => Some(Zeroizing::new(computers.clone())),
                _ => None,
            })
        };
        let ledger = read_ledger(get).unwrap();
        let known = ledger.identity.as_ref().unwrap();
        assert_eq!(*written_identity(known), identity);
        let computer = |link, since| LinkedComputer {
            link_id: LinkId::new([link; 8]),
            since,
            contact_key: None,
        };
        assert_eq!(ledger.computers, [computer(3, 9), computer(4, 0x6a00_0000)]);
        assert_eq!(ledger.contact_key_of(&ledger.computers[0]), Some(&known.contact_key));
        assert_eq!(*written_computers(&ledger.computers), computers, "and written as it was");
        assert!(ledger.forgotten.is_empty());
    }

    #[test]
    fn a_key_of_a_wrong_length_is_damage_and_not_a_shared_one() {
        let mut short = vec![0x81, 0xa3, 1, 0x48];
        short.extend([3; 8]);
        short.extend([2, 9, 3, 0x41, 5]);
        let get = |name: &str| Ok((name == COMPUTERS).then(|| Zeroizing::new(short.clone())));
        assert!(matches!(read_ledger(get), Err(Error::DamagedPart(_))));
    }
}
