//! From the store to the circle: what was changed on this device.

use std::collections::BTreeSet;

use towline_authenticator::{Credential, CredentialStore as _, Feed, StoreError, Work};
use towline_ctap::CredentialId;
use towline_sync::{Content, Moment, Register};

use crate::{
    SyncedError, SyncedStore,
    here::Known,
    passkey::{Parts, record_id},
};

/// How many changes, or passkeys, are read at a time.
const AT_A_TIME: usize = 64;

/// Which of two that have the same passkey says what it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newer {
    /// The store, in which it was changed since the circle was told.
    Store,
    /// The circle, which was never told of this store.
    Circle,
}

pub(crate) fn done<T>(work: Work<T, StoreError>) -> Result<T, StoreError> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

impl SyncedStore {
    /// Tells the circle what changed in the store. Whether there was anything for it.
    pub(crate) fn tell(&mut self, now: Moment) -> Result<bool, SyncedError> {
        let mut any = false;
        loop {
            match done(self.store.changes(Some(self.told), AT_A_TIME))? {
                Feed::Since { changes, .. } if changes.is_empty() => return Ok(any),
                Feed::Since { changes, end } => {
                    for change in changes {
                        any |= self.look_at(&change.id, now)?;
                    }
                    self.told = end;
                }
                Feed::StartOver { from } => {
                    // What the store had is known, so that what is missing was deleted.
                    let mut gone = self.here.ids();
                    // What can't be read here never was in the store.
                    gone.retain(|id| {
                        let known = self.here.get(id);
                        known.is_some_and(|known| self.credential(known.record).is_some())
                    });
                    any |= self.look_at_all(&mut gone, Newer::Store, now)?;
                    for id in gone {
                        any |= self.look_at(&id, now)?;
                    }
                    self.told = from;
                }
            }
        }
    }

    /// Tells the circle of every passkey of the store; `missing` are afterwards those that were not
    /// there.
    pub(crate) fn look_at_all(
        &mut self,
        missing: &mut BTreeSet<CredentialId>,
        newer: Newer,
        now: Moment,
    ) -> Result<bool, SyncedError> {
        let (mut any, mut after) = (false, None);
        loop {
            let page = done(self.store.all(after, AT_A_TIME))?;
            for credential in &page.credentials {
                missing.remove(&credential.id);
                any |= self.compare(credential, newer, now)?;
            }
            match page.end {
                Some(end) => after = Some(end),
                None => return Ok(any),
            }
        }
    }

    /// Tells the circle what the store has under an id.
    fn look_at(&mut self, id: &CredentialId, now: Moment) -> Result<bool, SyncedError> {
        if let Some(credential) = done(self.store.lookup(id))? {
            // One that counts by now is still there: only what is gone is deleted elsewhere.
            return self.compare(&credential, Newer::Store, now);
        }
        let Some(known) = self.here.forget(id) else { return Ok(false) };
        self.device.only_here.remove(id);
        // Another key that somebody has given the same id is what the store has instead.
        self.touched.extend(self.here.others(id, known.record));
        Ok(self.circle.bury(known.record, now))
    }

    /// Only what may be on other devices, and nothing that counts: two devices that count would
    /// look like a stolen key.
    fn takes_part(&self, credential: &Credential) -> Result<bool, SyncedError> {
        if !credential.backup_eligible {
            return Ok(false);
        }
        Ok(credential.never_counts || self.store.counter(&credential.id)? == 0)
    }

    fn compare(
        &mut self,
        credential: &Credential,
        newer: Newer,
        now: Moment,
    ) -> Result<bool, SyncedError> {
        if !self.takes_part(credential)? {
            return Ok(false);
        }
        let Some(record) = record_id(&self.crypto, credential) else { return Ok(false) };
        let Parts { fixed, names, blob } = Parts::of(credential);
        let id = &credential.id;
        let known = self.here.get(id).cloned();
        let mut any = false;
        if !(credential.backed_up && credential.never_counts) {
            // Also one that the circle knew: from before this device joined, or from a backup.
            self.device.only_here.insert(id.clone());
            self.circle.keep_again();
            any = true;
        }
        match &known {
            Some(known) if known.record == record && newer == Newer::Circle => {
                if known.blob.is_none() && !blob.expose().is_empty() {
                    any |= self.circle.write(record, Register::LargeBlob, &blob, now);
                }
                self.touched.insert(record);
                return Ok(any);
            }
            Some(known) if known.record == record => {
                if known.names.as_ref() != Some(&names) {
                    any |= self.circle.write(record, Register::Names, &names, now);
                }
                if !same_blob(known.blob.as_ref(), &blob) {
                    any |= self.circle.write(record, Register::LargeBlob, &blob, now);
                }
            }
            known => {
                if let Some(known) = known {
                    self.circle.bury(known.record, now);
                }
                self.circle.make(record, &fixed, &names, now)?;
                if !blob.expose().is_empty() {
                    self.circle.write(record, Register::LargeBlob, &blob, now);
                }
                any = true;
            }
        }
        self.here.name(id, record);
        self.here.insert(id.clone(), Known { record, names: Some(names), blob: Some(blob) });
        Ok(any)
    }
}

/// What was never written is the same as nothing.
fn same_blob(known: Option<&Content>, blob: &Content) -> bool {
    known.map_or(&[][..], Content::expose) == blob.expose()
}
