//! The serialized large-blob array, which platforms keep in an authenticator (CTAP 2.3 §6.10.2 and
//! §6.10.3): a CBOR array of maps, one for each blob, and the beginning of its hash.

use alloc::vec::Vec;
use core::fmt;

use towline_cbor::{Key, Reader, Writer, decode};
use towline_crypto::CryptoProvider;

use crate::{MESSAGE_DEPTH, Malformed, hidden::debug_without_bytes};

/// So much of SHA-256 ends the array.
const HASH: usize = 16;

/// The array, item by item: those that are no blobs, or of another platform's own making, stay as
/// they are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LargeBlobArray {
    items: Vec<Vec<u8>>,
}

/// The blobs are confidential, however they are sealed.
impl fmt::Debug for LargeBlobArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LargeBlobArray({} items)", self.items.len())
    }
}

/// A large-blob map: one blob, compressed and then encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct LargeBlobMap {
    /// 0x01: the ciphertext of AES-256-GCM, with its tag.
    pub ciphertext: Vec<u8>,
    /// 0x02: the nonce.
    pub nonce: [u8; 12],
    /// 0x03: how many bytes it was before it was compressed.
    pub orig_size: u64,
}

debug_without_bytes!(struct LargeBlobMap { orig_size } hides { ciphertext, nonce });

impl LargeBlobMap {
    /// What is authenticated beside the ciphertext: "blob" and the original size, little-endian in
    /// 8 bytes.
    #[must_use]
    pub fn associated_data(orig_size: u64) -> [u8; 12] {
        let mut data = *b"blob\0\0\0\0\0\0\0\0";
        let (_, size) = data.split_at_mut(4);
        size.copy_from_slice(&orig_size.to_le_bytes());
        data
    }

    fn read(item: &[u8]) -> Result<Self, Malformed> {
        let (mut ciphertext, mut nonce, mut orig_size) = (None, None, None);
        decode(item, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0x01) => ciphertext = Some(value.bytes()?.into()),
                    Key::Int(0x02) => nonce = Some(*value.byte_array()?),
                    Key::Int(0x03) => orig_size = Some(value.uint()?),
                    _ => {}
                }
                Ok::<(), Malformed>(())
            })
        })?;
        Ok(Self {
            ciphertext: ciphertext.ok_or(Malformed::Missing("ciphertext"))?,
            nonce: nonce.ok_or(Malformed::Missing("nonce"))?,
            orig_size: orig_size.ok_or(Malformed::Missing("origSize"))?,
        })
    }
}

impl LargeBlobArray {
    /// Reads the array.
    ///
    /// # Errors
    /// [`Malformed`] where it is no array, or its hash does not fit: a platform then goes on as if
    /// it were empty.
    pub fn decode(bytes: &[u8], provider: &CryptoProvider) -> Result<Self, Malformed> {
        let end = bytes.len().checked_sub(HASH);
        let (array, hash) = end
            .and_then(|end| bytes.split_at_checked(end))
            .ok_or(Malformed::Length("the large-blob array"))?;
        if provider.sha256.hash(&[array]).get(..HASH) != Some(hash) {
            return Err(Malformed::Value("the hash of the large-blob array"));
        }
        let mut items = Vec::new();
        decode(array, MESSAGE_DEPTH, |reader: &mut Reader<'_>| {
            reader.array(|item| {
                items.push(item.raw()?.into());
                Ok::<(), Malformed>(())
            })
        })?;
        Ok(Self { items })
    }

    /// The array with its hash, as an authenticator keeps it.
    #[must_use]
    pub fn encode(&self, provider: &CryptoProvider) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(|array| self.items.iter().for_each(|item| array.item(|w| w.raw(item))));
        let mut bytes = writer.into_vec();
        let hash = provider.sha256.hash(&[&bytes]);
        bytes.extend_from_slice(hash.get(..HASH).unwrap_or_default());
        bytes
    }

    /// The first blob that is as `wanted` says.
    pub fn find<T>(&self, wanted: impl FnMut(LargeBlobMap) -> Option<T>) -> Option<T> {
        self.items.iter().filter_map(|item| LargeBlobMap::read(item).ok()).find_map(wanted)
    }

    /// Keeps the blobs that are as `kept` says, and whatever is none.
    pub fn retain(&mut self, mut kept: impl FnMut(&LargeBlobMap) -> bool) {
        self.items.retain(|item| LargeBlobMap::read(item).map_or(true, |blob| kept(&blob)));
    }

    /// Appends a blob.
    pub fn push(&mut self, blob: &LargeBlobMap) {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(0x01, |w| w.bytes(&blob.ciphertext));
            map.entry(0x02, |w| w.bytes(&blob.nonce));
            map.entry(0x03, |w| w.uint(blob.orig_size));
        });
        self.items.push(writer.into_vec());
    }
}
