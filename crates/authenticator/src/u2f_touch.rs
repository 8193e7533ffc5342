//! The touch that U2F asks for: no request waits for it. A request without one is refused at once
//! and asked for again and again by the client, while the question is open beside (CTAP 2.3 §10.3;
//! U2F raw message formats §3.3).

use std::time::{Duration, Instant};

use towline_ctap::RpIdHash;

use crate::{
    Answer, Purpose, Question, Token,
    clock::Clock,
    person::{open_question::OpenQuestion, proof::Present},
};

/// How long a yes is good for, and how long a no.
const REMEMBERED: Duration = Duration::from_secs(10);

/// How long the question stays open when the client does not ask again.
const ABANDONED: Duration = Duration::from_secs(5);

/// What a touch is for. It is good for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) application: RpIdHash,
    /// With which credential; `None` for a registration.
    pub(crate) key_handle: Option<Box<[u8]>>,
}

/// At most one touch is asked for, or remembered; in a box, as most authenticators never have one.
#[derive(Default)]
pub(crate) struct Touch(Option<Box<(Reason, State)>>);

enum State {
    /// To be asked for as soon as the request is answered.
    Wanted(Purpose),
    Asked {
        question: OpenQuestion,
        /// When the client will have given up.
        until: Option<Instant>,
    },
    Answered {
        /// `None` is a no.
        present: Option<Present>,
        until: Option<Instant>,
    },
}

impl Touch {
    /// The touch for this reason, which is used up by that.
    pub(crate) fn take(&mut self, reason: &Reason, now: Clock) -> Option<Present> {
        let (of, State::Answered { present, until }) = self.0.as_deref()? else { return None };
        let present = present.filter(|_| of == reason && !now.reached(*until))?;
        self.0 = None;
        Some(present)
    }

    /// The client wants a touch, for the first time or once more. What was asked for another reason
    /// is to be withdrawn.
    pub(crate) fn want(&mut self, reason: Reason, purpose: Purpose, now: Clock) -> Option<Token> {
        match self.0.as_deref_mut() {
            Some((of, State::Asked { until, .. })) if *of == reason => {
                *until = now.after(ABANDONED);
                return None;
            }
            // A no is not asked about again and again.
            Some((of, State::Answered { until, .. })) if *of == reason && !now.reached(*until) => {
                return None;
            }
            _ => {}
        }
        let withdrawn = self.forget();
        self.0 = Some(Box::new((reason, State::Wanted(purpose))));
        withdrawn
    }

    /// Nothing is asked for, or remembered, any more; the question that is to be withdrawn, if one
    /// was open.
    pub(crate) fn forget(&mut self) -> Option<Token> {
        match *self.0.take()? {
            (_, State::Asked { question, .. }) => Some(question.token()),
            _ => None,
        }
    }

    /// The question that is to be asked now.
    pub(crate) fn ask(&mut self, now: Clock) -> Option<(Token, Question)> {
        let (_, state) = self.0.as_deref_mut()?;
        let State::Wanted(purpose) = state else { return None };
        let (question, token, shown) = OpenQuestion::for_touch(purpose.clone());
        *state = State::Asked { question, until: now.after(ABANDONED) };
        Some((token, shown))
    }

    /// Whether this question is open.
    pub(crate) fn is_asked(&self, token: Token) -> bool {
        let touch = self.0.as_deref();
        matches!(touch, Some((_, State::Asked { question, .. })) if question.token() == token)
    }

    /// Takes the answer to the open question, if it fits.
    pub(crate) fn answer(&mut self, answer: &Answer, now: Clock) -> bool {
        match self.0.take().map(|touch| *touch) {
            Some((reason, State::Asked { question, .. })) if question.accepts(answer) => {
                let present = question.answer(answer);
                let until = now.after(REMEMBERED);
                self.0 = Some(Box::new((reason, State::Answered { present, until })));
                true
            }
            other => {
                self.0 = other.map(Box::new);
                false
            }
        }
    }

    /// When to call [`Self::expire`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.0.as_deref() {
            Some((_, State::Asked { until, .. } | State::Answered { until, .. })) => *until,
            _ => None,
        }
    }

    /// Lets the time pass; gives the question that is to be withdrawn.
    pub(crate) fn expire(&mut self, now: Clock) -> Option<Token> {
        if now.reached(self.deadline()) { self.forget() } else { None }
    }
}
