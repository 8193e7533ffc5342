//! One credential as bytes, without a gap.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | flags |
//! | 1 to 10 | the COSE algorithm, zigzag-encoded (0, -1, 1, -2, ... is 0, 1, 2, 3, ...), as a number |
//! | the rest | nine parts: id, user handle, name, display name, the name of the relying party, key, the secret of `hmac-secret`, `credBlob`, `largeBlobKey`; where there is a place for a large blob, the blob as a tenth, and after it as a number the size that it had before it was compressed |
//!
//! A number has seven bits a byte, the lowest first; the top bit says that more follow. A part is its length plus one as a
//! number, then its bytes; 0 is a part that is not there. The RP ID is not in it, since many credentials share one.

use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

use crate::{Credential, ExtensionData, KeyHandle, LargeBlobPlace};

const DISCOVERABLE: u8 = 0x01;
const BACKUP_ELIGIBLE: u8 = 0x02;
/// Whether extensions keep anything, be it nothing but the next flag.
const EXTENSIONS: u8 = 0x04;
const THIRD_PARTY_PAYMENT: u8 = 0x08;
/// Where the level of `credProtect` begins: two bits.
const PROTECTION: u32 = 4;
/// Whether there is a place for a large blob.
const LARGE_BLOB: u8 = 0x40;

/// The longest number, in bytes.
const NUMBER: usize = 10;

/// A credential but for its RP ID. It holds secrets and is wiped on drop.
pub(super) struct Encoded(Zeroizing<Box<[u8]>>);

/// What the indexes need to know of a credential.
pub(super) struct Keys<'a> {
    pub(super) id: &'a [u8],
    pub(super) user: &'a [u8],
    pub(super) discoverable: bool,
    /// Whether it shows itself without user verification and without being named.
    pub(super) open: bool,
}

impl Encoded {
    pub(super) fn new(credential: &Credential) -> Self {
        let Credential {
            id,
            rp_id: _,
            rp_name,
            user: User { id: user, name, display_name },
            discoverable,
            protection,
            backup_eligible,
            key,
            extensions,
        } = credential;
        let mut flags = protection.level() << PROTECTION;
        flags |= if *discoverable { DISCOVERABLE } else { 0 };
        flags |= if *backup_eligible { BACKUP_ELIGIBLE } else { 0 };
        let mut parts: [Option<&[u8]>; 9] = [
            Some(id.as_bytes()),
            Some(user.as_bytes()),
            name.as_deref().map(str::as_bytes),
            display_name.as_deref().map(str::as_bytes),
            rp_name.as_deref().map(str::as_bytes),
            Some(key.expose()),
            None,
            None,
            None,
        ];
        let place = extensions.as_deref().and_then(|kept| kept.large_blob.as_ref());
        flags |= if place.is_some() { LARGE_BLOB } else { 0 };
        let blob = place.and_then(LargeBlobPlace::blob);
        if let Some(extensions) = extensions.as_deref() {
            let ExtensionData {
                hmac_secret,
                cred_blob,
                large_blob_key,
                large_blob: _,
                third_party_payment,
            } = extensions;
            flags |= EXTENSIONS | if *third_party_payment { THIRD_PARTY_PAYMENT } else { 0 };
            let [.., hmac_secret_part, cred_blob_part, large_blob_key_part] = &mut parts;
            *hmac_secret_part = hmac_secret.as_ref().map(|secret| secret.expose().as_slice());
            *cred_blob_part = cred_blob.as_deref();
            *large_blob_key_part = large_blob_key.as_ref().map(|key| key.expose().as_slice());
        }
        // With room for all, nothing moves while it is written, and so no copy of a secret is left behind.
        let blob_length = blob.map_or(0, |blob| blob.compressed.len());
        let content = parts.iter().flatten().map(|part| part.len()).chain([blob_length]);
        let most = content
            .fold(NUMBER.saturating_mul(parts.len().saturating_add(4)), |sum, part| {
                sum.saturating_add(part)
            });
        let mut bytes = Zeroizing::new(Vec::with_capacity(most));
        bytes.push(flags);
        let algorithm = key.algorithm();
        write_number(&mut bytes, (algorithm << 1 ^ algorithm >> 63).cast_unsigned());
        parts.into_iter().for_each(|part| write_part(&mut bytes, part));
        if place.is_some() {
            write_part(&mut bytes, blob.map(|blob| blob.compressed.as_slice()));
        }
        if let Some(blob) = blob {
            write_number(&mut bytes, blob.original_size);
        }
        Self(Zeroizing::new(bytes.as_slice().into()))
    }

    /// `None` cannot be, since [`Self::new`] wrote it.
    pub(super) fn keys(&self) -> Option<Keys<'_>> {
        let mut rest = Rest(&self.0);
        let flags = rest.byte()?;
        rest.number()?;
        Some(Keys {
            id: rest.part()??,
            user: rest.part()??,
            discoverable: flags & DISCOVERABLE != 0,
            open: protection(flags)? == CredentialProtectionPolicy::UserVerificationOptional,
        })
    }

    /// `None` cannot be, since [`Self::new`] wrote it.
    pub(super) fn decode(&self, rp_id: &str) -> Option<Credential> {
        let mut rest = Rest(&self.0);
        let flags = rest.byte()?;
        let algorithm = rest.number()?;
        let algorithm =
            (algorithm >> 1).cast_signed() ^ (algorithm & 1).cast_signed().wrapping_neg();
        Some(Credential {
            id: CredentialId::new(rest.part()??).ok()?,
            rp_id: RpId::new(rp_id).ok()?,
            user: User {
                id: UserHandle::new(rest.part()??).ok()?,
                name: rest.text()?,
                display_name: rest.text()?,
            },
            rp_name: rest.text()?,
            discoverable: flags & DISCOVERABLE != 0,
            protection: protection(flags)?,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            key: KeyHandle::new(algorithm, Zeroizing::new(rest.part()??.into())),
            extensions: if flags & EXTENSIONS == 0 {
                None
            } else {
                Some(Box::new(ExtensionData {
                    hmac_secret: rest.secret()?,
                    cred_blob: rest.part()?.map(Into::into),
                    large_blob_key: rest.secret()?.map(LargeBlobKey::new),
                    large_blob: if flags & LARGE_BLOB == 0 { None } else { Some(rest.place()?) },
                    third_party_payment: flags & THIRD_PARTY_PAYMENT != 0,
                }))
            },
        })
    }
}

fn protection(flags: u8) -> Option<CredentialProtectionPolicy> {
    CredentialProtectionPolicy::from_level((flags >> PROTECTION & 3).into())
}

fn write_part(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    let length = part.map_or(0, |part| part.len().saturating_add(1));
    write_number(bytes, u64::try_from(length).unwrap_or(u64::MAX));
    bytes.extend_from_slice(part.unwrap_or_default());
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn part(&mut self) -> Option<Option<&'a [u8]>> {
        let Some(length) = usize::try_from(self.number()?).ok()?.checked_sub(1) else {
            return Some(None);
        };
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(part))
    }

    fn text(&mut self) -> Option<Option<String>> {
        match self.part()? {
            None => Some(None),
            Some(part) => Some(Some(str::from_utf8(part).ok()?.into())),
        }
    }

    fn place(&mut self) -> Option<LargeBlobPlace> {
        let Some(part) = self.part()? else { return Some(LargeBlobPlace::Empty) };
        let (compressed, original_size) = (part.into(), self.number()?);
        Some(LargeBlobPlace::Holds(Box::new(LargeBlob { compressed, original_size })))
    }

    fn secret(&mut self) -> Option<Option<Secret<32>>> {
        match self.part()? {
            None => Some(None),
            Some(part) => Some(Some(Secret::from_slice(part).ok()?)),
        }
    }
}
