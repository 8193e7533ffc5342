//! The circle of a store: opened, begun, and kept up with.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use towline::crypto::CryptoProvider;
use towline_store::Store;
use towline_sync::{
    Circle, CircleConfig, CircleError, CircleStore as _, DeviceKeys, Moment, SyncNotice,
};
use towline_synced::{SyncedError, SyncedStore, SyncedTurn};

use super::{
    in_time::InTime,
    objects::{EVERY, NOT_TAKEN, Objects, Patience, Root},
};
use crate::{
    args,
    event::Event,
    exit::{Exit, Failure},
    keys::kept::{self, Kept, Otherwise},
    report::Report,
};

/// How many turns a command takes to come to rest. It does not wait for other devices.
const TURNS: usize = 4;
/// How long requests are begun while a device waits that joins.
const IN_TIME: Duration = Duration::from_secs(10);

pub(super) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall_clock = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    Moment { instant: Instant::now(), wall_clock }
}

pub(super) fn config() -> CircleConfig {
    CircleConfig { period: EVERY, ..CircleConfig::default() }
}

/// A store with its circle, and where the objects of that are.
pub(super) struct Member {
    pub(super) synced: SyncedStore,
    objects: Objects,
    /// Why the objects could not be had the last time.
    failing: Option<&'static str>,
    /// Whether it looks at them again and again.
    goes_on: bool,
}

impl Member {
    /// The store that the arguments name, which has to belong to a circle.
    pub(super) fn open(
        args: &args::Store,
        patience: Patience,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        Self::of(kept::open(args, provider)?, patience, provider)
    }

    /// The same of a store that is open.
    pub(super) fn of(
        store: Store,
        patience: Patience,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        let opened = SyncedStore::open(store, provider.clone(), config(), now());
        let synced = opened.map_err(|error| failure(&error))?.ok_or_else(|| {
            let message = "this store belongs to no circle; begin one with `towline sync start`";
            Failure::usage("no_circle", message)
        })?;
        let root = Root::kept(synced.address());
        let mut this = Self {
            objects: Objects::new(root, synced.circle().id(), patience),
            synced,
            failing: None,
            goes_on: false,
        };
        this.look_every(this.objects.root().every());
        Ok(this)
    }

    /// This store belongs to this circle from now on.
    pub(super) fn begin(
        store: Store,
        provider: &CryptoProvider,
        keys: &DeviceKeys,
        mut circle: Circle,
        name: &str,
        root: Root,
    ) -> Result<Self, Failure> {
        circle.name_device(name, now()).map_err(|error| refused(&error))?;
        let address = root.address();
        let objects = Objects::new(root, circle.id(), Patience::Work);
        let begun = SyncedStore::begin(store, provider.clone(), keys, circle, &address, now());
        let synced = begun.map_err(|error| failure(&error))?;
        Ok(Self { synced, objects, failing: None, goes_on: false })
    }

    /// From now on it takes turn after turn: what failed is tried again.
    pub(super) const fn goes_on(&mut self) {
        self.goes_on = true;
    }

    /// How often it looks at the objects.
    pub(super) fn look_every(&mut self, period: Duration) {
        self.synced.circle_mut().look_every(period);
    }

    /// What has the objects, in sentences for people.
    pub(super) fn noun(&self) -> &'static str {
        self.objects.root().noun()
    }

    /// Whether the objects could be had the last time.
    pub(super) const fn reaches_objects(&self) -> bool {
        self.failing.is_none()
    }

    /// Whether the objects can be listed now; says why not.
    pub(super) fn can_be_reached(&self, report: &Report) -> bool {
        let listed = self.objects.list();
        listed.map_err(|failure| report.event(&not_reached(failure, self.goes_on))).is_ok()
    }

    /// Looks at the objects until there is nothing more to do; says what came of it. Whether all of
    /// this device has reached them.
    pub(super) fn settle(&mut self, report: &Report) -> Result<bool, Failure> {
        for _ in 0..TURNS {
            self.synced.circle_mut().look_now(now());
            let told = self.turn(report).map_err(|error| failure(&error))?;
            if told.failed || (!told.merged && !self.synced.circle().is_on_this_device_only()) {
                break;
            }
        }
        Ok(!self.synced.circle().is_on_this_device_only())
    }

    /// The last look of a command that has changed something, and how it ends.
    pub(super) fn finish(&mut self, report: &Report) -> Result<Exit, Failure> {
        if self.settle(report)? {
            return Ok(Exit::Ok);
        }
        let message = format!(
            "the {} has not been told yet, and what is new is kept on this device: run `towline sync watch` where it can \
             be reached",
            self.noun()
        );
        report.event(&Event::Sync { reason: "waiting", problem: true, message });
        Ok(Exit::Environment)
    }

    /// One turn, and what there is to say about it.
    pub(super) fn turn(&mut self, report: &Report) -> Result<Told, SyncedError> {
        let turn = self.synced.turn(&self.objects, now)?;
        Ok(self.tell(turn, report))
    }

    /// The same while a device waits that joins: with at most 15 seconds for the store, the last
    /// request with its [`Patience::Joining`] included.
    pub(super) fn turn_in_time(&mut self, report: &Report) -> Result<Told, SyncedError> {
        let root = self.objects.root().clone();
        let objects = Objects::new(root, self.synced.circle().id(), Patience::Joining);
        let turn = self.synced.turn(&InTime::new(objects, IN_TIME), now)?;
        Ok(self.tell(turn, report))
    }

    fn tell(&mut self, turn: SyncedTurn<Failure>, report: &Report) -> Told {
        for notice in &turn.notices {
            report.event(&self.said(*notice));
        }
        if turn.merged > 0 {
            let passkeys = turn.merged;
            let message = format!(
                "{passkeys} passkey{} came from other devices, or changed there",
                if passkeys == 1 { "" } else { "s" }
            );
            report.event(&Event::Sync { reason: "merged", problem: false, message });
        }
        let failed = turn.failed.is_some();
        if let Some(failure) = turn.failed {
            // Told once, until it works again, or something else is the matter.
            if self.failing.replace(failure.reason) != Some(failure.reason) {
                report.event(&not_reached(failure, self.goes_on));
            }
        } else if turn.asked {
            self.failing = None;
        }
        Told { merged: turn.merged > 0, failed }
    }

    /// A notice with the names of the devices that it is about.
    fn said(&self, notice: SyncNotice) -> Event {
        let name = |device| {
            self.synced.circle().device_name(device).unwrap_or_else(|| "a device".to_owned())
        };
        let place = self.noun();
        let (reason, message) = match notice {
            SyncNotice::WentBack { device, .. } => (
                "went_back",
                format!("the {place} went back: something of {:?} is gone that was there; it is written again", name(device)),
            ),
            SyncNotice::Withheld { device, .. } => (
                "withheld",
                format!("the {place} does not show what another device has seen of {:?}; see whether what carries it is done", name(device)),
            ),
            SyncNotice::TwoOf { device, .. } => (
                "two_of",
                format!("there are two of {:?}: a copy of its store is in use; remove that device, and let it join again", name(device)),
            ),
            SyncNotice::Invented(name) => {
                ("invented", format!("{name} in the {place} is damaged, or by nobody of this circle; it is not read"))
            }
            SyncNotice::NotTaken => (
                NOT_TAKEN,
                format!("the {place} does not take all that this device has to say, however small it is made: that stays here; \
                         see what the {place} allows, and start the program again"),
            ),
            SyncNotice::NotSealed => {
                ("not_sealed", "changes stay on this device: they can't be sealed".to_owned())
            }
            SyncNotice::Removed => (
                "removed",
                "this device was removed from the circle: it keeps what it has, and nothing comes or goes any more".to_owned(),
            ),
        };
        Event::Sync { reason, problem: true, message }
    }
}

/// What was said of a turn.
pub(super) struct Told {
    pub(super) merged: bool,
    pub(super) failed: bool,
}

/// The store of a device that is to belong to a circle; it is made if it is not there.
pub(super) fn new_member(
    args: &args::Store,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<Store, Failure> {
    let (kept, event) = Kept::open_or_create(args, Otherwise::Default, provider)?;
    let Kept::File(store) = kept else {
        return Err(Failure::usage(
            "no_store",
            "passkeys that are synced are in a file; name it with --store",
        ));
    };
    let there = match SyncedStore::open(store.clone(), provider.clone(), config(), now()) {
        // What can't be read is of no use, and a new beginning is what helps.
        Err(SyncedError::Device | SyncedError::Circle(CircleError::Malformed(_))) => None,
        there => there.map_err(|error| failure(&error))?,
    };
    // One that was removed may begin anew, as another device.
    if there.is_some_and(|synced| synced.circle().is_member()) {
        let message = "this store belongs to a circle already; `towline sync status` says to which";
        return Err(Failure::usage("in_circle", message));
    }
    report.event(&event);
    Ok(store)
}

fn not_reached(failure: Failure, goes_on: bool) -> Event {
    let Failure { reason, message, .. } = failure;
    // What the program has from its environment, or was built without, it does not get later.
    let helps = goes_on && !matches!(reason, "no_credentials" | "no_stores");
    let again = if helps { ", and it is tried again" } else { "" };
    let message = format!("{message}; nothing is lost{again}");
    Event::Sync { reason, problem: true, message }
}

pub(super) fn failure(error: &SyncedError) -> Failure {
    Failure::environment("store", error.to_string())
}

pub(super) fn refused(error: &CircleError) -> Failure {
    Failure::new(Exit::Failed, "circle", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_help_is_said_to_be_tried_again() {
        for (reason, goes_on, again) in [
            ("not_reached", true, true),
            ("not_reached", false, false),
            ("credentials_refused", true, true),
            ("no_credentials", true, false),
            ("no_stores", true, false),
        ] {
            let told = not_reached(Failure::environment(reason, "it is so"), goes_on);
            let Event::Sync { reason: told, problem: true, message } = told else { panic!() };
            assert_eq!((told, message.contains("it is tried again")), (reason, again));
            assert!(message.starts_with("it is so; nothing is lost"), "{message}");
        }
    }
}
