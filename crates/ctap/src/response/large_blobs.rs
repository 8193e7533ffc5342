//! authenticatorLargeBlobs, the response (CTAP 2.3 §6.10).

use alloc::vec::Vec;

use towline_cbor::{Key, Writer};

use super::{decode_members, encode_members};
use crate::{ResponseError, hidden::debug_without_bytes};

/// The answer to authenticatorLargeBlobs.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LargeBlobsResponse {
    /// 0x01: the fragment that was read, which may be empty; `None` after a write.
    pub config: Option<Vec<u8>>,
}

debug_without_bytes!(struct LargeBlobsResponse {}, hides { config });

impl LargeBlobsResponse {
    /// The whole response: the status byte 0x00, then the map after a read.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_members(self.config.is_none(), |map| {
            map.optional(0x01, self.config.as_deref(), Writer::bytes);
        })
    }

    /// Reads a whole response.
    ///
    /// # Errors
    /// [`ResponseError`] where it is a refusal or not as it must be.
    pub fn decode(response: &[u8]) -> Result<Self, ResponseError> {
        let mut read = Self::default();
        decode_members(response, |key, value| {
            if key == Key::Int(0x01) {
                read.config = Some(value.bytes()?.into());
            }
            Ok(())
        })?;
        Ok(read)
    }
}
