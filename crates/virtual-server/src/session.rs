//! A session: a browser, or a program, with authenticators of its own.

mod abilities;
mod authenticators;
mod capabilities;
mod ceremonies;
mod ceremony;
mod credentials;
mod people;
mod phones;
mod related_origins;
mod screens;
mod signals;
mod time;
mod transactions;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::{Notify, OnceCell};
use towline_virtual::{Clock, PasskeyError};
use towline_virtual_phone::FakeComputer;

use self::ceremony::Ceremony;
use crate::{
    AccessToken, AuthenticatorId, BadMember, CeremonyId, Notice, PhoneId, ScreenId, ServiceError,
    SessionId, Subscription, authenticator::Authenticator, feed::Feed, page::UnderWay,
    phone::RunningPhone, screen::RunningScreen, service::World,
};

pub use self::{
    abilities::Abilities,
    ceremonies::Outcome,
    people::{FaultRule, FaultState, Phase, Questions},
    signals::Signal,
};

/// A session. A clone is a handle to the same one.
///
/// Time passes in it as it does for the service, unless it is [held](Self::hold_clock). All its
/// authenticators share its clock, as they do in front of one person.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    id: SessionId,
    page_token: Option<AccessToken>,
    world: World,
    feed: Feed,
    state: Mutex<State>,
    /// Apart from the state: what a phone's person is asked is told under it.
    phones: Mutex<Vec<(PhoneId, Arc<RunningPhone>)>>,
    screens: Mutex<Vec<(ScreenId, Arc<RunningScreen>)>>,
    /// The computer that signs in with phones, once it is needed.
    computer: OnceCell<FakeComputer>,
    /// What pages wait for.
    under_way: UnderWay,
    /// Somebody who waits for a ceremony should look again.
    changed: Notify,
}

struct State {
    clock: Clock,
    /// Whether the clock stands still unless somebody moves it.
    held: bool,
    /// The time by the service's watch when the clock was moved last.
    last: Instant,
    authenticators: Vec<Authenticator>,
    ceremonies: BTreeMap<CeremonyId, Ceremony>,
    /// Documents by RP ID.
    related_origins: BTreeMap<String, String>,
    ended: bool,
}

impl Session {
    pub(crate) fn new(id: SessionId, world: World) -> Self {
        let state = State {
            clock: Clock::new(),
            held: false,
            last: (world.watch)(),
            authenticators: Vec::new(),
            ceremonies: BTreeMap::new(),
            related_origins: BTreeMap::new(),
            ended: false,
        };
        Self(Arc::new(Shared {
            id,
            // Without random numbers no page gets in.
            page_token: AccessToken::random(&world.provider).ok(),
            feed: Feed::new(&world.limits),
            world,
            under_way: UnderWay::default(),
            state: Mutex::new(state),
            phones: Mutex::default(),
            screens: Mutex::default(),
            computer: OnceCell::new(),
            changed: Notify::new(),
        }))
    }

    /// The name by which it is addressed.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.0.id
    }

    /// What the pages under test know: the name of the session, a full stop, and a secret. It opens
    /// the door for pages to this session, and nothing else. `None` where the system has no random
    /// numbers; then no page gets in.
    #[must_use]
    pub fn page_key(&self) -> Option<String> {
        let token = self.0.page_token.as_ref()?;
        Some(format!("{}.{}", self.0.id, token.reveal()))
    }

    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.0.under_way
    }

    pub(crate) fn page_token(&self) -> Option<&AccessToken> {
        self.0.page_token.as_ref()
    }

    /// What happens from now on.
    ///
    /// # Errors
    /// [`ServiceError::Full`] where there are too many subscribers.
    pub fn subscribe(&self) -> Result<Subscription, ServiceError> {
        self.0.feed.subscribe()
    }

    /// What has happened after the notice of this number (0: from the beginning), as far as the log
    /// goes back.
    #[must_use]
    pub fn log(&self, after: u64) -> Vec<Arc<Notice>> {
        self.0.feed.log(after)
    }

    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.ceremonies.clear();
        state.authenticators.clear();
        drop(state);
        let phones = std::mem::take(&mut *lock(&self.0.phones));
        let screens = std::mem::take(&mut *lock(&self.0.screens));
        drop((phones, screens));
        self.0.feed.close();
        self.0.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// Does something at the present time, and lets everything that follows from it happen.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut State, &World) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut state = self.lock();
        if state.ended {
            return Err(ServiceError::UnknownSession(self.0.id.to_string()));
        }
        self.tick(&mut state);
        let done = work(&mut state, &self.0.world);
        self.settle(&mut state);
        done
    }

    fn tell(&self, state: &State, what: crate::What) {
        let at = u64::try_from(state.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.feed.tell(at, what);
    }

    /// Goes on with what is under way, and tells what has happened.
    fn settle(&self, state: &mut State) {
        let mut over = Vec::new();
        for ceremony in state.ceremonies.values_mut() {
            if ceremony.step(&state.authenticators, state.clock.now()) {
                over.push(ceremony.ended());
            }
        }
        let mut news = Vec::new();
        let mut answered = false;
        for authenticator in &mut state.authenticators {
            answered |= authenticator.goes_on();
            news.append(&mut authenticator.news());
        }
        let changed = answered || !over.is_empty();
        for what in news.into_iter().chain(over) {
            self.tell(state, what);
        }
        if changed {
            self.0.changed.notify_waiters();
        }
    }
}

impl State {
    fn authenticator(&mut self, id: &AuthenticatorId) -> Result<&mut Authenticator, ServiceError> {
        let found = self.authenticators.iter_mut().find(|it| it.id == *id);
        found.ok_or_else(|| ServiceError::UnknownAuthenticator(id.to_string()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.0.id).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whatever panicked was about one authenticator, and the others go on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which member of a passkey was refused.
pub(crate) fn refused_passkey(error: &PasskeyError) -> ServiceError {
    let member = match error {
        PasskeyError::Algorithm(_) | PasskeyError::Key => "privateKey",
        _ => "",
    };
    BadMember::new(member, error.to_string()).into()
}
