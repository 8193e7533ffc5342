//! What is changed on this device: passkeys, and who belongs to the circle.

use std::collections::BTreeSet;

use towline_crypto::zeroize::Zeroizing;

use super::{Circle, CircleError, Moment, SyncOutput, rows::Row};
use crate::{
    Content, DeviceId, Introduction, ObjectHash, Register, StoreName, Tag,
    epochs::EpochId,
    roster::{Verdict, WrittenChange},
};

impl Circle {
    /// The records that a device which is out can have read, and that nobody has ticked off: their
    /// passkeys should be removed at their sites, since no removal takes their keys back.
    #[must_use]
    pub fn exposed(&self, to: DeviceId) -> BTreeSet<[u8; 16]> {
        let records = self.exposed.get(&to).into_iter().flatten().copied();
        records.filter(|record| self.is_passkey(*record)).collect()
    }

    /// The person has removed the passkey of this record at its site: it is of no use to anybody.
    pub fn tick_off(&mut self, record: [u8; 16]) {
        let mut others = Vec::new();
        for (device, records) in &mut self.exposed {
            others.extend(records.remove(&record).then_some(Row::Exposed(*device)));
        }
        self.changed |= !others.is_empty();
        self.mark_all(others);
    }

    /// Gives its record out again, though it may be no other: whoever keeps it has something to
    /// keep with it.
    pub const fn keep_again(&mut self) {
        self.changed = true;
    }

    /// A passkey was made or imported here.
    ///
    /// # Errors
    /// Where there is no randomness for its tag.
    pub fn make(
        &mut self,
        record: [u8; 16],
        fixed: &Content,
        names: &Content,
        now: Moment,
    ) -> Result<(), CircleError> {
        let tag = Tag(self.crypto.random.bytes()?);
        let at = self.clock.stamp(now.wall_clock);
        for state in [&mut self.state, &mut self.pending] {
            state.make(record, tag, at, fixed.clone(), names.clone());
        }
        self.mark_all([Row::Record(record), Row::Pending(record)]);
        self.note(now);
        Ok(())
    }

    /// A register was written here. Whether the record lives.
    pub fn write(
        &mut self,
        record: [u8; 16],
        register: Register,
        value: &Content,
        now: Moment,
    ) -> bool {
        let at = self.clock.stamp(now.wall_clock);
        let lives = self.state.write(record, register, at, value);
        if lives {
            self.pending.take_record(record, &self.state);
            self.mark_all([Row::Record(record), Row::Pending(record)]);
            self.note(now);
        }
        lives
    }

    /// A passkey was deleted here. Whether its record lived. One that takes its place is made right
    /// after, before the next [`Self::poll_output`], and goes with it in one segment.
    pub fn bury(&mut self, record: [u8; 16], now: Moment) -> bool {
        let tags: Vec<_> = self.state.tags(record).map(|((_, tag), _)| *tag).collect();
        let lived = self.state.bury(record);
        if lived {
            // A member that lies may have put its tag on another record, which goes as well: nobody
            // reads a state in which something lives that is buried.
            let mut gone = self.state.forget_tags(&tags);
            if !gone.is_empty() {
                self.outputs.push_back(SyncOutput::Changed(gone.clone()));
            }
            gone.insert(record);
            drop(self.pending.forget_tags(&tags));
            let records = gone.into_iter().flat_map(|it| [Row::Record(it), Row::Pending(it)]);
            self.mark_all(tags.into_iter().map(Row::Buried).chain(records));
            // R11: a delta would leave the secret in the segments before it.
            self.needs_snapshot = true;
            self.note(now);
        }
        lived
    }

    /// Gives this device a name, which all devices of the circle see. It is held by the record
    /// whose id is that of the device.
    ///
    /// # Errors
    /// Where there is no randomness for its tag.
    pub fn name_device(&mut self, name: &str, now: Moment) -> Result<(), CircleError> {
        let (record, content) = (self.device().0, Content::new(name.into()));
        if self.state.written(record, Register::Names) == Some(&content)
            || self.write(record, Register::Names, &content, now)
        {
            return Ok(());
        }
        self.make(record, &Content::new(Vec::new()), &content, now)
    }

    /// The name of a device, if it has one; also of one that is out.
    #[must_use]
    pub fn device_name(&self, device: DeviceId) -> Option<String> {
        let name = self.state.written(device.0, Register::Names)?;
        Some(String::from_utf8_lossy(name.expose()).into_owned())
    }

    /// The records that are passkeys: all but those that hold the names of devices.
    pub fn passkeys(&self) -> impl Iterator<Item = [u8; 16]> {
        self.state.records().filter(|record| self.is_passkey(*record))
    }

    /// Whether a record is a passkey, or was, and not the name of a device.
    #[must_use]
    pub fn is_passkey(&self, record: [u8; 16]) -> bool {
        self.roster.kind(DeviceId(record)).is_none()
    }

    /// Adds a member, which agreed to be added to this circle by this device. It has the circle
    /// once it has the [`Self::welcome`], which is given when the next record is durable. One that
    /// is a member already, as it was interrupted then, is not added once more.
    ///
    /// # Errors
    /// [`CircleError::NoConsent`] where the introduction is for something else,
    /// [`CircleError::NoMember`] where this device is out, [`CircleError::WasRemoved`] where the
    /// other one is.
    pub fn add(&mut self, newcomer: Introduction, now: Moment) -> Result<DeviceId, CircleError> {
        let id = newcomer.id(&self.crypto);
        if self.roster.out().contains(&id) {
            return Err(CircleError::WasRemoved);
        }
        let known = self.roster.members().contains(&id);
        if known && self.is_member() && newcomer.is_for(&self.crypto, self.circle, self.device()) {
            return Ok(id);
        }
        self.change_membership(&WrittenChange::Add(&[newcomer]), now)?;
        self.wrap_for_all()?;
        Ok(id)
    }

    /// Removes members for ever: a stolen device together with those of [`Self::added_by`] that the
    /// person chose, in one record (R18).
    ///
    /// # Errors
    /// [`CircleError::NoMember`] where this device is out.
    pub fn remove(&mut self, devices: &BTreeSet<DeviceId>, now: Moment) -> Result<(), CircleError> {
        self.change_membership(&WrittenChange::Remove(devices), now)?;
        self.learn_who_is_out();
        Ok(())
    }

    /// With the key on paper: adds a device and removes all others, which are lost. It gives whom
    /// it removed. The device has the circle once it has the [`Self::welcome`], and writes the
    /// records into the store itself, since paper writes nothing.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn take_over(
        &mut self,
        newcomer: Introduction,
        now: Moment,
    ) -> Result<BTreeSet<DeviceId>, CircleError> {
        let id = self.add(newcomer, now)?;
        let others: BTreeSet<_> = self.devices().filter(|device| *device != id).collect();
        if !others.is_empty() {
            self.remove(&others, now)?;
        }
        Ok(others)
    }

    fn change_membership(
        &mut self,
        change: &WrittenChange<'_>,
        now: Moment,
    ) -> Result<(), CircleError> {
        if !self.is_member() {
            return Err(CircleError::NoMember);
        }
        let bytes = self.roster.write(&self.keys, change)?;
        if self.roster.take(&self.crypto, &bytes) != Verdict::Taken {
            return Err(CircleError::NoConsent);
        }
        self.push(StoreName::Membership(ObjectHash::of(&self.crypto, &bytes)), bytes);
        self.note(now);
        Ok(())
    }

    /// What a new member has to know, secrets included: for the tunnel to it, and nobody else.
    #[must_use]
    pub fn welcome(&self) -> Zeroizing<Vec<u8>> {
        self.write_welcome()
    }

    /// Somebody may be out who was not: R9, R15, and what they can have read.
    pub(super) fn learn_who_is_out(&mut self) {
        let newly: BTreeSet<_> = self.roster.out().difference(&self.out).copied().collect();
        if newly.is_empty() {
            return;
        }
        self.out.extend(&newly);
        self.expose_all(newly);
        // R9: what was sealed before and not yet sent is sealed again, under another epoch.
        self.keep_outgoing(|outgoing| !outgoing.is_sealed());
        self.own = None;
        self.needs_snapshot = true;
        self.changed = true;
    }

    /// All that is here now can have been read by these, which are out. A device that joins by
    /// paper says so of those that [were removed for it](Self::take_over): it finds them removed.
    pub fn expose_all(&mut self, to: impl IntoIterator<Item = DeviceId>) {
        let records: BTreeSet<_> = self.state.records().collect();
        for device in to {
            self.exposed.insert(device, records.clone());
            self.mark(Row::Exposed(device));
        }
        self.changed = true;
    }

    /// Of records that were merged under an epoch: whether those who are out can have read them,
    /// too.
    pub(super) fn expose(&mut self, epoch: EpochId, records: &BTreeSet<[u8; 16]>) {
        let past = self.epochs.past(epoch, &self.roster).unwrap_or_default();
        let removals = self.roster.removals();
        let mut others = Vec::new();
        for (device, exposed) in &mut self.exposed {
            let of_it = || removals.iter().filter(|(_, removed)| removed.contains(device));
            // Who was added in vain is in no removal: it is out by all of them together.
            let knew = if of_it().next().is_some() {
                of_it().any(|(removal, _)| past.contains(removal))
            } else {
                removals.keys().all(|removal| past.contains(removal))
            };
            if !knew {
                exposed.extend(records);
                others.push(Row::Exposed(*device));
            }
        }
        self.mark_all(others);
    }
}
