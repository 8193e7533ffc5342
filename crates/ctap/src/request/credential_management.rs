//! authenticatorCredentialManagement, the request (CTAP 2.3 §6.8).

use alloc::{vec, vec::Vec};

use towline_cbor::{Key, MapWriter, Reader, Writer, decode};

use crate::{
    CredentialId, DecodeError, MESSAGE_DEPTH, Malformed, PinUvAuth, PublicKeyCredentialDescriptor,
    RpIdHash, User, entity::Names, hidden::debug_without_bytes,
};

/// The parameters of authenticatorCredentialManagement.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialManagementRequest {
    subcommand: CredentialManagementSubcommand,
    /// `subCommandParams` exactly as they came, for the MAC covers these bytes; empty if there are
    /// none.
    params: Vec<u8>,
    /// The proof. Whatever is decoded has one, unless its subcommand needs none.
    pub auth: Option<PinUvAuth>,
}

debug_without_bytes!(struct CredentialManagementRequest { subcommand, auth } hides { params });

/// What is to be done, with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialManagementSubcommand {
    /// 0x01: how many discoverable credentials there are, and how many more there is room for.
    GetCredsMetadata,
    /// 0x02: the first relying party, and how many there are.
    EnumerateRpsBegin,
    /// 0x03: the next relying party.
    EnumerateRpsGetNextRp,
    /// 0x04: the first credential of a relying party, and how many there are.
    EnumerateCredentialsBegin(RpIdHash),
    /// 0x05: the next credential.
    EnumerateCredentialsGetNextCredential,
    /// 0x06: deletes a credential.
    DeleteCredential(CredentialId),
    /// 0x07: changes the names of a credential's account.
    UpdateUserInformation {
        /// The id of the credential.
        credential: CredentialId,
        /// The account: the same id, other names.
        user: User,
    },
}

impl CredentialManagementSubcommand {
    /// The subcommand's number.
    #[must_use]
    pub const fn to_u8(&self) -> u8 {
        match self {
            Self::GetCredsMetadata => 0x01,
            Self::EnumerateRpsBegin => 0x02,
            Self::EnumerateRpsGetNextRp => 0x03,
            Self::EnumerateCredentialsBegin(_) => 0x04,
            Self::EnumerateCredentialsGetNextCredential => 0x05,
            Self::DeleteCredential(_) => 0x06,
            Self::UpdateUserInformation { .. } => 0x07,
        }
    }

    /// Whether it goes on with an enumeration, which another subcommand began: then it takes no
    /// proof.
    #[must_use]
    pub const fn is_continuation(&self) -> bool {
        matches!(self, Self::EnumerateRpsGetNextRp | Self::EnumerateCredentialsGetNextCredential)
    }

    fn write_params(&self, map: &mut MapWriter<'_>) {
        let descriptor = |w: &mut Writer, id: &CredentialId| {
            PublicKeyCredentialDescriptor::new(id.clone()).write(w);
        };
        match self {
            Self::EnumerateCredentialsBegin(hash) => {
                map.entry(0x01, |w| w.bytes(hash.as_bytes()));
            }
            Self::DeleteCredential(credential) => map.entry(0x02, |w| descriptor(w, credential)),
            Self::UpdateUserInformation { credential, user } => {
                map.entry(0x02, |w| descriptor(w, credential));
                map.entry(0x03, |w| user.write(w));
            }
            _ => {}
        }
    }

    const fn has_params(&self) -> bool {
        matches!(
            self,
            Self::EnumerateCredentialsBegin(_)
                | Self::DeleteCredential(_)
                | Self::UpdateUserInformation { .. }
        )
    }
}

/// `subCommandParams`, all of them optional.
#[derive(Default)]
struct Params {
    rp_id_hash: Option<RpIdHash>,
    credential: Option<CredentialId>,
    user: Option<User>,
}

impl Params {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut params = Self::default();
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => params.rp_id_hash = Some(RpIdHash::read(value)?),
                Key::Int(0x02) => {
                    let descriptor = PublicKeyCredentialDescriptor::read(value)?;
                    let descriptor = descriptor.ok_or(Malformed::Value("credentialID"))?;
                    params.credential = Some(descriptor.id);
                }
                // A user handle that can't be one is not that of the credential, which is what is
                // wrong with it.
                Key::Int(0x03) => {
                    let user = User::read(value, Names::Whole).map_err(|error| match error {
                        Malformed::Length("user.id") => Malformed::Value("user.id"),
                        other => other,
                    });
                    params.user = Some(user?);
                }
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(params)
    }

    fn subcommand(self, number: u64) -> Result<CredentialManagementSubcommand, DecodeError> {
        use CredentialManagementSubcommand as Sub;
        let rp_id_hash = self.rp_id_hash.ok_or(DecodeError::MissingParameter("rpIDHash"));
        let credential = self.credential.ok_or(DecodeError::MissingParameter("credentialID"));
        Ok(match number {
            0x01 => Sub::GetCredsMetadata,
            0x02 => Sub::EnumerateRpsBegin,
            0x03 => Sub::EnumerateRpsGetNextRp,
            0x04 => Sub::EnumerateCredentialsBegin(rp_id_hash?),
            0x05 => Sub::EnumerateCredentialsGetNextCredential,
            0x06 => Sub::DeleteCredential(credential?),
            0x07 => Sub::UpdateUserInformation {
                credential: credential?,
                user: self.user.ok_or(DecodeError::MissingParameter("user"))?,
            },
            unknown => return Err(DecodeError::UnknownSubcommand(unknown)),
        })
    }
}

impl CredentialManagementRequest {
    /// A request without proof.
    #[must_use]
    pub fn new(subcommand: CredentialManagementSubcommand) -> Self {
        let mut params = Writer::new();
        if subcommand.has_params() {
            params.map(|map| subcommand.write_params(map));
        }
        Self { subcommand, params: params.into_vec(), auth: None }
    }

    /// The subcommand with its parameters.
    #[must_use]
    pub const fn subcommand(&self) -> &CredentialManagementSubcommand {
        &self.subcommand
    }

    /// The message that the proof is a MAC of: `subCommand || subCommandParams`.
    #[must_use]
    pub fn authenticated_message(&self) -> Vec<u8> {
        let mut message = vec![self.subcommand.to_u8()];
        message.extend_from_slice(&self.params);
        message
    }

    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let (mut subcommand, mut protocol, mut param) = (None, None, None);
        let (mut params, mut encoded) = (Params::default(), Vec::new());
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0x01) => subcommand = Some(value.uint()?),
                    Key::Int(0x02) => {
                        let raw = value.raw()?;
                        params = decode(raw, MESSAGE_DEPTH, Params::read)?;
                        encoded = raw.into();
                    }
                    Key::Int(0x03) => protocol = Some(value.uint()?),
                    Key::Int(0x04) => param = Some(value.bytes()?.into()),
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        let number = subcommand.ok_or(DecodeError::MissingParameter("subCommand"))?;
        // In the standard's order: the proof is missed before the parameters are.
        let auth = match number {
            0x01 | 0x02 | 0x04 | 0x06 | 0x07 => Some(
                PinUvAuth::from_parts(protocol, param)?.ok_or(DecodeError::PinUvAuthRequired)?,
            ),
            _ => None,
        };
        Ok(Self { subcommand: params.subcommand(number)?, params: encoded, auth })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(0x01, |w| w.uint(self.subcommand.to_u8().into()));
            if !self.params.is_empty() {
                map.entry(0x02, |w| w.raw(&self.params));
            }
            PinUvAuth::write(self.auth.as_ref(), map, 0x03, 0x04);
        });
    }
}
