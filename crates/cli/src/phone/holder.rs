//! The person who holds the phone, and what happened to them: how a session ends is told by that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use towline::{
    Ask, Person, PhoneAnswer, PhoneAsk, PhoneQuestion, PhoneStep,
    authenticator::{Answer, Event as Happened, Purpose, Question},
    device::Visitor,
    hybrid::{ResponderProgress, ResponderSummary},
    transport,
};
use towline_ctap::Status;

use crate::{
    event::{self, Action, Asking, Code, Event, Source, Step},
    exit::Failure,
    outcome::{End, Facts, Moment, at_the_phone},
    person::{Terminal, passkey},
    qr::age,
};

/// Answers the phone's questions, and tells what happens. A clone is the same person.
#[derive(Clone)]
pub(super) struct Holder {
    terminal: Arc<Terminal>,
    record: Arc<Record>,
}

/// What happened in a session.
#[derive(Default)]
pub(super) struct Record(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    moment: Moment,
    /// What the person decided, or the authenticator, about the last request.
    end: Option<End>,
    /// What became of a passkey by the last request.
    happened: Option<Action>,
    /// The last answer was a try at the screen lock that failed.
    wrong_lock: bool,
    facts: Facts,
}

impl Record {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is lost when it ends now: the two are not connected yet, or the computer was
    /// answered.
    pub(super) fn can_be_left(&self) -> bool {
        let moment = self.seen().moment;
        moment < Moment::Connected || moment == Moment::Answered
    }

    /// How the session ended, with this result, or because it was stopped here. The next begins.
    pub(super) fn take(
        &self,
        result: Result<ResponderSummary, transport::TransportError>,
        stopped: Option<End>,
    ) -> Option<Failure> {
        let seen = std::mem::take(&mut *self.seen());
        let (moment, end, facts) = seen.ended(result, stopped);
        at_the_phone(moment, &end, &facts)
    }
}

impl Seen {
    /// What the authenticator made of a request.
    fn answered(&mut self, status: Status) {
        self.moment = Moment::Working;
        self.end = Some(match End::of_status(status) {
            End::Done if self.happened.is_none() => End::Nothing,
            // The standard has one status for both (§6.1.2 step 11), and the computer is told no
            // more.
            End::Refused if self.wrong_lock => End::WrongLock,
            end => end,
        });
    }

    fn ended(
        mut self,
        result: Result<ResponderSummary, transport::TransportError>,
        stopped: Option<End>,
    ) -> (Moment, End, Facts) {
        let delivered = self.moment == Moment::Answered;
        self.facts.saved = self.happened == Some(Action::Created) && !delivered;
        let end = match (stopped, self.end) {
            // What was done before stays done.
            (Some(_), Some(End::Done)) if delivered => End::Done,
            (Some(stopped), _) => stopped,
            // What the person did counts for more than how the computer took it.
            (None, Some(end)) if delivered || end != End::Done => end,
            (None, _) => match &result {
                Ok(_) => End::CalledOff,
                Err(error) => error.into(),
            },
        };
        (self.moment, end, self.facts)
    }
}

impl Holder {
    pub(super) fn new(terminal: Terminal, record: Arc<Record>) -> Self {
        Self { terminal: Arc::new(terminal), record }
    }

    /// Sees how the way to a computer goes.
    pub(super) fn watch(&self, step: PhoneStep<'_>) {
        match step {
            PhoneStep::Advertising(radio) => {
                self.record.seen().moment = Moment::Advertising;
                self.step(
                    Step::Advertising,
                    format!("Showing the computer that this phone is near, by {radio}."),
                );
            }
            PhoneStep::Answered { status, .. } => self.record.seen().answered(status),
            PhoneStep::Progress(progress) => self.progress(progress),
            _ => {}
        }
    }

    fn progress(&self, progress: ResponderProgress) {
        let (step, moment, message) = match progress {
            ResponderProgress::Connecting => {
                (Step::Connecting, Moment::Connecting, "Connecting to the relay.")
            }
            ResponderProgress::Connected => {
                (Step::Connected, Moment::Connected, "Connected to the computer.")
            }
            ResponderProgress::Request => {
                let mut seen = self.record.seen();
                (seen.end, seen.happened, seen.wrong_lock) = (None, None, false);
                (Step::ScreenLock, Moment::Asking, "The computer has sent its request.")
            }
            ResponderProgress::Answered => {
                let message = match &self.record.seen().end {
                    Some(End::Done) => "Answered.",
                    Some(End::NobodyAnswered) => "Told the computer that nobody answered.",
                    Some(End::Refused) => "Told the computer that you declined.",
                    _ => "Told the computer that nothing was done.",
                };
                (Step::Answered, Moment::Answered, message)
            }
            _ => return,
        };
        self.record.seen().moment = moment;
        self.step(step, message);
    }

    fn step(&self, step: Step, message: impl Into<String>) {
        self.terminal.report().event(&Event::Step { step, message: message.into() });
    }

    async fn answer(&self, question: &Question) -> Answer {
        {
            let mut seen = self.record.seen();
            seen.moment = Moment::Asking;
            seen.facts.site = site(question).or(seen.facts.site.take());
        }
        // Dropped here, the question is withdrawn, and the moment stays.
        let answer = self.terminal.answer(question).await;
        let mut seen = self.record.seen();
        seen.moment = Moment::Working;
        seen.wrong_lock = answer == Answer::NotVerified;
        answer
    }

    async fn answer_phone(&self, question: &PhoneQuestion) -> PhoneAnswer {
        match question {
            PhoneQuestion::Connect(visitor) => self.connect(visitor, question.to_string()).await,
            // This program asks before the two connect, and shows no digital credentials.
            _ => PhoneAnswer::Deny,
        }
    }

    async fn connect(&self, visitor: &Visitor, message: String) -> PhoneAnswer {
        let asking = connecting(visitor, message, age::now());
        self.record.seen().facts.code_age = asking.code.and_then(|code| code.age_s);
        if !self.terminal.agrees(asking).await {
            self.record.seen().end = Some(End::Declined);
            return PhoneAnswer::Deny;
        }
        let remember = visitor.may_remember && {
            let message = PhoneQuestion::Remember.to_string();
            self.terminal.agrees(Asking::new(event::Question::Remember, message)).await
        };
        if remember { PhoneAnswer::ApproveAndRemember } else { PhoneAnswer::Approve }
    }
}

/// What is asked before anything is sent.
fn connecting(visitor: &Visitor, message: String, now: u64) -> Asking {
    let age_s = visitor.made_at.map(|made| age::seconds(made, now));
    let code = Code { source: Source::of(visitor.found), age_s };
    Asking { code: Some(code), ..Asking::new(event::Question::Connect, message) }
}

impl Person for Holder {
    fn ask(&mut self, ask: Ask) {
        let holder = self.clone();
        ask.answer_with(async move |question| holder.answer(&question).await);
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        let holder = self.clone();
        ask.answer_with(async move |question| holder.answer_phone(&question).await);
    }

    fn notice(&mut self, happened: &Happened) {
        let Some((action, event)) = passkey(happened, self.terminal.is_simulated()) else {
            return;
        };
        if let Action::Created | Action::Used = action {
            self.record.seen().happened = Some(action);
        }
        self.terminal.report().event(&event);
    }
}

/// The site that a question is about.
fn site(question: &Question) -> Option<String> {
    let purpose = match question {
        Question::ConfirmPresence { purpose } | Question::VerifyUser { purpose, .. } => purpose,
        Question::ChooseAccount { rp_id, .. } | Question::NothingToUse { rp_id } => {
            return Some(rp_id.to_string());
        }
        _ => return None,
    };
    match purpose {
        Purpose::Create { rp, .. } | Purpose::AlreadyRegistered { rp, .. } => {
            Some(rp.id.to_string())
        }
        Purpose::Use { rp_id, .. } => Some(rp_id.to_string()),
        Purpose::SelectDevice { rp_id } => rp_id.as_ref().map(ToString::to_string),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use towline::hybrid::{Error, Step as Where};

    use super::*;

    type Outcome = Result<ResponderSummary, transport::TransportError>;

    fn told(seen: Seen, result: Outcome, stopped: Option<End>) -> Option<Failure> {
        let (moment, end, facts) = seen.ended(result, stopped);
        at_the_phone(moment, &end, &facts)
    }

    fn at(moment: Moment) -> Seen {
        Seen { moment, ..Seen::default() }
    }

    fn done() -> Outcome {
        Ok(ResponderSummary::default())
    }

    fn broken() -> Outcome {
        Err(transport::TransportError::Hybrid(Error::Closed { step: Where::Answer }))
    }

    #[test]
    fn nobody_answering_is_not_called_answered_or_nothing_that_fits() {
        let seen =
            Seen { end: Some(End::of_status(Status::UserActionTimeout)), ..at(Moment::Answered) };
        let failure = told(seen, done(), None).unwrap();
        assert_eq!(failure.reason, "timed_out");
        assert!(failure.message.contains("nobody answered here in time"), "{failure:?}");
        assert!(failure.message.contains("nothing was done"), "{failure:?}");
    }

    #[test]
    fn a_question_that_was_taken_away_was_asked() {
        for (result, reason) in [(done(), "cancelled"), (broken(), "closed")] {
            let failure = told(at(Moment::Asking), result, None).unwrap();
            assert_eq!(failure.reason, reason);
            assert!(failure.message.contains("while you were asked"), "{failure:?}");
            assert!(failure.message.contains("nothing was done"), "{failure:?}");
        }
    }

    #[test]
    fn a_passkey_that_was_saved_is_said_also_where_the_computer_is_gone() {
        let seen = || Seen {
            happened: Some(Action::Created),
            end: Some(End::Done),
            ..at(Moment::Working)
        };
        for (result, stopped) in [(broken(), None), (done(), Some(End::Interrupted))] {
            let failure = told(seen(), result, stopped).unwrap();
            assert!(failure.message.contains("the passkey is saved here"), "{failure:?}");
        }
        let answered = Seen { moment: Moment::Answered, ..seen() };
        assert_eq!(told(answered, done(), Some(End::Interrupted)), None);
    }

    #[test]
    fn what_the_person_did_counts_for_more_than_how_the_connection_ended() {
        for (end, reason) in [(End::Refused, "refused"), (End::Declined, "declined")] {
            let seen = Seen { end: Some(end), ..at(Moment::Working) };
            assert_eq!(told(seen, broken(), None).unwrap().reason, reason);
        }
    }

    #[test]
    fn whoever_failed_at_the_screen_lock_is_not_told_that_they_declined() {
        for (wrong_lock, end) in [(true, End::WrongLock), (false, End::Refused)] {
            let mut seen = Seen { wrong_lock, ..Seen::default() };
            seen.answered(Status::OperationDenied);
            assert_eq!(seen.end, Some(end));
        }
    }
}
