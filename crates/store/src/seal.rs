//! Every record sealed for its place, and indexes that tell nobody what they index.

use std::sync::Arc;

use towline_crypto::{AeadKey, CryptoProvider, HmacKey, Random, Secret};
use zeroize::Zeroizing;

use crate::tables::{Content, Table};

/// Length of a nonce, which comes before what it sealed.
const NONCE: usize = 12;
/// Length of the tag, which comes after it.
const TAG: usize = 16;
/// Length of an entry of an index: the leftmost bytes of an HMAC.
pub(crate) const ENTRY: usize = 16;
/// The form of the records, which is not that of the file. Part of what is authenticated, so that
/// records of two forms can't be mixed.
const FORM: u32 = 1;

/// A keyed hash of a record, or the sum of such.
pub(crate) type RecordHash = [u8; 32];

/// A record can't be opened: it was damaged, or moved from another place, or sealed by another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// What the records of one store are sealed and found with, derived from its root key.
pub(crate) struct Keys {
    records: Box<dyn AeadKey>,
    index: Box<dyn HmacKey>,
    sums: Box<dyn HmacKey>,
    random: Arc<dyn Random>,
}

impl Keys {
    pub(crate) fn derive(
        provider: &CryptoProvider,
        root: &Secret<32>,
    ) -> Result<Self, towline_crypto::Error> {
        let key = |purpose: &[u8]| {
            Secret::<32>::try_init(|out| provider.hkdf.derive(&[], root.expose(), purpose, out))
        };
        let (records, index) = (key(b"towline-store records 1")?, key(b"towline-store index 1")?);
        let sums = key(b"towline-store sums 1")?;
        Ok(Self {
            sums: provider.hmac.key(sums.expose()),
            records: provider.aead.key(records.expose()),
            index: provider.hmac.key(index.expose()),
            random: Arc::clone(&provider.random),
        })
    }

    /// Sealed for this key of this table, and good nowhere else.
    pub(crate) fn seal(
        &self,
        table: &str,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, towline_crypto::Error> {
        let nonce = self.random.bytes::<NONCE>()?;
        // With room for the tag, nothing moves, and no copy of what is secret is left behind.
        let mut sealed = Vec::with_capacity(plain.len().saturating_add(TAG));
        sealed.extend_from_slice(plain);
        self.records.seal(&nonce, &place(table, key), &mut sealed)?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(crate) fn open(
        &self,
        table: &str,
        key: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(Unreadable)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        self.records.open(nonce, &place(table, key), &mut plain).map_err(|_| Unreadable)?;
        Ok(plain)
    }

    /// The keyed hash of what a table holds under a key. Of what is sealed, nonce and tag stand for
    /// all of it: whoever opens it finds out about the rest.
    pub(crate) fn record_hash(&self, table: Table, key: &[u8], value: &[u8]) -> RecordHash {
        let name = table.name().as_bytes();
        let lengths = [length(key), length(value)];
        let [of_key, of_value] = &lengths;
        match (value.first_chunk::<NONCE>(), value.last_chunk::<TAG>()) {
            (Some(nonce), Some(tag))
                if matches!(table.content(), Content::Sealed | Content::Feed) =>
            {
                self.sums.sign(&[name, &[0], of_key, of_value, key, nonce, tag])
            }
            _ => self.sums.sign(&[name, &[0], of_key, of_value, key, value]),
        }
    }

    /// A number that tells one commit from any other.
    pub(crate) fn mark(&self) -> Result<u64, towline_crypto::Error> {
        self.random.bytes().map(u64::from_be_bytes)
    }

    /// The tag of something that is kept beside the store, under another name than all in it.
    pub(crate) fn witness(&self, parts: &[&[u8]]) -> RecordHash {
        let mut all: Vec<&[u8]> = vec![b"seen", &[0]];
        all.extend(parts);
        self.sums.sign(&all)
    }

    /// The entry of an index: a keyed hash of the parts, each of them with its length.
    pub(crate) fn entry(&self, index: &str, parts: &[&[u8]]) -> [u8; ENTRY] {
        let lengths: Vec<[u8; 8]> = parts.iter().map(|part| length(part)).collect();
        let mut all: Vec<&[u8]> = vec![index.as_bytes(), &[0]];
        for (length, part) in lengths.iter().zip(parts) {
            all.extend([&length[..], part]);
        }
        let tag = self.index.sign(&all);
        let mut entry = [0; ENTRY];
        entry.copy_from_slice(tag.first_chunk::<ENTRY>().unwrap_or(&[0; ENTRY]));
        entry
    }
}

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

fn place(table: &str, key: &[u8]) -> Vec<u8> {
    [b"towline-store\0", &FORM.to_be_bytes()[..], table.as_bytes(), &[0], key].concat()
}
