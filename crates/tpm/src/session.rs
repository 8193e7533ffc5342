//! Authorisation by HMAC, and encryption of parameters, in a session that only the two ends know
//! the key of (TPM 2.0 Part 1 §19, §21).

use std::fmt;

use towline_crypto::{CryptoProvider, Secret};
use zeroize::Zeroizing;

use crate::{
    command::{StartedSession, TpmCommand},
    error::Error,
    handle::Handle,
    kdf::{Cfb, agreed, kdfa},
    public::PublicArea,
    response::TpmResponse,
    wire::Writer,
};

const CONTINUE: u8 = 0x01;
const DECRYPT: u8 = 0x20;
const ENCRYPT: u8 = 0x40;

const WITH_SESSIONS: u16 = 0x8002;
const WITHOUT_SESSIONS: u16 = 0x8001;
/// Tag, length and code.
const HEAD: usize = 10;

/// A session with a key that a salt gave: only who has the private half of the key that it was
/// encrypted for could take part.
pub struct TpmSession {
    handle: Handle,
    key: Secret<32>,
    nonce_tpm: [u8; 32],
}

/// The start of a session, on its way.
#[derive(Debug)]
pub struct Salt {
    salt: Secret<32>,
    nonce: [u8; 32],
}

impl Salt {
    /// A salt for the parent with this public area, and the command that starts a session with it.
    ///
    /// # Errors
    /// [`Error::Crypto`], also where the parent's key is not on the curve.
    pub fn new(
        provider: &CryptoProvider,
        parent: Handle,
        public: &PublicArea,
    ) -> Result<(Self, TpmCommand<StartedSession>), Error> {
        let (salt, point) = agreed(provider, public, "SECRET")?;
        let nonce = provider.random.bytes()?;
        Ok((Self { salt, nonce }, TpmCommand::start_salted(parent, &nonce, &point)))
    }

    /// The session that came of it.
    #[must_use]
    pub fn started(self, provider: &CryptoProvider, started: &StartedSession) -> TpmSession {
        let key = kdfa(provider, self.salt.expose(), "ATH", [&started.nonce, &self.nonce]);
        TpmSession { handle: started.handle, key, nonce_tpm: started.nonce }
    }
}

impl TpmSession {
    /// The handle by which commands find it.
    #[must_use]
    pub const fn handle(&self) -> Handle {
        self.handle
    }

    /// The key of HMACs and encryption where the authorisation value of something is used.
    fn keyed(&self, auth: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(Vec::with_capacity(96));
        key.extend_from_slice(self.key.expose());
        // Trailing zeros are no part of an authorisation value (Part 1 §19.6.4.3).
        let length = auth.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1));
        key.extend_from_slice(auth.get(..length).unwrap_or_default());
        key
    }
}

impl fmt::Debug for TpmSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TpmSession({:?})", self.handle)
    }
}

/// How the use of one handle of a command is authorised.
#[derive(Clone, Copy)]
pub enum Authorization<'a> {
    /// By an empty password.
    Empty,
    /// By this value, in the session. It does not show.
    Value(&'a [u8]),
    /// By a policy session that has met its policy.
    Policy(Handle),
}

impl fmt::Debug for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Value(_) => "Value(..)",
            Self::Policy(_) => "Policy",
        })
    }
}

/// Which of the parameters are encrypted: the first of the command, the first of the response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encryption {
    /// The first parameter of the command.
    pub command: bool,
    /// The first parameter of the response.
    pub response: bool,
}

impl Encryption {
    /// What goes to the TPM.
    pub const COMMAND: Self = Self { command: true, response: false };
    /// What comes back.
    pub const RESPONSE: Self = Self { command: false, response: true };

    const fn any(self) -> bool {
        self.command || self.response
    }
}

/// A command as bytes, and what its response has to be.
pub struct TpmRequest<R> {
    bytes: Zeroizing<Vec<u8>>,
    command: TpmCommand<R>,
    /// How many authorisations it has.
    sessions: usize,
    check: Option<Check>,
}

/// How the response is verified and decrypted.
struct Check {
    /// Which of the authorisations is the session's.
    place: usize,
    key: Zeroizing<Vec<u8>>,
    nonce: [u8; 32],
    decrypt: bool,
}

impl<R> TpmRequest<R> {
    /// A command with authorisations for the handles that need one, in their order. Where none of
    /// them uses the session, and something is to be encrypted, the session comes after them.
    ///
    /// # Errors
    /// [`Error::Crypto`] where there is no randomness; [`Error::NoSession`].
    pub fn new(
        provider: &CryptoProvider,
        command: TpmCommand<R>,
        authorizations: &[Authorization<'_>],
        encryption: Encryption,
        session: Option<&TpmSession>,
    ) -> Result<Self, Error> {
        if authorizations.len() != command.authorised {
            return Err(Error::NoSession);
        }
        let value = authorizations.iter().position(|it| matches!(it, Authorization::Value(_)));
        let used = value.is_some() || encryption.any();
        let session = if used { Some(session.ok_or(Error::NoSession)?) } else { None };
        let auth = match value.and_then(|place| authorizations.get(place)) {
            Some(Authorization::Value(auth)) => auth,
            _ => &[][..],
        };
        let mut parameters = command.parameters.clone();
        let mut check = None;
        let mut hmac = [0; 32];
        let mut attributes = CONTINUE;
        if let Some(session) = session {
            let key = session.keyed(auth);
            let nonce: [u8; 32] = provider.random.bytes()?;
            if encryption.command {
                attributes |= DECRYPT;
                let cfb = Cfb::of_parameter(provider, &key, &nonce, &session.nonce_tpm);
                cfb.encrypt(provider, first(&mut parameters)?);
            }
            if encryption.response {
                attributes |= ENCRYPT;
            }
            let code = command.code.number().to_be_bytes();
            let mut parts: Vec<&[u8]> = vec![&code];
            parts.extend(command.handles.iter().map(|(_, name)| name.as_bytes()));
            parts.push(&parameters);
            let hash = provider.sha256.hash(&parts);
            let parts: [&[u8]; 4] = [&hash, &nonce, &session.nonce_tpm, &[attributes]];
            hmac = provider.hmac.key(&key).sign(&parts);
            let place = value.unwrap_or(authorizations.len());
            check = Some(Check { place, key, nonce, decrypt: encryption.response });
        }

        let mut area = Writer::new();
        let by_session = |area: Writer| match (session, &check) {
            (Some(session), Some(check)) => {
                area.u32(session.handle.0).sized(&check.nonce).u8(attributes).sized(&hmac)
            }
            _ => area,
        };
        for authorization in authorizations {
            area = match authorization {
                Authorization::Empty => area.u32(Handle::PASSWORD.0).u16(0).u8(0).u16(0),
                Authorization::Policy(handle) => area.u32(handle.0).u16(0).u8(CONTINUE).u16(0),
                Authorization::Value(_) => by_session(area),
            };
        }
        let mut sessions = authorizations.len();
        if value.is_none() && check.is_some() {
            area = by_session(area);
            sessions = sessions.saturating_add(1);
        }
        let area = area.finish();
        let mut body = Writer::new();
        for (handle, _) in &command.handles {
            body = body.u32(handle.0);
        }
        if sessions > 0 {
            body = body.u32(u32::try_from(area.len()).unwrap_or(u32::MAX)).raw(&area);
        }
        let body = body.raw(&parameters).finish();
        let tag = if sessions > 0 { WITH_SESSIONS } else { WITHOUT_SESSIONS };
        let length = u32::try_from(body.len().saturating_add(HEAD)).unwrap_or(u32::MAX);
        let head = Writer::new().u16(tag).u32(length).u32(command.code.number());
        Ok(Self { bytes: head.raw(&body).finish(), command, sessions, check })
    }

    /// What is sent. It may be sent again after a response that says so
    /// ([`ResponseCode::is_retry`](crate::ResponseCode::is_retry)).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Which command it is.
    #[must_use]
    pub const fn command(&self) -> &TpmCommand<R> {
        &self.command
    }

    /// Reads the response. The session's HMAC over it is verified before anything in it counts.
    ///
    /// # Errors
    /// [`Error::Response`] where the TPM has refused; [`Error::Malformed`]; [`Error::Tampered`]
    /// where it does not come from the TPM.
    pub fn open(
        &self,
        provider: &CryptoProvider,
        response: &[u8],
        session: Option<&mut TpmSession>,
    ) -> Result<R, Error> {
        let response = TpmResponse::parse(response, self.command.gives_handle, self.sessions)?;
        let mut parameters = Zeroizing::new(response.parameters.to_vec());
        if let Some(check) = &self.check {
            let session = session.ok_or(Error::NoSession)?;
            let part = response.authorizations.get(check.place).ok_or(Error::Tampered)?;
            let code = self.command.code.number().to_be_bytes();
            let hash = provider.sha256.hash(&[&[0; 4], &code, response.parameters]);
            let parts: [&[u8]; 4] = [&hash, part.nonce, &check.nonce, &[part.attributes]];
            if part.hmac.len() != 32 {
                return Err(Error::Tampered);
            }
            provider.hmac.key(&check.key).verify(&parts, part.hmac).map_err(|_| Error::Tampered)?;
            let newer: [u8; 32] = part.nonce.try_into().map_err(|_| Error::Tampered)?;
            session.nonce_tpm = newer;
            if check.decrypt {
                if part.attributes & ENCRYPT == 0 {
                    return Err(Error::Tampered);
                }
                let cfb = Cfb::of_parameter(provider, &check.key, &newer, &check.nonce);
                cfb.decrypt(provider, first(&mut parameters)?);
            }
        }
        response.read(&parameters, self.command.reply)
    }
}

impl<R> fmt::Debug for TpmRequest<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TpmRequest({:?}, {} bytes)", self.command.code, self.bytes.len())
    }
}

/// What is encrypted of parameters: the content of the first, which has its length in front.
fn first(parameters: &mut [u8]) -> Result<&mut [u8], Error> {
    let missing = Error::Malformed(crate::Unreadable("encrypted parameter"));
    let Some((length, rest)) = parameters.split_first_chunk_mut::<2>() else {
        return Err(missing);
    };
    rest.get_mut(..usize::from(u16::from_be_bytes(*length))).ok_or(missing)
}
