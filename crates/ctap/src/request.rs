//! Requests: a command byte, and for most commands one CBOR map (CTAP 2.3 §6, §8.1).

use alloc::{boxed::Box, vec::Vec};

use towline_cbor::{Member, Reader, Writer};

use crate::{Command, DecodeError, Malformed, descriptor::PUBLIC_KEY};

mod bio_enrollment;
mod client_pin;
mod config;
mod credential_management;
mod get_assertion;
mod large_blobs;
mod make_credential;

pub use bio_enrollment::{BioEnrollmentRequest, FingerprintRequest, FingerprintSubcommand};
pub use client_pin::{ClientPinRequest, Permissions};
pub use config::{ConfigRequest, ConfigSubcommand, SetMinPinLength};
pub use credential_management::{CredentialManagementRequest, CredentialManagementSubcommand};
pub use get_assertion::GetAssertionRequest;
pub use large_blobs::LargeBlobsRequest;
pub use make_credential::MakeCredentialRequest;

/// A request of any command, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// authenticatorMakeCredential (CTAP 2.3 §6.1).
    MakeCredential(Box<MakeCredentialRequest>),
    /// authenticatorGetAssertion (CTAP 2.3 §6.2).
    GetAssertion(Box<GetAssertionRequest>),
    /// authenticatorGetNextAssertion (CTAP 2.3 §6.3).
    GetNextAssertion,
    /// authenticatorGetInfo (CTAP 2.3 §6.4).
    GetInfo,
    /// authenticatorClientPIN (CTAP 2.3 §6.5).
    ClientPin(Box<ClientPinRequest>),
    /// authenticatorReset (CTAP 2.3 §6.6).
    Reset,
    /// authenticatorBioEnrollment (CTAP 2.3 §6.7).
    BioEnrollment(Box<BioEnrollmentRequest>),
    /// authenticatorCredentialManagement (CTAP 2.3 §6.8).
    CredentialManagement(Box<CredentialManagementRequest>),
    /// authenticatorSelection (CTAP 2.3 §6.9).
    Selection,
    /// authenticatorLargeBlobs (CTAP 2.3 §6.10).
    LargeBlobs(Box<LargeBlobsRequest>),
    /// authenticatorConfig (CTAP 2.3 §6.11).
    Config(Box<ConfigRequest>),
}

impl Request {
    /// Reads a request of at most `max_msg_size` bytes, command byte included.
    ///
    /// Parameters, members, options and extensions that are not known here are ignored (CTAP 2.3
    /// §8), as long as they are canonical CBOR. [`DecodeError::status`] is what to answer
    /// otherwise.
    ///
    /// # Errors
    /// [`DecodeError`] where the request breaks the standard, or the limit.
    pub fn decode(bytes: &[u8], max_msg_size: usize) -> Result<Self, DecodeError> {
        if bytes.len() > max_msg_size {
            return Err(DecodeError::TooLarge { length: bytes.len(), max: max_msg_size });
        }
        let (&byte, parameters) = bytes.split_first().ok_or(DecodeError::Empty)?;
        let alone = |request| match parameters {
            [] => Ok(request),
            _ => Err(DecodeError::UnexpectedParameters(byte)),
        };
        match Command::from_u8(byte) {
            Some(Command::MakeCredential) => {
                MakeCredentialRequest::decode(parameters).map(Self::from)
            }
            Some(Command::GetAssertion) => GetAssertionRequest::decode(parameters).map(Self::from),
            Some(Command::GetNextAssertion) => alone(Self::GetNextAssertion),
            Some(Command::GetInfo) => alone(Self::GetInfo),
            Some(Command::Reset) => alone(Self::Reset),
            Some(Command::Selection) => alone(Self::Selection),
            Some(Command::ClientPin) => ClientPinRequest::decode(parameters).map(Self::from),
            Some(Command::BioEnrollment) => {
                BioEnrollmentRequest::decode(parameters).map(Self::from)
            }
            Some(Command::CredentialManagement) => {
                CredentialManagementRequest::decode(parameters).map(Self::from)
            }
            Some(Command::LargeBlobs) => LargeBlobsRequest::decode(parameters).map(Self::from),
            Some(Command::Config) => ConfigRequest::decode(parameters).map(Self::from),
            None => Err(DecodeError::UnknownCommand(byte)),
        }
    }

    /// The command that the request is for.
    #[must_use]
    pub const fn command(&self) -> Command {
        match self {
            Self::MakeCredential(_) => Command::MakeCredential,
            Self::GetAssertion(_) => Command::GetAssertion,
            Self::GetNextAssertion => Command::GetNextAssertion,
            Self::GetInfo => Command::GetInfo,
            Self::Reset => Command::Reset,
            Self::Selection => Command::Selection,
            Self::ClientPin(_) => Command::ClientPin,
            Self::BioEnrollment(_) => Command::BioEnrollment,
            Self::CredentialManagement(_) => Command::CredentialManagement,
            Self::LargeBlobs(_) => Command::LargeBlobs,
            Self::Config(_) => Command::Config,
        }
    }

    /// The bytes of the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = begin(self.command());
        match self {
            Self::MakeCredential(request) => request.write(&mut writer),
            Self::GetAssertion(request) => request.write(&mut writer),
            Self::ClientPin(request) => request.write(&mut writer),
            Self::BioEnrollment(request) => request.write(&mut writer),
            Self::CredentialManagement(request) => request.write(&mut writer),
            Self::LargeBlobs(request) => request.write(&mut writer),
            Self::Config(request) => request.write(&mut writer),
            Self::GetNextAssertion | Self::GetInfo | Self::Reset | Self::Selection => {}
        }
        writer.into_vec()
    }
}

/// A request that has its command, and room for what follows in the usual case.
fn begin(command: Command) -> Writer {
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.push(command.to_u8());
    Writer::from_vec(bytes)
}

/// What a request takes that has no long list, in bytes.
const USUAL: usize = 256;

macro_rules! from {
    ($($request:ident => $variant:ident;)*) => {
        $(impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$variant(Box::new(request))
            }
        })*
    };
}

from! {
    MakeCredentialRequest => MakeCredential;
    GetAssertionRequest => GetAssertion;
    ClientPinRequest => ClientPin;
    BioEnrollmentRequest => BioEnrollment;
    CredentialManagementRequest => CredentialManagement;
    LargeBlobsRequest => LargeBlobs;
    ConfigRequest => Config;
}

/// Reads a list of PublicKeyCredentialParameters, leaving out those of a type other than
/// `public-key`.
pub(crate) fn read_algorithms(reader: &mut Reader<'_>) -> Result<Vec<i64>, Malformed> {
    let mut algorithms = Vec::new();
    reader.array(|element| {
        let usual = element.framed(b"\xa2\x63alg", Reader::int, b"\x64type\x6apublic-key");
        if let Some(alg) = usual {
            algorithms.push(alg);
            return Ok(());
        }
        let (mut alg, mut public_key) = (None, None);
        element.members(|key, value| {
            match key {
                Member::Text(b"alg") => alg = Some(value.int()?),
                Member::Text(b"type") => public_key = Some(value.text_is(PUBLIC_KEY)?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        let alg = alg.ok_or(Malformed::Missing("alg"))?;
        if public_key.ok_or(Malformed::Missing("type"))? {
            algorithms.push(alg);
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(algorithms)
}

pub(crate) fn write_algorithms(writer: &mut Writer, algorithms: &[i64]) {
    writer.array(|array| {
        for alg in algorithms {
            array.item(|w| {
                w.map(|map| {
                    map.entry("alg", |w| w.int(*alg));
                    map.entry("type", |w| w.text(PUBLIC_KEY));
                });
            });
        }
    });
}
