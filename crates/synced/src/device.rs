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
        let read = decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => keys = Some(Zeroizing::new(*value.byte_array()?)),
                    Key::Int(2) => address = Some(value.text()?.to_owned()),
                    Key::Int(3) => value.array(|item| {
                        only_here.extend(CredentialId::new(item.bytes()?).ok());
                        Ok::<(), towline_cbor::Error>(())
                    })?,
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
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
