//! `hmac-secret`: two secrets of a credential's own, through HMAC with salts of the platform's
//! choice (CTAP 2.3 §12).

use core::fmt;

use alloc::vec::Vec;

use towline_cbor::{Key, Reader, Writer};

use super::ExtensionValue;
use crate::{
    KeyAgreementKey, Malformed,
    hidden::{Hide as _, debug_without_bytes},
};

boolean! {
    /// `hmac-secret` of a creation: `true` asks for it, and the output tells whether the credential
    /// has it.
    HmacSecret "hmac-secret"
}

/// `hmac-secret` of an assertion: the salts, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacSecretInput {
    /// 0x01: the platform's key for the key agreement.
    pub key_agreement: KeyAgreementKey,
    /// 0x02: one or two salts, encrypted under the shared secret.
    pub salt_enc: Vec<u8>,
    /// 0x03: the MAC over `salt_enc`, under the shared secret.
    pub salt_auth: Vec<u8>,
    /// 0x04: the PIN/UV auth protocol; 1 if absent.
    pub pin_uv_auth_protocol: Option<u64>,
}

debug_without_bytes!(
    struct HmacSecretInput {
        key_agreement, pin_uv_auth_protocol
    } hides { salt_enc, salt_auth }
);

impl HmacSecretInput {
    /// The PIN/UV auth protocol in force.
    #[must_use]
    pub fn protocol(&self) -> u64 {
        self.pin_uv_auth_protocol.unwrap_or(1)
    }
}

/// The answer to [`HmacSecretInput`]: one or two HMACs, encrypted under the shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacSecretOutput(pub Vec<u8>);

impl fmt::Debug for HmacSecretOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacSecretOutput({:?})", self.0.hidden())
    }
}

impl ExtensionValue for HmacSecretInput {
    const ID: &'static str = HmacSecret::ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut key_agreement, mut salt_enc, mut salt_auth, mut protocol) =
            (None, None, None, None);
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => key_agreement = Some(KeyAgreementKey::read(value)?),
                Key::Int(0x02) => salt_enc = Some(value.bytes()?.into()),
                Key::Int(0x03) => salt_auth = Some(value.bytes()?.into()),
                Key::Int(0x04) => protocol = Some(value.uint()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self {
            key_agreement: key_agreement.ok_or(Malformed::Missing("keyAgreement"))?,
            salt_enc: salt_enc.ok_or(Malformed::Missing("saltEnc"))?,
            salt_auth: salt_auth.ok_or(Malformed::Missing("saltAuth"))?,
            pin_uv_auth_protocol: protocol,
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(0x01, |w| self.key_agreement.write(w));
            map.entry(0x02, |w| w.bytes(&self.salt_enc));
            map.entry(0x03, |w| w.bytes(&self.salt_auth));
            map.optional(0x04, self.pin_uv_auth_protocol, Writer::uint);
        });
    }
}

impl ExtensionValue for HmacSecretOutput {
    const ID: &'static str = HmacSecret::ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(reader.bytes()?.into()))
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.0);
    }
}
