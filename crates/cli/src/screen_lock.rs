//! The screen lock of a phone, or of this device, that is a program: what shows that the person in
//! front of it is its owner.

use towline_store::{KeySource, Store};

use crate::{
    args::{self, AnswerMode},
    console::Line,
    event::{self, Event},
    exit::Failure,
    keys::kept::Kept,
};

/// How the person is verified.
#[derive(Clone)]
pub(crate) enum ScreenLock {
    /// Not at all: a yes counts. Everything that is shown says so.
    Simulated,
    /// By the passphrase of the store, typed once more.
    Passphrase(Store),
}

impl ScreenLock {
    /// The lock that was asked for; otherwise the best that there can be.
    pub(crate) fn new(
        wanted: Option<args::ScreenLock>,
        args: &args::Store,
        answer: AnswerMode,
        store: &Kept,
    ) -> Result<Self, Failure> {
        let opened = args.opened();
        let typed = opened.passphrase || opened.passphrase_file.is_some();
        let passphrase = match store {
            Kept::File(store) if typed => Some(store.clone()),
            _ => None,
        };
        let asked = answer == AnswerMode::Ask;
        match (wanted, passphrase) {
            (Some(args::ScreenLock::Simulated), _) => Ok(Self::Simulated),
            (Some(args::ScreenLock::Passphrase), _) if !asked => {
                let message =
                    "the screen lock is a passphrase that a person types; leave out --answer";
                Err(Failure::usage("screen_lock", message))
            }
            (Some(args::ScreenLock::Passphrase), None) => {
                let message = "the screen lock is the passphrase of the store; name a store that is opened by one, with --store and \
                     --passphrase";
                Err(Failure::usage("screen_lock", message))
            }
            (_, Some(store)) if asked => Ok(Self::Passphrase(store)),
            (None, _) | (Some(args::ScreenLock::Passphrase), Some(_)) => Ok(Self::Simulated),
        }
    }

    pub(crate) const fn kind(&self) -> event::Lock {
        match self {
            Self::Simulated => event::Lock::Simulated,
            Self::Passphrase(_) => event::Lock::Passphrase,
        }
    }

    /// To be said before anything is asked.
    pub(crate) const fn told(&self) -> Event {
        let (simulated, message) = match self {
            Self::Simulated => (
                true,
                "SIMULATED screen lock: a typed yes counts as verified, and sites take it for a person who was; a store with a \
                 passphrase has a real one",
            ),
            Self::Passphrase(_) => (false, "the screen lock is the passphrase of the store"),
        };
        Event::ScreenLock { screen_lock: self.kind(), simulated, message }
    }
}

/// Whether this is the passphrase of the store. It takes a moment, and is done where that disturbs
/// nobody.
pub(crate) async fn opens(store: &Store, typed: Line) -> Result<bool, String> {
    let store = store.clone();
    let source = KeySource::Passphrase(typed);
    let tried = tokio::task::spawn_blocking(move || store.is_opened_by(&source)).await;
    match tried {
        Ok(tried) => tried.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
