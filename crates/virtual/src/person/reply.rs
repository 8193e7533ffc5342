//! What a scripted person does, and the answer that it makes to each question.

use std::fmt;

use towline_authenticator::{Answer, Question};
use towline_client::{Account, Pin, PinAnswer};
use towline_device::{PhoneAnswer, PhoneQuestion};

use super::Asked;

/// What a person does when they are asked.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Agrees: confirms, unlocks, takes the first account, types the PIN that they know.
    Consent,
    /// Says no, to whatever is asked.
    Refuse,
    /// Does nothing: time runs out.
    Ignore,
    /// Fails once at the screen lock, or with a finger that is not known.
    FailTheLock,
    /// Takes the account at this place, from 0.
    Pick(usize),
    /// Takes the account of this name.
    PickNamed(String),
    /// Types this as the PIN.
    Type(String),
    /// Has no way to type a PIN here.
    CannotType,
    /// Closes the browser's dialog: the ceremony is over, whatever the authenticator waits for.
    CallOff,
    /// Connects to the computer, and lets it remember the phone.
    ConnectAndRemember,
    /// Connects to the computer, and wants to be asked later whether it may remember the phone.
    ConnectAndDecideLater,
    /// Shows these digital credentials: JSON.
    Show(Vec<u8>),
    /// Gives this answer to the authenticator's question.
    Exactly(Answer),
}

impl Reply {
    /// The answer to a question of the authenticator; `None` where it does not fit. What is left
    /// open has no answer: [`Self::leaves_open`].
    pub(super) fn to_question(&self, question: &Question) -> Option<Answer> {
        match self {
            Self::Consent => Some(question.simulated_agreement()),
            Self::Refuse => Some(Answer::Deny),
            Self::FailTheLock => {
                matches!(question, Question::VerifyUser { .. }).then_some(Answer::NotVerified)
            }
            Self::Exactly(answer) => Some(answer.clone()),
            Self::Pick(_) | Self::PickNamed(_) => {
                self.place(&Asked::Authenticator(question.clone())).map(Answer::Account)
            }
            _ => None,
        }
    }

    /// The answer to a question for a PIN, by somebody who knows this one.
    pub(super) fn to_pin(&self, known: &str) -> Option<PinAnswer> {
        match self {
            Self::Consent => Some(PinAnswer::Pin(Pin::new(known))),
            Self::Type(pin) => Some(PinAnswer::Pin(Pin::new(pin))),
            Self::Refuse => Some(PinAnswer::Cancel),
            Self::CannotType => Some(PinAnswer::Unavailable),
            _ => None,
        }
    }

    /// The answer to a client that asks for an account.
    pub(super) fn to_account(&self, asked: &Asked) -> Option<Option<usize>> {
        match self {
            Self::Consent => Some(Some(0)),
            Self::Refuse => Some(None),
            Self::Pick(_) | Self::PickNamed(_) => self.place(asked).map(Some),
            _ => None,
        }
    }

    /// The place of the account that is picked, if it is there.
    fn place(&self, asked: &Asked) -> Option<usize> {
        let accounts = asked.accounts();
        match self {
            Self::Pick(place) => (*place < accounts.len()).then_some(*place),
            Self::PickNamed(name) => {
                accounts.iter().position(|user| user.name.as_ref() == Some(name))
            }
            _ => None,
        }
    }

    /// Whether the question stays open.
    pub(super) const fn leaves_open(&self) -> bool {
        matches!(self, Self::Ignore | Self::CallOff)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consent => f.write_str("consents"),
            Self::Refuse => f.write_str("refuses"),
            Self::Ignore => f.write_str("ignores it"),
            Self::FailTheLock => f.write_str("fails the lock"),
            Self::Pick(place) => write!(f, "picks account {place}"),
            Self::PickNamed(name) => write!(f, "picks the account {name:?}"),
            Self::Type(pin) => write!(f, "types {pin:?}"),
            Self::CannotType => f.write_str("cannot type a PIN"),
            Self::CallOff => f.write_str("calls it off"),
            Self::ConnectAndRemember => f.write_str("connects, and is remembered"),
            Self::ConnectAndDecideLater => f.write_str("connects, and decides later"),
            Self::Show(json) => write!(f, "shows credentials of {} bytes", json.len()),
            Self::Exactly(answer) => write!(f, "answers {answer:?}"),
        }
    }
}

/// Who asks, and how they are answered: the authenticator, or the client for a PIN or an account.
pub(crate) trait Answerable: Send {
    /// What whoever asks takes for an answer.
    type Answer: Send;

    /// What is asked.
    fn asked(&self) -> Asked;

    /// The answer that a reply makes, by somebody who knows this PIN; `None` where it does not fit.
    fn answer(&self, reply: &Reply, pin: &str) -> Option<Self::Answer>;
}

impl Answerable for Question {
    type Answer = Answer;

    fn asked(&self) -> Asked {
        Asked::Authenticator(self.clone())
    }

    fn answer(&self, reply: &Reply, _pin: &str) -> Option<Answer> {
        reply.to_question(self)
    }
}

/// A client's question for a PIN, and for whom.
#[derive(Debug)]
pub(crate) struct ForPin(pub(crate) Asked);

impl Answerable for ForPin {
    type Answer = PinAnswer;

    fn asked(&self) -> Asked {
        self.0.clone()
    }

    fn answer(&self, reply: &Reply, pin: &str) -> Option<PinAnswer> {
        reply.to_pin(pin)
    }
}

impl Answerable for PhoneQuestion {
    type Answer = PhoneAnswer;

    fn asked(&self) -> Asked {
        Asked::Phone(self.clone())
    }

    fn answer(&self, reply: &Reply, _pin: &str) -> Option<PhoneAnswer> {
        let connects = matches!(self, Self::Connect(_));
        match (reply, self) {
            // Who has not said what to show shows nothing.
            (Reply::Refuse, _) | (Reply::Consent, Self::DigitalCredentials(_)) => {
                Some(PhoneAnswer::Deny)
            }
            (Reply::Consent, _) => Some(PhoneAnswer::Approve),
            (Reply::ConnectAndRemember, _) => connects.then_some(PhoneAnswer::ApproveAndRemember),
            (Reply::ConnectAndDecideLater, _) => {
                connects.then_some(PhoneAnswer::ApproveAndAskLater)
            }
            (Reply::Show(json), Self::DigitalCredentials(_)) => {
                Some(PhoneAnswer::DigitalCredentials(json.clone()))
            }
            _ => None,
        }
    }
}

/// A client's question for an account.
#[derive(Debug)]
pub(crate) struct ForAccount(pub(crate) Asked);

impl Answerable for ForAccount {
    type Answer = Option<usize>;

    fn asked(&self) -> Asked {
        self.0.clone()
    }

    fn answer(&self, reply: &Reply, _pin: &str) -> Option<Option<usize>> {
        reply.to_account(&self.0)
    }
}

impl ForAccount {
    pub(crate) const fn new(rp_id: towline_ctap::RpId, accounts: Vec<Account>) -> Self {
        Self(Asked::Account { rp_id, accounts })
    }
}
