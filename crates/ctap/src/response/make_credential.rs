//! authenticatorMakeCredential, the response (CTAP 2.3 §6.1).

use alloc::vec::Vec;

use towline_cbor::{Key, Reader, Writer, decode};

use super::{LargeBlobKey, Response, success};
use crate::{
    AttestationStatement, Extensions, MESSAGE_DEPTH, Malformed, ResponseError,
    hidden::debug_without_bytes,
};

/// The answer to authenticatorMakeCredential.
#[derive(Clone, PartialEq, Eq)]
pub struct MakeCredentialResponse {
    /// 0x01 and 0x03: the attestation statement and its format.
    pub attestation: AttestationStatement,
    /// 0x02: the encoded [`crate::AuthenticatorData`], as signed.
    pub auth_data: Vec<u8>,
    /// 0x04: whether an enterprise attestation was returned.
    pub ep_att: Option<bool>,
    /// 0x05: the key for the credential's large blob.
    pub large_blob_key: Option<LargeBlobKey>,
    /// 0x06: outputs of extensions that are not signed.
    pub unsigned_extension_outputs: Extensions,
}

debug_without_bytes!(
    struct MakeCredentialResponse {
        attestation, ep_att, large_blob_key, unsigned_extension_outputs
    } hides { auth_data }
);

impl MakeCredentialResponse {
    /// A response with the required members only.
    #[must_use]
    pub const fn new(attestation: AttestationStatement, auth_data: Vec<u8>) -> Self {
        Self {
            attestation,
            auth_data,
            ep_att: None,
            large_blob_key: None,
            unsigned_extension_outputs: Extensions::new(),
        }
    }

    /// The whole response: the status byte 0x00, then the map.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // A statement without certificates mostly takes less than what is added.
        let mut writer = success(self.auth_data.len().saturating_add(128));
        writer.map(|map| {
            map.entry(0x01, |w| w.text(self.attestation.format()));
            map.entry(0x02, |w| w.bytes(&self.auth_data));
            map.entry(0x03, |w| self.attestation.write(w));
            map.optional(0x04, self.ep_att, Writer::bool);
            map.optional(0x05, self.large_blob_key.as_ref(), |w, key| w.bytes(key.expose()));
            if !self.unsigned_extension_outputs.is_empty() {
                map.entry(0x06, |w| self.unsigned_extension_outputs.write(w));
            }
        });
        writer.into_vec()
    }

    /// Reads a whole response. The statement of format `none` may be left out.
    ///
    /// # Errors
    /// [`ResponseError`] where it is a refusal or not as it must be.
    pub fn decode(response: &[u8]) -> Result<Self, ResponseError> {
        Ok(decode(Response::split(response)?.success()?, MESSAGE_DEPTH, Self::read)?)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut format, mut auth_data, mut attestation) = (None, None, None);
        let (mut ep_att, mut large_blob_key) = (None, None);
        let mut unsigned_extension_outputs = Extensions::new();
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => format = Some(value.text()?),
                Key::Int(0x02) => auth_data = Some(value.bytes()?.into()),
                Key::Int(0x03) => {
                    // Keys are sorted, so the format has been read where there is one.
                    let format = format.ok_or(Malformed::Missing("fmt"))?;
                    attestation = Some(AttestationStatement::read(format, value)?);
                }
                Key::Int(0x04) => ep_att = Some(value.bool()?),
                Key::Int(0x05) => large_blob_key = Some(LargeBlobKey::read(value)?),
                Key::Int(0x06) => unsigned_extension_outputs = Extensions::read(value)?,
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        let attestation = match (attestation, format) {
            (Some(attestation), _) => attestation,
            (None, Some("none")) => AttestationStatement::None,
            (None, Some(_)) => return Err(Malformed::Missing("attStmt")),
            (None, None) => return Err(Malformed::Missing("fmt")),
        };
        Ok(Self {
            attestation,
            auth_data: auth_data.ok_or(Malformed::Missing("authData"))?,
            ep_att,
            large_blob_key,
            unsigned_extension_outputs,
        })
    }
}
