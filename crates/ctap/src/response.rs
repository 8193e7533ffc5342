//! Responses: a status byte, and after success one CBOR map for most commands (CTAP 2.3 §8.1).

use alloc::{vec, vec::Vec};
use core::fmt;

use towline_cbor::{Key, MapWriter, Reader, Writer, decode};
use towline_crypto::Secret;

use crate::{MESSAGE_DEPTH, Malformed, ResponseError, Status, hidden::debug_without_bytes};

mod bio_enrollment;
mod client_pin;
mod credential_management;
mod get_assertion;
mod large_blobs;
mod make_credential;

pub use bio_enrollment::{BioEnrollmentResponse, SampleStatus};
pub use client_pin::ClientPinResponse;
pub use credential_management::CredentialManagementResponse;
pub use get_assertion::GetAssertionResponse;
pub use large_blobs::LargeBlobsResponse;
pub use make_credential::MakeCredentialResponse;

/// A response, split in its two parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// Success, or why not.
    pub status: Status,
    /// What follows the status byte.
    pub body: &'a [u8],
}

debug_without_bytes!(struct Response<'a> { status } hides { body });

impl<'a> Response<'a> {
    /// Splits the status byte off.
    ///
    /// # Errors
    /// [`ResponseError::Empty`].
    pub fn split(bytes: &'a [u8]) -> Result<Self, ResponseError> {
        let (&status, body) = bytes.split_first().ok_or(ResponseError::Empty)?;
        Ok(Self { status: Status::from_u8(status), body })
    }

    /// The body of a successful response.
    ///
    /// # Errors
    /// [`ResponseError::Status`] for any other.
    pub fn success(self) -> Result<&'a [u8], ResponseError> {
        match self.status {
            Status::Ok => Ok(self.body),
            refused => Err(ResponseError::Status(refused)),
        }
    }

    /// A response of a status byte alone: every refusal, and the success of commands that answer
    /// nothing else.
    #[must_use]
    pub fn status_only(status: Status) -> Vec<u8> {
        vec![status.to_u8()]
    }
}

/// The key of a credential's large blob, 32 bytes (CTAP 2.3 §12.3). A secret: whoever has it can
/// read the blob.
#[derive(Clone, PartialEq, Eq)]
pub struct LargeBlobKey(Secret<32>);

impl LargeBlobKey {
    /// Takes the key over.
    #[must_use]
    pub const fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// The key, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(Secret::new(*reader.byte_array()?)))
    }
}

/// A response that says that all went well, to be continued with its map, which takes some `room`
/// bytes.
fn success(room: usize) -> Writer {
    let mut bytes = Vec::with_capacity(room.saturating_add(1));
    bytes.push(0);
    Writer::from_vec(bytes)
}

/// A response of a status byte and, if there is anything to tell, a map.
fn encode_members(empty: bool, members: impl FnOnce(&mut MapWriter<'_>)) -> Vec<u8> {
    let mut writer = success(0);
    if !empty {
        writer.map(members);
    }
    writer.into_vec()
}

/// Reads the members of a response; one without a map has none.
fn decode_members(
    response: &[u8],
    mut each: impl FnMut(Key<'_>, &mut Reader<'_>) -> Result<(), Malformed>,
) -> Result<(), ResponseError> {
    match Response::split(response)?.success()? {
        [] => Ok(()),
        body => {
            Ok(decode(body, MESSAGE_DEPTH, |reader| reader.map(|key, value| each(key, value)))?)
        }
    }
}

impl fmt::Debug for LargeBlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LargeBlobKey(32 bytes)")
    }
}
