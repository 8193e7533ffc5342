//! Changes, all of one transaction or none of them.

use redb::{ReadableTable, WriteTransaction};
use towline_authenticator::{Change, Counter, Credential, StoreError};
use towline_ctap::CredentialId;

use crate::{
    Error,
    read::{
        COUNTER_SEAL, CREDENTIAL_SEAL, Found, META_SEAL, RECORD_SEAL, counter, credential_at,
        found, global_counter, listed, members, number,
    },
    seal::{ENTRY, Keys},
    tables::{
        ACCOUNTS, ASIDE, COUNTERS, CREDENTIALS, GLOBAL_COUNTER, IDS, MEMBERS, META, NEXT, PARTIES,
        RECORDS, account_entry, id_entry, member_entry, party_entry,
    },
};

/// Why a change is not made.
pub(crate) enum Refused {
    NotFound,
    Failed(Error),
}

impl Refused {
    /// For changes that look for nothing.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::NotFound => Error::Io("what was to be changed is gone".to_owned()),
            Self::Failed(error) => error,
        }
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::NotFound,
            Refused::Failed(error) => error.into(),
        }
    }
}

/// A transaction under way: dropped, it has changed nothing.
pub(crate) struct Writing<'a> {
    pub(crate) change: WriteTransaction,
    pub(crate) keys: &'a Keys,
}

impl Writing<'_> {
    /// The changes are on the disk when this returns.
    pub(crate) fn commit(self) -> Result<(), Refused> {
        Ok(self.change.commit()?)
    }

    pub(crate) fn apply(&self, change: Change) -> Result<(), Refused> {
        match change {
            Change::Save { credential, replaces } => {
                self.save(&credential, replaces).map(drop).map_err(Refused::from)
            }
            Change::Remove(id) => Ok(self.remove(&id)?),
            Change::Rename { id, user } => self.update(&id, |credential| {
                credential.user.name = user.name;
                credential.user.display_name = user.display_name;
            }),
            Change::SetExtensionData { id, data } => {
                self.update(&id, |credential| credential.extensions = data)
            }
            Change::Record { record, value } => {
                let (name, mut records) = (record.name(), self.change.open_table(RECORDS)?);
                match value {
                    Some(value) => {
                        let sealed = self.keys.seal(RECORD_SEAL, name.as_bytes(), &value)?;
                        records.insert(name, &sealed[..])?;
                    }
                    None => drop(records.remove(name)?),
                }
                Ok(())
            }
            Change::NewRecord { record, value } => {
                let (name, mut records) = (record.name(), self.change.open_table(RECORDS)?);
                if records.get(name)?.is_none() {
                    let sealed = self.keys.seal(RECORD_SEAL, name.as_bytes(), &value)?;
                    records.insert(name, &sealed[..])?;
                }
                Ok(())
            }
            // All or nothing: what is not understood fails the whole.
            _ => Err(Error::Io("the store does not know this change".to_owned()).into()),
        }
    }

    pub(crate) fn save(
        &self,
        credential: &Credential,
        replaces: Option<CredentialId>,
    ) -> Result<u64, Error> {
        for gone in replaces.iter().chain([&credential.id]) {
            self.remove(gone)?;
        }
        if let Some(place) = self.place_of_account(credential)? {
            self.remove_at(place)?;
        }
        let place = self.next_place()?;
        self.write(place, credential)?;
        self.index(place, credential)?;
        Ok(place)
    }

    /// Where the discoverable credential is that the account of this one has, if this one is discoverable.
    pub(crate) fn place_of_account(&self, credential: &Credential) -> Result<Option<u64>, Error> {
        if !credential.discoverable {
            return Ok(None);
        }
        let entry = account_entry(self.keys, &credential.rp_id, &credential.user.id);
        let place = self.change.open_table(ACCOUNTS)?.get(&entry[..])?.map(|at| at.value());
        Ok(place)
    }

    fn next_place(&self) -> Result<u64, Error> {
        let mut meta = self.change.open_table(META)?;
        let place = number(&meta, self.keys, NEXT)?;
        let next = place.saturating_add(1).to_be_bytes();
        meta.insert(NEXT, &self.keys.seal(META_SEAL, NEXT.as_bytes(), &next)?[..])?;
        Ok(place)
    }

    fn write(&self, place: u64, credential: &Credential) -> Result<(), Error> {
        let bytes = credential.to_bytes();
        let sealed = self.keys.seal(CREDENTIAL_SEAL, &place.to_be_bytes(), &bytes)?;
        self.change.open_table(CREDENTIALS)?.insert(place, &sealed[..])?;
        Ok(())
    }

    fn index(&self, place: u64, credential: &Credential) -> Result<(), Error> {
        let id = id_entry(self.keys, &credential.id);
        self.change.open_table(IDS)?.insert(&id[..], place)?;
        if credential.discoverable {
            let account = account_entry(self.keys, &credential.rp_id, &credential.user.id);
            self.change.open_table(ACCOUNTS)?.insert(&account[..], place)?;
            let party = party_entry(self.keys, &credential.rp_id);
            let member = member_entry(&party, place);
            self.change.open_table(MEMBERS)?.insert(&member[..], u8::from(listed(credential)))?;
            self.count_members(&party, listed(credential), u64::saturating_add)?;
        }
        Ok(())
    }

    /// One more, or one less, of a relying party.
    fn count_members(
        &self,
        party: &[u8; ENTRY],
        listed: bool,
        change: fn(u64, u64) -> u64,
    ) -> Result<(), Error> {
        let mut parties = self.change.open_table(PARTIES)?;
        let (all, open) = members(&parties, party)?;
        let (all, open) = (change(all, 1), change(open, listed.into()));
        if all == 0 {
            parties.remove(&party[..])?;
        } else {
            let counts = [all.to_be_bytes(), open.to_be_bytes()].concat();
            parties.insert(&party[..], &counts[..])?;
        }
        Ok(())
    }

    fn remove(&self, id: &CredentialId) -> Result<(), Error> {
        match self.place(id)? {
            Some(place) => self.remove_at(place),
            None => Ok(()),
        }
    }

    fn remove_at(&self, place: u64) -> Result<(), Error> {
        let credential = credential_at(&self.change.open_table(CREDENTIALS)?, self.keys, place)?;
        let Some(Found::Whole(credential)) = credential else { return Ok(()) };
        self.change.open_table(CREDENTIALS)?.remove(place)?;
        self.change.open_table(COUNTERS)?.remove(place)?;
        self.change.open_table(IDS)?.remove(&id_entry(self.keys, &credential.id)[..])?;
        if credential.discoverable {
            let account = account_entry(self.keys, &credential.rp_id, &credential.user.id);
            self.change.open_table(ACCOUNTS)?.remove(&account[..])?;
            let party = party_entry(self.keys, &credential.rp_id);
            self.change.open_table(MEMBERS)?.remove(&member_entry(&party, place)[..])?;
            self.count_members(&party, listed(&credential), u64::saturating_sub)?;
        }
        Ok(())
    }

    fn update(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Credential),
    ) -> Result<(), Refused> {
        let place = self.place(id)?.ok_or(Refused::NotFound)?;
        let stored = credential_at(&self.change.open_table(CREDENTIALS)?, self.keys, place)?;
        let Some(Found::Whole(mut credential)) = stored else { return Err(Refused::NotFound) };
        change(&mut credential);
        Ok(self.write(place, &credential)?)
    }

    pub(crate) fn place(&self, id: &CredentialId) -> Result<Option<u64>, Error> {
        let entry = id_entry(self.keys, id);
        let place = self.change.open_table(IDS)?.get(&entry[..])?.map(|place| place.value());
        Ok(place)
    }

    pub(crate) fn count(&self, counter: &Counter) -> Result<u32, Refused> {
        match counter {
            Counter::Global => {
                let value = global_counter(&self.change.open_table(META)?, self.keys)?;
                let value = value.saturating_add(1);
                self.put_global_counter(value)?;
                Ok(value)
            }
            Counter::Of(id) => {
                let place = self.place(id)?.ok_or(Refused::NotFound)?;
                let value = self.counter(place)?.saturating_add(1);
                self.put_counter(place, value)?;
                Ok(value)
            }
        }
    }

    pub(crate) fn counter(&self, place: u64) -> Result<u32, Error> {
        counter(&self.change.open_table(COUNTERS)?, self.keys, place)
    }

    pub(crate) fn put_counter(&self, place: u64, value: u32) -> Result<(), Error> {
        let sealed = self.keys.seal(COUNTER_SEAL, &place.to_be_bytes(), &value.to_be_bytes())?;
        self.change.open_table(COUNTERS)?.insert(place, &sealed[..])?;
        Ok(())
    }

    pub(crate) fn put_global_counter(&self, value: u32) -> Result<(), Error> {
        let bytes = u64::from(value).to_be_bytes();
        let sealed = self.keys.seal(META_SEAL, GLOBAL_COUNTER.as_bytes(), &bytes)?;
        self.change.open_table(META)?.insert(GLOBAL_COUNTER, &sealed[..])?;
        Ok(())
    }

    /// Everything goes but the global counter, the place of the next credential, and what tells how to open the store.
    pub(crate) fn clear(&self) -> Result<(), Refused> {
        for table in [CREDENTIALS, COUNTERS, ASIDE] {
            self.change.delete_table(table)?;
            self.change.open_table(table)?;
        }
        self.change.delete_table(RECORDS)?;
        self.change.open_table(RECORDS)?;
        Ok(self.clear_indexes()?)
    }

    fn clear_indexes(&self) -> Result<(), Error> {
        for table in [IDS, ACCOUNTS] {
            self.change.delete_table(table)?;
            self.change.open_table(table)?;
        }
        self.change.delete_table(MEMBERS)?;
        self.change.open_table(MEMBERS)?;
        self.change.delete_table(PARTIES)?;
        self.change.open_table(PARTIES)?;
        Ok(())
    }

    /// Keeps credentials aside that can't be opened, and makes the indexes again from those that can. Gives how many were put
    /// aside.
    pub(crate) fn repair(&self) -> Result<usize, Error> {
        self.clear_indexes()?;
        let mut whole = Vec::new();
        let mut damaged = Vec::new();
        for entry in self.change.open_table(CREDENTIALS)?.iter()? {
            let (place, sealed) = entry?;
            match found(self.keys, place.value(), sealed.value()) {
                Found::Whole(_) => whole.push(place.value()),
                Found::Damaged => damaged.push((place.value(), sealed.value().to_vec())),
            }
        }
        for (place, sealed) in &damaged {
            self.change.open_table(ASIDE)?.insert(*place, &sealed[..])?;
            self.change.open_table(CREDENTIALS)?.remove(*place)?;
        }
        for place in whole {
            // One at a time, so that what is secret is not in memory all at once.
            let credential =
                credential_at(&self.change.open_table(CREDENTIALS)?, self.keys, place)?;
            if let Some(Found::Whole(credential)) = credential {
                self.index(place, &credential)?;
            }
        }
        Ok(damaged.len())
    }
}
