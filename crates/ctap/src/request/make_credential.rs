//! authenticatorMakeCredential, the request (CTAP 2.3 §6.1).

use alloc::{string::String, vec::Vec};

use towline_cbor::{Member, Writer, decode};

use crate::{
    ClientDataHash, Command, DecodeError, Extensions, MESSAGE_DEPTH, PublicKeyCredentialDescriptor,
    RequestOptions, Rp, User, entity::Names, hidden::debug_without_bytes,
};

use super::{begin, read_algorithms, write_algorithms};

/// The parameters of authenticatorMakeCredential.
#[derive(Clone, PartialEq, Eq)]
pub struct MakeCredentialRequest {
    /// 0x01: the hash of the client data.
    pub client_data_hash: ClientDataHash,
    /// 0x02: the relying party.
    pub rp: Rp,
    /// 0x03: the account.
    pub user: User,
    /// 0x04: the COSE algorithms that the relying party accepts, by preference; entries of other
    /// types than `public-key` are left out.
    pub pub_key_cred_params: Vec<i64>,
    /// 0x05: credentials of which the authenticator must hold none; empty and absent are the same.
    /// Entries that can't name one are left out.
    pub exclude_list: Vec<PublicKeyCredentialDescriptor>,
    /// 0x06: the inputs of extensions.
    pub extensions: Extensions,
    /// 0x07: the options.
    pub options: RequestOptions,
    /// 0x08: proof of a PIN/UV token. Empty in the way in which CTAP 2.0 lets the user select an
    /// authenticator.
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x09: the PIN/UV auth protocol of that proof.
    pub pin_uv_auth_protocol: Option<u64>,
    /// 0x0A: enterprise attestation: 1 for vendor-facilitated, 2 for platform-managed.
    pub enterprise_attestation: Option<u64>,
    /// 0x0B: the attestation formats that are wanted, by preference; empty and absent are the same.
    pub attestation_formats_preference: Vec<String>,
}

debug_without_bytes!(
    struct MakeCredentialRequest {
        client_data_hash, rp, user, pub_key_cred_params, exclude_list, extensions, options,
        pin_uv_auth_protocol, enterprise_attestation, attestation_formats_preference
    } hides { pin_uv_auth_param }
);

impl MakeCredentialRequest {
    /// A request with the required parameters only.
    #[must_use]
    pub fn new(client_data_hash: ClientDataHash, rp: Rp, user: User, algorithms: Vec<i64>) -> Self {
        Self {
            client_data_hash,
            rp,
            user,
            pub_key_cred_params: algorithms,
            exclude_list: Vec::new(),
            extensions: Extensions::new(),
            options: RequestOptions::default(),
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
            enterprise_attestation: None,
            attestation_formats_preference: Vec::new(),
        }
    }

    /// The first of the wanted algorithms that is among the `supported` ones.
    #[must_use]
    pub fn first_supported(&self, supported: &[i64]) -> Option<i64> {
        self.pub_key_cred_params.iter().copied().find(|alg| supported.contains(alg))
    }

    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let (mut client_data_hash, mut rp, mut user, mut algorithms) = (None, None, None, None);
        let mut exclude_list = Vec::new();
        let mut extensions = Extensions::new();
        let mut options = RequestOptions::default();
        let mut pin_uv_auth_param = None;
        let mut pin_uv_auth_protocol = None;
        let mut enterprise_attestation = None;
        let mut attestation_formats_preference = Vec::new();
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.members(|key, value| {
                match key {
                    Member::Int(0x01) => {
                        client_data_hash = Some(ClientDataHash::read(value)?);
                    }
                    Member::Int(0x02) => rp = Some(Rp::read(value, Names::Whole)?),
                    Member::Int(0x03) => user = Some(User::read(value, Names::Whole)?),
                    Member::Int(0x04) => algorithms = Some(read_algorithms(value)?),
                    Member::Int(0x05) => {
                        exclude_list = PublicKeyCredentialDescriptor::read_list(value)?;
                    }
                    Member::Int(0x06) => extensions = Extensions::read(value)?,
                    Member::Int(0x07) => options = RequestOptions::read(value)?,
                    Member::Int(0x08) => pin_uv_auth_param = Some(value.bytes()?.into()),
                    Member::Int(0x09) => pin_uv_auth_protocol = Some(value.uint()?),
                    Member::Int(0x0a) => enterprise_attestation = Some(value.uint()?),
                    Member::Int(0x0b) => value.array(|element| {
                        attestation_formats_preference.push(element.text()?.into());
                        Ok::<(), DecodeError>(())
                    })?,
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        Ok(Self {
            client_data_hash: client_data_hash
                .ok_or(DecodeError::MissingParameter("clientDataHash"))?,
            rp: rp.ok_or(DecodeError::MissingParameter("rp"))?,
            user: user.ok_or(DecodeError::MissingParameter("user"))?,
            pub_key_cred_params: algorithms
                .ok_or(DecodeError::MissingParameter("pubKeyCredParams"))?,
            exclude_list,
            extensions,
            options,
            pin_uv_auth_param,
            pin_uv_auth_protocol,
            enterprise_attestation,
            attestation_formats_preference,
        })
    }

    /// The bytes of the request: the command, then these parameters.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = begin(Command::MakeCredential);
        self.write(&mut writer);
        writer.into_vec()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(0x01, |w| w.bytes(self.client_data_hash.as_bytes()));
            map.entry(0x02, |w| self.rp.write(w));
            map.entry(0x03, |w| self.user.write(w));
            map.entry(0x04, |w| write_algorithms(w, &self.pub_key_cred_params));
            if !self.exclude_list.is_empty() {
                map.entry(0x05, |w| {
                    PublicKeyCredentialDescriptor::write_list(&self.exclude_list, w)
                });
            }
            if !self.extensions.is_empty() {
                map.entry(0x06, |w| self.extensions.write(w));
            }
            if !self.options.is_empty() {
                map.entry(0x07, |w| self.options.write(w));
            }
            map.optional(0x08, self.pin_uv_auth_param.as_deref(), Writer::bytes);
            map.optional(0x09, self.pin_uv_auth_protocol, Writer::uint);
            map.optional(0x0a, self.enterprise_attestation, Writer::uint);
            if !self.attestation_formats_preference.is_empty() {
                map.entry(0x0b, |w| {
                    w.array(|array| {
                        let formats = self.attestation_formats_preference.iter();
                        formats.for_each(|format| array.item(|w| w.text(format)));
                    });
                });
            }
        });
    }
}
