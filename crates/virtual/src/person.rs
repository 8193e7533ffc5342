//! A person who follows a script.
//!
//! [`ScriptedPerson`] implements the [`Person`] of `towline-device`, so that it can sit in front of
//! any authenticator that asks by that; a [`VirtualAuthenticator`](crate::VirtualAuthenticator) has
//! one from the start. It is scripted by rules that read as sentences:
//!
//! ```
//! use std::time::Duration;
//! use towline_virtual::{VirtualAuthenticator, person::*};
//!
//! let phone = VirtualAuthenticator::phone();
//! let person = phone.person();
//!
//! person.when(verifying()).fails_the_lock().times(2); // then they get it right
//! person.when(signing_in().at("example.org")).refuses().once().expect(0..=1);
//! person.when(creating().of("alice")).waits(Duration::from_secs(20)).consents().named("slow");
//! ```
//!
//! Rules are tried in the order in which they were made; one that is used up is passed over. What
//! fits none is agreed to, unless the person is [strict](ScriptedPerson::strict). A script that
//! does not fit what is asked fails the test, with what was asked, decoded, and the rule that came
//! nearest.

mod asked;
mod reply;
mod rule;
mod script;
mod text;
mod when;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use towline_authenticator::Event;
use towline_device::{Ask, Person, PhoneAsk};

use self::{
    reply::Answerable,
    rule::{Does, Rule},
    script::Script,
};
use crate::Clock;

pub use asked::Asked;
pub use reply::Reply;
pub(crate) use reply::{ForAccount, ForPin};
pub use rule::Times;
pub use script::Unmet;
pub use text::{BadRules, Rules};
pub use when::{
    When, already_registered, anything, asked, attesting, choosing, confirming, connecting,
    creating, identifying, nothing_to_use, remembering, showing_credentials, signing_in,
    typing_a_pin, verifying,
};

/// A person who follows a script. A clone is the same person.
///
/// When the last clone is dropped and an expectation is not met, the test fails.
#[derive(Clone)]
pub struct ScriptedPerson(Arc<Mutex<Script>>);

impl ScriptedPerson {
    /// The PIN that a person knows who was told no other.
    pub const PIN: &str = "1234";

    /// A person who agrees to everything at once, until they are told otherwise, and takes their
    /// time by this clock.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self(Arc::new(Mutex::new(Script::new(clock.clone()))))
    }

    /// Begins a rule: what is done when such a question comes.
    #[must_use = "say what the person does then"]
    pub const fn when(&self, when: When) -> Then<'_> {
        Then { person: self, when, after: Duration::ZERO }
    }

    /// The person does these things one after the other, whatever is asked.
    pub fn in_turn(&self, replies: impl IntoIterator<Item = Reply>) -> RuleHandle {
        self.when(anything()).does_in_turn(replies)
    }

    /// From now on a question that fits no rule fails the test. It is refused meanwhile.
    pub fn strict(&self) -> &Self {
        self.script().strict = true;
        self
    }

    /// From now on a script that does not fit what is asked fails no test, and no call panics: only
    /// [`Self::verify`] tells. For programs that get their scripts from somebody else.
    pub fn leaves_it_to_verify(&self) -> &Self {
        self.script().lenient = true;
        self
    }

    /// The PIN that the person knows: types when asked for it, sets when asked for a new one.
    pub fn knows_the_pin(&self, pin: &str) -> &Self {
        self.script().pin = pin.to_owned();
        self
    }

    /// Forgets all rules, and what they expect.
    pub fn forget(&self) -> &Self {
        self.script().rules.clear();
        self
    }

    /// What the person was asked so far, at most the last 16 questions, the newest last.
    #[must_use]
    pub fn heard(&self) -> Vec<Asked> {
        self.script().heard.iter().cloned().collect()
    }

    /// What the person was told that has happened, at most the last 16 times.
    #[must_use]
    pub fn noticed(&self) -> Vec<Event> {
        self.script().noticed.iter().cloned().collect()
    }

    /// The questions that are open because the person [ignored](Reply::Ignore) them.
    #[must_use]
    pub fn open(&self) -> Vec<Asked> {
        self.script().open()
    }

    /// Answers now what is open because the person ignored it. A reply that does not fit what is
    /// asked, and [`Reply::Ignore`], leave it open. Gives the number of questions that were
    /// answered; whoever asked goes on when it is polled next.
    ///
    /// `choose` must not script the person.
    #[allow(clippy::must_use_candidate, reason = "that nothing was open is no mistake")]
    pub fn answers_open(&self, mut choose: impl FnMut(&Asked) -> Reply) -> usize {
        self.script().answer_open(&mut choose)
    }

    /// Whether the script fits what has happened so far: every expectation met, every question
    /// answered as the rules say. What has been told once is not told again.
    ///
    /// # Errors
    /// [`Unmet`], whose text says what is wrong.
    pub fn verify(&self) -> Result<(), Unmet> {
        self.script().verify()
    }

    /// When [`Self::handle_timeout`] is due, if the person takes their time with an answer.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.script().poll_timeout()
    }

    /// Gives the answers whose time has come, by the person's clock.
    pub fn handle_timeout(&self) {
        self.script().answer_due();
    }

    /// Tells what the questions that follow belong to: a request as it came, for texts.
    pub(crate) fn during(&self, request: &[u8]) {
        let mut script = self.script();
        script.request.clear();
        script.request.extend_from_slice(request);
    }

    /// Whether the person has called the ceremony off since this was asked last.
    pub(crate) fn takes_off(&self) -> bool {
        std::mem::take(&mut self.script().called_off)
    }

    /// The answer to what was asked last did not fit it.
    pub(crate) fn misfit_last(&self) {
        self.script().misfit_last();
    }

    /// Asks on behalf of a client.
    pub(crate) fn ask_for<Q: Answerable>(&self, ask: Ask<Q, Q::Answer>)
    where
        script::Held: From<(Ask<Q, Q::Answer>, Option<Q::Answer>)>,
    {
        self.script().ask(ask);
    }

    /// What is wrong, if something is that was not told yet; expectations are for later.
    pub(crate) fn problems(&self) -> Option<Unmet> {
        let mut script = self.script();
        if script.lenient { None } else { script.problems() }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        // Nothing is left half done under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mount(&self, rule: Rule) -> RuleHandle {
        RuleHandle { person: self.clone(), number: self.script().add(rule) }
    }
}

impl Person for ScriptedPerson {
    fn ask(&mut self, ask: Ask) {
        self.ask_for(ask);
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        self.ask_for(ask);
    }

    fn notice(&mut self, event: &Event) {
        self.script().notice(event);
    }
}

impl fmt::Debug for ScriptedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScriptedPerson({} rules)", self.script().rules.len())
    }
}

/// A rule that lacks what the person does.
#[derive(Debug)]
#[must_use = "say what the person does then"]
pub struct Then<'p> {
    person: &'p ScriptedPerson,
    when: When,
    after: Duration,
}

impl Then<'_> {
    /// Takes so long before they do it.
    pub fn waits(self, so_long: Duration) -> Self {
        Self { after: so_long, ..self }
    }

    /// Agrees: confirms, unlocks, takes the first account, types the PIN that they know.
    pub fn consents(self) -> RuleHandle {
        self.does(Reply::Consent)
    }

    /// Says no, to whatever is asked.
    pub fn refuses(self) -> RuleHandle {
        self.does(Reply::Refuse)
    }

    /// Does nothing, so that time runs out.
    pub fn ignores_it(self) -> RuleHandle {
        self.does(Reply::Ignore)
    }

    /// Fails at the screen lock, or with the wrong finger: each use of the rule is one attempt.
    pub fn fails_the_lock(self) -> RuleHandle {
        self.does(Reply::FailTheLock)
    }

    /// Takes the account at this place, from 0.
    pub fn picks(self, place: usize) -> RuleHandle {
        self.does(Reply::Pick(place))
    }

    /// Takes the account of this name.
    pub fn picks_the_account(self, name: &str) -> RuleHandle {
        self.does(Reply::PickNamed(name.to_owned()))
    }

    /// Types this as the PIN, right or wrong.
    pub fn types(self, pin: &str) -> RuleHandle {
        self.does(Reply::Type(pin.to_owned()))
    }

    /// Has no way to type a PIN here, as in a browser that does not ask for any.
    pub fn cannot_type(self) -> RuleHandle {
        self.does(Reply::CannotType)
    }

    /// Connects to the computer, and lets it remember the phone.
    pub fn connects_and_is_remembered(self) -> RuleHandle {
        self.does(Reply::ConnectAndRemember)
    }

    /// Connects to the computer, and wants to be asked later whether it may remember the phone.
    pub fn connects_and_decides_later(self) -> RuleHandle {
        self.does(Reply::ConnectAndDecideLater)
    }

    /// Shows these digital credentials: JSON.
    pub fn shows(self, json: &str) -> RuleHandle {
        self.does(Reply::Show(json.into()))
    }

    /// Closes the browser's dialog.
    pub fn calls_it_off(self) -> RuleHandle {
        self.does(Reply::CallOff)
    }

    /// Does this each time.
    pub fn does(self, reply: Reply) -> RuleHandle {
        self.mount(Does::Always(reply))
    }

    /// Does these things one after the other. Then the rule is used up.
    pub fn does_in_turn(self, replies: impl IntoIterator<Item = Reply>) -> RuleHandle {
        self.mount(Does::InTurn(replies.into_iter().collect()))
    }

    /// Does what this function says, which must not script the person.
    pub fn does_as(self, choose: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> RuleHandle {
        self.mount(Does::By(Arc::new(choose)))
    }

    fn mount(self, does: Does) -> RuleHandle {
        let rule = Rule { after: self.after, ..Rule::new(self.when, does) };
        self.person.mount(rule)
    }
}

/// A rule that holds, to say more of it. Dropping this changes nothing.
#[derive(Debug)]
pub struct RuleHandle {
    person: ScriptedPerson,
    number: usize,
}

impl RuleHandle {
    /// It is good for one question.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// It is good for so many questions.
    pub fn times(self, most: usize) -> Self {
        self.change(|rule| rule.most = Some(most))
    }

    /// How a failing test calls it.
    pub fn named(self, name: &str) -> Self {
        self.change(|rule| rule.name = Some(name.to_owned()))
    }

    /// So often it has to come: `2`, `1..`, `0..=3`. Otherwise [`ScriptedPerson::verify`] fails,
    /// or, at the latest, the last drop of the person.
    pub fn expect(self, times: impl Into<Times>) -> Self {
        let times = times.into();
        self.change(|rule| rule.expected = Some(times))
    }

    /// How often it came so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.person.script().rule(self.number).map_or(0, |rule| rule.used)
    }

    fn change(self, change: impl FnOnce(&mut Rule)) -> Self {
        if let Some(rule) = self.person.script().rule(self.number) {
            change(rule);
        }
        self
    }
}
