//! CTAP1/U2F raw messages: APDUs of three commands, their answers, and status words (CTAP 2.3 §7;
//! FIDO U2F Raw Message Formats 1.2).
//!
//! ```
//! use towline_ctap::u2f::{StatusWord, U2fRequest, encode_response, split_response};
//!
//! let apdu = U2fRequest::Version.encode();
//! assert_eq!(U2fRequest::decode(&apdu), Ok(U2fRequest::Version));
//!
//! let answer = encode_response(b"U2F_V2", StatusWord::NO_ERROR);
//! assert_eq!(split_response(&answer), Some((&b"U2F_V2"[..], StatusWord::NO_ERROR)));
//! assert_eq!(U2fRequest::decode(&[0x00, 0x44, 0, 0]), Err(StatusWord::INS_NOT_SUPPORTED));
//! ```

use alloc::{boxed::Box, vec::Vec};

use crate::{Malformed, RpIdHash, hidden::debug_without_bytes};

/// What an authenticator answers to the version command.
pub const VERSION: &[u8] = b"U2F_V2";

/// The last two bytes of every answer (ISO 7816-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// SW_NO_ERROR: the command succeeded.
    pub const NO_ERROR: Self = Self(0x9000);
    /// Somebody has to touch the authenticator first; to a check, "yes, the key handle is mine".
    pub const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// The command is not allowed: `alwaysUv` is on.
    pub const COMMAND_NOT_ALLOWED: Self = Self(0x6986);
    /// The key handle is not of this authenticator.
    pub const WRONG_DATA: Self = Self(0x6a80);
    /// P1 or P2 is not known.
    pub const INCORRECT_P1_P2: Self = Self(0x6a86);
    /// The lengths don't fit.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// The class is not known.
    pub const CLA_NOT_SUPPORTED: Self = Self(0x6e00);
    /// The instruction is not known.
    pub const INS_NOT_SUPPORTED: Self = Self(0x6d00);
    /// The authenticator failed.
    pub const OTHER: Self = Self(0x6f00);
}

/// An APDU, split in its parts (ISO 7816-4 §5.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Apdu<'a> {
    /// CLA: the class of the instruction, 0 for U2F.
    pub cla: u8,
    /// INS: the instruction, such as 0x01 for U2F_REGISTER.
    pub ins: u8,
    /// The first parameter.
    pub p1: u8,
    /// The second parameter.
    pub p2: u8,
    /// The command's data, without its length.
    pub data: &'a [u8],
    /// How many bytes of answer are expected at most; `None` if that is not said.
    pub expected: Option<u32>,
}

debug_without_bytes!(struct Apdu<'a> { cla, ins, p1, p2, expected } hides { data });

impl<'a> Apdu<'a> {
    /// Splits an APDU with short or extended lengths.
    ///
    /// # Errors
    /// [`StatusWord::WRONG_LENGTH`] where the lengths in it are not those that it has.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, StatusWord> {
        let (&[cla, ins, p1, p2], body) =
            bytes.split_first_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
        let (data, expected): (&[u8], _) = match *body {
            [] => (&[], None),
            [le] => (&[], Some(short(le))),
            [0, high, low] => (&[], Some(extended([high, low]))),
            [0, high, low, ref rest @ ..] => {
                let (data, le) = cut(rest, u16::from_be_bytes([high, low]).into())?;
                let expected = match *le {
                    [] => None,
                    [high, low] => Some(extended([high, low])),
                    _ => return Err(StatusWord::WRONG_LENGTH),
                };
                (data, expected)
            }
            [lc, ref rest @ ..] => {
                let (data, le) = cut(rest, lc.into())?;
                let expected = match *le {
                    [] => None,
                    [le] => Some(short(le)),
                    _ => return Err(StatusWord::WRONG_LENGTH),
                };
                (data, expected)
            }
        };
        Ok(Self { cla, ins, p1, p2, data, expected })
    }
}

fn cut(bytes: &[u8], length: usize) -> Result<(&[u8], &[u8]), StatusWord> {
    bytes.split_at_checked(length).ok_or(StatusWord::WRONG_LENGTH)
}

/// A length of one byte; 0 stands for 256.
fn short(le: u8) -> u32 {
    if le == 0 { 256 } else { le.into() }
}

/// A length of two bytes; 0 stands for 65536.
fn extended(le: [u8; 2]) -> u32 {
    match u16::from_be_bytes(le) {
        0 => 65_536,
        le => le.into(),
    }
}

/// A U2F request. Challenges are hashes of client data, applications are hashes of RP IDs, key
/// handles are credential ids.
#[derive(Clone, PartialEq, Eq)]
pub enum U2fRequest {
    /// Makes a credential.
    Register {
        /// The challenge parameter.
        challenge: [u8; 32],
        /// The application parameter.
        application: RpIdHash,
    },
    /// Signs with a credential, or tells whether that could be done.
    Authenticate {
        /// Which of the two, and how.
        control: Control,
        /// The challenge parameter.
        challenge: [u8; 32],
        /// The application parameter.
        application: RpIdHash,
        /// The key handle: at most 255 bytes.
        key_handle: Box<[u8]>,
    },
    /// Asks for the version.
    Version,
}

debug_without_bytes!(enum U2fRequest {
    Register { application } hides { challenge }
    Authenticate { control, application } hides { challenge, key_handle }
    Version {} hides {}
});

/// What an authenticate request wants (P1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Control {
    /// 0x03: sign, after a touch.
    EnforceUserPresence,
    /// 0x07: only tell whether the key handle is known.
    CheckOnly,
    /// 0x08: sign, without a touch.
    DontEnforceUserPresence,
}

impl Control {
    /// The byte on the wire.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::EnforceUserPresence => 0x03,
            Self::CheckOnly => 0x07,
            Self::DontEnforceUserPresence => 0x08,
        }
    }

    const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0x03 => Some(Self::EnforceUserPresence),
            0x07 => Some(Self::CheckOnly),
            0x08 => Some(Self::DontEnforceUserPresence),
            _ => None,
        }
    }
}

const REGISTER: u8 = 0x01;
const AUTHENTICATE: u8 = 0x02;
const GET_VERSION: u8 = 0x03;

impl U2fRequest {
    /// Reads an APDU.
    ///
    /// # Errors
    /// The status word to answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatusWord> {
        // The class and the instruction are judged before the lengths.
        match bytes {
            [] | [0] | [0, REGISTER | AUTHENTICATE | GET_VERSION, ..] => {}
            [0, ..] => return Err(StatusWord::INS_NOT_SUPPORTED),
            _ => return Err(StatusWord::CLA_NOT_SUPPORTED),
        }
        let apdu = Apdu::decode(bytes)?;
        match apdu.ins {
            REGISTER => {
                let (challenge, application, rest) = parameters(apdu.data)?;
                match rest {
                    [] => Ok(Self::Register { challenge, application }),
                    _ => Err(StatusWord::WRONG_LENGTH),
                }
            }
            AUTHENTICATE => {
                let control = Control::from_u8(apdu.p1).ok_or(StatusWord::INCORRECT_P1_P2)?;
                let (challenge, application, rest) = parameters(apdu.data)?;
                let (&length, key_handle) = rest.split_first().ok_or(StatusWord::WRONG_LENGTH)?;
                if key_handle.len() != usize::from(length) {
                    return Err(StatusWord::WRONG_LENGTH);
                }
                let key_handle = key_handle.into();
                Ok(Self::Authenticate { control, challenge, application, key_handle })
            }
            _ if apdu.data.is_empty() => Ok(Self::Version),
            _ => Err(StatusWord::WRONG_LENGTH),
        }
    }

    /// The APDU, with extended lengths, as CTAPHID carries it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (ins, p1, data) = match self {
            Self::Register { challenge, application } => {
                (REGISTER, 0, [challenge, &application.as_bytes()[..]].concat())
            }
            Self::Authenticate { control, challenge, application, key_handle } => {
                // A key handle is a credential id that fits a byte; what is longer is cut, and not
                // found.
                let length = u8::try_from(key_handle.len()).unwrap_or(u8::MAX);
                let key_handle = key_handle.get(..length.into()).unwrap_or_default();
                let parts: [&[u8]; 4] = [challenge, application.as_bytes(), &[length], key_handle];
                (AUTHENTICATE, control.to_u8(), parts.concat())
            }
            Self::Version => (GET_VERSION, 0, Vec::new()),
        };
        let [high, low] = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[0, ins, p1, 0, 0, high, low], &data[..], &[0, 0]].concat()
    }
}

fn parameters(data: &[u8]) -> Result<([u8; 32], RpIdHash, &[u8]), StatusWord> {
    let (challenge, rest) = data.split_first_chunk::<32>().ok_or(StatusWord::WRONG_LENGTH)?;
    let (application, rest) = rest.split_first_chunk::<32>().ok_or(StatusWord::WRONG_LENGTH)?;
    Ok((*challenge, RpIdHash::new(*application), rest))
}

/// An answer: its data, then the status word.
#[must_use]
pub fn encode_response(data: &[u8], status: StatusWord) -> Vec<u8> {
    [data, &status.0.to_be_bytes()].concat()
}

/// Splits an answer in its data and its status word; `None` for one that is too short to have any.
#[must_use]
pub fn split_response(response: &[u8]) -> Option<(&[u8], StatusWord)> {
    let (data, status) = response.split_last_chunk::<2>()?;
    Some((data, StatusWord(u16::from_be_bytes(*status))))
}

/// The data of a successful answer to a registration.
#[derive(Clone, PartialEq, Eq)]
pub struct U2fRegistration {
    /// The public key: the point `04 || x || y` on P-256.
    pub public_key: [u8; 65],
    /// The key handle: at most 255 bytes.
    pub key_handle: Box<[u8]>,
    /// The attestation certificate, in DER.
    pub certificate: Vec<u8>,
    /// The signature over [`U2fRegistration::signed_message`], ECDSA with SHA-256 in DER.
    pub signature: Vec<u8>,
}

debug_without_bytes!(
    struct U2fRegistration {},
    hides { public_key, key_handle, certificate, signature }
);

impl U2fRegistration {
    /// What the attestation key signs:
    /// `00 || application || challenge || key handle || public key`.
    #[must_use]
    pub fn signed_message(
        application: &RpIdHash,
        challenge: &[u8; 32],
        key_handle: &[u8],
        public_key: &[u8; 65],
    ) -> Vec<u8> {
        let parts: [&[u8]; 5] = [&[0], application.as_bytes(), challenge, key_handle, public_key];
        parts.concat()
    }

    /// The data: `05 || public key || L || key handle || certificate || signature`. `None` if the
    /// key handle is longer than 255 bytes.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let length = u8::try_from(self.key_handle.len()).ok()?;
        let parts: [&[u8]; 6] = [
            &[0x05],
            &self.public_key,
            &[length],
            &self.key_handle,
            &self.certificate,
            &self.signature,
        ];
        Some(parts.concat())
    }

    /// Reads the data.
    ///
    /// # Errors
    /// [`Malformed`] where a part is cut short or not as it must be.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        const WHAT: Malformed = Malformed::Length("the U2F registration");
        let (&reserved, rest) = data.split_first().ok_or(WHAT)?;
        if reserved != 0x05 {
            return Err(Malformed::Value("the reserved byte of the U2F registration"));
        }
        let (public_key, rest) = rest.split_first_chunk::<65>().ok_or(WHAT)?;
        let (&length, rest) = rest.split_first().ok_or(WHAT)?;
        let (key_handle, rest) = rest.split_at_checked(length.into()).ok_or(WHAT)?;
        let (certificate, signature) =
            der_length(rest).and_then(|length| rest.split_at_checked(length)).ok_or(WHAT)?;
        if signature.is_empty() {
            return Err(WHAT);
        }
        Ok(Self {
            public_key: *public_key,
            key_handle: key_handle.into(),
            certificate: certificate.into(),
            signature: signature.into(),
        })
    }
}

/// How long the DER sequence at the front of `bytes` is, head included. Only its length tells where
/// a certificate ends.
fn der_length(bytes: &[u8]) -> Option<usize> {
    let (head, content) = match *bytes {
        [0x30, length @ 0..=0x7f, ..] => (2, usize::from(length)),
        [0x30, 0x81, length, ..] => (3, usize::from(length)),
        [0x30, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        _ => return None,
    };
    content.checked_add(head)
}

/// The data of a successful answer to an authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct U2fAuthentication {
    /// Whether somebody touched the authenticator.
    pub user_present: bool,
    /// The signature counter.
    pub counter: u32,
    /// The signature over [`U2fAuthentication::signed_message`], ECDSA with SHA-256 in DER.
    pub signature: Vec<u8>,
}

impl U2fAuthentication {
    /// What the credential's key signs: `application || UP || counter || challenge`.
    #[must_use]
    pub fn signed_message(
        application: &RpIdHash,
        user_present: bool,
        counter: u32,
        challenge: &[u8; 32],
    ) -> Vec<u8> {
        let parts: [&[u8]; 4] =
            [application.as_bytes(), &[u8::from(user_present)], &counter.to_be_bytes(), challenge];
        parts.concat()
    }

    /// The data: `UP || counter || signature`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts: [&[u8]; 3] =
            [&[u8::from(self.user_present)], &self.counter.to_be_bytes(), &self.signature];
        parts.concat()
    }

    /// Reads the data. Of the first byte only the lowest bit means anything.
    ///
    /// # Errors
    /// [`Malformed`] where a part is cut short.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        const WHAT: Malformed = Malformed::Length("the U2F authentication");
        let (&presence, rest) = data.split_first().ok_or(WHAT)?;
        let (counter, signature) = rest.split_first_chunk::<4>().ok_or(WHAT)?;
        if signature.is_empty() {
            return Err(WHAT);
        }
        Ok(Self {
            user_present: presence & 1 == 1,
            counter: u32::from_be_bytes(*counter),
            signature: signature.into(),
        })
    }
}
