//! Responses, taken apart (TPM 2.0 Part 1 §18.9).

use crate::{
    code::ResponseCode,
    error::Error,
    handle::Handle,
    wire::{Reader, Unreadable},
};

/// The longest response that is read: TPMs answer with at most 4 KiB.
pub const LONGEST_RESPONSE: usize = 4096;

const WITH_SESSIONS: u16 = 0x8002;
const WITHOUT_SESSIONS: u16 = 0x8001;
/// How a TPM of version 1.2 begins a response, and one of 2.0 that refuses a tag.
const OLDER: u16 = 0x00c4;

/// A response that is no refusal, in its parts.
#[derive(Debug, Clone)]
pub struct TpmResponse<'a> {
    /// The handle, where one comes back.
    pub handle: Option<Handle>,
    /// The parameters, encrypted where they are.
    pub parameters: &'a [u8],
    /// What each session says, in the order of the command's.
    pub authorizations: Vec<Acknowledgement<'a>>,
}

/// What a session says in a response.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledgement<'a> {
    /// The TPM's next nonce.
    pub nonce: &'a [u8],
    /// The attributes of the session.
    pub attributes: u8,
    /// The HMAC; empty for a password.
    pub hmac: &'a [u8],
}

impl<'a> TpmResponse<'a> {
    /// Takes a response apart, of a command that gives a handle or not, and that had so many
    /// authorisations. It has to fill `bytes`.
    ///
    /// # Errors
    /// [`Error::Response`] where it is a refusal, and [`Error::Malformed`].
    pub fn parse(bytes: &'a [u8], gives_handle: bool, sessions: usize) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, "response");
        if bytes.len() > LONGEST_RESPONSE {
            return Err(reader.malformed().into());
        }
        let tag = reader.u16()?;
        let length = usize::try_from(reader.u32()?).map_err(|_| reader.malformed())?;
        let code = reader.u32()?;
        if length != bytes.len() {
            return Err(reader.malformed().into());
        }
        if code != 0 {
            if !matches!(tag, WITHOUT_SESSIONS | OLDER) {
                return Err(reader.malformed().into());
            }
            reader.end()?;
            return Err(Error::Response(ResponseCode::new(code)));
        }
        if tag != if sessions > 0 { WITH_SESSIONS } else { WITHOUT_SESSIONS } {
            return Err(reader.malformed().into());
        }
        let handle = if gives_handle { Some(Handle(reader.u32()?)) } else { None };
        if sessions == 0 {
            let parameters = reader.rest();
            return Ok(Self { handle, parameters, authorizations: Vec::new() });
        }
        let length = usize::try_from(reader.u32()?).map_err(|_| reader.malformed())?;
        let parameters = reader.bytes(length)?;
        let mut authorizations = Vec::new();
        for _ in 0..sessions {
            let (nonce, attributes) = (reader.sized(64)?, reader.u8()?);
            let hmac = reader.sized(64)?;
            authorizations.push(Acknowledgement { nonce, attributes, hmac });
        }
        reader.end()?;
        Ok(Self { handle, parameters, authorizations })
    }

    /// Reads the parameters, decrypted by now. Nothing may be left of them.
    pub(crate) fn read<R>(
        &self,
        parameters: &[u8],
        reply: fn(Option<Handle>, &mut Reader<'_>) -> Result<R, Unreadable>,
    ) -> Result<R, Error> {
        let mut reader = Reader::new(parameters, "parameters of a response");
        let reply = reply(self.handle, &mut reader)?;
        reader.end()?;
        Ok(reply)
    }
}
