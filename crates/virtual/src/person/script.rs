//! What a scripted person keeps in mind: the rules, what was heard, and the answers that are still
//! to be given.

use std::{collections::VecDeque, fmt, time::Instant};

use towline_authenticator::{Answer, Event, Question};
use towline_client::PinAnswer;
use towline_ctap::Request;
use towline_device::{Ask, PhoneAnswer, PhoneAsk, PhoneQuestion};

use super::{
    Asked, ForAccount, ForPin, Reply, ScriptedPerson,
    reply::Answerable,
    rule::{Count, Rule},
};
use crate::Clock;

/// How much is remembered of what was heard.
const REMEMBERED: usize = 16;

/// The longest request that is decoded for a text.
const LONGEST: usize = 65_536;

pub(super) struct Script {
    clock: Clock,
    pub(super) rules: Vec<Rule>,
    /// How many rules there have been.
    made: usize,
    pub(super) strict: bool,
    /// Whether what does not fit is only for `verify` to tell.
    pub(super) lenient: bool,
    pub(super) pin: String,
    pub(super) heard: VecDeque<Asked>,
    pub(super) noticed: VecDeque<Event>,
    pub(super) called_off: bool,
    /// The request under way, as it came.
    pub(super) request: Vec<u8>,
    held: Vec<(Held, Option<Instant>)>,
    problems: Vec<String>,
    /// The rule that answered last.
    last: Option<usize>,
}

/// A question that is open, and the answer that it will get, if any.
pub(crate) enum Held {
    Authenticator(Ask<Question, Answer>, Option<Answer>),
    Pin(Ask<ForPin, PinAnswer>, Option<PinAnswer>),
    Account(Ask<ForAccount, Option<usize>>, Option<Option<usize>>),
    Phone(PhoneAsk, Option<PhoneAnswer>),
}

macro_rules! held {
    ($($kind:ident: $question:ty, $answer:ty;)+) => {
        $(impl From<(Ask<$question, $answer>, Option<$answer>)> for Held {
            fn from((ask, answer): (Ask<$question, $answer>, Option<$answer>)) -> Self {
                Self::$kind(ask, answer)
            }
        })+

        impl Held {
            fn asked(&self) -> Asked {
                match self {
                    $(Self::$kind(ask, _) => ask.question().asked(),)+
                }
            }

            /// Whether this reply fits; then it is the answer that is given.
            fn decide(&mut self, reply: &Reply, pin: &str) -> bool {
                match self {
                    $(Self::$kind(ask, answer) => {
                        let decided = ask.question().answer(reply, pin);
                        let fits = decided.is_some();
                        *answer = decided;
                        fits
                    })+
                }
            }

            fn is_withdrawn(&self) -> bool {
                match self {
                    $(Self::$kind(ask, _) => ask.is_withdrawn(),)+
                }
            }

            fn answer(self) {
                match self {
                    $(Self::$kind(ask, Some(answer)) => ask.answer(answer),
                    Self::$kind(_, None) => {})+
                }
            }

            const fn stays_open(&self) -> bool {
                match self {
                    $(Self::$kind(_, answer) => answer.is_none(),)+
                }
            }
        }
    };
}
held! {
    Authenticator: Question, Answer;
    Pin: ForPin, PinAnswer;
    Account: ForAccount, Option<usize>;
    Phone: PhoneQuestion, PhoneAnswer;
}

/// What helps where accounts have no names: an authenticator tells them only to people who are
/// verified (CTAP 2.3 §6.2.2).
const NAMELESS: &str = "\n  the accounts have no names here, because nobody was verified: give \
    the key a PIN (`Builder::pin`), have the site require verification, or use `picks(k)`";

/// What of a script does not fit what was asked. The text says it in full.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unmet(String);

impl Script {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            rules: Vec::new(),
            made: 0,
            strict: false,
            lenient: false,
            pin: ScriptedPerson::PIN.to_owned(),
            heard: VecDeque::new(),
            noticed: VecDeque::new(),
            called_off: false,
            request: Vec::new(),
            held: Vec::new(),
            problems: Vec::new(),
            last: None,
        }
    }

    /// Adds a rule, and gives the number by which it is known, also when others are forgotten.
    pub(super) fn add(&mut self, rule: Rule) -> usize {
        self.made = self.made.saturating_add(1);
        self.rules.push(Rule { number: self.made, ..rule });
        self.made
    }

    pub(super) fn rule(&mut self, number: usize) -> Option<&mut Rule> {
        self.rules.iter_mut().find(|rule| rule.number == number)
    }

    /// Answers, now or later.
    pub(super) fn ask<Q: Answerable>(&mut self, ask: Ask<Q, Q::Answer>)
    where
        Held: From<(Ask<Q, Q::Answer>, Option<Q::Answer>)>,
    {
        self.held.retain(|(held, _)| !held.is_withdrawn());
        let asked = ask.question().asked();
        let (reply, due) = self.hear(&asked);
        let answer = match reply.leaves_open() {
            true => None,
            false => ask.question().answer(&reply, &self.pin),
        };
        let fits = answer.is_some() || reply.leaves_open();
        if !fits {
            self.misfit(&asked);
        }
        remember(&mut self.heard, asked);
        if !fits {
            // A no fits whatever is asked.
            return ask.question().answer(&Reply::Refuse, "").map_or((), |no| ask.answer(no));
        }
        self.called_off |= reply == Reply::CallOff && due.is_none();
        if answer.is_some() && due.is_none() {
            return Held::from((ask, answer)).answer();
        }
        self.held.push((Held::from((ask, answer)), due));
    }

    /// What the person does about it, and when, if not at once.
    fn hear(&mut self, asked: &Asked) -> (Reply, Option<Instant>) {
        let fitting =
            self.rules.iter().position(|rule| !rule.is_used_up() && rule.when.fits(asked));
        self.last = fitting;
        let Some(rule) = fitting.and_then(|index| self.rules.get_mut(index)) else {
            if !self.strict {
                return (Reply::Consent, None);
            }
            let text = self.text("no rule fits what the person was asked", asked);
            self.problems.push(text);
            return (Reply::Refuse, None);
        };
        let reply = rule.reply(asked);
        let at_once = rule.after.is_zero() || reply == Reply::Ignore;
        let due = if at_once { None } else { self.clock.now().checked_add(rule.after) };
        (reply, due)
    }

    pub(super) fn notice(&mut self, event: &Event) {
        remember(&mut self.noticed, event.clone());
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let open = self.held.iter().filter(|(held, _)| !held.is_withdrawn());
        open.filter_map(|(_, due)| *due).min()
    }

    pub(super) fn answer_due(&mut self) {
        let now = self.clock.now();
        let is_due = |(_, due): &(Held, Option<Instant>)| due.is_some_and(|due| due <= now);
        while let Some(index) = self.held.iter().position(is_due) {
            let (held, _) = self.held.remove(index);
            // Only who calls it off, after a while, leaves a question open that is due.
            if held.stays_open() {
                self.called_off |= !held.is_withdrawn();
                self.held.push((held, None));
            } else {
                held.answer();
            }
        }
    }

    /// What is open, and will not be answered by itself.
    pub(super) fn open(&self) -> Vec<Asked> {
        let open = self.held.iter().filter(|(held, _)| held.stays_open() && !held.is_withdrawn());
        open.map(|(held, _)| held.asked()).collect()
    }

    /// Answers what is open; how much of it was answered.
    pub(super) fn answer_open(&mut self, choose: &mut dyn FnMut(&Asked) -> Reply) -> usize {
        let (mut answered, mut index) = (0_usize, 0);
        while let Some((held, _)) = self.held.get_mut(index) {
            let is_open = held.stays_open() && !held.is_withdrawn();
            let reply = if is_open { choose(&held.asked()) } else { Reply::Ignore };
            self.called_off |= reply == Reply::CallOff;
            if reply.leaves_open() || !held.decide(&reply, &self.pin) {
                index = index.saturating_add(1);
                continue;
            }
            self.held.remove(index).0.answer();
            answered = answered.saturating_add(1);
        }
        answered
    }

    /// The reply of the rule that answered last is none to what was asked last.
    pub(super) fn misfit_last(&mut self) {
        if let Some(asked) = self.heard.back().cloned() {
            self.misfit(&asked);
        }
    }

    fn misfit(&mut self, asked: &Asked) {
        let mut text = self.text("what the person does does not fit what they were asked", asked);
        let accounts = asked.accounts();
        if !accounts.is_empty() && accounts.iter().all(|user| user.name.is_none()) {
            text.push_str(NAMELESS);
        }
        self.problems.push(text);
    }

    pub(super) fn problems(&mut self) -> Option<Unmet> {
        let problems = std::mem::take(&mut self.problems);
        (!problems.is_empty()).then(|| Unmet(problems.join("\n\n")))
    }

    pub(super) fn verify(&mut self) -> Result<(), Unmet> {
        let mut problems = std::mem::take(&mut self.problems);
        let unmet = |rule: &Rule| Some(rule.unmet()? + &self.nearest_question(rule));
        let unmet: Vec<String> = self.rules.iter().filter_map(unmet).collect();
        if !unmet.is_empty() {
            problems.extend(unmet);
            problems.push(self.history());
        }
        // Once is enough.
        self.rules.iter_mut().for_each(|rule| rule.expected = None);
        if problems.is_empty() { Ok(()) } else { Err(Unmet(problems.join("\n"))) }
    }

    /// What came nearest to a rule that nothing fitted.
    fn nearest_question(&self, rule: &Rule) -> String {
        let nearest = self.heard.iter().rev().max_by_key(|asked| rule.when.nearness(asked));
        match nearest {
            Some(asked) if rule.used == 0 => {
                format!("\n  nearest: {asked}\n           {asked:?}{}", compared(rule, asked))
            }
            _ => String::new(),
        }
    }

    fn history(&self) -> String {
        let mut text = format!("the person was asked {}", Count(self.heard.len()));
        for asked in &self.heard {
            text.push_str(&format!("\n  {asked}"));
        }
        text
    }

    /// What was asked, decoded, and how the rules compare with it.
    fn text(&self, what: &str, asked: &Asked) -> String {
        let mut text = format!("{what}\n  asked:  {asked}\n          {asked:?}");
        if let Ok(request) = Request::decode(&self.request, LONGEST) {
            text.push_str(&format!("\n  during: {request:?}"));
        }
        let nearest = self.last.map(|index| (index, "rule")).or_else(|| {
            let near = |(_, rule): &(usize, &Rule)| rule.when.nearness(asked);
            // The first of several that are as near.
            let nearest = self.rules.iter().enumerate().rev().max_by_key(near)?;
            Some((nearest.0, "nearest rule"))
        });
        let Some((index, called)) = nearest else {
            return text + "\n  there are no rules";
        };
        let Some(rule) = self.rules.get(index) else { return text };
        text.push_str(&format!("\n  {called} {}: {rule}", index.saturating_add(1)));
        text.push_str(&compared(rule, asked));
        if self.last.is_none() && rule.is_used_up() {
            text.push_str(&format!("\n    used up: it came {} already", Count(rule.used)));
        }
        text
    }
}

impl Drop for Script {
    #[allow(clippy::panic, reason = "a script that was not followed is a failed test")]
    fn drop(&mut self) {
        if !std::thread::panicking()
            && !self.lenient
            && let Err(unmet) = self.verify()
        {
            panic!("{unmet}");
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

/// The conditions of a rule, each with whether it holds of what was asked.
fn compared(rule: &Rule, asked: &Asked) -> String {
    let line = |(says, holds): (&str, bool)| {
        format!("\n    {} {says}", if holds { "holds:" } else { "not so:" })
    };
    rule.when.compared(asked).into_iter().map(line).collect()
}

fn remember<T>(list: &mut VecDeque<T>, what: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(what);
}
