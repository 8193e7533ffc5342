//! A question to the person, as JSON and as a line.

use serde::Serialize;
use towline::device::Found;

use super::Weight;
use crate::line::one_line;

/// A question, and what is to be known to answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Asking {
    /// Names the question to whoever answers it; null where nobody is to.
    pub(crate) token: Option<String>,
    pub(crate) question: Question,
    pub(crate) message: String,
    pub(crate) rp_id: Option<String>,
    pub(crate) choices: Vec<String>,
    pub(crate) expects: Expects,
    /// How the person is verified by the answer, where they are.
    pub(crate) screen_lock: Option<Lock>,
    /// Of [`Question::Connect`]: where the code came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Code>,
    /// What `--answer` says.
    pub(crate) answered: Option<bool>,
}

/// What is known of a code before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Code {
    pub(crate) source: Source,
    /// How many seconds ago the computer made it, by this machine's clock; negative: ahead of it.
    /// Null where it does not say.
    pub(crate) age_s: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Camera,
    Typed,
    Picture,
    Link,
    Ring,
}

impl Source {
    pub(crate) const fn of(found: Found) -> Self {
        match found {
            Found::Camera => Self::Camera,
            Found::Picture => Self::Picture,
            Found::Link => Self::Link,
            Found::Ring => Self::Ring,
            // Whatever comes with a later version came in by a person's hand at the least.
            _ => Self::Typed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// Connect to the computer that shows this code?
    Connect,
    /// Let the computer remember this phone?
    Remember,
    /// Make a passkey?
    Register,
    /// Sign in with the passkey?
    SignIn,
    /// Which of several accounts?
    Choose,
    /// Write these passkeys to a file?
    Export,
    /// Take these passkeys into the store?
    Import,
    /// Add this device to the circle?
    AddDevice,
    /// Join the circle of this device?
    JoinCircle,
    /// Remove these devices from the circle?
    RemoveDevice,
    /// Bring the circle back on this device, and remove all others?
    Recover,
    /// Anything else that the authenticator asks.
    Other,
}

/// What is to be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expects {
    YesOrNo,
    /// One of the choices, from 1, or no.
    Number,
    /// An empty line is a no.
    Passphrase,
}

/// How the person in front of the phone is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lock {
    /// Not at all: a yes counts.
    Simulated,
    Passphrase,
}

impl Asking {
    /// A yes or a no about this.
    pub(crate) fn new(question: Question, message: impl Into<String>) -> Self {
        Self {
            token: None,
            question,
            message: message.into(),
            rp_id: None,
            choices: Vec::new(),
            expects: Expects::YesOrNo,
            screen_lock: None,
            code: None,
            answered: None,
        }
    }

    pub(super) fn human(&self) -> (Weight, String) {
        let Self { message, choices, expects, screen_lock, answered, .. } = self;
        let list: String = (1_u32..)
            .zip(choices)
            .map(|(number, name)| format!("\n  {number}  {}", one_line(name)))
            .collect();
        let mark = match screen_lock {
            Some(Lock::Simulated) => " (SIMULATED screen lock: a yes counts as verified)",
            Some(Lock::Passphrase) | None => "",
        };
        let message = one_line(message);
        let wanted = match expects {
            Expects::YesOrNo => "[yes/no]",
            Expects::Number => "\n[number, or no]",
            Expects::Passphrase => "\n[passphrase, unseen; an empty line is a no]",
        };
        match answered {
            None => (Weight::Question, format!("{message}{mark}{list} {wanted}")),
            Some(true) => (Weight::Note, format!("{message}{mark}{list} yes")),
            Some(false) => (Weight::Note, format!("{message}{mark}{list} no")),
        }
    }
}
