//! What TPMs answer instead of a result (TPM 2.0 Part 2 §6.6).

mod table;

use std::fmt;

pub use table::Code;

/// A response code: what went wrong, and with which part of the command.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseCode(u32);

impl ResponseCode {
    /// The number as it came.
    #[must_use]
    pub const fn new(code: u32) -> Self {
        Self(code)
    }

    /// The number as it came.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// What it means; `None` for a number that the standard doesn't have.
    #[must_use]
    pub fn code(self) -> Option<Code> {
        Code::of(self.base())
    }

    /// The number without the layer that has answered (resource managers put theirs above 16 bits)
    /// and without the part of the command that it is about.
    const fn base(self) -> u32 {
        let code = self.0 & 0xffff;
        if code & FORMAT_ONE != 0 { code & 0x00bf } else { code }
    }

    /// Which part of the command it is about.
    #[must_use]
    pub const fn subject(self) -> CodeSubject {
        let code = self.0 & 0xffff;
        let number = (code >> 8) & 0xf;
        match (code & FORMAT_ONE != 0, code & PARAMETER != 0) {
            (false, _) => CodeSubject::Command,
            (true, true) => CodeSubject::Parameter(number),
            (true, false) if number & 8 != 0 => CodeSubject::Session(number & 7),
            (true, false) => CodeSubject::Handle(number),
        }
    }

    /// Whether the same bytes are to be sent again: sessions have not moved.
    #[must_use]
    pub fn is_retry(self) -> bool {
        matches!(
            self.code(),
            Some(Code::Retry | Code::Yielded | Code::Testing | Code::NvRate | Code::NvUnavailable)
        )
    }

    /// Whether an authorisation value was wrong, counted or not.
    #[must_use]
    pub fn is_wrong_auth(self) -> bool {
        matches!(self.code(), Some(Code::AuthFail | Code::BadAuth))
    }

    /// Whether an object or a session that was there is not any more, as after a restart.
    #[must_use]
    pub fn is_gone(self) -> bool {
        match self.code() {
            Some(Code::ReferenceHandle | Code::ReferenceSession) => true,
            Some(Code::Handle | Code::Value) => {
                matches!(self.subject(), CodeSubject::Handle(_) | CodeSubject::Session(_))
            }
            _ => false,
        }
    }
}

const FORMAT_ONE: u32 = 0x80;
const PARAMETER: u32 = 0x40;

/// The part of a command that a response code is about. Parts are counted from 1; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSubject {
    /// The command as a whole.
    Command,
    /// The parameter with this number.
    Parameter(u32),
    /// The handle with this number.
    Handle(u32),
    /// The session with this number.
    Session(u32),
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseCode({:#x}, {:?})", self.0, self.code())
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => write!(f, "{} (code {:#x}", code.sentence(), self.0)?,
            None => write!(f, "the TPM answered a code that is not known (code {:#x}", self.0)?,
        }
        match self.subject() {
            CodeSubject::Command
            | CodeSubject::Parameter(0)
            | CodeSubject::Handle(0)
            | CodeSubject::Session(0) => f.write_str(")"),
            CodeSubject::Parameter(number) => write!(f, ", parameter {number})"),
            CodeSubject::Handle(number) => write!(f, ", handle {number})"),
            CodeSubject::Session(number) => write!(f, ", session {number})"),
        }
    }
}
