//! What creation and sign-in have in common: outputs, the deadline, and an end that comes once.

use std::{
    collections::VecDeque,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use towline_ctap::{AuthenticatorData, Flags, RpIdHash, Transport, User};

use crate::{ChannelError, Error, PinQuestion, error::Misbehaviour};

/// What a machine wants done, which ends with `T`: for [`crate::Create`] and [`crate::Get`] the
/// response JSON. `Debug` shows of messages the length alone, and nothing of what it ends with.
#[derive(Clone, PartialEq, Eq)]
pub enum CeremonyOutput<T = String> {
    /// Send this CTAP request and report the response with `handle_response`.
    Request(Vec<u8>),
    /// Tell the authenticator to give up the request that is under way. Nothing has to be reported.
    Cancel,
    /// Let the person choose one of these accounts, then answer with [`crate::Get::handle_choice`]
    /// and the same token.
    Choose {
        /// Comes back with the choice.
        token: CeremonyToken,
        /// The accounts, at least two, the one used last first.
        accounts: Vec<Account>,
    },
    /// Tell the person that the authenticator did not recognise them, and tries once more. Nothing
    /// has to be reported.
    NotRecognised {
        /// How often it may still fail before built-in verification is blocked, if the
        /// authenticator tells.
        tries_left: Option<u64>,
    },
    /// Ask the person for a PIN, then answer with `handle_pin` and the same token.
    AskPin {
        /// Comes back with the PIN.
        token: CeremonyToken,
        /// What is asked. It prints as a sentence.
        question: PinQuestion,
    },
    /// Over: the result, such as the response JSON for the site, or why there is none. Nothing
    /// follows.
    ///
    /// With `prf` the JSON holds what is secret between the page and the person
    /// (`clientExtensionResults.prf.results`): `Debug` does not show it, and a page takes it out
    /// before it sends the rest to its server (WebAuthn L3 §10.1.4).
    Finished(Result<T, Error>),
}

impl<T> fmt::Debug for CeremonyOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(bytes) => write!(f, "Request({} bytes)", bytes.len()),
            Self::Cancel => f.write_str("Cancel"),
            Self::Choose { token, accounts } => {
                f.debug_struct("Choose").field("token", token).field("accounts", accounts).finish()
            }
            Self::NotRecognised { tries_left } => {
                f.debug_struct("NotRecognised").field("tries_left", tries_left).finish()
            }
            Self::AskPin { token, question } => {
                f.debug_struct("AskPin").field("token", token).field("question", question).finish()
            }
            Self::Finished(Ok(_)) => f.write_str("Finished(Ok(..))"),
            Self::Finished(Err(error)) => write!(f, "Finished(Err({error:?}))"),
        }
    }
}

/// Names one question, once in the life of the process, so that an answer can't meet another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CeremonyToken(u64);

impl CeremonyToken {
    /// One that there has not been before.
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// An account that the person may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account as the authenticator knows it; it may hold back the names.
    pub user: User,
}

/// Whether an authenticator is part of the device or not (AuthenticatorAttachment, WebAuthn L3
/// §5.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// Part of the device.
    Platform,
    /// A device of its own, such as a security key or a phone (`cross-platform`).
    CrossPlatform,
}

impl Attachment {
    /// The attachment of an authenticator that is reached in this way.
    #[must_use]
    pub const fn of(transport: &Transport) -> Self {
        match transport {
            Transport::Internal => Self::Platform,
            _ => Self::CrossPlatform,
        }
    }

    /// The text in options and responses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::CrossPlatform => "cross-platform",
        }
    }
}

/// What every answer must hold, whatever the ceremony.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) rp_id_hash: RpIdHash,
    pub(crate) user_present: bool,
    pub(crate) user_verified: bool,
}

impl Expected {
    /// Checks what the authenticator vouches for.
    pub(crate) fn check(&self, data: &AuthenticatorData) -> Result<(), Misbehaviour> {
        if data.rp_id_hash != self.rp_id_hash {
            return Err(Misbehaviour::WrongRpId);
        }
        if self.user_present && !data.flags.contains(Flags::UP) {
            return Err(Misbehaviour::UserNotPresent);
        }
        if self.user_verified && !data.flags.contains(Flags::UV) {
            return Err(Misbehaviour::UserNotVerified);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Ceremony<T = String> {
    outputs: VecDeque<CeremonyOutput<T>>,
    timeout: Duration,
    /// `None` where the site waits for as long as its page is open.
    deadline: Option<Instant>,
    /// Whether a request is with the authenticator.
    asked: bool,
    over: bool,
    /// Why nothing came of it, where the site is not to learn that.
    untold: Option<Error>,
}

impl<T> Ceremony<T> {
    /// `None` where the clock can't tell the deadline.
    pub(crate) fn new(timeout: Duration, now: Instant) -> Option<Self> {
        let deadline = Some(now.checked_add(timeout)?);
        let outputs = VecDeque::new();
        Some(Self { outputs, timeout, deadline, asked: false, over: false, untold: None })
    }

    /// One beside a form, which ends with the page or not at all.
    pub(crate) const fn beside_a_form() -> Self {
        Self {
            outputs: VecDeque::new(),
            timeout: Duration::MAX,
            deadline: None,
            asked: false,
            over: false,
            untold: None,
        }
    }

    pub(crate) fn request(&mut self, bytes: Vec<u8>) {
        self.asked = true;
        self.outputs.push_back(CeremonyOutput::Request(bytes));
    }

    pub(crate) fn output(&mut self, output: CeremonyOutput<T>) {
        self.outputs.push_back(output);
    }

    /// Takes note of a response; `false` if nobody waits for one.
    pub(crate) fn answered(&mut self) -> bool {
        std::mem::take(&mut self.asked) && !self.over
    }

    pub(crate) fn finish(&mut self, result: Result<T, Error>) {
        if self.over {
            return;
        }
        self.over = true;
        match result {
            // A page never learns that there was nothing to offer, or that it was not taken: it
            // would tell the site who is there.
            Err(error) if self.deadline.is_none() && error != Error::Aborted => {
                self.untold = Some(error);
            }
            result => self.outputs.push_back(CeremonyOutput::Finished(result)),
        }
    }

    /// The site calls it off, and is told so even where it was told nothing else.
    pub(crate) fn abort(&mut self) {
        if self.untold.take().is_some() {
            self.outputs.push_back(CeremonyOutput::Finished(Err(Error::Aborted)));
        } else {
            self.stop(Error::Aborted);
        }
    }

    pub(crate) const fn untold(&self) -> Option<&Error> {
        self.untold.as_ref()
    }

    /// Ends early: what was still to be sent is not, and the authenticator gives up what it has.
    pub(crate) fn stop(&mut self, error: Error) {
        if self.over {
            return;
        }
        let unsent = self.outputs.iter().any(|output| matches!(output, CeremonyOutput::Request(_)));
        self.outputs.clear();
        if self.asked && !unsent {
            self.outputs.push_back(CeremonyOutput::Cancel);
        }
        self.finish(Err(error));
    }

    pub(crate) fn channel_failed(&mut self, error: ChannelError) {
        self.asked = false;
        self.stop(error.into());
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.stop(Error::TimedOut(self.timeout));
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<CeremonyOutput<T>> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.over)
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }
}
