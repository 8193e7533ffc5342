//! PINs, as the platform sees them (CTAP 2.3 §6.5): what a PIN is, how the person is asked for one,
//! and the requests that set it, change it, and buy a token with it.

mod change;
mod protocol;
mod token;

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use towline_crypto::constant_time_eq;
use towline_ctap::{GetInfo, Status};
use zeroize::Zeroizing;

pub use change::PinChange;
pub(crate) use change::answer;
pub(crate) use protocol::{PinUvAuthToken, Protocol, SharedSecret};
pub(crate) use token::{Step, TokenFlow, Tokens};

/// A PIN is shorter than this many bytes, to which it is padded (CTAP 2.3 §6.5.1).
const PADDED: usize = 64;
/// The least that any authenticator asks for, in code points.
const MIN_LENGTH: u64 = 4;
/// The most that fits, in code points.
const MAX_LENGTH: u64 = 63;

/// A PIN, in Normalization Form C (CTAP 2.3 §6.5.1), so that it is the same from every keyboard. It
/// is wiped, and `Debug` does not show it.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// What the person typed.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let normalizer = ComposingNormalizerBorrowed::new_nfc();
        // Room enough that nothing is moved, and left behind, while it grows.
        let mut pin = Zeroizing::new(String::with_capacity(typed.len().saturating_mul(3)));
        pin.extend(normalizer.normalize_iter(typed.chars()));
        Self(pin)
    }

    /// Its bytes, in UTF-8.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// With zeros behind it: 64 bytes. `None` where it is longer than 63.
    fn padded(&self) -> Option<Zeroizing<[u8; PADDED]>> {
        let mut padded = Zeroizing::new([0; PADDED]);
        let bytes = self.as_bytes();
        let room = padded.get_mut(..bytes.len()).filter(|_| bytes.len() < PADDED)?;
        room.copy_from_slice(bytes);
        Some(padded)
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.as_bytes(), other.as_bytes())
    }
}

impl Eq for Pin {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// What an authenticator asks of a new PIN, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRules {
    /// The least length in code points, at least 4.
    pub min_length: u64,
    /// The greatest length in code points, at most 63; in UTF-8, a PIN never has more than 63
    /// bytes.
    pub max_length: u64,
    /// It refuses PINs that are too simple: which ones, only it knows.
    pub complexity: bool,
}

impl PinRules {
    /// The rules of this authenticator.
    #[must_use]
    pub fn of(info: &GetInfo) -> Self {
        Self {
            min_length: info.min_pin_length.unwrap_or(MIN_LENGTH).clamp(MIN_LENGTH, MAX_LENGTH),
            max_length: info.max_pin_length.unwrap_or(MAX_LENGTH).clamp(MIN_LENGTH, MAX_LENGTH),
            complexity: info.pin_complexity_policy == Some(true),
        }
    }

    /// Looks whether a PIN keeps these rules, as far as they can be known here.
    ///
    /// # Errors
    /// [`PinProblem`]: the rule that it breaks.
    pub fn check(&self, pin: &Pin) -> Result<(), PinProblem> {
        let length = u64::try_from(pin.0.chars().count()).unwrap_or(u64::MAX);
        if length < self.min_length {
            Err(PinProblem::TooShort)
        } else if length > self.max_length || pin.as_bytes().len() >= PADDED {
            Err(PinProblem::TooLong)
        } else {
            Ok(())
        }
    }
}

/// Why a PIN was not taken, and is asked for again.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinProblem {
    /// It is not the PIN of the authenticator.
    #[error("that is not the PIN")]
    Wrong,
    /// It has fewer code points than the authenticator asks for.
    #[error("that PIN is too short")]
    TooShort,
    /// It has more code points, or bytes, than the authenticator takes.
    #[error("that PIN is too long")]
    TooLong,
    /// The authenticator refuses it: too simple, or the one that has to be changed.
    #[error("the authenticator does not accept that PIN: it is too simple, or was used before")]
    Refused,
}

/// A question about a PIN, to the person in front of the client.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinQuestion {
    /// The PIN of the authenticator.
    Present {
        /// How many wrong ones are left before it is blocked, if the authenticator tells.
        tries_left: Option<u64>,
        /// Why it is asked for.
        reason: PinReason,
        /// What was wrong with the one before, if there was one.
        problem: Option<PinProblem>,
    },
    /// A PIN for an authenticator that has none, or whose PIN has to be changed first. Have the
    /// person type it twice.
    New {
        /// What the authenticator asks of it.
        rules: PinRules,
        /// Whether it takes the place of another.
        change: bool,
        /// What was wrong with the one before, if there was one.
        problem: Option<PinProblem>,
    },
}

impl fmt::Display for PinQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { tries_left, reason, problem } => {
                if let Some(problem) = problem {
                    write!(f, "{problem}. ")?;
                }
                f.write_str(match reason {
                    PinReason::Verification => "The PIN of the authenticator",
                    PinReason::NotRecognised => {
                        "You were not recognised; the PIN of the authenticator instead"
                    }
                    PinReason::BuiltInBlocked => {
                        "Too many tries that failed; the PIN of the authenticator instead"
                    }
                })?;
                match tries_left {
                    Some(1) => f.write_str(" (the last try before it is blocked)"),
                    Some(tries) => write!(f, " ({tries} tries left)"),
                    None => Ok(()),
                }
            }
            Self::New { rules, change, problem } => {
                if let Some(problem) = problem {
                    write!(f, "{problem}. ")?;
                }
                f.write_str(if *change {
                    "The PIN has to be changed. A new PIN for the authenticator"
                } else {
                    "The authenticator has no PIN yet. A new PIN for it"
                })?;
                write!(f, ", of {} to {} characters", rules.min_length, rules.max_length)
            }
        }
    }
}

/// Why the PIN is asked for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinReason {
    /// The user has to be verified, and the PIN is how.
    Verification,
    /// Built-in verification, a fingerprint say, did not recognise the person.
    NotRecognised,
    /// Built-in verification is blocked after too many failures; the right PIN frees it.
    BuiltInBlocked,
}

/// What the person answers to a [`PinQuestion`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinAnswer {
    /// The PIN that the person typed.
    Pin(Pin),
    /// The person calls the ceremony off.
    Cancel,
    /// There is no way to ask the person here. The ceremony goes on without, if it can.
    Unavailable,
}

/// Why no PIN was set or changed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The new PIN, or the present one, was not taken.
    #[error("{0}")]
    Problem(#[from] PinProblem),
    /// The authenticator refused or failed: too many wrong PINs, say.
    #[error("{0}")]
    Refused(Status),
    /// The authenticator knows no PIN, or no PIN/UV auth protocol that is known here.
    #[error("this authenticator has no PIN that could be set here")]
    Unsupported,
    /// The authenticator answered something that the standard does not allow.
    #[error("the authenticator misbehaved: it sent an invalid response")]
    Misbehaved,
    /// Random numbers, or a cryptographic operation, failed here.
    #[error("cryptography failed on this computer")]
    Crypto,
}
