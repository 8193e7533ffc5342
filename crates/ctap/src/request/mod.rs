//! Requests: a command byte, and for most commands one CBOR map (CTAP 2.3 §6, §8.1).

use alloc::{boxed::Box, vec, vec::Vec};

use towline_cbor::{Key, Reader, Writer};

use crate::{Command, DecodeError, Malformed, descriptor::PUBLIC_KEY};

mod get_assertion;
mod make_credential;

pub use get_assertion::GetAssertionRequest;
pub use make_credential::MakeCredentialRequest;

/// A request. Commands that are not listed here are unknown to [`Request::decode`].
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
    /// authenticatorReset (CTAP 2.3 §6.6).
    Reset,
    /// authenticatorSelection (CTAP 2.3 §6.9).
    Selection,
}

impl Request {
    /// Reads a request of at most `max_msg_size` bytes, command byte included.
    ///
    /// Parameters, members, options and extensions that are not known here are ignored (CTAP 2.3 §8), as long as they
    /// are canonical CBOR. [`DecodeError::status`] is what to answer otherwise.
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
            _ => Err(DecodeError::UnknownCommand(byte)),
        }
    }

    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command {
        match self {
            Self::MakeCredential(_) => Command::MakeCredential,
            Self::GetAssertion(_) => Command::GetAssertion,
            Self::GetNextAssertion => Command::GetNextAssertion,
            Self::GetInfo => Command::GetInfo,
            Self::Reset => Command::Reset,
            Self::Selection => Command::Selection,
        }
    }

    /// The bytes of the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::from_vec(vec![self.command().to_u8()]);
        match self {
            Self::MakeCredential(request) => request.write(&mut writer),
            Self::GetAssertion(request) => request.write(&mut writer),
            Self::GetNextAssertion | Self::GetInfo | Self::Reset | Self::Selection => {}
        }
        writer.into_vec()
    }
}

impl From<MakeCredentialRequest> for Request {
    fn from(request: MakeCredentialRequest) -> Self {
        Self::MakeCredential(Box::new(request))
    }
}

impl From<GetAssertionRequest> for Request {
    fn from(request: GetAssertionRequest) -> Self {
        Self::GetAssertion(Box::new(request))
    }
}

/// Reads a list of PublicKeyCredentialParameters, leaving out those of a type other than `public-key`.
pub(crate) fn read_algorithms(reader: &mut Reader<'_>) -> Result<Vec<i64>, Malformed> {
    let mut algorithms = Vec::new();
    reader.array(|element| {
        let (mut alg, mut public_key) = (None, None);
        element.map(|key, value| {
            match key {
                Key::Text("alg") => alg = Some(value.int()?),
                Key::Text("type") => public_key = Some(value.text()? == PUBLIC_KEY),
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
