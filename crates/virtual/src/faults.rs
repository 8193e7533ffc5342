//! Faults by name: what an authenticator, or what lies between it and a site, does wrong.
//!
//! Each is put in where the one who has to notice it stands: see [`FaultPlace`].

mod answer;
mod auth_data;
mod cbor;
mod fault;
mod key;
mod message;
mod report;
mod request;
mod result;
mod signature;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use towline_crypto::CryptoProvider;
use towline_ctap::{Command, hid::Report};

pub use self::fault::{Fault, FaultPlace, UnknownFault};
use crate::{Clock, Direction, Hand, SyncedSet};

/// The faults of one virtual authenticator: [`VirtualAuthenticator::faults`].
///
/// ```
/// use towline_virtual::{Fault, VirtualAuthenticator};
///
/// let device = VirtualAuthenticator::platform();
/// let fault = device.faults().inject(Fault::WrongChallenge).while_signing_in().once();
/// # let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
/// #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
/// #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
/// #     "authenticatorSelection": {"residentKey": "required"}}"#;
/// device.create("https://example.org", options)?;
/// let response = device.get("https://example.org", r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#)?;
/// // .. which your site refuses
/// assert_eq!(fault.count(), 1);
/// # Ok::<(), towline_virtual::Error>(())
/// ```
///
/// [`VirtualAuthenticator::faults`]: crate::VirtualAuthenticator::faults
#[derive(Clone)]
pub struct Faults(Arc<Mutex<State>>);

struct State {
    rules: Vec<Rule>,
    /// How many there have been.
    made: usize,
    world: World,
}

/// What faults are made with.
struct World {
    provider: CryptoProvider,
    clock: Clock,
    passkeys: SyncedSet,
    wire: report::Wire,
}

struct Rule {
    number: usize,
    fault: Fault,
    when: Option<Condition>,
    phase: Option<Phase>,
    /// How many more calls it lets pass.
    spares: usize,
    most: Option<usize>,
    used: usize,
}

type Condition = Box<dyn Fn(&Call<'_>) -> bool + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Registration,
    SignIn,
}

/// A moment at which a fault may be put in.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    place: FaultPlace,
    bytes: &'a [u8],
}

impl Call<'_> {
    /// Which of them it is.
    #[must_use]
    pub const fn place(&self) -> FaultPlace {
        self.place
    }

    /// The CTAP request, the JSON of the result, the APDU of U2F, or the report of CTAPHID.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Whether it is part of a registration.
    #[must_use]
    pub fn registers(&self) -> bool {
        match self.place {
            FaultPlace::Result => result::registers(self.bytes),
            FaultPlace::Message => message::registers(self.bytes),
            FaultPlace::Report => false,
            _ => self.is(Command::MakeCredential),
        }
    }

    /// Whether it is part of a sign-in.
    #[must_use]
    pub fn signs_in(&self) -> bool {
        match self.place {
            FaultPlace::Result => !result::registers(self.bytes),
            FaultPlace::Message => message::signs_in(self.bytes),
            FaultPlace::Report => false,
            _ => self.is(Command::GetAssertion) || self.is(Command::GetNextAssertion),
        }
    }

    fn is(&self, command: Command) -> bool {
        self.bytes.first() == Some(&command.to_u8())
    }
}

/// How late is late: longer than any client waits.
const LATE: Duration = Duration::from_secs(660);

/// The user handle of somebody else.
const SOMEBODY: &[u8] = b"somebody else";

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Lost,
    Late,
    Doubled,
    /// The authenticator is gone.
    Gone,
}

impl Faults {
    pub(crate) fn new(provider: &CryptoProvider, clock: &Clock, passkeys: &SyncedSet) -> Self {
        let (provider, clock, passkeys) = (provider.clone(), clock.clone(), passkeys.clone());
        let world = World { provider, clock, passkeys, wire: report::Wire::default() };
        Self(Arc::new(Mutex::new(State { rules: Vec::new(), made: 0, world })))
    }

    /// From now on this goes wrong, whenever it can. What is given back narrows it down. Several
    /// faults are put in one after the other.
    ///
    /// Faults of requests and answers come with registrations and sign-ins, unless
    /// [`Injected::when`] says otherwise.
    #[allow(clippy::must_use_candidate, reason = "it is injected whether it is looked at or not")]
    pub fn inject(&self, fault: Fault) -> Injected {
        let mut state = self.lock();
        let number = state.made;
        state.made = number.wrapping_add(1);
        let (when, phase) = (None, None);
        state.rules.push(Rule { number, fault, when, phase, spares: 0, most: None, used: 0 });
        drop(state);
        Injected { faults: self.clone(), number }
    }

    /// From now on nothing goes wrong.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.lock().rules.is_empty()
    }

    pub(crate) fn request(&self, request: &mut Vec<u8>) -> Option<Vec<u8>> {
        let call = request.clone();
        let mut subject = (std::mem::take(request), None);
        self.each(FaultPlace::Request, &call, &mut subject, |fault, _, (request, in_its_place)| {
            match fault {
                Fault::Status(status) => *in_its_place = Some(vec![status.to_u8()]),
                _ => request::bend(fault, request),
            }
        });
        let (bent, in_its_place) = subject;
        *request = bent;
        in_its_place
    }

    pub(crate) fn response(&self, request: &[u8], response: &mut Vec<u8>) -> Fate {
        self.each(FaultPlace::Signature, request, response, |fault, world, response| {
            signature::bend(fault, world, request, response);
        });
        let mut subject = (std::mem::take(response), Fate::Delivered);
        self.each(FaultPlace::Answer, request, &mut subject, |fault, world, (response, fate)| {
            match answer::fate(fault) {
                Some(another) => *fate = another,
                None => answer::bend(fault, world, request, response),
            }
        });
        let (bent, fate) = subject;
        *response = bent;
        if fate == Fate::Late {
            self.lock().world.clock.advance(LATE);
        }
        fate
    }

    pub(crate) fn result(&self, hand: &dyn Hand, json: &mut String) {
        let call = json.clone();
        self.each(FaultPlace::Result, call.as_bytes(), json, |fault, world, json| {
            result::bend(fault, world, hand, json);
        });
    }

    pub(crate) fn message(&self, apdu: &[u8], answer: &mut Vec<u8>) {
        self.each(FaultPlace::Message, apdu, answer, |fault, _, answer| {
            message::bend(fault, apdu, answer);
        });
    }

    pub(crate) fn report(&self, direction: Direction, report: Report) -> Vec<Report> {
        let mut reports = vec![report];
        self.each(FaultPlace::Report, &report, &mut reports, |fault, world, reports| {
            let one_by_one = std::mem::take(reports).into_iter();
            reports.extend(
                one_by_one.flat_map(|it| report::bend(fault, &mut world.wire, direction, it)),
            );
        });
        reports
    }

    /// Puts in all faults of this place whose time has come.
    fn each<T: Clone + PartialEq>(
        &self,
        place: FaultPlace,
        bytes: &[u8],
        subject: &mut T,
        mut bend: impl FnMut(Fault, &mut World, &mut T),
    ) {
        let mut state = self.lock();
        let State { rules, world, .. } = &mut *state;
        let call = Call { place, bytes };
        for rule in rules.iter_mut().filter(|rule| rule.fault.place() == place) {
            if !rule.fits(&call) {
                continue;
            }
            let mut bent = subject.clone();
            bend(rule.fault, world, &mut bent);
            if bent == *subject {
                continue;
            }
            if rule.spares > 0 {
                rule.spares = rule.spares.saturating_sub(1);
                continue;
            }
            rule.used = rule.used.saturating_add(1);
            *subject = bent;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn fits(&self, call: &Call<'_>) -> bool {
        if self.most.is_some_and(|most| self.used >= most) {
            return false;
        }
        match self.phase {
            Some(Phase::Registration) if !call.registers() => return false,
            Some(Phase::SignIn) if !call.signs_in() => return false,
            _ => {}
        }
        match &self.when {
            Some(when) => when(call),
            None => call.place == FaultPlace::Report || call.registers() || call.signs_in(),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<Fault> = self.lock().rules.iter().map(|rule| rule.fault).collect();
        f.debug_tuple("Faults").field(&faults).finish()
    }
}

/// A fault that was injected: when it comes, and how often it came.
#[derive(Debug, Clone)]
pub struct Injected {
    faults: Faults,
    number: usize,
}

/// Each takes back what was said before on the same matter.
#[allow(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "as they read")]
impl Injected {
    /// It comes once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// It comes so often.
    pub fn times(self, times: usize) -> Self {
        self.with(|rule| rule.most = Some(rule.used.saturating_add(times)))
    }

    /// It lets so many occasions pass first.
    pub fn after(self, occasions: usize) -> Self {
        self.with(|rule| rule.spares = occasions)
    }

    /// It comes with registrations only.
    pub fn while_registering(self) -> Self {
        self.with(|rule| rule.phase = Some(Phase::Registration))
    }

    /// It comes with sign-ins only.
    pub fn while_signing_in(self) -> Self {
        self.with(|rule| rule.phase = Some(Phase::SignIn))
    }

    /// It comes when this holds, whatever the command. The condition must not ask for the faults of
    /// the same authenticator.
    pub fn when(self, condition: impl Fn(&Call<'_>) -> bool + Send + 'static) -> Self {
        self.with(|rule| rule.when = Some(Box::new(condition)))
    }

    /// How often it came: how often anything was changed by it.
    #[must_use]
    pub fn count(&self) -> usize {
        let state = self.faults.lock();
        state.rules.iter().find(|rule| rule.number == self.number).map_or(0, |rule| rule.used)
    }

    /// It comes no more.
    pub fn stop(&self) {
        let _rule = self.with_rule(|rule| rule.most = Some(rule.used));
    }

    fn with(self, change: impl FnOnce(&mut Rule)) -> Self {
        let _rule = self.with_rule(change);
        self
    }

    fn with_rule(&self, change: impl FnOnce(&mut Rule)) -> Option<()> {
        let mut state = self.faults.lock();
        state.rules.iter_mut().find(|rule| rule.number == self.number).map(change)
    }
}
