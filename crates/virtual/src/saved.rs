//! A snapshot as bytes, for whoever keeps it between runs.

use towline_authenticator::{Credential, Record};
use towline_crypto::zeroize::Zeroizing;

use crate::{Passkey, Snapshot};

/// What the bytes begin with; the last byte is the number of the form.
const HEAD: [u8; 8] = *b"twlsnap\x01";

/// What a snapshot may hold, by the stable names of the records.
const RECORDS: [Record; 13] = [
    Record::UvRetries,
    Record::Pin,
    Record::PinRetries,
    Record::Settings,
    Record::LargeBlobs,
    Record::Identity,
    Record::Fingerprints,
    Record::WrappingSecret,
    Record::UnneededKeys,
    Record::KeyStore,
    Record::ExchangeAccount,
    Record::KeyAttestation,
    Record::StoreCounter,
];

/// The bit of a passkey that counts, and of one that is backed up.
const COUNTS: u8 = 1;
const BACKED_UP: u8 = 2;

/// The bytes are no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no snapshot of this version, or are damaged")]
pub struct DamagedSnapshot;

impl Snapshot {
    /// The snapshot in a form that [`Self::from_bytes`] reads, in another process or at another
    /// time. It holds private keys, not encrypted. It has no checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(HEAD.to_vec());
        bytes.extend_from_slice(&self.counter.to_be_bytes());
        put_number(&mut bytes, self.passkeys.len());
        for Passkey { credential, sign_count, backed_up } in &self.passkeys {
            let counts = if sign_count.is_some() { COUNTS } else { 0 };
            bytes.push(counts | if *backed_up { BACKED_UP } else { 0 });
            bytes.extend_from_slice(&sign_count.unwrap_or(0).to_be_bytes());
            put(&mut bytes, &credential.to_bytes());
        }
        put_number(&mut bytes, self.records.len());
        for (record, value) in &self.records {
            put(&mut bytes, record.name().as_bytes());
            put(&mut bytes, value);
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] has written.
    ///
    /// # Errors
    /// [`DamagedSnapshot`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedSnapshot> {
        read(bytes).ok_or(DamagedSnapshot)
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    put_number(bytes, part.len());
    bytes.extend_from_slice(part);
}

/// Nothing in memory is longer than the largest of these numbers.
fn put_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

fn read(mut rest: &[u8]) -> Option<Snapshot> {
    let rest = &mut rest;
    if take(rest, HEAD.len())? != HEAD.as_slice() {
        return None;
    }
    let counter = number(rest)?;
    let mut passkeys = Vec::new();
    for _ in 0..number(rest)? {
        let &[flags] = take(rest, 1)? else { return None };
        let count = number(rest)?;
        let credential = Credential::from_bytes(part(rest)?).ok()?;
        let counts = flags & COUNTS != 0;
        if flags > COUNTS | BACKED_UP || !counts && count > 0 {
            return None;
        }
        let backed_up = flags & BACKED_UP != 0;
        passkeys.push(Passkey { credential, sign_count: counts.then_some(count), backed_up });
    }
    let mut records = Vec::new();
    for _ in 0..number(rest)? {
        let name = part(rest)?;
        let record = RECORDS.into_iter().find(|record| record.name().as_bytes() == name)?;
        records.push((record, Zeroizing::new(part(rest)?.to_vec())));
    }
    rest.is_empty().then_some(Snapshot { passkeys, records, counter })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(take(rest, 4)?.try_into().ok()?))
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    take(rest, length)
}
