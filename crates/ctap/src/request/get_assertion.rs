//! authenticatorGetAssertion, the request (CTAP 2.3 §6.2).

use alloc::vec::Vec;

use towline_cbor::{Member, Writer, decode};

use crate::{
    ClientDataHash, Command, DecodeError, Extensions, MESSAGE_DEPTH, PublicKeyCredentialDescriptor,
    RequestOptions, RpId, entity::rp_id, hidden::debug_without_bytes,
};

use super::begin;

/// The parameters of authenticatorGetAssertion.
#[derive(Clone, PartialEq, Eq)]
pub struct GetAssertionRequest {
    /// 0x01: the relying party.
    pub rp_id: RpId,
    /// 0x02: the hash of the client data.
    pub client_data_hash: ClientDataHash,
    /// 0x03: the credentials that may be used; `None` for any discoverable one. Entries that can't
    /// name one are left out, so that a list may be there and empty.
    pub allow_list: Option<Vec<PublicKeyCredentialDescriptor>>,
    /// 0x04: the inputs of extensions.
    pub extensions: Extensions,
    /// 0x05: the options.
    pub options: RequestOptions,
    /// 0x06: proof of a PIN/UV token. Empty in the way in which CTAP 2.0 lets the user select an
    /// authenticator.
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x07: the PIN/UV auth protocol of that proof.
    pub pin_uv_auth_protocol: Option<u64>,
}

debug_without_bytes!(
    struct GetAssertionRequest {
        rp_id, client_data_hash, allow_list, extensions, options, pin_uv_auth_protocol
    } hides { pin_uv_auth_param }
);

impl GetAssertionRequest {
    /// A request with the required parameters only.
    #[must_use]
    pub const fn new(rp_id: RpId, client_data_hash: ClientDataHash) -> Self {
        Self {
            rp_id,
            client_data_hash,
            allow_list: None,
            extensions: Extensions::new(),
            options: RequestOptions { rk: None, up: None, uv: None },
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        }
    }

    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let (mut id, mut client_data_hash) = (None, None);
        let mut allow_list = None;
        let mut extensions = Extensions::new();
        let mut options = RequestOptions::default();
        let mut pin_uv_auth_param = None;
        let mut pin_uv_auth_protocol = None;
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.members(|key, value| {
                match key {
                    Member::Int(0x01) => id = Some(rp_id(value)?),
                    Member::Int(0x02) => {
                        client_data_hash = Some(ClientDataHash::read(value)?);
                    }
                    Member::Int(0x03) => {
                        allow_list = Some(PublicKeyCredentialDescriptor::read_list(value)?);
                    }
                    Member::Int(0x04) => extensions = Extensions::read(value)?,
                    Member::Int(0x05) => options = RequestOptions::read(value)?,
                    Member::Int(0x06) => pin_uv_auth_param = Some(value.bytes()?.into()),
                    Member::Int(0x07) => pin_uv_auth_protocol = Some(value.uint()?),
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        Ok(Self {
            rp_id: id.ok_or(DecodeError::MissingParameter("rpId"))?,
            client_data_hash: client_data_hash
                .ok_or(DecodeError::MissingParameter("clientDataHash"))?,
            allow_list,
            extensions,
            options,
            pin_uv_auth_param,
            pin_uv_auth_protocol,
        })
    }

    /// The bytes of the request: the command, then these parameters.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = begin(Command::GetAssertion);
        self.write(&mut writer);
        writer.into_vec()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(0x01, |w| w.text(self.rp_id.as_str()));
            map.entry(0x02, |w| w.bytes(self.client_data_hash.as_bytes()));
            map.optional(0x03, self.allow_list.as_ref(), |w, list| {
                PublicKeyCredentialDescriptor::write_list(list, w);
            });
            if !self.extensions.is_empty() {
                map.entry(0x04, |w| self.extensions.write(w));
            }
            if !self.options.is_empty() {
                map.entry(0x05, |w| self.options.write(w));
            }
            map.optional(0x06, self.pin_uv_auth_param.as_deref(), Writer::bytes);
            map.optional(0x07, self.pin_uv_auth_protocol, Writer::uint);
        });
    }
}
