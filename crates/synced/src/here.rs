//! What of the circle's passkeys is in the store, as far as the circle was told of the store.

use std::collections::{BTreeMap, BTreeSet};

use towline_ctap::CredentialId;
use towline_sync::{Content, Register, State};

use crate::passkey::Parts;

/// One passkey of the store as the circle knows it: what is other in the store now was changed
/// there.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) record: [u8; 16],
    pub(crate) names: Option<Content>,
    pub(crate) blob: Option<Content>,
}

/// The passkeys of the store, and which records of the circle are of which of them.
#[derive(Default)]
pub(crate) struct Here {
    known: BTreeMap<CredentialId, Known>,
    /// The records of each id, in their order. There is more than one where somebody has given two
    /// keys one id; the store has the first that lives.
    records: BTreeMap<CredentialId, BTreeSet<[u8; 16]>>,
    ids: BTreeMap<[u8; 16], CredentialId>,
}

impl Here {
    /// That of a store that has all that the circle has. Records that a later version wrote are in
    /// no store of this one.
    pub(crate) fn of(
        state: &State<Content, Content>,
        records: impl Iterator<Item = [u8; 16]>,
    ) -> Self {
        let mut this = Self::default();
        for record in records {
            if this.id_of(state, record).is_some() {
                this.learn(state, record);
            }
        }
        this
    }

    /// The id of the passkey of a record, which may be gone.
    pub(crate) fn id_of(
        &mut self,
        state: &State<Content, Content>,
        record: [u8; 16],
    ) -> Option<CredentialId> {
        if let Some(known) = self.ids.get(&record) {
            return Some(known.clone());
        }
        let id = Parts::credential(state.fixed(record)?, None, None)?.id;
        self.name(&id, record);
        Some(id)
    }

    /// A record is of the passkey of this id.
    pub(crate) fn name(&mut self, id: &CredentialId, record: [u8; 16]) {
        self.ids.insert(record, id.clone());
        self.records.entry(id.clone()).or_default().insert(record);
    }

    /// The record that the store should have of an id: the first that lives.
    pub(crate) fn wanted(
        &self,
        state: &State<Content, Content>,
        id: &CredentialId,
    ) -> Option<[u8; 16]> {
        let mut records = self.records.get(id)?.iter().copied();
        records.find(|record| state.fixed(*record).is_some())
    }

    /// Other records of an id than this one.
    pub(crate) fn others(&self, id: &CredentialId, record: [u8; 16]) -> BTreeSet<[u8; 16]> {
        let records = self.records.get(id).into_iter().flatten().copied();
        records.filter(|other| *other != record).collect()
    }

    pub(crate) fn get(&self, id: &CredentialId) -> Option<&Known> {
        self.known.get(id)
    }

    /// The store has what the circle has of a record, if that is the one that it should have.
    pub(crate) fn learn(&mut self, state: &State<Content, Content>, record: [u8; 16]) {
        let Some(id) = self.ids.get(&record) else { return };
        if self.wanted(state, id) == Some(record) {
            let names = state.written(record, Register::Names).cloned();
            let blob = state.written(record, Register::LargeBlob).cloned();
            self.known.insert(id.clone(), Known { record, names, blob });
        }
    }

    /// The store has this.
    pub(crate) fn insert(&mut self, id: CredentialId, known: Known) {
        self.known.insert(id, known);
    }

    /// The store has no such passkey any more.
    pub(crate) fn forget(&mut self, id: &CredentialId) -> Option<Known> {
        self.known.remove(id)
    }

    /// The ids of all that the store has.
    pub(crate) fn ids(&self) -> BTreeSet<CredentialId> {
        self.known.keys().cloned().collect()
    }
}
