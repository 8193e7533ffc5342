//! The circle of a store: opened, begun, and kept up with.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use towline::crypto::CryptoProvider;
use towline_store::Store;
use towline_sync::{Circle, CircleConfig, CircleError, DeviceKeys, Moment, ObjectHash, SyncNotice};
use towline_sync_folder::Folder;
use towline_synced::{SyncedError, SyncedStore};

use crate::{
    args,
    event::Event,
    exit::{Exit, Failure},
    keys::kept::{self, Kept, Otherwise},
    report::Report,
};

/// How often the folder is looked at, if nothing else was said.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// How many turns a command takes to come to rest. It does not wait for other devices.
const TURNS: usize = 4;

pub(super) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall_clock = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    Moment { instant: Instant::now(), wall_clock }
}

pub(super) fn config(every: Duration) -> CircleConfig {
    CircleConfig { period: every, ..CircleConfig::default() }
}

/// A store with its circle, and the folder of that.
pub(super) struct Member {
    pub(super) synced: SyncedStore,
    folder: Folder,
    /// Whether the folder could not be used the last time.
    failing: bool,
}

impl Member {
    /// The store that the arguments name, which has to belong to a circle.
    pub(super) fn open(
        args: &args::Store,
        every: Duration,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        Self::of(kept::open(args, provider)?, every, provider)
    }

    /// The same of a store that is open.
    pub(super) fn of(
        store: Store,
        every: Duration,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        let opened = SyncedStore::open(store, provider.clone(), config(every), now());
        let synced = opened.map_err(|error| failure(&error))?.ok_or_else(|| {
            let message = "this store belongs to no circle; begin one with `towline sync start`";
            Failure::usage("no_circle", message)
        })?;
        let folder = open_folder(synced.address().as_ref(), synced.circle().id())?;
        Ok(Self { synced, folder, failing: false })
    }

    /// This store belongs to this circle from now on.
    pub(super) fn begin(
        store: Store,
        provider: &CryptoProvider,
        keys: &DeviceKeys,
        mut circle: Circle,
        place: &args::Place,
    ) -> Result<Self, Failure> {
        circle.name_device(&place.name, now()).map_err(|error| refused(&error))?;
        let root = root(&place.folder)?;
        let folder = open_folder(&root, circle.id())?;
        let address = root.display().to_string();
        let begun = SyncedStore::begin(store, provider.clone(), keys, circle, &address, now());
        let synced = begun.map_err(|error| failure(&error))?;
        Ok(Self { synced, folder, failing: false })
    }

    /// Looks at the folder until there is nothing more to do; says what came of it. Whether all of
    /// this device has reached the folder.
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

    /// One turn, and what there is to say about it.
    pub(super) fn turn(&mut self, report: &Report) -> Result<Told, SyncedError> {
        let turn = self.synced.turn(&self.folder, now)?;
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
        if let Some(error) = turn.failed.filter(|_| !self.failing) {
            report.event(&not_reached(self.synced.address(), &error));
        }
        // Told once, until it works again.
        self.failing = failed || (self.failing && !turn.asked);
        Ok(Told { merged: turn.merged > 0, failed })
    }

    /// A notice with the names of the devices that it is about.
    fn said(&self, notice: SyncNotice) -> Event {
        let name = |device| {
            self.synced.circle().device_name(device).unwrap_or_else(|| "a device".to_owned())
        };
        let (reason, message) = match notice {
            SyncNotice::WentBack { device, .. } => (
                "went_back",
                format!("the folder went back: something of {:?} is gone that was there; it is written again", name(device)),
            ),
            SyncNotice::Withheld { device, .. } => (
                "withheld",
                format!("the folder does not show what another device has seen of {:?}; see whether the tool that carries it is done", name(device)),
            ),
            SyncNotice::TwoOf { device, .. } => (
                "two_of",
                format!("there are two of {:?}: a copy of its store is in use; remove that device, and let it join again", name(device)),
            ),
            SyncNotice::Invented(name) => {
                ("invented", format!("{name} in the folder is by nobody of this circle; it is not read"))
            }
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
    let there = match SyncedStore::open(store.clone(), provider.clone(), config(EVERY), now()) {
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

/// The folder that the person named, wherever the program is started the next time.
pub(super) fn root(folder: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder)
        .and_then(|()| std::path::absolute(folder))
        .map_err(|error| folder_failure(folder, &error))
}

fn open_folder(root: &Path, circle: ObjectHash) -> Result<Folder, Failure> {
    if !root.is_dir() {
        let message = format!("{} is not there; is what carries it running?", root.display());
        return Err(Failure::environment("folder", message));
    }
    Folder::open(root, circle).map_err(|error| folder_failure(root, &error))
}

pub(super) fn folder_failure(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("the folder {} can't be used: {error}", folder.display());
    Failure::environment("folder", message)
}

fn not_reached(folder: &str, error: &io::Error) -> Event {
    let message = format!("the folder {folder} can't be used now ({error}); it is tried again");
    Event::Sync { reason: "not_reached", problem: true, message }
}

pub(super) fn failure(error: &SyncedError) -> Failure {
    Failure::environment("store", error.to_string())
}

pub(super) fn refused(error: &CircleError) -> Failure {
    Failure::new(Exit::Failed, "circle", error.to_string())
}
