//! The objects of the store: their names, their hashes, and the signature around those that are
//! signed.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    str::FromStr,
};

use towline_cbor::{Reader, Writer, decode};
use towline_crypto::{CryptoProvider, Error};

use crate::{
    DeviceId,
    keys::{DeviceKeys, PublicKeys},
};

/// How deep an object nests at most.
pub(crate) const DEPTH: u8 = 8;

/// The hash that names an object: the first 16 bytes of its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectHash(pub [u8; 16]);

impl ObjectHash {
    /// The hash of an object's bytes.
    #[must_use]
    pub fn of(crypto: &CryptoProvider, bytes: &[u8]) -> Self {
        Self(short_hash(crypto, &[bytes]))
    }
}

/// The first 16 bytes of SHA-256 over the parts.
pub(crate) fn short_hash(crypto: &CryptoProvider, parts: &[&[u8]]) -> [u8; 16] {
    let hash = crypto.sha256.hash(parts);
    *hash.first_chunk().unwrap_or(&[0; 16])
}

/// The name of an object below its circle. Written it is a path of lower-case hexadecimal digits,
/// such as `h/<device>/<number>-<hash>`, which every file system and object store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreName {
    /// `m/<hash>`: a membership record.
    Membership(ObjectHash),
    /// `e/<hash>`: an epoch, with its key wrapped for each member.
    Epoch(ObjectHash),
    /// `w/<hash>`: the key of an epoch, wrapped for one more member.
    Wrap(ObjectHash),
    /// `s/<device>/<hash>`: a part of what a device says, sealed.
    Segment(DeviceId, ObjectHash),
    /// `h/<device>/<number>-<hash>`: what a device says is made up of these segments.
    Head(DeviceId, u64, ObjectHash),
}

impl StoreName {
    /// The hash of the object's bytes.
    #[must_use]
    pub const fn hash(&self) -> ObjectHash {
        match self {
            Self::Membership(hash)
            | Self::Epoch(hash)
            | Self::Wrap(hash)
            | Self::Segment(_, hash)
            | Self::Head(_, _, hash) => *hash,
        }
    }

    /// How long such an object may be, in bytes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        match self {
            Self::Segment(..) => 64 << 20,
            _ => 64 << 10,
        }
    }
}

struct Hex([u8; 16]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A listing has thousands of names: `{:02x}` takes many times as long.
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut digits = digits.map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default());
        digits.try_for_each(|digit| f.write_char(digit))
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = Hex(self.hash().0);
        match self {
            Self::Membership(_) => write!(f, "m/{hash}"),
            Self::Epoch(_) => write!(f, "e/{hash}"),
            Self::Wrap(_) => write!(f, "w/{hash}"),
            Self::Segment(device, _) => write!(f, "s/{}/{hash}", Hex(device.0)),
            Self::Head(device, number, _) => write!(f, "h/{}/{number}-{hash}", Hex(device.0)),
        }
    }
}

/// A name that no object of a circle has: it is none of ours, a "conflicted copy", say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an object of a circle")]
pub struct ForeignName;

impl FromStr for StoreName {
    type Err = ForeignName;

    fn from_str(text: &str) -> Result<Self, ForeignName> {
        let mut parts = text.split('/');
        let name = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("m"), Some(hash), None, None) => Self::Membership(ObjectHash(unhex(hash)?)),
            (Some("e"), Some(hash), None, None) => Self::Epoch(ObjectHash(unhex(hash)?)),
            (Some("w"), Some(hash), None, None) => Self::Wrap(ObjectHash(unhex(hash)?)),
            (Some("s"), Some(device), Some(hash), None) => {
                Self::Segment(DeviceId(unhex(device)?), ObjectHash(unhex(hash)?))
            }
            (Some("h"), Some(device), Some(rest), None) => {
                let (number, hash) = rest.split_once('-').ok_or(ForeignName)?;
                let number = number.parse().map_err(|_| ForeignName)?;
                Self::Head(DeviceId(unhex(device)?), number, ObjectHash(unhex(hash)?))
            }
            _ => return Err(ForeignName),
        };
        // One name for one object: no capitals, no `+`, no zeros in front.
        let mut again = String::with_capacity(text.len());
        write!(again, "{name}").map_err(|_| ForeignName)?;
        if again == text { Ok(name) } else { Err(ForeignName) }
    }
}

fn unhex(text: &str) -> Result<[u8; 16], ForeignName> {
    let mut out = [0; 16];
    if text.len() != 32 {
        return Err(ForeignName);
    }
    for (to, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = str::from_utf8(pair).map_err(|_| ForeignName)?;
        *to = u8::from_str_radix(pair, 16).map_err(|_| ForeignName)?;
    }
    Ok(out)
}

/// What a signature is about, so that none of one kind passes for one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Consent,
    Membership,
    Epoch,
    Wrap,
    Head,
}

impl Label {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Consent => b"towline sync 1 consent\0",
            Self::Membership => b"towline sync 1 membership\0",
            Self::Epoch => b"towline sync 1 epoch\0",
            Self::Wrap => b"towline sync 1 wrap\0",
            Self::Head => b"towline sync 1 head\0",
        }
    }
}

/// A signature over a label, the circle and the parts.
pub(crate) fn sign(
    keys: &DeviceKeys,
    label: Label,
    circle: ObjectHash,
    body: &[u8],
) -> Result<Vec<u8>, Error> {
    keys.signing().sign(&[label.bytes(), &circle.0, body])
}

/// Whether the signature is that of the device with these public keys.
pub(crate) fn is_signed(
    crypto: &CryptoProvider,
    by: &PublicKeys,
    label: Label,
    circle: ObjectHash,
    body: &[u8],
    signature: &[u8],
) -> bool {
    let message = [label.bytes(), circle.0.as_slice(), body].concat();
    let es256 = crypto.signature(-7);
    es256.is_some_and(|es256| es256.verify(&by.signing, &message, signature).is_ok())
}

/// A body and its signature, as they are in the store: an array of two byte strings.
pub(crate) struct Signed<'a> {
    pub(crate) body: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Signs a body: the object's bytes.
    pub(crate) fn write(
        keys: &DeviceKeys,
        label: Label,
        circle: ObjectHash,
        body: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let signature = sign(keys, label, circle, body)?;
        let mut writer = Writer::new();
        writer.array(|array| {
            array.item(|item| item.bytes(body));
            array.item(|item| item.bytes(&signature));
        });
        Ok(writer.into_vec())
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, MalformedObject> {
        let parts = decode(bytes, DEPTH, |reader| list(reader, 2, |item| Ok(item.bytes()?)))?;
        let [body, signature] = *parts else { return Err(MalformedObject) };
        Ok(Self { body, signature })
    }

    pub(crate) fn is_by(
        &self,
        crypto: &CryptoProvider,
        by: &PublicKeys,
        label: Label,
        circle: ObjectHash,
    ) -> bool {
        is_signed(crypto, by, label, circle, self.body, self.signature)
    }
}

/// Bytes that are no object of a circle, or not in the one form that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not in the form of an object of a circle")]
pub struct MalformedObject;

impl From<towline_cbor::Error> for MalformedObject {
    fn from(_: towline_cbor::Error) -> Self {
        Self
    }
}

/// An array of at most so many elements.
pub(crate) fn list<'a, T>(
    reader: &mut Reader<'a>,
    most: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, MalformedObject>,
) -> Result<Vec<T>, MalformedObject> {
    let mut found = Vec::new();
    reader.array(|item| {
        if found.len() >= most {
            return Err(MalformedObject);
        }
        found.push(read(item)?);
        Ok(())
    })?;
    Ok(found)
}

/// A set in its order, so that each has one form.
pub(crate) fn set<'a, T: Ord>(
    reader: &mut Reader<'a>,
    most: usize,
    read: impl FnMut(&mut Reader<'a>) -> Result<T, MalformedObject>,
) -> Result<BTreeSet<T>, MalformedObject> {
    let found = list(reader, most, read)?;
    if found.is_sorted_by(|a, b| a < b) {
        Ok(found.into_iter().collect())
    } else {
        Err(MalformedObject)
    }
}

pub(crate) fn device(reader: &mut Reader<'_>) -> Result<DeviceId, MalformedObject> {
    Ok(DeviceId(*reader.byte_array()?))
}

pub(crate) fn hash(reader: &mut Reader<'_>) -> Result<ObjectHash, MalformedObject> {
    Ok(ObjectHash(*reader.byte_array()?))
}

/// Writes 16 bytes for each.
pub(crate) fn write_all<'a>(writer: &mut Writer, all: impl Iterator<Item = &'a [u8; 16]>) {
    writer.array(|array| all.for_each(|bytes| array.item(|item| item.bytes(bytes))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_others() {
        let (device, hash) = (DeviceId([0xab; 16]), ObjectHash([1; 16]));
        for name in [
            StoreName::Membership(hash),
            StoreName::Epoch(hash),
            StoreName::Wrap(hash),
            StoreName::Segment(device, hash),
            StoreName::Head(device, 0, hash),
            StoreName::Head(device, u64::MAX, hash),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
            for other in [
                format!("{name} (conflicted copy)"),
                format!("{name}.tmp"),
                format!("/{name}"),
                format!("{name}/"),
                name.to_string().to_uppercase(),
            ] {
                assert_eq!(other.parse::<StoreName>(), Err(ForeignName), "{other}");
            }
        }
        let head = StoreName::Head(device, 7, hash).to_string();
        for other in [head.replace("7-", "07-"), head.replace("7-", "+7-"), head.replace("7-", "-")]
        {
            assert_eq!(other.parse::<StoreName>(), Err(ForeignName), "{other}");
        }
    }
}
