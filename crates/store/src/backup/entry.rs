//! One thing in a backup.

use towline_authenticator::Credential;
use towline_cbor::{Key, Writer};
use zeroize::Zeroizing;

use crate::Error;

/// How deep an entry nests.
const DEPTH: u8 = 1;

/// One thing in a backup. Credentials come in the order in which they were made.
pub(crate) enum Entry {
    Credential { credential: Box<Credential>, counter: u32 },
    Record { name: String, value: Zeroizing<Vec<u8>> },
    GlobalCounter(u32),
    Link { name: String, value: Zeroizing<Vec<u8>> },
}

/// Of which kind it is, as it is written.
mod kind {
    pub(super) const CREDENTIAL: u64 = 1;
    pub(super) const RECORD: u64 = 2;
    pub(super) const GLOBAL_COUNTER: u64 = 3;
    pub(super) const LINK: u64 = 4;
}

impl Entry {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let (mut name, mut value, mut number) = (None, None, None);
        let bytes;
        let kind = match self {
            Self::Credential { credential, counter } => {
                bytes = credential.to_bytes();
                (value, number) = (Some(&bytes), Some(*counter));
                kind::CREDENTIAL
            }
            Self::Record { name: text, value: bytes } => {
                (name, value) = (Some(text), Some(bytes));
                kind::RECORD
            }
            Self::GlobalCounter(counter) => {
                number = Some(*counter);
                kind::GLOBAL_COUNTER
            }
            Self::Link { name: text, value: bytes } => {
                (name, value) = (Some(text), Some(bytes));
                kind::LINK
            }
        };
        let room = value.map_or(0, |value| value.len()).saturating_add(64);
        let mut writer = Writer::with_capacity(room);
        writer.map(|map| {
            map.entry(1, |w| w.uint(kind));
            map.optional(2, name, |w, name| w.text(name));
            map.optional(3, value, |w, value| w.bytes(value));
            map.optional(4, number, |w, number| w.uint(number.into()));
        });
        Zeroizing::new(writer.into_vec())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::BackupDamaged("an entry can't be read");
        let (mut kind, mut name, mut value, mut number) = (None, None, None, None);
        towline_cbor::decode(bytes, DEPTH, |reader| {
            reader.map(|key, item| {
                match key {
                    Key::Int(1) => kind = Some(item.uint()?),
                    Key::Int(2) => name = Some(item.text()?.to_owned()),
                    Key::Int(3) => value = Some(Zeroizing::new(item.bytes()?.to_vec())),
                    Key::Int(4) => number = u32::try_from(item.uint()?).ok(),
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .map_err(|_: towline_cbor::Error| damaged())?;
        match (kind, name, value, number) {
            (Some(kind::CREDENTIAL), _, Some(value), Some(counter)) => {
                let credential = Credential::from_bytes(&value).map_err(|_| damaged())?;
                Ok(Self::Credential { credential: Box::new(credential), counter })
            }
            (Some(kind::RECORD), Some(name), Some(value), _) => Ok(Self::Record { name, value }),
            (Some(kind::GLOBAL_COUNTER), _, _, Some(counter)) => Ok(Self::GlobalCounter(counter)),
            (Some(kind::LINK), Some(name), Some(value), _) => Ok(Self::Link { name, value }),
            _ => Err(damaged()),
        }
    }
}
