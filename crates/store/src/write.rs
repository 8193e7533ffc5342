//! Changes, all of one transaction or none of them.

use std::{cell::RefCell, collections::BTreeMap};

use redb::{ReadableTable as _, WriteTransaction};
use towline_authenticator::{Became, Change, Counter, Credential, Replaces, StoreError, UnixTime};
use towline_ctap::CredentialId;

use crate::{
    Error, circle,
    feed::Pending,
    format::aside_key,
    head::Head,
    read::{
        Gone, Members, View, counter, credential_at, listed, members, opened, place_in, places_of,
        unreadable,
    },
    seal::{ENTRY, Keys},
    tables::{
        Content, FORMAT, HEAD, META, Table, account_entry, id_entry, member_entry, party_entry,
    },
};

/// Why a change is not made.
pub(crate) enum Refused {
    NotFound,
    Full,
    Failed(Error),
}

impl Refused {
    /// For changes that look for nothing.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::NotFound => Error::Io("what was to be changed is gone".to_owned()),
            Self::Full => Error::Full,
            Self::Failed(error) => error,
        }
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        match error.into() {
            Error::Full => Self::Full,
            error => Self::Failed(error),
        }
    }
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::NotFound,
            Refused::Full => Self::Full,
            Refused::Failed(error) => error.into(),
        }
    }
}

/// A transaction under way: dropped, it has changed nothing. Whatever it puts into a table or takes
/// out is counted in the head.
pub(crate) struct Writing<'a> {
    pub(crate) change: WriteTransaction,
    pub(crate) keys: &'a Keys,
    head: RefCell<Head>,
    pub(crate) feed: Pending,
    gone: &'a Gone,
    limit: u64,
}

impl<'a> Writing<'a> {
    pub(crate) fn begin(
        change: WriteTransaction,
        keys: &'a Keys,
        gone: &'a Gone,
        limit: u64,
    ) -> Result<Self, Error> {
        let head = Head::read(&change.open_table(META)?, keys)?;
        let feed = Pending::default();
        Ok(Self { change, keys, head: RefCell::new(head), feed, gone, limit })
    }

    /// In a file that has no head yet.
    pub(crate) fn anew(
        change: WriteTransaction,
        keys: &'a Keys,
        gone: &'a Gone,
        head: Head,
    ) -> Result<Self, Error> {
        for table in Table::ALL {
            // They are there before anything is written to them, since they are read before.
            change.open_table(table.definition())?;
        }
        let (head, feed) = (RefCell::new(head), Pending::beginning());
        Ok(Self { change, keys, head, feed, gone, limit: u64::MAX })
    }

    /// The changes are on the disk when this returns. Gives the number of this change.
    pub(crate) fn commit(self) -> Result<u64, Error> {
        self.tell()?;
        let generation = {
            let mut head = self.head.borrow_mut();
            head.generation = head.generation.saturating_add(1);
            let mut meta = self.change.open_table(META)?;
            meta.insert(HEAD, &head.seal(self.keys)?[..])?;
            head.generation
        };
        self.change.commit()?;
        Ok(generation)
    }

    /// What comes now is sealed and counted by other keys.
    pub(crate) fn under<'b>(self, keys: &'b Keys) -> Writing<'b>
    where
        'a: 'b,
    {
        let Self { change, head, feed, gone, limit, .. } = self;
        Writing { change, keys, head, feed, gone, limit }
    }

    pub(crate) fn with_head<T>(&self, change: impl FnOnce(&mut Head) -> T) -> T {
        change(&mut self.head.borrow_mut())
    }

    /// Writes an entry that is not sealed, of the table of what is known before the key is.
    pub(crate) fn write_meta(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.change.open_table(META)?.insert(name, value)?;
        Ok(())
    }

    pub(crate) fn write_format(&self, number: u32) -> Result<(), Error> {
        self.write_meta(FORMAT, &number.to_be_bytes())
    }

    /// The one way into a table.
    pub(crate) fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let hash = |value: &[u8]| self.keys.record_hash(table, key, value);
        let mut opened = self.change.open_table(table.definition())?;
        let old = opened.insert(key, value)?.map(|old| hash(old.value()));
        if let Some(sum) = self.head.borrow_mut().sum_mut(table) {
            if let Some(old) = old {
                sum.take(&old);
            }
            sum.add(&hash(value));
        }
        Ok(())
    }

    pub(crate) fn put_sealed(&self, table: Table, key: &[u8], plain: &[u8]) -> Result<(), Error> {
        self.put(table, key, &self.keys.seal(table.name(), key, plain)?)
    }

    /// The one way out of a table.
    pub(crate) fn take(&self, table: Table, key: &[u8]) -> Result<(), Error> {
        let mut opened = self.change.open_table(table.definition())?;
        let old = opened.remove(key)?;
        let old = old.map(|old| self.keys.record_hash(table, key, old.value()));
        if let (Some(sum), Some(old)) = (self.head.borrow_mut().sum_mut(table), old) {
            sum.take(&old);
        }
        Ok(())
    }

    /// All of a table.
    pub(crate) fn empty(&self, table: Table) -> Result<(), Error> {
        self.change.delete_table(table.definition())?;
        self.change.open_table(table.definition())?;
        if let Some(sum) = self.head.borrow_mut().sum_mut(table) {
            *sum = crate::head::Sum::default();
        }
        Ok(())
    }

    pub(crate) fn apply(&self, change: Change) -> Result<(), Refused> {
        match change {
            Change::Save { credential, replaces } => {
                let taken = self.taken_places(&credential, replaces)?;
                Ok(self.save(&credential, taken).map(drop)?)
            }
            Change::Remove(id) => Ok(self.remove(&id)?),
            Change::Rename { id, user, at } => {
                self.feed.note(&id, Became::Changed);
                self.update(&id, |credential| credential.rename(user, at))
            }
            Change::SetExtensionData { id, data, at } => {
                self.feed.note(&id, Became::Changed);
                self.update(&id, |credential| credential.set_extension_data(data, at))
            }
            Change::Record { record, value } => {
                let key = record.name().as_bytes();
                match value {
                    Some(value) => self.put_sealed(Table::Records, key, &value)?,
                    None => self.take(Table::Records, key)?,
                }
                Ok(())
            }
            Change::NewRecord { record, value } => {
                // One that can't be read is an error, and stays.
                if self.named(Table::Records, record.name())?.is_none() {
                    self.put_sealed(Table::Records, record.name().as_bytes(), &value)?;
                }
                Ok(())
            }
            // All or nothing: what is not understood fails the whole.
            _ => Err(Error::Io("the store does not know this change".to_owned()).into()),
        }
    }

    /// In the place of those at these places, and of the one with its id.
    pub(crate) fn save(&self, credential: &Credential, taken: Vec<u64>) -> Result<u64, Error> {
        // A relying party whose only credential is replaced stays where it was in the order.
        let mut was = None;
        let mut remove = |place| {
            if was.is_none() {
                let party = party_entry(self.keys, &credential.rp_id);
                was = members(&self.change.open_table(Table::Parties.definition())?, &party)?;
            }
            self.remove_at(place)
        };
        let same = self.place(&credential.id)?;
        for place in taken.into_iter().filter(|place| Some(*place) != same).chain(same) {
            remove(place)?;
        }
        if self.with_head(|head| head.sum(Table::Credentials).count) >= self.limit {
            return Err(Error::Full);
        }
        let place = self.next_place();
        self.write(place, credential)?;
        self.index(place, credential, was.map(|was| was.number))?;
        self.feed.note(&credential.id, Became::Made);
        Ok(place)
    }

    /// The places of the credentials that this one takes the place of.
    pub(crate) fn taken_places(
        &self,
        credential: &Credential,
        replaces: Replaces,
    ) -> Result<Vec<u64>, Error> {
        if !credential.discoverable || replaces == Replaces::Nothing {
            return Ok(Vec::new());
        }
        let entry = account_entry(self.keys, &credential.rp_id, &credential.user.id);
        let mut places = places_of(&self.change.open_table(Table::Accounts.definition())?, &entry)?;
        if replaces == Replaces::AccountAndAlgorithm {
            let mut taken = Vec::new();
            for place in places {
                if replaces.takes_place(credential, &self.credential(place)?) {
                    taken.push(place);
                }
            }
            places = taken;
        }
        Ok(places)
    }

    fn next_place(&self) -> u64 {
        self.with_head(|head| {
            let place = head.next;
            head.next = place.saturating_add(1);
            place
        })
    }

    fn write(&self, place: u64, credential: &Credential) -> Result<(), Error> {
        self.put_sealed(Table::Credentials, &place.to_be_bytes(), &credential.to_bytes())
    }

    /// `number` is where its relying party was in the order of all.
    pub(crate) fn index(
        &self,
        place: u64,
        credential: &Credential,
        number: Option<u64>,
    ) -> Result<(), Error> {
        let place_bytes = place.to_be_bytes();
        self.put(Table::Ids, &id_entry(self.keys, &credential.id), &place_bytes)?;
        if credential.discoverable {
            let account = account_entry(self.keys, &credential.rp_id, &credential.user.id);
            self.put(Table::Accounts, &member_entry(&account, place), &[])?;
            let party = party_entry(self.keys, &credential.rp_id);
            self.index_member(&party, place, listed(credential), number)?;
        }
        Ok(())
    }

    /// One more of a relying party.
    pub(crate) fn index_member(
        &self,
        party: &[u8; ENTRY],
        place: u64,
        listed: bool,
        number: Option<u64>,
    ) -> Result<(), Error> {
        self.put(Table::Members, &member_entry(party, place), &[u8::from(listed)])?;
        let there = members(&self.change.open_table(Table::Parties.definition())?, party)?;
        let mut members = there.unwrap_or_default();
        if there.is_none() {
            members.number = number.unwrap_or(place);
            self.put(Table::Order, &members.number.to_be_bytes(), party)?;
        }
        members.all = members.all.saturating_add(1);
        members.open = members.open.saturating_add(listed.into());
        self.put(Table::Parties, party, &members.to_bytes().concat())
    }

    /// One less of a relying party.
    fn take_member(&self, party: &[u8; ENTRY], place: u64, listed: bool) -> Result<(), Error> {
        self.take(Table::Members, &member_entry(party, place))?;
        let there = members(&self.change.open_table(Table::Parties.definition())?, party)?;
        let Members { all, open, number } = there.unwrap_or_default();
        let (all, open) = (all.saturating_sub(1), open.saturating_sub(listed.into()));
        if all > 0 {
            let members = Members { all, open, number };
            return self.put(Table::Parties, party, &members.to_bytes().concat());
        }
        self.take(Table::Parties, party)?;
        self.take(Table::Order, &number.to_be_bytes())?;
        self.gone.note(*party, number);
        Ok(())
    }

    fn remove(&self, id: &CredentialId) -> Result<(), Error> {
        match self.place(id)? {
            Some(place) => self.remove_at(place),
            None => Ok(()),
        }
    }

    fn remove_at(&self, place: u64) -> Result<(), Error> {
        let credential = self.credential(place)?;
        self.feed.note(&credential.id, Became::Removed);
        self.take(Table::Credentials, &place.to_be_bytes())?;
        self.take(Table::Counters, &place.to_be_bytes())?;
        self.take(Table::Ids, &id_entry(self.keys, &credential.id))?;
        if credential.discoverable {
            let account = account_entry(self.keys, &credential.rp_id, &credential.user.id);
            self.take(Table::Accounts, &member_entry(&account, place))?;
            let party = party_entry(self.keys, &credential.rp_id);
            self.take_member(&party, place, listed(&credential))?;
        }
        Ok(())
    }

    /// What can't be read makes room for what can, and is kept. Indexes that lead to it stay where
    /// they can't be told.
    pub(crate) fn put_aside(&self, place: u64) -> Result<(), Error> {
        let key = place.to_be_bytes();
        let found = {
            let credentials = self.change.open_table(Table::Credentials.definition())?;
            credentials.get(&key[..])?.map(|found| found.value().to_vec())
        };
        if let Some(found) = found {
            self.put(Table::Aside, &aside_key(Table::Credentials, &key), &found)?;
            self.take(Table::Credentials, &key)?;
            self.take(Table::Counters, &key)?;
        }
        self.index_all()
    }

    /// When passkeys were used last. One that is gone meanwhile, or can't be read, is passed over.
    pub(crate) fn note(&self, notes: &BTreeMap<CredentialId, UnixTime>) -> Result<(), Refused> {
        for (id, at) in notes {
            match self.update(id, |credential| credential.used = Some(*at)) {
                Ok(()) | Err(Refused::NotFound) => {}
                Err(Refused::Failed(error)) if error.is_damage() => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(())
    }

    pub(crate) fn update(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Credential),
    ) -> Result<(), Refused> {
        let place = self.place(id)?.ok_or(Refused::NotFound)?;
        let mut credential = self.credential(place)?;
        change(&mut credential);
        Ok(self.write(place, &credential)?)
    }

    pub(crate) fn credential(&self, place: u64) -> Result<Credential, Error> {
        let credentials = self.change.open_table(Table::Credentials.definition())?;
        credential_at(&credentials, self.keys, place)
    }

    pub(crate) fn place(&self, id: &CredentialId) -> Result<Option<u64>, Error> {
        place_in(&self.change.open_table(Table::Ids.definition())?, &id_entry(self.keys, id))
    }

    pub(crate) fn count(&self, counter: &Counter) -> Result<u32, Refused> {
        match counter {
            Counter::Global => Ok(self.with_head(|head| {
                head.counter = head.counter.saturating_add(1);
                head.counter
            })),
            Counter::Of(id) => {
                let place = self.place(id)?.ok_or(Refused::NotFound)?;
                let value = self.counter(place)?.saturating_add(1);
                self.put_counter(place, value)?;
                Ok(value)
            }
        }
    }

    pub(crate) fn counter(&self, place: u64) -> Result<u32, Error> {
        counter(&self.change.open_table(Table::Counters.definition())?, self.keys, place)
    }

    pub(crate) fn put_counter(&self, place: u64, value: u32) -> Result<(), Error> {
        self.put_sealed(Table::Counters, &place.to_be_bytes(), &value.to_be_bytes())
    }

    /// What is under a name.
    pub(crate) fn named(
        &self,
        table: Table,
        name: &str,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Error> {
        opened(&self.change.open_table(table.definition())?, self.keys, table, name.as_bytes())
    }

    /// Everything goes but the global counter, the place of the next credential, and what tells how
    /// to open the store. The feed begins anew.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        self.begin_feed()?;
        Table::ALL.into_iter().try_for_each(|table| self.empty(table))
    }

    /// Everything that there was before, sealed by other keys.
    pub(crate) fn reseal(self, before: &View, keys: &'a Keys) -> Result<Self, Error> {
        let old = self.keys;
        self.clear()?;
        let new = self.under(keys);
        for table in Table::ALL {
            if matches!(table.content(), Content::Index | Content::Feed) {
                continue;
            }
            for entry in before.open_table(table.definition())?.iter()? {
                let (key, value) = entry?;
                let (key, value) = (key.value(), value.value());
                if table.content() == Content::Sealed {
                    let plain = old.open(table.name(), key, value);
                    let plain = plain.map_err(|_| unreadable(table, key))?;
                    if table == Table::Circle {
                        // Found by another hash of its key.
                        let row = circle::parts(&plain).ok_or_else(|| unreadable(table, key))?;
                        new.put_circle_row(row.0, row.1)?;
                    } else {
                        new.put_sealed(table, key, &plain)?;
                    }
                } else {
                    new.put(table, key, value)?;
                }
            }
        }
        new.index_all()?;
        Ok(new)
    }

    /// Makes the indexes again, from all credentials.
    pub(crate) fn index_all(&self) -> Result<(), Error> {
        Table::with(Content::Index).try_for_each(|table| self.empty(table))?;
        let mut next = Vec::new();
        loop {
            // One at a time, so that what is secret is not in memory all at once.
            let place = {
                let credentials = self.change.open_table(Table::Credentials.definition())?;
                let mut rest = credentials.range::<&[u8]>(&next[..]..)?;
                match rest.next() {
                    Some(entry) => crate::tables::place_of(entry?.0.value()).unwrap_or(u64::MAX),
                    None => return Ok(()),
                }
            };
            self.index(place, &self.credential(place)?, None)?;
            next = place.saturating_add(1).to_be_bytes().to_vec();
        }
    }
}
