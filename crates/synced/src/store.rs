//! The store of a device that belongs to a circle.

use std::{collections::BTreeSet, fmt, time::Instant};

use towline_authenticator::{Credential, CredentialStore as _, Feed, FeedCursor};
use towline_crypto::CryptoProvider;
use towline_store::Store;
use towline_sync::{
    Circle, CircleConfig, CircleStore, DeviceId, DeviceKeys, Moment, SyncNotice, SyncOutput,
};
use zeroize::Zeroizing;

use crate::{
    SyncedError,
    device::{Device, MOST_ADDRESS},
    here::Here,
    telling::{Newer, done},
};

/// A store whose passkeys are on all of a person's devices: what is changed in it is told to the
/// circle, and what others change comes into it.
///
/// The authenticator uses other handles of the same store meanwhile, and waits for nothing of this
/// but for one commit. Whoever drives it calls [`Self::turn`] when [`Self::next_turn`] has come,
/// and now and then between, so that what was made here goes out soon; a turn that finds nothing
/// costs next to nothing. It blocks for as long as the circle's store takes.
pub struct SyncedStore {
    pub(crate) store: Store,
    pub(crate) crypto: CryptoProvider,
    pub(crate) circle: Circle,
    pub(crate) device: Device,
    /// The same as it was written last.
    pub(crate) kept_device: Zeroizing<Vec<u8>>,
    /// Up to where the circle was told of changes.
    pub(crate) told: FeedCursor,
    pub(crate) here: Here,
    /// Records that were changed by others, and not here yet.
    pub(crate) touched: BTreeSet<[u8; 16]>,
}

/// What came of a turn.
#[derive(Debug)]
pub struct SyncedTurn<E> {
    /// What the person should know.
    pub notices: Vec<SyncNotice>,
    /// How many passkeys came, were changed, or went.
    pub merged: usize,
    /// Whether the circle's store was asked for anything.
    pub asked: bool,
    /// Why the circle's store did not do what it was asked. It is asked again later.
    pub failed: Option<E>,
}

impl fmt::Debug for SyncedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncedStore").field("circle", &self.circle).finish_non_exhaustive()
    }
}

impl SyncedStore {
    /// The keys of a device that is about to join: those of an earlier try, unless `new` ones are
    /// wanted, as after it was removed. They are kept. A store that belongs to a circle leaves it.
    ///
    /// # Errors
    /// Why they can't be made or kept.
    pub fn keys_to_join(
        store: &Store,
        crypto: &CryptoProvider,
        new: bool,
    ) -> Result<DeviceKeys, SyncedError> {
        let prepared = store.prepared_circle()?.filter(|_| !new);
        let prepared =
            prepared.and_then(|kept| Device::decode(&kept).ok()?.device_keys(crypto).ok());
        // Nobody is lost by it if those of an earlier try can't be read.
        if let Some(keys) = prepared {
            return Ok(keys);
        }
        let made = DeviceKeys::generate(crypto).map_err(towline_sync::CircleError::from)?;
        let keys = made.to_bytes().map_err(towline_sync::CircleError::from)?;
        let device = Device { keys, address: String::new(), only_here: BTreeSet::new() };
        store.prepare_circle(&device.encode())?;
        Ok(made)
    }

    /// The store belongs to this circle from now on: to one that was just begun, or joined. These
    /// are the keys of this device there, and the address is where the circle's objects are, as the
    /// person says it. All passkeys of the store that may be on other devices go to the circle, and
    /// all of the circle come into the store.
    ///
    /// # Errors
    /// Why it can't be kept. The store belongs to the circle, or does not.
    pub fn begin(
        store: Store,
        crypto: CryptoProvider,
        keys: &DeviceKeys,
        mut circle: Circle,
        address: &str,
        now: Moment,
    ) -> Result<Self, SyncedError> {
        if address.len() > MOST_ADDRESS {
            return Err(SyncedError::Address);
        }
        let keys = keys.to_bytes().map_err(towline_sync::CircleError::from)?;
        let device = Device { keys, address: address.to_owned(), only_here: BTreeSet::new() };
        // The first thing that a circle wants is to be kept.
        let Some(SyncOutput::Save { token }) = circle.poll_output() else {
            return Err(SyncedError::Device);
        };
        let rows = circle.unsaved().filter_map(|row| Some((row.key, row.value?)));
        let kept = device.encode();
        store.begin_circle(&kept, rows)?;
        circle.handle_saved(token);
        Self::over(store, crypto, circle, (device, kept), None, now)
    }

    /// The store as it was left, if it belongs to a circle.
    ///
    /// # Errors
    /// Why what is kept can't be used.
    pub fn open(
        store: Store,
        crypto: CryptoProvider,
        config: CircleConfig,
        now: Moment,
    ) -> Result<Option<Self>, SyncedError> {
        let Some(kept) = store.circle()? else { return Ok(None) };
        let device = Device::decode(&kept.device)?;
        let keys = device.device_keys(&crypto)?;
        let circle = Circle::restore(crypto.clone(), config, keys, kept.rows, now)?;
        Self::over(store, crypto, circle, (device, kept.device), kept.told, now).map(Some)
    }

    fn over(
        mut store: Store,
        crypto: CryptoProvider,
        circle: Circle,
        (device, kept_device): (Device, Zeroizing<Vec<u8>>),
        told: Option<FeedCursor>,
        now: Moment,
    ) -> Result<Self, SyncedError> {
        let here = Here::of(circle.state(), circle.passkeys());
        let end = match told {
            Some(told) => told,
            None => match done(store.changes(None, 1))? {
                Feed::StartOver { from } => from,
                Feed::Since { end, .. } => end,
            },
        };
        let touched = BTreeSet::new();
        let mut this =
            Self { store, crypto, circle, device, kept_device, told: end, here, touched };
        if told.is_none() {
            this.unite(now)?;
        }
        Ok(this)
    }

    /// Both have what either has: where it is not known what the circle was told, what is missing
    /// in the store has not been deleted there.
    fn unite(&mut self, now: Moment) -> Result<(), SyncedError> {
        let mut missing = self.here.ids();
        self.look_at_all(&mut missing, Newer::Circle, now)?;
        for id in missing {
            self.touched.extend(self.here.forget(&id).map(|known| known.record));
        }
        // With the place up to where the circle was told: what is deleted from now on is known to
        // have been, however long the circle's store can't be reached.
        loop {
            let token = self.circle.save_now();
            if self.keep()? {
                self.circle.handle_saved(token);
                return Ok(());
            }
            self.tell(now)?;
        }
    }

    /// Tells the circle what changed in the store, looks at the circle's store when it is time to,
    /// and does what the circle wants.
    ///
    /// # Errors
    /// Why the store of this device can't take part. Nothing is lost by it: the next turn goes on.
    pub fn turn<S: CircleStore>(
        &mut self,
        remote: &S,
        now: impl Fn() -> Moment,
    ) -> Result<SyncedTurn<S::Error>, SyncedError> {
        let mut turn = SyncedTurn { notices: Vec::new(), merged: 0, asked: false, failed: None };
        let mut merged = BTreeSet::<[u8; 16]>::new();
        self.tell(now())?;
        self.circle.handle_timeout(now());
        while let Some(output) = self.circle.poll_output() {
            match output {
                SyncOutput::Changed(records) => {
                    merged.extend(records.iter().filter(|record| self.circle.is_passkey(**record)));
                    self.touched.extend(records);
                }
                SyncOutput::Notice(notice) => turn.notices.push(notice),
                SyncOutput::Save { token } => {
                    let mut kept = self.keep();
                    while let Ok(false) = kept {
                        // If that is news for the circle, it wants to be kept once more.
                        kept = match self.tell(now()) {
                            Ok(true) => break,
                            Ok(false) => self.keep(),
                            Err(error) => Err(error),
                        };
                    }
                    match kept {
                        Ok(true) => self.circle.handle_saved(token),
                        Ok(false) => {}
                        Err(error) => {
                            self.circle.handle_unsaved(now());
                            return Err(error);
                        }
                    }
                }
                output => {
                    turn.asked = true;
                    if let Err(error) = remote.answer(&mut self.circle, output, now()) {
                        turn.failed = Some(error);
                    }
                }
            }
        }
        turn.merged = merged.len();
        Ok(turn)
    }

    /// When the circle's store is to be looked at next, if nothing comes before.
    #[must_use]
    pub const fn next_turn(&self) -> Option<Instant> {
        self.circle.poll_timeout()
    }

    /// The circle, as far as it is known here.
    #[must_use]
    pub const fn circle(&self) -> &Circle {
        &self.circle
    }

    /// The circle, to change who belongs to it. What is to be done about that is done by the next
    /// [`Self::turn`].
    pub const fn circle_mut(&mut self) -> &mut Circle {
        &mut self.circle
    }

    /// Where the circle's objects are, as the person said it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.device.address
    }

    /// How many passkeys are on this device only, as far as is known.
    #[must_use]
    pub fn only_here(&self) -> usize {
        self.device.only_here.len()
    }

    /// How many passkeys of the circle were written by a later version. They are in the stores of
    /// those devices alone that know their form.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.circle.passkeys().filter(|record| self.credential(*record).is_none()).count()
    }

    /// The passkeys that a device which is out can have, each by the id of its record, and as it is
    /// here; `None` for one that was deleted meanwhile, or that a later version wrote.
    #[must_use]
    pub fn exposed(&self, to: DeviceId) -> Vec<([u8; 16], Option<Credential>)> {
        let records = self.circle.exposed(to).into_iter();
        records.map(|record| (record, self.credential(record))).collect()
    }
}
