//! What a phone asks of its own, before and after what its authenticator asks. Plain data: nothing
//! here knows how the computer is reached.

use std::fmt;

use crate::Ask;

/// A question of the phone's own that is open.
pub type PhoneAsk = Ask<PhoneQuestion, PhoneAnswer>;

/// What a phone asks of its own. It prints as a sentence.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum PhoneQuestion {
    /// Connect to this computer? Nothing is sent before that is answered.
    Connect(Visitor),
    /// The computer was answered, and [`PhoneAnswer::ApproveAndAskLater`] was the answer to
    /// [`Self::Connect`]: may it remember this phone?
    Remember,
    /// A computer asks for digital credentials: JSON, which nothing here has looked at. Consent is
    /// up to whoever answers with [`PhoneAnswer::DigitalCredentials`].
    DigitalCredentials(Vec<u8>),
}

/// The computer that wants something of the phone, as far as it is known before the two connect.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The question in words.
    pub sentence: String,
    /// What the computer says it is going to ask for. It limits nothing.
    pub wants: Wants,
    /// How the phone came to know of it.
    pub found: Found,
    /// When the computer says it made the code, in seconds of Unix time.
    pub made_at: Option<u64>,
    /// Whether the person may let the computer remember this phone.
    pub may_remember: bool,
}

/// What a computer says it is going to ask a phone for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// An assertion of a passkey that the phone has.
    SignIn,
    /// A passkey that is still to be made.
    Passkey,
    /// To see a digital credential.
    DigitalCredential,
    /// To put a digital credential on the phone.
    Issuance,
}

/// How a phone came to know of a computer.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Its code was seen by the camera.
    Camera,
    /// Its code was typed or pasted.
    Typed,
    /// Its code is in a picture.
    Picture,
    /// Its code came as a link that another program opened: a web page can do that, too.
    Link,
    /// It rings: the person let it remember this phone.
    Ring,
}

/// What the person says to a [`PhoneQuestion`]. What does not fit the question is a no.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum PhoneAnswer {
    /// No, to whatever it is.
    Deny,
    /// Yes: connect, or let the computer remember this phone.
    Approve,
    /// Connect, and let the computer remember this phone; as [`Self::Approve`] where
    /// [`Visitor::may_remember`] is not set.
    ApproveAndRemember,
    /// Connect, and ask [`PhoneQuestion::Remember`] when the first request is answered; as
    /// [`Self::Approve`] where [`Visitor::may_remember`] is not set.
    ApproveAndAskLater,
    /// The response to a request for digital credentials: JSON.
    DigitalCredentials(Vec<u8>),
}

impl Visitor {
    /// A computer that this is known of.
    #[must_use]
    pub const fn new(sentence: String, wants: Wants, found: Found) -> Self {
        Self { sentence, wants, found, made_at: None, may_remember: false }
    }
}

impl PhoneAsk {
    /// Yes: connect, or let the computer remember this phone.
    pub fn approve(self) {
        self.answer(PhoneAnswer::Approve);
    }

    /// No, to whatever it is.
    pub fn deny(self) {
        self.answer(PhoneAnswer::Deny);
    }
}

impl fmt::Display for PhoneQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(visitor) => &visitor.sentence,
            Self::Remember => {
                "Let this computer remember the phone? It can ask it without a code then."
            }
            Self::DigitalCredentials(_) => "Show the computer the digital credentials it asks for?",
        })
    }
}

/// Requests and responses name people and more, so they print as lengths.
impl fmt::Debug for PhoneQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(visitor) => f.debug_tuple("Connect").field(visitor).finish(),
            Self::Remember => f.write_str("Remember"),
            Self::DigitalCredentials(request) => {
                write!(f, "DigitalCredentials({} bytes)", request.len())
            }
        }
    }
}

impl fmt::Debug for PhoneAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny => f.write_str("Deny"),
            Self::Approve => f.write_str("Approve"),
            Self::ApproveAndRemember => f.write_str("ApproveAndRemember"),
            Self::ApproveAndAskLater => f.write_str("ApproveAndAskLater"),
            Self::DigitalCredentials(response) => {
                write!(f, "DigitalCredentials({} bytes)", response.len())
            }
        }
    }
}
