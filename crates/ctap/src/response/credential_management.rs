//! authenticatorCredentialManagement, the response (CTAP 2.3 §6.8).

use alloc::vec::Vec;

use towline_cbor::{Key, Writer};

use super::{LargeBlobKey, decode_members, encode_members};
use crate::{
    CosePublicKey, Malformed, PublicKeyCredentialDescriptor, ResponseError, Rp, RpIdHash, User,
    entity::Names,
    extension::{CredentialProtectionPolicy, ExtensionValue},
};

/// The answer to authenticatorCredentialManagement: of each member what the subcommand gives, and
/// nothing for deleteCredential and updateUserInformation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CredentialManagementResponse {
    /// 0x01: how many discoverable credentials there are.
    pub existing_resident_credentials_count: Option<u64>,
    /// 0x02: how many more there is room for.
    pub max_possible_remaining_resident_credentials_count: Option<u64>,
    /// 0x03: the relying party.
    pub rp: Option<Rp>,
    /// 0x04: the hash of its RP ID.
    pub rp_id_hash: Option<RpIdHash>,
    /// 0x05: how many relying parties there are, with the first of them.
    pub total_rps: Option<u64>,
    /// 0x06: the credential's account.
    pub user: Option<User>,
    /// 0x07: the credential.
    pub credential: Option<PublicKeyCredentialDescriptor>,
    /// 0x08: its public key.
    pub public_key: Option<CosePublicKey>,
    /// 0x09: how many credentials of the relying party there are, with the first of them.
    pub total_credentials: Option<u64>,
    /// 0x0A: how the credential is protected.
    pub cred_protect: Option<CredentialProtectionPolicy>,
    /// 0x0B: the key of its large blob.
    pub large_blob_key: Option<LargeBlobKey>,
    /// 0x0C: whether it is good for payments on other sites.
    pub third_party_payment: Option<bool>,
}

impl CredentialManagementResponse {
    /// The whole response: the status byte 0x00, then the map if there is anything in it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let remaining = self.max_possible_remaining_resident_credentials_count;
        encode_members(*self == Self::default(), |map| {
            map.optional(0x01, self.existing_resident_credentials_count, Writer::uint);
            map.optional(0x02, remaining, Writer::uint);
            map.optional(0x03, self.rp.as_ref(), |w, rp| rp.write(w));
            map.optional(0x04, self.rp_id_hash, |w, hash| w.bytes(hash.as_bytes()));
            map.optional(0x05, self.total_rps, Writer::uint);
            map.optional(0x06, self.user.as_ref(), |w, user| user.write(w));
            map.optional(0x07, self.credential.as_ref(), |w, credential| credential.write(w));
            map.optional(0x08, self.public_key.as_ref(), |w, key| key.write(w));
            map.optional(0x09, self.total_credentials, Writer::uint);
            map.optional(0x0a, self.cred_protect, |w, policy| policy.write(w));
            map.optional(0x0b, self.large_blob_key.as_ref(), |w, key| w.bytes(key.expose()));
            map.optional(0x0c, self.third_party_payment, Writer::bool);
        })
    }

    /// Reads a whole response.
    ///
    /// # Errors
    /// [`ResponseError`] where it is a refusal or not as it must be.
    pub fn decode(response: &[u8]) -> Result<Self, ResponseError> {
        let mut read = Self::default();
        decode_members(response, |key, value| {
            match key {
                Key::Int(0x01) => read.existing_resident_credentials_count = Some(value.uint()?),
                Key::Int(0x02) => {
                    read.max_possible_remaining_resident_credentials_count = Some(value.uint()?);
                }
                Key::Int(0x03) => read.rp = Some(Rp::read(value, Names::MayBeCut)?),
                Key::Int(0x04) => read.rp_id_hash = Some(RpIdHash::read(value)?),
                Key::Int(0x05) => read.total_rps = Some(value.uint()?),
                Key::Int(0x06) => read.user = Some(User::read(value, Names::MayBeCut)?),
                Key::Int(0x07) => {
                    let descriptor = PublicKeyCredentialDescriptor::read(value)?;
                    read.credential = Some(descriptor.ok_or(Malformed::Value("credentialID"))?);
                }
                Key::Int(0x08) => read.public_key = Some(CosePublicKey::read(value)?),
                Key::Int(0x09) => read.total_credentials = Some(value.uint()?),
                Key::Int(0x0a) => {
                    read.cred_protect = Some(CredentialProtectionPolicy::read(value)?);
                }
                Key::Int(0x0b) => read.large_blob_key = Some(LargeBlobKey::read(value)?),
                Key::Int(0x0c) => read.third_party_payment = Some(value.bool()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(read)
    }
}
