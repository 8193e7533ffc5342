//! authenticatorClientPIN, the response (CTAP 2.3 §6.5.5).

use alloc::vec::Vec;

use towline_cbor::{Key, Writer};

use super::{decode_members, encode_members};
use crate::{KeyAgreementKey, ResponseError, hidden::debug_without_bytes};

/// The answer to authenticatorClientPIN: of each member what the subcommand gives, and nothing for
/// setPIN and changePIN.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientPinResponse {
    /// 0x01: the authenticator's key for the key agreement.
    pub key_agreement: Option<KeyAgreementKey>,
    /// 0x02: the PIN/UV token, encrypted.
    pub pin_uv_auth_token: Option<Vec<u8>>,
    /// 0x03: how many tries are left for the PIN.
    pub pin_retries: Option<u64>,
    /// 0x04: the authenticator needs a power cycle before the next try.
    pub power_cycle_state: Option<bool>,
    /// 0x05: how many tries are left for built-in user verification.
    pub uv_retries: Option<u64>,
}

debug_without_bytes!(
    struct ClientPinResponse {
        key_agreement, pin_retries, power_cycle_state, uv_retries
    } hides { pin_uv_auth_token }
);

impl ClientPinResponse {
    /// The whole response: the status byte 0x00, then the map if there is anything in it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_members(*self == Self::default(), |map| {
            map.optional(0x01, self.key_agreement, |w, key| key.write(w));
            map.optional(0x02, self.pin_uv_auth_token.as_deref(), Writer::bytes);
            map.optional(0x03, self.pin_retries, Writer::uint);
            map.optional(0x04, self.power_cycle_state, Writer::bool);
            map.optional(0x05, self.uv_retries, Writer::uint);
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
                Key::Int(0x01) => read.key_agreement = Some(KeyAgreementKey::read(value)?),
                Key::Int(0x02) => read.pin_uv_auth_token = Some(value.bytes()?.into()),
                Key::Int(0x03) => read.pin_retries = Some(value.uint()?),
                Key::Int(0x04) => read.power_cycle_state = Some(value.bool()?),
                Key::Int(0x05) => read.uv_retries = Some(value.uint()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(read)
    }
}
