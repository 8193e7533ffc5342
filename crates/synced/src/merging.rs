//! From the circle to the store: what other devices changed, in one commit with what the circle
//! knows.

use std::collections::BTreeSet;

use towline_authenticator::{
    Change, Credential, CredentialStore as _, ExtensionData, LargeBlobPlace, Replaces,
};
use towline_ctap::CredentialId;
use towline_store::CircleChange;
use towline_sync::Register;

use crate::{SyncedError, SyncedStore, passkey::Parts, telling::done};

impl SyncedStore {
    /// Keeps what is new to the circle with the passkeys that others changed. Whether that was
    /// done: not where something was changed here meanwhile.
    pub(crate) fn keep(&mut self) -> Result<bool, SyncedError> {
        let ids = self.touched_ids();
        let mut changes = Vec::new();
        for id in &ids {
            changes.extend(self.change(id)?);
        }
        let is_elsewhere = !self.circle.is_on_this_device_only();
        let elsewhere: Vec<_> = match is_elsewhere {
            true => std::mem::take(&mut self.device.only_here).into_iter().collect(),
            false => Vec::new(),
        };
        let device = self.device.encode();
        let mut rows = self.circle.unsaved().map(|row| (row.key, row.value));
        let kept = self.store.keep_circle(CircleChange {
            rows: &mut rows,
            before: &self.kept_device,
            device: &device,
            changes,
            elsewhere: &elsewhere,
            told: self.told,
        });
        let Ok(Some(told)) = kept else {
            self.device.only_here.extend(elsewhere);
            kept?;
            return Ok(false);
        };
        self.kept_device = device;
        self.told = told;
        for id in ids {
            match self.here.wanted(self.circle.state(), &id) {
                Some(record) => self.here.learn(self.circle.state(), record),
                None => {
                    self.here.forget(&id);
                    self.device.only_here.remove(&id);
                }
            }
        }
        self.touched.clear();
        Ok(true)
    }

    fn touched_ids(&mut self) -> BTreeSet<CredentialId> {
        let state = self.circle.state();
        self.touched.iter().filter_map(|record| self.here.id_of(state, *record)).collect()
    }

    /// What brings the store to what the circle has of an id.
    fn change(&mut self, id: &CredentialId) -> Result<Option<Change>, SyncedError> {
        let there = done(self.store.lookup(id))?;
        let known = self.here.get(id);
        let Some(record) = self.here.wanted(self.circle.state(), id) else {
            return Ok(known.and(there).map(|there| Change::Remove(there.id)));
        };
        let Some(merged) = self.credential(record) else { return Ok(None) };
        let Some(there) = there else { return Ok(Some(saved(merged))) };
        match known {
            // It is none of the circle's, as what was made for this device alone.
            None => Ok(None),
            Some(known) if known.record != record => Ok(Some(saved(merged))),
            Some(_) => Ok(self.rewritten(&there, &merged)),
        }
    }

    /// What makes of a passkey the one that was merged, of which only names and blob can be others.
    fn rewritten(&self, there: &Credential, merged: &Credential) -> Option<Change> {
        let id = there.id.clone();
        let place = |it: &Credential| it.extensions.as_ref().and_then(|it| it.large_blob.clone());
        let (user, blob) = (&merged.user, place(merged));
        let named = there.user != *user;
        let written = blob.is_some() && place(there) != blob;
        match (named, written) {
            (false, false) => None,
            (true, false) => Some(Change::Rename { id, user: user.clone(), at: None }),
            (false, true) => {
                Some(Change::SetExtensionData { id, data: with(there, blob), at: None })
            }
            (true, true) => {
                let mut both = there.clone();
                both.user = user.clone();
                both.extensions = with(there, blob);
                Some(saved(both))
            }
        }
    }

    /// The passkey of a record, if it lives, and this version can read it.
    pub(crate) fn credential(&self, record: [u8; 16]) -> Option<Credential> {
        let state = self.circle.state();
        let written = |register| state.written(record, register);
        let (names, blob) = (written(Register::Names), written(Register::LargeBlob));
        Parts::credential(state.fixed(record)?, names, blob)
    }
}

/// Beside others of its account: the site knows both.
fn saved(credential: Credential) -> Change {
    Change::Save { credential: Box::new(credential), replaces: Replaces::Nothing }
}

/// What extensions keep with a passkey, with this blob.
fn with(credential: &Credential, blob: Option<LargeBlobPlace>) -> Option<Box<ExtensionData>> {
    let mut data = credential.extensions.clone().unwrap_or_default();
    data.large_blob = blob;
    Some(data)
}
