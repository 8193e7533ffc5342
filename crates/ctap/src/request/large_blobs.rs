//! authenticatorLargeBlobs, the request (CTAP 2.3 §6.10).

use alloc::vec::Vec;

use towline_cbor::{Key, Writer, decode};
use towline_crypto::CryptoProvider;

use crate::{DecodeError, MESSAGE_DEPTH, Malformed, PinUvAuth, hidden::debug_without_bytes};

/// The parameters of authenticatorLargeBlobs: one fragment of the serialized array is read or
/// written.
#[derive(Clone, PartialEq, Eq)]
pub enum LargeBlobsRequest {
    /// 0x01: reads a fragment.
    Get {
        /// How many bytes at most.
        count: u64,
        /// The first byte that is wanted, counted from the start of the array.
        offset: u32,
    },
    /// 0x02: writes a fragment.
    Set {
        /// The bytes of the array from `offset` on.
        fragment: Vec<u8>,
        /// Where the fragment goes, counted from the start of the array.
        offset: u32,
        /// How long the whole array is: given with the first fragment, and only then. Whether it is
        /// so, is checked after the size of the fragment, and that is for the authenticator to do.
        length: Option<u64>,
        /// The proof, if there is one.
        auth: Option<PinUvAuth>,
    },
}

debug_without_bytes!(enum LargeBlobsRequest {
    Get { count, offset } hides {  }
    Set { offset, length, auth } hides { fragment }
});

impl LargeBlobsRequest {
    /// The message that the proof of a write is a MAC of:
    /// `32 bytes 0xff || 0x0c 0x00 || offset, little-endian in 4 bytes || SHA-256(fragment)`.
    #[must_use]
    pub fn authenticated_message(
        provider: &CryptoProvider,
        offset: u32,
        fragment: &[u8],
    ) -> Vec<u8> {
        let mut message = Vec::with_capacity(70);
        message.extend_from_slice(&[0xff; 32]);
        message.extend_from_slice(&[0x0c, 0x00]);
        message.extend_from_slice(&offset.to_le_bytes());
        message.extend_from_slice(&provider.sha256.hash(&[fragment]));
        message
    }

    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let (mut get, mut set, mut offset, mut length) = (None, None, None, None);
        let (mut protocol, mut param) = (None, None);
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0x01) => get = Some(value.uint()?),
                    Key::Int(0x02) => set = Some(value.bytes()?.into()),
                    Key::Int(0x03) => {
                        let wide = u32::try_from(value.uint()?);
                        offset = Some(wide.map_err(|_| Malformed::Value("offset"))?);
                    }
                    Key::Int(0x04) => length = Some(value.uint()?),
                    Key::Int(0x05) => param = Some(value.bytes()?.into()),
                    Key::Int(0x06) => protocol = Some(value.uint()?),
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        // Unlike everywhere else, this is an invalid parameter (0x02), not a missing one.
        let offset = offset.ok_or(DecodeError::Combination("offset is always needed"))?;
        match (get, set) {
            (Some(count), None) => {
                if length.is_some() || param.is_some() || protocol.is_some() {
                    return Err(DecodeError::Combination("get with what belongs to set"));
                }
                Ok(Self::Get { count, offset })
            }
            (None, Some(fragment)) => {
                let auth = PinUvAuth::from_parts(protocol, param)?;
                Ok(Self::Set { fragment, offset, length, auth })
            }
            _ => Err(DecodeError::Combination("either get or set")),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.map(|map| match self {
            Self::Get { count, offset } => {
                map.entry(0x01, |w| w.uint(*count));
                map.entry(0x03, |w| w.uint((*offset).into()));
            }
            Self::Set { fragment, offset, length, auth } => {
                map.entry(0x02, |w| w.bytes(fragment));
                map.entry(0x03, |w| w.uint((*offset).into()));
                map.optional(0x04, *length, Writer::uint);
                PinUvAuth::write(auth.as_ref(), map, 0x06, 0x05);
            }
        });
    }
}
