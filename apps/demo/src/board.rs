//! What there is to be seen: one state, of which the page shows all, and which tells when it is
//! another one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use towline::{crypto::zeroize::Zeroizing, ctap::CredentialId};
use towline_virtual::Passkey;

use crate::{
    DemoEvent,
    desk::QuestionView,
    devices::{DeviceId, PasskeyView},
    timing::{Stopwatch, Timed},
    tour,
};

/// How many messages are kept to be looked at.
const KEPT: usize = 300;

/// How many events wait for a slow listener.
const EVENTS: usize = 256;

/// The state that the page shows. A clone is the same one.
#[derive(Clone)]
pub(crate) struct Board(Arc<Shared>);

struct Shared {
    scene: Mutex<Scene>,
    /// Held from reading what a device has until that is shown.
    reading: Mutex<()>,
    /// Changed together with the scene, while that is locked.
    version: watch::Sender<u64>,
    events: broadcast::Sender<DemoEvent>,
    began: Instant,
}

/// All that is to be seen.
pub(crate) struct Scene {
    pub(crate) browser: BrowserView,
    pub(crate) devices: BTreeMap<DeviceId, DeviceView>,
    pub(crate) switches: Switches,
    pub(crate) stopwatch: Option<Stopwatch>,
    /// The last advert, sealed as it was on the air.
    pub(crate) advert: Vec<u8>,
    /// What phone B has that a lost device can use, too, and what each is ticked off by.
    exposed: BTreeMap<CredentialId, String>,
    /// The file that a phone wrote, until there is another one.
    pub(crate) document: Option<Document>,
    /// The phone that answered last.
    pub(crate) answered: Option<DeviceId>,
    /// The last ceremony that was measured.
    timed: Option<Timed>,
    /// How often each step of the tour was done.
    done: BTreeMap<u8, u32>,
    travels: VecDeque<Travel>,
    travelled: u64,
}

/// What the browser's dialog shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrowserView {
    /// `create` or `get`, while a ceremony is under way.
    pub(crate) ceremony: Option<&'static str>,
    /// The site that wants it.
    pub(crate) site: String,
    /// The number and text of the code on show.
    pub(crate) code: Option<Code>,
    /// How far it has come, and the device that it is about.
    pub(crate) step: Option<(&'static str, String)>,
    /// What was open to the person: a phone's name was told, a link was dropped.
    pub(crate) said: Vec<(&'static str, String)>,
    /// The phones that may be asked without a code.
    pub(crate) phones: Vec<String>,
    pub(crate) questions: Vec<QuestionView>,
    /// How the last ceremony ended.
    pub(crate) outcome: Option<OutcomeView>,
}

/// A code on show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Code {
    pub(crate) number: u64,
    pub(crate) text: String,
}

/// A file of passkeys. The page learns all of it but the content.
#[derive(Serialize)]
pub(crate) struct Document {
    pub(crate) from: DeviceId,
    pub(crate) passkeys: usize,
    #[serde(skip)]
    pub(crate) content: Zeroizing<Vec<u8>>,
}

/// How a ceremony ended, by a code that the page has words for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutcomeView {
    pub(crate) code: &'static str,
    /// The exact reason, for whoever wants to know.
    pub(crate) detail: String,
}

/// A device on the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DeviceView {
    /// Whether the computer can hear it.
    pub(crate) near: bool,
    /// Whether it serves a computer now.
    pub(crate) busy: bool,
    /// Whether that computer rang.
    pub(crate) rung: bool,
    /// How many computers may ask it without a code.
    pub(crate) computers: usize,
    pub(crate) passkeys: Vec<PasskeyView>,
    /// Whether its person has it no more.
    pub(crate) lost: bool,
    /// Whether the site did not know the passkey with which it answered last.
    pub(crate) unknown: bool,
    pub(crate) questions: Vec<QuestionView>,
    /// What it said last.
    pub(crate) notice: Option<(&'static str, String)>,
}

/// What can be made to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Switches {
    pub(crate) bluetooth: bool,
    pub(crate) relay: bool,
    /// Whether phone B and its tablet are online.
    pub(crate) sync: bool,
}

/// Something that went from one to another.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Travel {
    number: u64,
    /// Since the beginning, in milliseconds.
    at: u64,
    from: Place,
    to: Place,
    what: &'static str,
    detail: Value,
}

/// Where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub(crate) enum Place {
    Device(DeviceId),
    Other(&'static str),
}

/// The site that wants passkeys, and its pages.
pub(crate) const SITE: Place = Place::Other("site");
/// The computer, with its browser.
pub(crate) const COMPUTER: Place = Place::Other("computer");
/// The tunnel service.
pub(crate) const RELAY: Place = Place::Other("relay");
/// Whoever is near.
pub(crate) const AIR: Place = Place::Other("air");

impl Board {
    pub(crate) fn new() -> Self {
        let near = || DeviceView { near: true, ..DeviceView::default() };
        let scene = Scene {
            browser: BrowserView::default(),
            devices: DeviceId::KEEPERS.into_iter().map(|id| (id, near())).collect(),
            switches: Switches { bluetooth: true, relay: true, sync: true },
            stopwatch: None,
            advert: Vec::new(),
            exposed: BTreeMap::new(),
            document: None,
            answered: None,
            timed: None,
            done: BTreeMap::new(),
            travels: VecDeque::new(),
            travelled: 0,
        };
        Self(Arc::new(Shared {
            scene: Mutex::new(scene),
            reading: Mutex::default(),
            version: watch::Sender::new(1),
            events: broadcast::Sender::new(EVENTS),
            began: Instant::now(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Scene> {
        // What is kept is whole between statements, also after a panic.
        self.0.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is to be seen.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Scene) -> T) -> T {
        let mut scene = self.lock();
        let result = change(&mut scene);
        self.is_newer(&scene);
        result
    }

    /// There is another state. Whoever waits for it sees this one, and no other by its number.
    fn is_newer(&self, _locked: &MutexGuard<'_, Scene>) {
        self.0.version.send_modify(|version| *version = version.saturating_add(1));
    }

    pub(crate) fn device(&self, id: DeviceId, change: impl FnOnce(&mut DeviceView)) {
        self.change(|scene| scene.devices.get_mut(&id).map(change));
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Scene) -> T) -> T {
        look(&self.lock())
    }

    /// Notes what travels.
    pub(crate) fn travels(&self, from: Place, to: Place, what: &'static str, detail: Value) {
        let at = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.change(|scene| {
            scene.travelled = scene.travelled.saturating_add(1);
            let number = scene.travelled;
            scene.travels.push_back(Travel { number, at, from, to, what, detail });
            if scene.travels.len() > KEPT {
                scene.travels.pop_front();
            }
        });
    }

    /// A step of the ceremony that is being measured has happened.
    pub(crate) fn mark(&self, step: &'static str, person: bool) {
        if let Some(watch) = &mut self.lock().stopwatch {
            watch.mark(step, person);
        }
    }

    /// The measured ceremony is over, as far as the browser can tell.
    pub(crate) fn measured(&self) {
        let timed = self.change(|scene| {
            let timed = scene.stopwatch.take().map(|watch| watch.timed().clone());
            if timed.is_some() {
                scene.timed.clone_from(&timed);
            }
            timed
        });
        if let Some(timed) = timed {
            self.tell(DemoEvent::Timed(timed));
        }
    }

    /// A step of the tour was done, for the first time or again.
    pub(crate) fn done(&self, step: u8) {
        if !tour::STEPS.contains(&step) {
            return;
        }
        let times = self.change(|scene| {
            let times = scene.done.entry(step).or_default();
            *times = times.saturating_add(1);
            *times
        });
        if times == 1 {
            self.tell(DemoEvent::StepDone { step, short: tour::on_short_way(step) });
        }
    }

    /// Shows the passkeys that a device has now, and since when. Whoever reads them does so in
    /// turn: what was read before never takes the place of what was read later.
    pub(crate) fn passkeys(&self, id: DeviceId, read: impl FnOnce() -> Vec<Passkey>) {
        let _turn = self.0.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let passkeys = read();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut scene = self.lock();
        let shown = scene.devices.get(&id).map(|view| view.passkeys.as_slice());
        let shown = shown.unwrap_or_default();
        let view = |passkey: &Passkey| {
            let known = shown.iter().find(|known| known.id == passkey.credential.id);
            let since = known.map_or(since, |known| known.since);
            let exposed = scene.exposed.get(&passkey.credential.id);
            let exposed = exposed.filter(|_| id == DeviceId::PhoneB);
            let shares = matches!(id, DeviceId::PhoneB | DeviceId::Tablet);
            PasskeyView::of(passkey, since, shares, exposed.cloned())
        };
        let passkeys: Vec<_> = passkeys.iter().map(view).collect();
        if let Some(view) = scene.devices.get_mut(&id).filter(|view| view.passkeys != passkeys) {
            view.passkeys = passkeys;
            self.is_newer(&scene);
        }
    }

    /// Whether the tablet is lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.look(|scene| scene.devices.get(&DeviceId::Tablet).is_some_and(|it| it.lost))
    }

    /// What phone B has that a lost device can use, too. It is shown with its passkeys.
    pub(crate) fn exposes(&self, exposed: BTreeMap<CredentialId, String>) {
        self.lock().exposed = exposed;
    }

    fn tell(&self, event: DemoEvent) {
        // Nobody has to listen.
        let _ = self.0.events.send(event);
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<DemoEvent> {
        self.0.events.subscribe()
    }

    /// Waits until there is something newer than this.
    pub(crate) async fn newer_than(&self, version: u64) {
        // Can't fail: this value holds the sender.
        let _ = self.0.version.subscribe().wait_for(|now| *now > version).await;
    }

    /// Everything, with what travelled after this number.
    pub(crate) fn shown(&self, after: u64) -> Value {
        let scene = self.lock();
        let version = *self.0.version.borrow();
        let travels: Vec<_> = scene.travels.iter().filter(|travel| travel.number > after).collect();
        json!({
            "version": version,
            "browser": scene.browser,
            "devices": scene.devices,
            "switches": scene.switches,
            "file": scene.document,
            "timed": scene.timed,
            "done": scene.done,
            "travels": travels,
        })
    }
}

#[cfg(test)]
mod tests;
