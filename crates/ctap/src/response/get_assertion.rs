//! authenticatorGetAssertion and authenticatorGetNextAssertion, the response (CTAP 2.3 §6.2, §6.3).

use alloc::vec::Vec;

use towline_cbor::{Key, Reader, Writer, decode};

use super::{LargeBlobKey, Response, success};
use crate::{
    Extensions, MESSAGE_DEPTH, Malformed, PublicKeyCredentialDescriptor, ResponseError, User,
    entity::Names, hidden::debug_without_bytes,
};

/// The answer to authenticatorGetAssertion and authenticatorGetNextAssertion.
#[derive(Clone, PartialEq, Eq)]
pub struct GetAssertionResponse {
    /// 0x01: the credential; CTAP 2.0 lets it be left out after an allow list of one entry.
    pub credential: Option<PublicKeyCredentialDescriptor>,
    /// 0x02: the encoded [`crate::AuthenticatorData`], as signed.
    pub auth_data: Vec<u8>,
    /// 0x03: the signature over the authenticator data and the client data hash.
    pub signature: Vec<u8>,
    /// 0x04: the account; names only after user verification.
    pub user: Option<User>,
    /// 0x05: how many credentials matched, in the first answer of several.
    pub number_of_credentials: Option<u64>,
    /// 0x06: whether the user selected the credential on the authenticator.
    pub user_selected: Option<bool>,
    /// 0x07: the key for the credential's large blob.
    pub large_blob_key: Option<LargeBlobKey>,
    /// 0x08: outputs of extensions that are not signed.
    pub unsigned_extension_outputs: Extensions,
}

debug_without_bytes!(
    struct GetAssertionResponse {
        credential, user, number_of_credentials, user_selected, large_blob_key,
        unsigned_extension_outputs
    } hides { auth_data, signature }
);

impl GetAssertionResponse {
    /// A response with the members that every answer should have.
    #[must_use]
    pub const fn new(
        credential: PublicKeyCredentialDescriptor,
        auth_data: Vec<u8>,
        signature: Vec<u8>,
    ) -> Self {
        Self {
            credential: Some(credential),
            auth_data,
            signature,
            user: None,
            number_of_credentials: None,
            user_selected: None,
            large_blob_key: None,
            unsigned_extension_outputs: Extensions::new(),
        }
    }

    /// The whole response: the status byte 0x00, then the map.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // The descriptor and the account mostly take less than what is added.
        let signed = self.auth_data.len().saturating_add(self.signature.len());
        let mut writer = success(signed.saturating_add(256));
        writer.map(|map| {
            map.optional(0x01, self.credential.as_ref(), |w, credential| credential.write(w));
            map.entry(0x02, |w| w.bytes(&self.auth_data));
            map.entry(0x03, |w| w.bytes(&self.signature));
            map.optional(0x04, self.user.as_ref(), |w, user| user.write(w));
            map.optional(0x05, self.number_of_credentials, Writer::uint);
            map.optional(0x06, self.user_selected, Writer::bool);
            map.optional(0x07, self.large_blob_key.as_ref(), |w, key| w.bytes(key.expose()));
            if !self.unsigned_extension_outputs.is_empty() {
                map.entry(0x08, |w| self.unsigned_extension_outputs.write(w));
            }
        });
        writer.into_vec()
    }

    /// Reads a whole response.
    ///
    /// # Errors
    /// [`ResponseError`] where it is a refusal or not as it must be.
    pub fn decode(response: &[u8]) -> Result<Self, ResponseError> {
        Ok(decode(Response::split(response)?.success()?, MESSAGE_DEPTH, Self::read)?)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut credential, mut auth_data, mut signature, mut user) = (None, None, None, None);
        let (mut number_of_credentials, mut user_selected, mut large_blob_key) = (None, None, None);
        let mut unsigned_extension_outputs = Extensions::new();
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => {
                    let descriptor = PublicKeyCredentialDescriptor::read(value)?;
                    credential = Some(descriptor.ok_or(Malformed::Value("credential"))?);
                }
                Key::Int(0x02) => auth_data = Some(value.bytes()?.into()),
                Key::Int(0x03) => signature = Some(value.bytes()?.into()),
                Key::Int(0x04) => user = Some(User::read(value, Names::MayBeCut)?),
                Key::Int(0x05) => number_of_credentials = Some(value.uint()?),
                Key::Int(0x06) => user_selected = Some(value.bool()?),
                Key::Int(0x07) => large_blob_key = Some(LargeBlobKey::read(value)?),
                Key::Int(0x08) => unsigned_extension_outputs = Extensions::read(value)?,
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self {
            credential,
            auth_data: auth_data.ok_or(Malformed::Missing("authData"))?,
            signature: signature.ok_or(Malformed::Missing("signature"))?,
            user,
            number_of_credentials,
            user_selected,
            large_blob_key,
            unsigned_extension_outputs,
        })
    }
}
