//! What this device is in its circle, as it is kept beside the record of the circle.

use std::collections::BTreeSet;

use towline_cbor::{Key, Reader, Writer, decode};
use towline_crypto::CryptoProvider;
use towline_ctap::CredentialId;
use towline_sync::DeviceKeys;
use zeroize::Zeroizing;

use crate::SyncedError;

/// A map of texts, bytes, and one list.
const DEPTH: u8 = 2;
/// How long an address may be, in bytes. A device that joins is told no longer one.
pub(crate) const MOST_ADDRESS: usize = 16 << 10;
/// How many passkeys may be on this device only: as many as a circle may have.
const MOST_ONLY_HERE: usize = 1 << 20;

/// This device, beside what the circle knows.
pub(crate) struct Device {
    /// Its private keys.
    pub(crate) keys: Zeroizing<[u8; 64]>,
    /// Where the objects of the circle are, as the person said it.
    pub(crate) address: String,
    /// Passkeys that are nowhere else as far as is known: BS is not set for them.
    pub(crate) only_here: BTreeSet<CredentialId>,
}

impl Device {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let Self { keys, address, only_here } = self;
        let ids = only_here.iter().map(|id| id.as_bytes().len().saturating_add(3));
        let room = ids.fold(address.len().saturating_add(128), usize::saturating_add);
        let mut writer = Writer::with_capacity(room);
        writer.map(|map| {
            map.entry(1, |value| value.bytes(&keys[..]));
            map.entry(2, |value| value.text(address));
            map.entry(3, |value| {
                value.array(|list| {
                    only_here.iter().for_each(|id| list.item(|item| item.bytes(id.as_bytes())));
                });
            });
        });
        Zeroizing::new(writer.into_vec())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SyncedError> {
        let (mut keys, mut address, mut only_here) = (None, None, BTreeSet::new());
        let read: Result<(), Unreadable> = decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => keys = Some(Zeroizing::new(*value.byte_array()?)),
                    Key::Int(2) => {
                        let text = Some(value.text()?).filter(|text| text.len() <= MOST_ADDRESS);
                        address = Some(text.ok_or(Unreadable)?.to_owned());
                    }
                    Key::Int(3) => value.array(|item| {
                        let id = CredentialId::new(item.bytes()?).map_err(|_| Unreadable)?;
                        only_here.insert(id);
                        if only_here.len() <= MOST_ONLY_HERE { Ok(()) } else { Err(Unreadable) }
                    })?,
                    _ => {}
                }
                Ok(())
            })
        });
        match (read, keys, address) {
            (Ok(()), Some(keys), Some(address)) => Ok(Self { keys, address, only_here }),
            _ => Err(SyncedError::Device),
        }
    }

    pub(crate) fn device_keys(&self, crypto: &CryptoProvider) -> Result<DeviceKeys, SyncedError> {
        DeviceKeys::from_bytes(crypto, &self.keys).map_err(|_| SyncedError::Device)
    }
}

struct Unreadable;

impl From<towline_cbor::Error> for Unreadable {
    fn from(_: towline_cbor::Error) -> Self {
        Self
    }
}
