//! The person in front of an authenticator: a terminal, or an answer given beforehand.

use std::{
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Instant,
};

use tokio::sync::Mutex;
use towline::{
    Person,
    authenticator::{self, Purpose, Question},
    hybrid::{self, ResponderProgress},
};
use towline_ctap::User;

use crate::{
    args::AnswerMode,
    console::{Console, yes_or_no},
    event::{self, Action, Event, Step},
    report::Report,
};

/// Puts questions to the terminal, unless they are answered beforehand.
pub(crate) struct Terminal {
    mode: AnswerMode,
    console: Arc<Mutex<Console>>,
    typed_ahead: TypedAhead,
    report: Arc<Report>,
}

/// What a line is worth that was typed before the question was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypedAhead {
    /// It answers the question: what comes next is known.
    Answers,
    /// Nothing. Questions come from strangers at any time, and a "yes" to one that was withdrawn is no yes to the next.
    Forgotten,
}

const INPUT_ENDED: Event =
    Event::InputEnded { message: "nobody can answer: standard input has ended, which is a no" };

/// Answers the phone's questions, and tells what happens.
pub(crate) struct TerminalPerson {
    terminal: Terminal,
    seen: Arc<Seen>,
}

/// What came of a code, for the exit code.
#[derive(Default)]
pub(crate) struct Seen(StdMutex<Outcome>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Outcome {
    #[default]
    Nothing,
    Done,
    AlreadyRegistered,
    /// There was nothing to sign in with.
    NoCredentials,
    /// The person said no to connecting.
    Declined,
    /// The person said no to the operation.
    Refused,
}

impl Seen {
    /// What came of it since the last call.
    pub(crate) fn take(&self) -> Outcome {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, outcome: Outcome) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

impl Terminal {
    pub(crate) const fn new(
        mode: AnswerMode,
        console: Arc<Mutex<Console>>,
        typed_ahead: TypedAhead,
        report: Arc<Report>,
    ) -> Self {
        Self { mode, console, typed_ahead, report }
    }

    pub(crate) const fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// Answers what an authenticator asks.
    pub(crate) async fn answer(&self, question: &Question) -> authenticator::Answer {
        let message = question.to_string();
        match question {
            Question::ChooseAccount { rp_id, accounts } => {
                let names = accounts.iter().map(account_name).collect();
                let choice = self.choose(message, rp_id.to_string(), names).await;
                choice.map_or(authenticator::Answer::Deny, authenticator::Answer::Account)
            }
            Question::ConfirmPresence { purpose } | Question::VerifyUser { purpose, .. } => {
                let (kind, rp_id) = about(purpose);
                if self.agrees(kind, &message, rp_id).await {
                    question.simulated_agreement()
                } else {
                    authenticator::Answer::Deny
                }
            }
            Question::NothingToUse { rp_id } => {
                let rp_id = Some(rp_id.to_string());
                if self.agrees(event::Question::Other, &message, rp_id).await {
                    question.simulated_agreement()
                } else {
                    authenticator::Answer::Deny
                }
            }
            Question::EnrollFingerprint { .. } => {
                if self.agrees(event::Question::Other, &message, None).await {
                    question.simulated_agreement()
                } else {
                    authenticator::Answer::Deny
                }
            }
            // A kind of question that this program can't show is not agreed to.
            _ => authenticator::Answer::Deny,
        }
    }

    /// A yes or a no. The end of the input is a no: nobody is there to agree.
    async fn agrees(
        &self,
        question: event::Question,
        message: &str,
        rp_id: Option<String>,
    ) -> bool {
        let since = self.answers_count_from();
        let answered = self.beforehand();
        let ask = || Event::Question {
            question,
            message: message.to_owned(),
            rp_id: rp_id.clone(),
            choices: Vec::new(),
            answered,
        };
        self.report.event(&ask());
        if let Some(answer) = answered {
            return answer;
        }
        let mut console = self.console.lock().await;
        loop {
            match console.line_since(since).await.as_deref().map(yes_or_no) {
                Some(Some(answer)) => return answer,
                Some(None) => self.report.event(&ask()),
                None => {
                    self.report.event(&INPUT_ENDED);
                    return false;
                }
            }
        }
    }

    /// To be taken before the question is shown.
    fn answers_count_from(&self) -> Option<Instant> {
        (self.typed_ahead == TypedAhead::Forgotten).then(Instant::now)
    }

    const fn beforehand(&self) -> Option<bool> {
        match self.mode {
            AnswerMode::Yes => Some(true),
            AnswerMode::No => Some(false),
            AnswerMode::Ask => None,
        }
    }

    async fn choose(&self, message: String, rp_id: String, choices: Vec<String>) -> Option<usize> {
        let since = self.answers_count_from();
        let answered = self.beforehand();
        let event = Event::Question {
            question: event::Question::Choose,
            message,
            rp_id: Some(rp_id),
            choices,
            answered,
        };
        self.report.event(&event);
        let Event::Question { choices, .. } = &event else { return None };
        match answered {
            Some(true) => return Some(0),
            Some(false) => return None,
            None => {}
        }
        let mut console = self.console.lock().await;
        loop {
            let Some(line) = console.line_since(since).await else {
                self.report.event(&INPUT_ENDED);
                return None;
            };
            if yes_or_no(&line) == Some(false) {
                return None;
            }
            // People count from 1.
            match line.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
                Some(index) if index < choices.len() => return Some(index),
                _ => self.report.event(&event),
            }
        }
    }
}

impl TerminalPerson {
    pub(crate) const fn new(terminal: Terminal, seen: Arc<Seen>) -> Self {
        Self { terminal, seen }
    }
}

impl Person for TerminalPerson {
    async fn connect(&mut self, question: &hybrid::Question) -> hybrid::Answer {
        let message = question.to_string();
        if self.terminal.agrees(event::Question::Connect, &message, None).await {
            let remember = question.may_remember && {
                let message =
                    "Let this computer remember the phone? It can ask it without a code then.";
                self.terminal.agrees(event::Question::Remember, message, None).await
            };
            hybrid::Answer::Connect { remember }
        } else {
            self.seen.put(Outcome::Declined);
            hybrid::Answer::Decline
        }
    }

    async fn answer(&mut self, question: &Question) -> authenticator::Answer {
        let answer = self.terminal.answer(question).await;
        if answer == authenticator::Answer::Deny {
            self.seen.put(Outcome::Refused);
        } else if let Question::NothingToUse { .. } = question {
            self.seen.put(Outcome::NoCredentials);
        }
        answer
    }

    fn notice(&mut self, event: &authenticator::Event) {
        let Some((action, event)) = passkey(event, self.terminal.mode == AnswerMode::Yes) else {
            return;
        };
        match action {
            Action::Created | Action::Used => self.seen.put(Outcome::Done),
            Action::AlreadyRegistered => self.seen.put(Outcome::AlreadyRegistered),
            _ => {}
        }
        self.terminal.report.event(&event);
    }

    fn advertising(&mut self, radio: &str) {
        let message = format!("Showing the computer that this phone is near, by {radio}.");
        self.terminal.report.event(&Event::Step { step: Step::Advertising, message });
    }

    fn progress(&mut self, progress: ResponderProgress) {
        let (step, message) = match progress {
            ResponderProgress::Connecting => (Step::Connecting, "Connecting to the relay."),
            ResponderProgress::Connected => (Step::Connected, "Connected to the computer."),
            ResponderProgress::Request => (Step::ScreenLock, "The computer asks for a passkey."),
            ResponderProgress::Answered => (Step::Answered, "Answered."),
            _ => return,
        };
        self.terminal.report.event(&Event::Step { step, message: message.into() });
    }
}

/// What happened in an authenticator, as this program says it; `simulated` if nobody was asked.
pub(crate) fn passkey(event: &authenticator::Event, simulated: bool) -> Option<(Action, Event)> {
    use authenticator::Event as Happened;
    let (action, rp_id, user) = match event {
        Happened::Created { rp, user, .. } => (Action::Created, Some(&rp.id), Some(user)),
        Happened::Used { rp_id, user } => (Action::Used, Some(rp_id), user.as_ref()),
        Happened::AlreadyRegistered { rp, user } => {
            (Action::AlreadyRegistered, Some(&rp.id), user.as_ref())
        }
        Happened::Removed { rp_id, user } => (Action::Removed, Some(rp_id), Some(user)),
        Happened::Renamed { rp_id, user } => (Action::Renamed, Some(rp_id), Some(user)),
        Happened::VerificationLocked { .. } => (Action::Locked, None, None),
        Happened::PinChanged => (Action::PinChanged, None, None),
        Happened::PinBlocked { until_power_up: true } => (Action::PinPaused, None, None),
        Happened::PinBlocked { until_power_up: false } => (Action::PinBlocked, None, None),
        Happened::Reset => (Action::Reset, None, None),
        _ => return None,
    };
    let (rp_id, account) = (rp_id.map(ToString::to_string), user.map(account_name));
    Some((action, Event::Passkey { action, rp_id, account, simulated }))
}

/// What a question is about, and whom.
fn about(purpose: &Purpose) -> (event::Question, Option<String>) {
    match purpose {
        Purpose::Create { rp, .. } => (event::Question::Register, Some(rp.id.to_string())),
        Purpose::Use { rp_id, .. } => (event::Question::SignIn, Some(rp_id.to_string())),
        Purpose::AlreadyRegistered { rp, .. } => (event::Question::Other, Some(rp.id.to_string())),
        // These sites tell the hash of their name only.
        Purpose::RegisterU2f { .. } => (event::Question::Register, None),
        Purpose::UseU2f { .. } => (event::Question::SignIn, None),
        _ => (event::Question::Other, None),
    }
}

pub(crate) fn account_name(user: &User) -> String {
    let named =
        [&user.name, &user.display_name].into_iter().flatten().find(|name| !name.is_empty());
    named.cloned().unwrap_or_else(|| "an account without a name".into())
}

#[cfg(test)]
mod tests {
    use towline_ctap::RpIdHash;

    use super::*;

    #[test]
    fn what_u2f_asks_is_a_registration_or_a_sign_in_without_a_name() {
        let application = RpIdHash::new([1; 32]);
        let register = Purpose::RegisterU2f { application, tells_model: false };
        assert_eq!(about(&register), (event::Question::Register, None));
        let sign_in = Purpose::UseU2f { application };
        assert_eq!(about(&sign_in), (event::Question::SignIn, None));
    }
}
