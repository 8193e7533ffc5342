//! The person in front of an authenticator: a terminal, or an answer given beforehand.

use std::sync::Arc;

use towline::authenticator::{self, Answer, Purpose, Question};
use towline_ctap::User;

use crate::{
    args::AnswerMode,
    console::{Console, Line, Wanted, yes_or_no},
    event::{self, Action, Asking, Event, Expects},
    qr::read::looks_like_a_code,
    report::Report,
    screen_lock::{self, ScreenLock},
};

/// Puts questions to the terminal, unless they are answered beforehand.
pub(crate) struct Terminal {
    mode: AnswerMode,
    console: Arc<Console>,
    lock: ScreenLock,
    report: Arc<Report>,
}

const INPUT_ENDED: Event =
    Event::InputEnded { message: "nobody can answer: standard input has ended, which is a no" };

impl Terminal {
    pub(crate) const fn new(
        mode: AnswerMode,
        console: Arc<Console>,
        lock: ScreenLock,
        report: Arc<Report>,
    ) -> Self {
        Self { mode, console, lock, report }
    }

    pub(crate) const fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// How the person is verified.
    pub(crate) const fn lock(&self) -> Option<event::Lock> {
        Some(self.lock.kind())
    }

    /// Whether nobody is asked.
    pub(crate) fn is_simulated(&self) -> bool {
        self.mode == AnswerMode::Yes
    }

    /// Answers what an authenticator asks.
    pub(crate) async fn answer(&self, question: &Question) -> Answer {
        let message = question.to_string();
        let yes = match question {
            Question::ChooseAccount { rp_id, accounts } => {
                let asking = Asking {
                    rp_id: Some(rp_id.to_string()),
                    choices: accounts.iter().map(account_name).collect(),
                    expects: Expects::Number,
                    ..Asking::new(event::Question::Choose, message)
                };
                return self.choose(asking).await.map_or(Answer::Deny, Answer::Account);
            }
            Question::VerifyUser { purpose, .. } => {
                let (kind, rp_id) = about(purpose);
                let screen_lock = Some(self.lock.kind());
                let asking = Asking { rp_id, screen_lock, ..Asking::new(kind, message) };
                return self.verify(asking).await;
            }
            Question::ConfirmPresence { purpose } => {
                let (kind, rp_id) = about(purpose);
                self.agrees(Asking { rp_id, ..Asking::new(kind, message) }).await
            }
            Question::NothingToUse { rp_id } => {
                let rp_id = Some(rp_id.to_string());
                let kind = event::Question::Other;
                self.agrees(Asking { rp_id, ..Asking::new(kind, message) }).await
            }
            Question::EnrollFingerprint { .. } => {
                self.agrees(Asking::new(event::Question::Other, message)).await
            }
            // A kind of question that this program can't show is not agreed to.
            _ => false,
        };
        if yes { question.simulated_agreement() } else { Answer::Deny }
    }

    /// Whether the person is who holds the phone, and agrees.
    pub(crate) async fn verify(&self, asking: Asking) -> Answer {
        let store = match &self.lock {
            ScreenLock::Passphrase(store) => store,
            ScreenLock::Simulated if self.agrees(asking).await => return Answer::Verified,
            ScreenLock::Simulated => return Answer::Deny,
        };
        let asking = Asking { expects: Expects::Passphrase, ..asking };
        let typed = match self.mode {
            AnswerMode::Ask => self.ask(asking, |line| Ok(line.clone())).await,
            // Nobody types anything.
            AnswerMode::Yes | AnswerMode::No => None,
        };
        let Some(typed) = typed.filter(|typed| !typed.is_empty()) else { return Answer::Deny };
        match screen_lock::opens(store, typed).await {
            Ok(true) => Answer::Verified,
            Ok(false) => Answer::NotVerified,
            Err(why) => {
                let message = format!("the passphrase can't be checked, which is a no: {why}");
                self.report.event(&Event::Ignored { message });
                Answer::Deny
            }
        }
    }

    /// A yes or a no. The end of the input is a no: nobody is there to agree.
    pub(crate) async fn agrees(&self, asking: Asking) -> bool {
        if let Some(answer) = self.beforehand(&asking) {
            return answer;
        }
        let read = |line: &Line| match (yes_or_no(line.trim()), line.trim().is_empty()) {
            (Some(answer), _) => Ok(answer),
            (None, true) => Err("an empty line is neither yes nor no"),
            (None, false) => Err("that is neither yes nor no"),
        };
        self.ask(asking, read).await.unwrap_or(false)
    }

    async fn choose(&self, asking: Asking) -> Option<usize> {
        match self.beforehand(&asking) {
            Some(true) => return Some(0),
            Some(false) => return None,
            None => {}
        }
        let choices = asking.choices.len();
        let read = |line: &Line| {
            let line = line.trim();
            if yes_or_no(line) == Some(false) {
                return Ok(None);
            }
            // People count from 1.
            match line.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
                Some(index) if index < choices => Ok(Some(index)),
                _ => Err("that is none of the numbers, and not \"no\""),
            }
        };
        self.ask(asking, read).await.flatten()
    }

    /// What `--answer` says, and shows that it was asked.
    fn beforehand(&self, asking: &Asking) -> Option<bool> {
        let answered = match self.mode {
            AnswerMode::Yes => true,
            AnswerMode::No => false,
            AnswerMode::Ask => return None,
        };
        let asking = Asking { answered: Some(answered), ..asking.clone() };
        self.report.event(&Event::Question(asking));
        Some(answered)
    }

    /// Shows a question until a line answers it; none when the input has ended. Dropping the future
    /// withdraws it.
    async fn ask<T>(
        &self,
        mut asking: Asking,
        read: impl Fn(&Line) -> Result<T, &'static str>,
    ) -> Option<T> {
        let wanted = match asking.expects {
            Expects::Passphrase => Wanted::Secret,
            Expects::YesOrNo | Expects::Number => Wanted::Words,
        };
        let asked = self.console.ask(wanted, |token| {
            asking.token = Some(token.to_string());
            self.report.event(&Event::Question(asking.clone()));
        });
        loop {
            let Some(line) = asked.line().await else {
                self.report.event(&INPUT_ENDED);
                asked.answered();
                return None;
            };
            // Nothing has been sent, so that the person may change over; whoever serves the code
            // sees to that.
            if asking.question == event::Question::Connect
                && self.console.is_terminal()
                && looks_like_a_code(&line)
            {
                self.console.put_back(line);
                return std::future::pending().await;
            }
            match read(&line) {
                Ok(answer) => {
                    asked.answered();
                    return Some(answer);
                }
                Err(why) => {
                    self.report.event(&Event::Ignored { message: why.into() });
                    self.report.event(&Event::Question(asking.clone()));
                }
            }
        }
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

/// An account in a list or a message of its own.
pub(crate) fn account_name(user: &User) -> String {
    format!("{:#}", authenticator::AccountName::new(user))
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
