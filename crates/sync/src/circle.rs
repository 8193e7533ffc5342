//! The machine of one device: what it has, what it asks of the store, and what it makes of the
//! answers.

mod changes;
mod durable;
mod merging;
mod missing;
mod output;
mod reading;
mod rows;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
mod writing;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    time::{Duration, Instant},
};

use towline_crypto::CryptoProvider;

pub use output::{CircleConfig, CircleError, Moment, SyncNotice, SyncOutput, SyncToken};
pub use rows::CircleRow;

use crate::{
    Content, DeviceId, HybridClock, Introduction, MemberKind, ObjectHash, State, StoreName,
    epochs::Epochs,
    keys::{DeviceKeys, NEW},
    roster::{Roster, Verdict, WrittenChange},
    sealed::{Part, Seen},
};
use reading::{Reading, Torn};
use rows::Unsaved;
use writing::Outgoing;

/// One device's part in a circle.
///
/// It is fed by `handle_*`, and asked by [`Self::poll_output`] and [`Self::poll_timeout`]. Each
/// [`SyncOutput`] with a token has one answer with that token; the machine waits for it, so the
/// driver answers [`Self::handle_failed`] where nothing else comes. Whether the person agrees to a
/// change of who belongs to the circle is asked before it comes here.
pub struct Circle {
    crypto: CryptoProvider,
    config: CircleConfig,
    keys: DeviceKeys,
    circle: ObjectHash,
    roster: Roster,
    epochs: Epochs,
    state: State<Content, Content>,
    /// Changes of this device that no head of its own has yet.
    pending: State<Content, Content>,
    needs_snapshot: bool,
    clock: HybridClock,
    next_number: u64,
    own: Option<OwnHead>,
    /// The newest heads that were sealed here (R7).
    sealed: BTreeSet<Seen>,
    /// The newest head of each other device that was merged whole (R13).
    seen: BTreeMap<DeviceId, Seen>,
    /// The newest head of each that another names.
    named: BTreeMap<DeviceId, Seen>,
    news: BTreeMap<DeviceId, News>,
    merged: BTreeSet<(DeviceId, Seen)>,
    merged_segments: BTreeSet<(DeviceId, ObjectHash)>,
    /// Who is out, as far as it was dealt with (R9, R15).
    out: BTreeSet<DeviceId>,
    /// What those who are out can read.
    exposed: BTreeMap<DeviceId, BTreeSet<[u8; 16]>>,
    /// For which missing head of whom a snapshot was written.
    answered: BTreeMap<DeviceId, u64>,
    told: BTreeSet<SyncNotice>,
    outbox: VecDeque<Outgoing>,

    // What follows begins anew with each start.
    phase: Phase,
    /// What was put and not answered yet.
    sent: Option<StoreName>,
    outputs: VecDeque<SyncOutput>,
    changed: bool,
    last_token: u64,
    /// The token of the last rows that are durable.
    durable: u64,
    unsaved: Unsaved,
    /// Whether something could not be kept.
    not_kept: bool,
    due: Instant,
    /// Whether the store has to be looked at before anything is written: other copies of this
    /// device may have been there.
    look_first: bool,
    missing_since: BTreeMap<(DeviceId, u64), Instant>,
    /// What is not what its name says: half of it may be there so far.
    torn: BTreeMap<StoreName, Torn>,
    refused: BTreeSet<StoreName>,
    /// In how many parts a snapshot is written. Stores take what is not too large.
    parts: usize,
    /// What of the outbox the store will not take.
    not_taken: BTreeSet<StoreName>,
    wall_clock: u64,
}

/// The newest head of this device: one that it sealed, or that of another copy of it which it has
/// made its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnHead {
    seen: Seen,
    segments: Vec<Part>,
    time: u64,
}

/// What the newest head of another device says of that device.
#[derive(Debug, Clone, PartialEq, Eq)]
struct News {
    time: u64,
    heads: BTreeSet<ObjectHash>,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Listing(SyncToken),
    Reading(Box<Reading>),
    Writing { asked: Option<SyncToken>, deletions: Vec<StoreName> },
}

impl fmt::Debug for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circle")
            .field("device", &self.keys.id())
            .field("records", &self.state.records().count())
            .field("outbox", &self.outbox.len())
            .finish_non_exhaustive()
    }
}

impl Circle {
    /// Makes a circle of this device and a paper key, whose holder agrees to be added by this
    /// device to a new circle.
    ///
    /// # Errors
    /// [`CircleError::NoConsent`] where the introduction is for something else.
    pub fn begin(
        crypto: CryptoProvider,
        config: CircleConfig,
        keys: DeviceKeys,
        paper: Introduction,
        now: Moment,
    ) -> Result<Self, CircleError> {
        let own = keys.introduce(None, keys.id(), MemberKind::Device)?;
        let first = Roster::new(NEW).write(&keys, &WrittenChange::Add(&[own, paper]))?;
        let circle = ObjectHash::of(&crypto, &first);
        let mut this = Self::new(crypto, config, keys, circle, now);
        if this.roster.take(&this.crypto, &first) != Verdict::Taken {
            return Err(CircleError::NoConsent);
        }
        this.push(StoreName::Membership(circle), first);
        this.look_first = false;
        Ok(this)
    }

    /// Reads a circle with the keys on paper, and nothing else that is known of it. It is a member
    /// once it has looked at the store; then it adds a device, removes the others, and that
    /// device's welcome carries all of it. The paper key itself writes nothing into the store.
    #[must_use]
    pub fn recover(
        crypto: CryptoProvider,
        config: CircleConfig,
        paper: DeviceKeys,
        circle: ObjectHash,
        now: Moment,
    ) -> Self {
        Self::new(crypto, config, paper, circle, now)
    }

    fn new(
        crypto: CryptoProvider,
        config: CircleConfig,
        keys: DeviceKeys,
        circle: ObjectHash,
        now: Moment,
    ) -> Self {
        Self {
            crypto,
            config,
            clock: HybridClock::new(keys.id(), 0),
            keys,
            circle,
            roster: Roster::new(circle),
            epochs: Epochs::new(circle),
            state: State::default(),
            pending: State::default(),
            needs_snapshot: false,
            next_number: 1,
            own: None,
            sealed: BTreeSet::new(),
            seen: BTreeMap::new(),
            named: BTreeMap::new(),
            news: BTreeMap::new(),
            merged: BTreeSet::new(),
            merged_segments: BTreeSet::new(),
            out: BTreeSet::new(),
            exposed: BTreeMap::new(),
            answered: BTreeMap::new(),
            told: BTreeSet::new(),
            outbox: VecDeque::new(),
            phase: Phase::Idle,
            sent: None,
            outputs: VecDeque::new(),
            changed: true,
            last_token: 0,
            durable: 0,
            unsaved: Unsaved::default(),
            not_kept: false,
            due: now.instant,
            look_first: true,
            missing_since: BTreeMap::new(),
            torn: BTreeMap::new(),
            refused: BTreeSet::new(),
            parts: 1,
            not_taken: BTreeSet::new(),
            wall_clock: now.wall_clock,
        }
    }

    /// The circle: the hash of its first record. Its objects are below this name in the store.
    #[must_use]
    pub const fn id(&self) -> ObjectHash {
        self.circle
    }

    /// This device, by the id that follows from its keys.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.keys.id()
    }

    /// What there is, merged of all devices.
    #[must_use]
    pub const fn state(&self) -> &State<Content, Content> {
        &self.state
    }

    /// Who belongs to the circle, each with its kind.
    pub fn members(&self) -> impl Iterator<Item = (DeviceId, MemberKind)> {
        let kind = |id: &DeviceId| self.roster.kind(*id).unwrap_or(MemberKind::Device);
        self.roster.members().iter().map(move |id| (*id, kind(id)))
    }

    /// Whether changes of this device are on this device only: they are in no head that is in the
    /// store, as far as this device knows.
    #[must_use]
    pub fn is_on_this_device_only(&self) -> bool {
        !self.pending.is_empty() || self.needs_snapshot || !self.outbox.is_empty()
    }

    /// When a device wrote its newest head that was merged here: milliseconds of Unix time, by its
    /// own clock.
    #[must_use]
    pub fn last_news(&self, device: DeviceId) -> Option<u64> {
        self.news.get(&device).map(|news| news.time)
    }

    /// The newest head that was merged here, by whom, and when that device wrote it by its own
    /// clock. Whoever recovers a circle by the key on paper has to be shown it: an old state of the
    /// store can't be told from a new one then.
    #[must_use]
    pub fn newest_change(&self) -> Option<(DeviceId, u64)> {
        self.news.iter().map(|(id, news)| (*id, news.time)).max_by_key(|(_, time)| *time)
    }

    /// The other devices that have not shown yet that they know who is out. What they write until
    /// then can be read by those who are out.
    pub fn not_told(&self) -> impl Iterator<Item = DeviceId> {
        self.devices().filter(|id| *id != self.device()).filter(|id| {
            let past = self.news.get(id).and_then(|news| self.roster.graph().past(&news.heads));
            past.is_none_or(|past| !self.roster.removals().keys().all(|one| past.contains(one)))
        })
    }

    /// Who was removed, and who was added in vain.
    pub fn removed(&self) -> impl Iterator<Item = DeviceId> {
        self.roster.out().iter().copied()
    }

    /// What a device has added, directly or by what it added: shown to whoever removes it (R18).
    #[must_use]
    pub fn added_by(&self, device: DeviceId) -> BTreeSet<DeviceId> {
        self.roster.graph().added_by(device)
    }

    /// The devices that belong to the circle: all members but those on paper.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> {
        self.members().filter(|(_, kind)| *kind == MemberKind::Device).map(|(id, _)| id)
    }

    /// Whether this device belongs to the circle, by all that is known here.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.roster.members().contains(&self.keys.id())
    }

    /// Something changed here that has to be durable.
    const fn note(&mut self, now: Moment) {
        self.changed = true;
        self.wall_clock = now.wall_clock;
    }

    pub(crate) const fn crypto(&self) -> &CryptoProvider {
        &self.crypto
    }

    fn token(&mut self) -> SyncToken {
        self.last_token = self.last_token.saturating_add(1);
        SyncToken(self.last_token)
    }

    /// Tells something, once.
    fn tell(&mut self, notice: SyncNotice) {
        if self.told.insert(notice) {
            self.outputs.push_back(SyncOutput::Notice(notice));
            self.changed = true;
        }
    }

    /// When [`Self::handle_timeout`] has something to do, if nothing comes before.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle => Some(self.due),
            _ => None,
        }
    }

    /// Takes the passing of time: when it is due, the store is looked at.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.wall_clock = now.wall_clock;
        if matches!(self.phase, Phase::Idle) && now.instant >= self.due {
            self.changed |= std::mem::take(&mut self.not_kept);
            let token = self.token();
            self.phase = Phase::Listing(token);
            self.outputs.push_back(SyncOutput::List { token });
        }
    }

    /// Looks at the store at the next [`Self::handle_timeout`], whenever that is.
    pub const fn look_now(&mut self, now: Moment) {
        self.due = now.instant;
    }

    /// How long to wait between two looks from now on, in place of [`CircleConfig::period`].
    pub const fn look_every(&mut self, period: Duration) {
        self.config.period = period;
    }

    /// The rows of a [`SyncOutput::Save`] are durable.
    pub fn handle_saved(&mut self, token: SyncToken) {
        self.unmark(token);
        self.durable = self.durable.max(token.0);
    }

    /// The rows of a [`SyncOutput::Save`] could not be kept: on a full disk, say. They are given
    /// out again at the next look.
    pub fn handle_unsaved(&mut self, now: Moment) {
        self.not_kept = true;
        self.look_first = true;
        self.rest(now);
    }

    /// The store did not do what it was asked, or not all of it. It is asked again later.
    pub fn handle_failed(&mut self, token: SyncToken, now: Moment) {
        let waited_for = match &self.phase {
            Phase::Idle => false,
            Phase::Listing(asked) => *asked == token,
            Phase::Reading(reading) => reading.waits_for(token),
            Phase::Writing { asked, .. } => *asked == Some(token),
        };
        if waited_for {
            self.look_first = true;
            self.rest(now);
        }
    }

    fn rest(&mut self, now: Moment) {
        self.needs_snapshot |= self.has_merged_a_part();
        self.sent = None;
        self.phase = Phase::Idle;
        self.due = now.instant.checked_add(self.config.period).unwrap_or(now.instant);
    }

    /// What has to be done next; nothing until something is handled.
    pub fn poll_output(&mut self) -> Option<SyncOutput> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            self.write_on();
            if !self.outputs.is_empty() {
                continue;
            }
            if self.changed {
                return Some(SyncOutput::Save { token: self.save_now() });
            }
            return None;
        }
    }

    /// What is [unsaved](Self::unsaved) is to be kept at once, be it nothing but the head. It is
    /// answered as a [`SyncOutput::Save`].
    pub fn save_now(&mut self) -> SyncToken {
        self.changed = false;
        self.mark_what_is_new();
        self.token()
    }
}

/// After so long a head is written again though nothing is new, so that the others see that this
/// device is still there.
const RENEWED: Duration = Duration::from_secs(7 * 24 * 3600);
