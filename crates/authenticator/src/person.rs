//! The only place where the UP and UV flags come from: an answered question, or for UV a PIN that
//! matched.

pub(crate) mod open_question;
pub(crate) mod proof;

use std::time::Duration;

use towline_ctap::{RpId, SampleStatus, TemplateId, User};

use self::proof::{Present, Verified};
use crate::{
    Answer, Purpose, Question, Template,
    flow::{Core, Flow, Next},
};

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The person said no.
    Denied,
    /// Nobody answered in time.
    TimedOut,
    /// An attempt at verification failed.
    NotVerified,
}

/// What a sensor made of a finger.
pub(crate) enum Sample {
    /// One of several samples.
    Taken(SampleStatus),
    /// The last one: all that the sensor wants kept.
    Enrolled(Template),
}

/// A question, and how the ceremony goes on with its answer.
pub(crate) struct Asked {
    pub(crate) question: Question,
    /// How long the question may stay open, if not as long as any.
    pub(crate) patience: Option<Duration>,
    pub(crate) then: Then,
}

type With<T> = Box<dyn FnOnce(&mut Core, Result<T, Refusal>) -> Flow + Send>;

/// How a ceremony goes on with an answer.
pub(crate) enum Then {
    Presence(With<Present>),
    Verification(With<Verified>),
    Account {
        /// How many there are to choose from.
        count: usize,
        then: With<usize>,
    },
    Sample {
        /// How many good samples there are to be at most, with this one.
        left: u8,
        then: With<Sample>,
    },
    Vendor(With<()>),
}

/// Asks for a touch.
pub(crate) fn ask_presence(
    purpose: Purpose,
    then: impl FnOnce(&mut Core, Result<Present, Refusal>) -> Flow + Send + 'static,
) -> Flow {
    ask(Question::ConfirmPresence { purpose }, Then::Presence(Box::new(then)))
}

/// Tells the person that there is no credential for a site; they confirm that they have seen it.
pub(crate) fn tell_nothing_to_use(
    rp_id: RpId,
    then: impl FnOnce(&mut Core, Result<Present, Refusal>) -> Flow + Send + 'static,
) -> Flow {
    ask(Question::NothingToUse { rp_id }, Then::Presence(Box::new(then)))
}

/// Asks for one attempt at verification. The retry counters are the caller's to keep.
pub(crate) fn ask_verification(
    purpose: Purpose,
    attempts_left: u8,
    failed_before: bool,
    then: impl FnOnce(&mut Core, Result<Verified, Refusal>) -> Flow + Send + 'static,
) -> Flow {
    let question = Question::VerifyUser { purpose, attempts_left, failed_before };
    ask(question, Then::Verification(Box::new(then)))
}

/// Asks which account; the answer is an index below `accounts.len()`.
pub(crate) fn ask_account(
    rp_id: RpId,
    accounts: Vec<User>,
    then: impl FnOnce(&mut Core, Result<usize, Refusal>) -> Flow + Send + 'static,
) -> Flow {
    let then = Then::Account { count: accounts.len(), then: Box::new(then) };
    ask(Question::ChooseAccount { rp_id, accounts }, then)
}

/// Asks the sensor for a sample of a finger, for no longer than `patience`.
pub(crate) fn ask_sample(
    template: TemplateId,
    samples_left: u8,
    patience: Option<Duration>,
    then: impl FnOnce(&mut Core, Result<Sample, Refusal>) -> Flow + Send + 'static,
) -> Flow {
    let question = Question::EnrollFingerprint { template, samples_left };
    let then = Then::Sample { left: samples_left, then: Box::new(then) };
    Ok(Next::Ask(Asked { question, patience, then }))
}

/// Has a command of the vendor carried out.
pub(crate) fn ask_vendor(
    command: u64,
    params: Vec<u8>,
    then: impl FnOnce(&mut Core, Result<(), Refusal>) -> Flow + Send + 'static,
) -> Flow {
    ask(Question::VendorCommand { command, params }, Then::Vendor(Box::new(then)))
}

fn ask(question: Question, then: Then) -> Flow {
    Ok(Next::Ask(Asked { question, patience: None, then }))
}

impl Then {
    /// Whether the question can be answered so.
    pub(crate) fn accepts(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (_, Answer::Deny)
            | (Self::Presence(_) | Self::Vendor(_), Answer::Approve)
            | (Self::Verification(_), Answer::Verified | Answer::NotVerified) => true,
            (Self::Account { count, .. }, Answer::Account(index)) => *index < *count,
            (Self::Sample { .. }, Answer::Enrolled(_)) => true,
            (Self::Sample { left, .. }, Answer::Sample(status)) => {
                *status != SampleStatus::Good || *left > 1
            }
            _ => false,
        }
    }

    /// Goes on with the person's answer, which [`Self::accepts`] has accepted.
    pub(crate) fn answer(self, core: &mut Core, answer: Answer) -> Flow {
        match (self, answer) {
            (Self::Presence(then), Answer::Approve) => then(core, Ok(Present::by_answer())),
            (Self::Verification(then), Answer::Verified) => then(core, Ok(Verified::by_answer())),
            (Self::Verification(then), Answer::NotVerified) => {
                then(core, Err(Refusal::NotVerified))
            }
            (Self::Account { then, .. }, Answer::Account(index)) => then(core, Ok(index)),
            (Self::Sample { then, .. }, Answer::Sample(status)) => {
                then(core, Ok(Sample::Taken(status)))
            }
            (Self::Sample { then, .. }, Answer::Enrolled(template)) => {
                then(core, Ok(Sample::Enrolled(template)))
            }
            (Self::Vendor(then), Answer::Approve) => then(core, Ok(())),
            (then, _) => then.refuse(core, Refusal::Denied),
        }
    }

    /// Goes on without an answer.
    pub(crate) fn expire(self, core: &mut Core) -> Flow {
        self.refuse(core, Refusal::TimedOut)
    }

    fn refuse(self, core: &mut Core, refusal: Refusal) -> Flow {
        match self {
            Self::Presence(then) => then(core, Err(refusal)),
            Self::Verification(then) => then(core, Err(refusal)),
            Self::Account { then, .. } => then(core, Err(refusal)),
            Self::Sample { then, .. } => then(core, Err(refusal)),
            Self::Vendor(then) => then(core, Err(refusal)),
        }
    }
}
