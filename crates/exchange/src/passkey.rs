//! A passkey as the format has it, member by member.

use std::fmt;

use towline_authenticator::{CredRandom, ExtensionData, LargeBlobPlace};
use towline_crypto::Secret;
use towline_ctap::{CredentialId, RpId, User, UserHandle, extension::LargeBlob};
use zeroize::Zeroizing;

use crate::{
    Defect, ImportLimits, Missing, Refused,
    base64url::{self, Form},
    json::{Json, Members, member},
};

/// What a passkey of a document is, but for its key, which is looked at when it is used.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: CredentialId,
    pub(crate) rp_id: RpId,
    pub(crate) user: User,
    /// PKCS #8, by the file's word.
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) extensions: ExtensionData,
    pub(crate) missing: Vec<Missing>,
    /// What means nothing here, in its place.
    pub(crate) leftover: Members,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Found({})", self.rp_id)
    }
}

/// The names of members, as the format has them.
pub(crate) mod name {
    pub(crate) const TYPE: &str = "type";
    pub(crate) const PASSKEY: &str = "passkey";
    pub(crate) const CREDENTIAL_ID: &str = "credentialId";
    pub(crate) const RP_ID: &str = "rpId";
    pub(crate) const USERNAME: &str = "username";
    pub(crate) const USER_DISPLAY_NAME: &str = "userDisplayName";
    pub(crate) const USER_HANDLE: &str = "userHandle";
    pub(crate) const KEY: &str = "key";
    pub(crate) const FIDO2_EXTENSIONS: &str = "fido2Extensions";
    pub(crate) const HMAC_CREDENTIALS: &str = "hmacCredentials";
    pub(crate) const ALGORITHM: &str = "algorithm";
    pub(crate) const HMAC_SHA_256: &str = "hmac-sha256";
    pub(crate) const CRED_WITH_UV: &str = "credWithUV";
    pub(crate) const CRED_WITHOUT_UV: &str = "credWithoutUV";
    pub(crate) const CRED_BLOB: &str = "credBlob";
    pub(crate) const LARGE_BLOB: &str = "largeBlob";
    pub(crate) const UNCOMPRESSED_SIZE: &str = "uncompressedSize";
    pub(crate) const DATA: &str = "data";
    pub(crate) const PAYMENTS: &str = "payments";
}

/// The form of the draft of 2024, which the errata replaced.
const WITHDRAWN: &str = "hmacSecret";

/// What some exporters count in, although the format has no counter.
const COUNTERS: [&str; 4] = ["counter", "signCount", "signatureCounter", "sign_count"];

/// The text of a member, where it is one and not empty.
pub(crate) fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    member(members, name)?.as_text().filter(|text| !text.is_empty())
}

/// As much of a text as fits.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Takes a member out.
pub(crate) fn take(members: &mut Members, name: &str) -> Option<Json> {
    let place = members.iter().position(|(known, _)| known == name)?;
    Some(members.remove(place).1)
}

impl Found {
    /// Reads the members of a credential of the type `passkey`.
    pub(crate) fn read(mut rest: Members, limits: &ImportLimits) -> Result<Self, Refused> {
        let mut reading = Reading { limits, missing: Vec::new() };
        take(&mut rest, name::TYPE);
        let id = reading.bytes(&mut rest, name::CREDENTIAL_ID)?;
        let rp_id = reading.rp_id(&mut rest)?;
        let handle = reading.bytes(&mut rest, name::USER_HANDLE)?;
        let key = reading.key(&mut rest)?;
        let user = User {
            id: user_handle(&handle)?,
            name: reading.name(&mut rest, name::USERNAME),
            display_name: reading.name(&mut rest, name::USER_DISPLAY_NAME),
        };
        let extensions = reading.extensions(&mut rest);
        for counter in COUNTERS {
            if let Some(value) = take(&mut rest, counter)
                && value.as_integer() != Some(0)
            {
                reading.note(Missing::CounterNotZero);
            }
        }
        let Reading { missing, .. } = reading;
        let id = credential_id(&id)?;
        Ok(Self { id, rp_id, user, key, extensions, missing, leftover: rest })
    }
}

fn credential_id(bytes: &[u8]) -> Result<CredentialId, Refused> {
    if bytes.is_empty() {
        return Err(Defect::IdEmpty.into());
    }
    // One byte may well be zero; a whole identifier of zeros is one that got lost.
    if bytes.len() >= 16 && bytes.iter().all(|byte| *byte == 0) {
        return Err(Defect::IdAllZero.into());
    }
    CredentialId::new(bytes).map_err(|_| Defect::IdTooLong.into())
}

fn user_handle(bytes: &[u8]) -> Result<UserHandle, Refused> {
    let reason = if bytes.is_empty() { Defect::UserHandleEmpty } else { Defect::UserHandleTooLong };
    UserHandle::new(bytes).map_err(|_| reason.into())
}

struct Reading<'a> {
    limits: &'a ImportLimits,
    missing: Vec<Missing>,
}

impl Reading<'_> {
    fn note(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    fn decoded(&mut self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (bytes, form) = base64url::read(text)?;
        if form == Form::Standard {
            self.note(Missing::StandardBase64);
        }
        Some(bytes)
    }

    /// A member that has to be there, as base64url.
    fn bytes(&mut self, from: &mut Members, name: &str) -> Result<Zeroizing<Vec<u8>>, Refused> {
        match take(from, name) {
            None | Some(Json::Null) => Err(Refused::of(Defect::MissingMember, name)),
            Some(Json::Text(text)) => {
                self.decoded(&text).ok_or_else(|| Refused::of(Defect::BadBase64Url, name))
            }
            Some(_) => Err(Refused::of(Defect::WrongType, name)),
        }
    }

    fn rp_id(&mut self, from: &mut Members) -> Result<RpId, Refused> {
        let text = match take(from, name::RP_ID) {
            None | Some(Json::Null) => {
                return Err(Refused::of(Defect::MissingMember, name::RP_ID));
            }
            Some(Json::Text(text)) => text,
            Some(_) => return Err(Refused::of(Defect::WrongType, name::RP_ID)),
        };
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let could_be = text.chars().all(part) && !text.starts_with('.') && !text.ends_with('.');
        if text.chars().any(|c| c.is_ascii_uppercase()) {
            self.note(Missing::RpIdNotLowerCase);
        }
        RpId::new(&text).ok().filter(|_| could_be).ok_or_else(|| Defect::BadRpId.into())
    }

    fn key(&mut self, from: &mut Members) -> Result<Zeroizing<Vec<u8>>, Refused> {
        if let Some(Json::Text(text)) = member(from, name::KEY)
            && text.trim_start().starts_with("-----BEGIN")
        {
            let der = pem(text).ok_or(Defect::BadKey)?;
            self.note(Missing::KeyWasPem);
            take(from, name::KEY);
            return Ok(der);
        }
        match member(from, name::KEY) {
            // A JWK, most likely.
            Some(Json::Object(_)) => Err(Defect::BadKey.into()),
            _ => self.bytes(from, name::KEY),
        }
    }

    /// A name for people. None and an empty one are the same here.
    fn name(&mut self, from: &mut Members, name: &str) -> Option<String> {
        let text = match take(from, name)? {
            Json::Text(text) => text,
            Json::Null => return None,
            _ => {
                self.note(Missing::NameNotText);
                return None;
            }
        };
        let mut text = Some(text.to_string()).filter(|text| !text.is_empty())?;
        if text.len() > self.limits.name {
            self.note(Missing::NameTooLong);
            text.truncate(cut(&text, self.limits.name).len());
        }
        Some(text)
    }

    /// What is of use of `fido2Extensions`. The rest stays in its place: what is not known, and
    /// what could not be read, as it is.
    fn extensions(&mut self, from: &mut Members) -> ExtensionData {
        let mut data = ExtensionData::default();
        let mut rest = match take(from, name::FIDO2_EXTENSIONS) {
            None | Some(Json::Null) => return data,
            Some(Json::Object(rest)) => rest,
            Some(other) => {
                self.note(Missing::ExtensionsMalformed);
                from.push((name::FIDO2_EXTENSIONS.to_owned(), other));
                return data;
            }
        };
        data.cred_random = self.cred_random(&mut rest);
        data.cred_blob = part(&mut rest, name::CRED_BLOB, |blob| {
            let bytes = blob.as_text().and_then(|text| self.decoded(text));
            match bytes {
                None => self.note(Missing::CredBlobMalformed),
                Some(bytes) if bytes.len() > self.limits.cred_blob => {
                    self.note(Missing::CredBlobTooLarge);
                }
                Some(bytes) => return Some((bytes.to_vec().into(), Vec::new())),
            }
            None
        });
        data.large_blob = part(&mut rest, name::LARGE_BLOB, |blob| self.large_blob(blob))
            .map(|blob| LargeBlobPlace::Holds(Box::new(blob)));
        let payments = part(&mut rest, name::PAYMENTS, |payments| match payments {
            Json::Bool(payments) => Some((*payments, Vec::new())),
            _ => {
                self.note(Missing::PaymentsNotABoolean);
                None
            }
        });
        data.third_party_payment = payments.unwrap_or(false);
        if !rest.is_empty() {
            from.push((name::FIDO2_EXTENSIONS.to_owned(), Json::Object(rest)));
        }
        data
    }

    fn cred_random(&mut self, from: &mut Members) -> Option<CredRandom> {
        let pair = part(from, name::HMAC_CREDENTIALS, |seeds| match self.pair(seeds) {
            Ok(pair) => Some(pair),
            Err(missing) => {
                self.note(missing);
                None
            }
        });
        // Never written again.
        let withdrawn = take(from, WITHDRAWN).filter(|seeds| *seeds != Json::Null);
        let (None, Some(withdrawn)) = (&pair, withdrawn) else { return pair };
        self.note(Missing::PrfWithdrawnForm);
        if withdrawn.get(name::ALGORITHM).and_then(Json::as_text) != Some("HS256") {
            return None;
        }
        let (bytes, _) = base64url::read(withdrawn.get("secret")?.as_text()?)?;
        let seed = Secret::from_slice(&bytes).ok()?;
        Some(CredRandom::Pair { with_uv: seed.clone(), without_uv: seed })
    }

    fn pair(&mut self, seeds: &Json) -> Result<(CredRandom, Members), Missing> {
        let mut rest = seeds.as_object().ok_or(Missing::PrfMalformed)?.clone();
        match take(&mut rest, name::ALGORITHM) {
            Some(Json::Text(algorithm)) if *algorithm == name::HMAC_SHA_256 => {}
            _ => return Err(Missing::PrfUnknownAlgorithm),
        }
        let mut seed = |name| match take(&mut rest, name) {
            None | Some(Json::Null) => Err(Missing::PrfOneSeed),
            Some(Json::Text(text)) => {
                let bytes = self.decoded(&text).ok_or(Missing::PrfMalformed)?;
                Secret::from_slice(&bytes).map_err(|_| Missing::PrfSeedLength)
            }
            Some(_) => Err(Missing::PrfMalformed),
        };
        let (with_uv, without_uv) = (seed(name::CRED_WITH_UV)?, seed(name::CRED_WITHOUT_UV)?);
        Ok((CredRandom::Pair { with_uv, without_uv }, rest))
    }

    /// Nothing is inflated: what a blob says of its size is believed as far as it is small.
    fn large_blob(&mut self, blob: &Json) -> Option<(LargeBlob, Members)> {
        let read = |reading: &mut Self| {
            let mut rest = blob.as_object()?.clone();
            let size = take(&mut rest, name::UNCOMPRESSED_SIZE)?.as_integer()?;
            let size = u64::try_from(size).ok()?;
            let data = take(&mut rest, name::DATA)?;
            Some((size, reading.decoded(data.as_text()?)?, rest))
        };
        let Some((original_size, compressed, rest)) = read(self) else {
            self.note(Missing::LargeBlobMalformed);
            return None;
        };
        let most = self.limits.large_blob;
        let is_small = usize::try_from(original_size).is_ok_and(|size| size <= most);
        if compressed.len() > most || !is_small {
            self.note(Missing::LargeBlobTooLarge);
            return None;
        }
        Some((LargeBlob { compressed: compressed.to_vec(), original_size }, rest))
    }
}

/// Reads a member. What `read` has no use for stays in its place, or all of it where nothing is of
/// use; null is as if it were not there.
fn part<T>(
    from: &mut Members,
    name: &str,
    read: impl FnOnce(&Json) -> Option<(T, Members)>,
) -> Option<T> {
    let value = take(from, name).filter(|value| *value != Json::Null)?;
    let (read, left) = match read(&value) {
        Some((read, rest)) => (Some(read), Some(rest).filter(|rest| !rest.is_empty())),
        None => {
            from.push((name.to_owned(), value));
            return None;
        }
    };
    from.extend(left.map(|left| (name.to_owned(), Json::Object(left))));
    read
}

/// The content of a private key in PEM (RFC 7468).
fn pem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let inner = text.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?;
    let inner = inner.strip_suffix("-----END PRIVATE KEY-----")?;
    let mut packed = Zeroizing::new(String::with_capacity(inner.len()));
    packed.extend(inner.chars().filter(|c| !c.is_ascii_whitespace()));
    base64url::read(&packed).map(|(der, _)| der)
}
